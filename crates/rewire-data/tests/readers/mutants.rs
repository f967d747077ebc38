//! Random damage: whatever happens to a file, reading it ends in sound data or in an error that
//! names the file.

use std::collections::BTreeMap;
use std::path::Path;

use rewire_data::{DataError, Dataset};
use rewire_rng::{Purpose, Stream, Streams, below};

use crate::writer::{self, TRAIN_IMAGES, TRAIN_LABELS};

/// `PROPTEST_CASES`, or as many as run in about a second per family.
fn cases() -> u64 {
    std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(2_000)
}

/// Bytes that parsers stumble over: edges of signed and unsigned numbers.
const EDGES: [u8; 6] = [0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff];

/// One to four random edits.
fn mutate(bytes: &[u8], stream: &mut Stream) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=below(4, stream) {
        let at = below(bytes.len() as u64 + 1, stream) as usize;
        let to = (at + 1 + below(8, stream) as usize).min(bytes.len());
        let edge = EDGES[below(EDGES.len() as u64, stream) as usize];
        match below(7, stream) {
            0 if at < bytes.len() => bytes[at] ^= 1 << below(8, stream),
            1 if at < bytes.len() => bytes[at] = edge,
            2 => bytes.truncate(at),
            3 if at < to => drop(bytes.drain(at..to)),
            4 => bytes.insert(at, edge),
            5 if at < to => bytes.extend_from_within(at..to),
            // The header is a small part of the file that uniform edits would rarely meet.
            _ => {
                let at = below(24, stream) as usize;
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = edge;
                }
            }
        }
    }
    bytes
}

/// Opens the folder and returns which outcome it was.
fn outcome(dir: &Path, file: &str) -> String {
    match Dataset::open(dir) {
        Ok(set) => {
            assert!(!set.train.is_empty());
            assert!(set.train.labels().iter().all(|&label| label < 10));
            assert_eq!(set.train.shape(), set.test.shape());
            let last = set.train.len() - 1;
            assert_eq!(set.train.pixels(last).len(), set.train.features());
            "ok".into()
        }
        Err(error) => {
            let message = error.to_string();
            assert!(message.contains(file), "{message}");
            assert!(
                error.hint().is_some_and(|hint| !hint.is_empty()),
                "{message}"
            );
            assert!(!error.is_io(), "{message}");
            variant(&error)
        }
    }
}

fn variant(error: &DataError) -> String {
    let text = format!("{error:?}");
    text.split([' ', '{']).next().unwrap_or_default().to_owned()
}

fn family(
    seed: u64,
    packed: bool,
    damage: impl Fn(&[u8], &mut Stream) -> Vec<u8>,
) -> BTreeMap<String, u64> {
    let dir = writer::sound_folder(packed);
    let sound = writer::sound();
    let suffix = if packed { ".gz" } else { "" };
    let mut outcomes = BTreeMap::new();
    for case in 0..cases() {
        let mut stream = Streams::new(seed).stream(Purpose::Init, "mutant", case);
        let victim = below(2, &mut stream) as usize;
        let (name, contents) = &sound[victim];
        writer::write(
            dir.path(),
            &format!("{name}{suffix}"),
            &damage(contents, &mut stream),
        );
        *outcomes.entry(outcome(dir.path(), name)).or_insert(0) += 1;
        let whole = if packed {
            writer::gzip(contents)
        } else {
            contents.clone()
        };
        writer::write(dir.path(), &format!("{name}{suffix}"), &whole);
    }
    outcomes
}

/// A family that never gets past some check would prove nothing about what lies behind it.
fn reached(outcomes: &BTreeMap<String, u64>, wanted: &[&str]) {
    for outcome in wanted {
        assert!(
            cases() < 1_000 || outcomes.contains_key(*outcome),
            "no mutant ended as {outcome}: {outcomes:?}"
        );
    }
}

const BY_CONTENTS: [&str; 7] = [
    "ok",
    "Magic",
    "Truncated",
    "Trailing",
    "ZeroDimension",
    "TooLarge",
    "Label",
];

#[test]
fn plain_files() {
    reached(&family(1, false, mutate), &BY_CONTENTS);
}

#[test]
fn packed_files_with_damaged_contents() {
    let outcomes = family(2, true, |contents, stream| {
        writer::gzip(&mutate(contents, stream))
    });
    reached(&outcomes, &BY_CONTENTS);
}

#[test]
fn packed_files_with_a_damaged_stream() {
    let outcomes = family(3, true, |contents, stream| {
        mutate(&writer::gzip(contents), stream)
    });
    reached(&outcomes, &["ok", "Gzip", "Truncated"]);
}

#[test]
fn the_undamaged_folder_is_sound() {
    for packed in [false, true] {
        let dir = writer::sound_folder(packed);
        assert_eq!(outcome(dir.path(), TRAIN_IMAGES), "ok");
        assert_eq!(outcome(dir.path(), TRAIN_LABELS), "ok");
    }
}
