//! Data files that are not what they should be: `train` and `data check` refuse them alike.

use std::io::Write;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::sandbox::{Sandbox, idx, write_data};

const IMAGES: &str = "d/train-images-idx3-ubyte";
const LABELS: &str = "d/train-labels-idx1-ubyte";

/// A refusal takes no longer, however much the file pretends to hold.
const MOMENT: Duration = Duration::from_secs(5);

#[test]
fn a_sound_folder_is_described_and_trained_on() {
    let sandbox = Sandbox::new();
    write_data(&sandbox, "d");
    let outcome = sandbox.call(&["data", "check", "d"]);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""));
    for words in [
        "d: 60 training and 20 test samples of 1 × 5 × 4 pixels in 10 classes",
        "0x00000803",
        "60 × 5 × 4",
        "channel 0",
    ] {
        assert!(
            outcome.stdout.contains(words),
            "{words:?} is not in\n{}",
            outcome.stdout
        );
    }
    let balance = outcome
        .stdout
        .lines()
        .find(|line| line.starts_with("train "))
        .unwrap();
    assert_eq!(
        balance.split_whitespace().skip(1).collect::<Vec<_>>(),
        ["6"; 10]
    );

    let summary = sandbox.train(&[
        "--data", "d", "--epochs", "20", "--batch", "10", "--out", "a",
    ]);
    assert_eq!(summary["test_accuracy"], 1.0, "{summary}");
    // The same model on the digits: 64 pixels are not 20.
    sandbox
        .call(&["eval", "a", "--data", "digits"])
        .is_refused(2, &["1×5×4", "digits", "1×8×8"]);
}

struct Fault {
    name: &'static str,
    file: &'static str,
    bytes: Vec<u8>,
    status: i32,
    fragments: Vec<String>,
}

fn fault(name: &'static str, file: &'static str, bytes: Vec<u8>, fragments: &[&str]) -> Fault {
    Fault {
        name,
        file,
        bytes,
        status: 65,
        fragments: fragments
            .iter()
            .map(|&fragment| fragment.to_owned())
            .collect(),
    }
}

fn faults() -> Vec<Fault> {
    let pixels = [7u8; 1200];
    let sound = idx(0x0803, &[60, 5, 4], &pixels);
    let labels: Vec<u8> = (0..60).map(|sample| sample % 10).collect();
    let mut one_label_outside = labels.clone();
    one_label_outside[41] = 10;
    let mut faults = vec![
        fault("empty", IMAGES, Vec::new(), &["magic number", "0 present"]),
        fault(
            "no pixels",
            IMAGES,
            idx(0x0803, &[60, 5, 4], &[]),
            &["pixels cut off", "1200", "0 present"],
        ),
        fault(
            "one pixel short",
            IMAGES,
            sound[..sound.len() - 1].to_vec(),
            &["pixels cut off", "1200 bytes", "1199 present"],
        ),
        fault(
            "one byte more",
            IMAGES,
            idx(0x0803, &[60, 5, 4], &[7; 1201]),
            &["pixels", "1216", "more bytes"],
        ),
        fault(
            "labels as images",
            IMAGES,
            idx(0x0801, &[60, 5, 4], &pixels),
            &["0x00000803", "0x00000801"],
        ),
        fault(
            "other magic",
            LABELS,
            idx(0x1234_5678, &[60], &labels),
            &["0x12345678"],
        ),
        fault(
            "little-endian",
            IMAGES,
            idx(0x0308_0000, &[60, 5, 4], &pixels),
            &["big-endian"],
        ),
        fault(
            "no images",
            IMAGES,
            idx(0x0803, &[0, 5, 4], &[]),
            &["number of images is 0"],
        ),
        fault(
            "no rows",
            IMAGES,
            idx(0x0803, &[60, 0, 4], &[]),
            &["number of rows is 0"],
        ),
        fault(
            "huge count",
            IMAGES,
            idx(0x0803, &[u32::MAX, 28, 28], &pixels),
            &["4294967295×28×28"],
        ),
        fault(
            "product beyond 64 bits",
            IMAGES,
            idx(0x0803, &[u32::MAX; 3], &pixels),
            &["4294967295×4294967295×4294967295"],
        ),
        fault(
            "huge labels",
            LABELS,
            idx(0x0801, &[u32::MAX], &labels),
            &["labels", "4294967295"],
        ),
        fault(
            "a label too few",
            LABELS,
            idx(0x0801, &[59], &labels[..59]),
            &["60 images", "59 labels"],
        ),
        fault(
            "label 10",
            LABELS,
            idx(0x0801, &[60], &one_label_outside),
            &["label 10 of sample 41", "10 classes"],
        ),
        fault(
            "constant pixels",
            IMAGES,
            sound.clone(),
            &["is 7", "standard deviation 0", "get the file again"],
        ),
    ];
    // Cut inside the header, at every byte.
    for length in 1..16 {
        faults.push(fault(
            "header cut",
            IMAGES,
            sound[..length].to_vec(),
            &["cut off"],
        ));
    }
    faults
}

#[test]
fn a_faulty_file_is_refused_by_name_field_and_numbers() {
    for Fault {
        name,
        file,
        bytes,
        status,
        fragments,
    } in faults()
    {
        println!("{name}");
        let sandbox = Sandbox::new();
        write_data(&sandbox, "d");
        sandbox.write(file, bytes);
        let before = sandbox.contents("d");
        let mut fragments: Vec<&str> = fragments.iter().map(String::as_str).collect();
        fragments.push(file);
        let start = Instant::now();
        sandbox
            .call(&["data", "check", "d"])
            .is_refused(status, &fragments);
        sandbox
            .call(&["train", "--data", "d"])
            .is_refused(status, &fragments);
        assert!(start.elapsed() < MOMENT, "{name}: {:?}", start.elapsed());
        assert_eq!(sandbox.contents("d"), before);
        assert!(!sandbox.path("runs").exists(), "{name}: no run was begun");
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The name ends in `.gz`, so the plain file goes away first.
fn with_archive(bytes: Vec<u8>) -> Sandbox {
    let sandbox = Sandbox::new();
    write_data(&sandbox, "d");
    std::fs::remove_file(sandbox.path(IMAGES)).unwrap();
    sandbox.write("d/train-images-idx3-ubyte.gz", bytes);
    sandbox
}

#[test]
fn archives_are_read_whole_or_refused() {
    let pixels: Vec<u8> = (0..1200u32).map(|pixel| (pixel * 31 % 251) as u8).collect();
    let sound = gzip(&idx(0x0803, &[60, 5, 4], &pixels));
    let outcome = with_archive(sound.clone()).call(&["data", "check", "d"]);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""));

    let mut wrong_sum = sound.clone();
    let crc = wrong_sum.len() - 8;
    wrong_sum[crc] ^= 1;
    let rows: [(&str, Vec<u8>, &[&str]); 6] = [
        (
            "cut",
            sound[..sound.len() / 2].to_vec(),
            &["gzip", "ends early"],
        ),
        ("checksum", wrong_sum, &["gzip"]),
        (
            "not compressed",
            idx(0x0803, &[60, 5, 4], &pixels),
            &["gzip", "drop .gz"],
        ),
        (
            "more than it says",
            gzip(&idx(0x0803, &[60, 5, 4], &[9; 2_000_000])),
            &["more bytes"],
        ),
        (
            "less than it says",
            gzip(&idx(0x0803, &[60, 5, 4], &pixels[1..])),
            &["1199 present"],
        ),
        // 300 MB of zeros in 300 kB: a thousand to one.
        (
            "bomb",
            gzip(&idx(0x0803, &[300_000, 10, 100], &vec![0; 300_000_000])),
            &["300000×10×100", "limit"],
        ),
    ];
    for (name, bytes, fragments) in rows {
        println!("{name}");
        let sandbox = with_archive(bytes);
        let mut fragments = fragments.to_vec();
        fragments.push("d/train-images-idx3-ubyte.gz");
        let start = Instant::now();
        sandbox
            .call(&["train", "--data", "d"])
            .is_refused(65, &fragments);
        assert!(start.elapsed() < MOMENT, "{name}: {:?}", start.elapsed());
    }
}

#[test]
fn what_is_missing_is_listed_with_where_to_get_it() {
    let sandbox = Sandbox::new();
    write_data(&sandbox, "d");
    for file in ["d/train-labels-idx1-ubyte", "d/t10k-images-idx3-ubyte"] {
        std::fs::remove_file(sandbox.path(file)).unwrap();
    }
    let fragments = [
        "d: no train-labels-idx1-ubyte, t10k-images-idx3-ubyte",
        ".gz",
        "MNIST",
    ];
    sandbox
        .call(&["data", "check", "d"])
        .is_refused(65, &fragments);
    sandbox
        .call(&["train", "--data", "d"])
        .is_refused(65, &fragments);

    sandbox
        .call(&["train", "--data", "nowhere"])
        .is_refused(74, &["nowhere"]);
    sandbox.write("file", b"");
    sandbox
        .call(&["data", "check", "file"])
        .is_refused(65, &["file", "a folder"]);
    // A folder under the name of a file.
    let sandbox = Sandbox::new();
    write_data(&sandbox, "d");
    std::fs::remove_file(sandbox.path(LABELS)).unwrap();
    std::fs::create_dir(sandbox.path(LABELS)).unwrap();
    sandbox
        .call(&["data", "check", "d"])
        .is_refused(65, &[LABELS, "a regular file"]);
}

#[test]
fn parts_of_different_sets_do_not_mix() {
    let sandbox = Sandbox::new();
    write_data(&sandbox, "d");
    sandbox.write(
        "d/t10k-images-idx3-ubyte",
        idx(0x0803, &[20, 4, 5], &[1; 400]),
    );
    sandbox
        .call(&["train", "--data", "d"])
        .is_refused(65, &["4×5", "5×4"]);
}
