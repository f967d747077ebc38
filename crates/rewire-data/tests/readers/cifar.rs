//! Records of CIFAR-10 and CIFAR-100: what is read is what was written, and nothing else is read.

use std::path::Path;

use proptest::prelude::*;
use rewire_data::{DataError, Dataset, Part, check};
use tempfile::TempDir;

use crate::writer::{gzip, write};

const PIXELS: usize = 3 * 32 * 32;

/// A record with these labels and an image that begins with `first`.
fn record(labels: &[u8], first: u8) -> Vec<u8> {
    let image = (0..PIXELS).map(|i| first.wrapping_add((i % 251) as u8));
    labels.iter().copied().chain(image).collect()
}

const BATCHES: [&str; 6] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
    "test_batch.bin",
];

/// Two records a file, of the classes `file` and `file + 4`.
fn ten(dir: &Path, packed: bool) {
    for (file, name) in (0u8..).zip(BATCHES) {
        let first = record(&[file], 10 * file);
        let contents = [first, record(&[file + 4], 10 * file + 1)].concat();
        match packed {
            true => write(dir, &format!("{name}.gz"), &gzip(&contents)),
            false => write(dir, name, &contents),
        }
    }
}

fn hundred(dir: &Path) {
    let contents = [record(&[19, 99], 1), record(&[0, 7], 2), record(&[3, 7], 3)].concat();
    write(dir, "train.bin", &contents);
    write(dir, "test.bin", &record(&[5, 50], 4));
}

fn folder(fill: impl Fn(&Path)) -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    fill(dir.path());
    dir
}

#[test]
fn ten_classes_come_file_after_file_packed_or_not() {
    let [plain, packed] = [false, true].map(|packed| {
        let dir = folder(|dir| ten(dir, packed));
        let set = Dataset::open(dir.path()).unwrap();
        assert_eq!(set.train.shape(), [3, 32, 32]);
        assert_eq!((set.train.classes(), set.test.classes()), (10, 10));
        assert_eq!(set.train.labels(), [0, 4, 1, 5, 2, 6, 3, 7, 4, 8]);
        assert_eq!(set.test.labels(), [5, 9]);
        // Channel by channel, row by row: the bytes of the record.
        assert_eq!(set.train.pixels(3), &record(&[], 11)[..]);
        assert_eq!(set.test.pixels(0)[..3], [50, 51, 52]);
        let test = Dataset::open_part(dir.path(), Part::Test).unwrap();
        assert_eq!(test.sha256(), set.test.sha256());
        set.train.sha256()
    });
    assert_eq!(plain, packed);
}

#[test]
fn a_hundred_classes_are_the_fine_labels() {
    let dir = folder(hundred);
    let set = Dataset::open(dir.path()).unwrap();
    assert_eq!(
        (set.train.classes(), set.train.labels()),
        (100, &[99, 7, 7][..])
    );
    assert_eq!(set.test.labels(), [50]);
    assert_eq!(set.train.pixels(0)[0], 1);
}

#[test]
fn a_report_has_a_row_per_file() {
    let dir = folder(|dir| ten(dir, true));
    let report = check(dir.path()).unwrap();
    assert_eq!((report.train, report.test, report.classes), (10, 2, 10));
    assert_eq!(report.files.len(), 6);
    let file = &report.files[5];
    assert_eq!((file.part, file.magic, file.gzip), (Part::Test, None, true));
    assert_eq!((&file.dims[..], file.count), (&[2, 3, 32, 32][..], 2));
    assert_eq!(file.unpacked_bytes, 2 * 3073);
    let counts = file.class_counts.as_ref().unwrap();
    assert_eq!(
        (counts[5], counts[9], counts.iter().sum::<u64>()),
        (1, 1, 2)
    );
    assert_eq!(report.standardize.mean().len(), 3);
}

#[test]
fn a_folder_of_two_families_is_refused() {
    let dir = folder(|dir| {
        ten(dir, false);
        write(dir, "t10k-labels.idx1-ubyte.gz", b"");
    });
    for error in [
        Dataset::open(dir.path()).unwrap_err(),
        Dataset::open_part(dir.path(), Part::Test).unwrap_err(),
        check(dir.path()).unwrap_err(),
    ] {
        let message = error.to_string();
        assert!(matches!(error, DataError::Ambiguous { .. }), "{message}");
        for name in ["t10k-labels.idx1-ubyte.gz", "data_batch_1.bin"] {
            assert!(message.contains(name), "{message}");
        }
    }
}

#[test]
fn faults_name_file_record_and_numbers() {
    type Damage = fn(&Path);
    let rows: [(Damage, &str, &str); 8] = [
        (
            |dir| std::fs::remove_file(dir.join("data_batch_3.bin")).unwrap(),
            "no data_batch_3.bin; looked for data_batch_3.bin, data_batch_3.bin.gz",
            "cifar.html",
        ),
        (
            |dir| write(dir, "data_batch_2.bin", &record(&[1], 0)[..3072]),
            "data_batch_2.bin: a record cut off: 3073 bytes expected at offset 0, 3072 present",
            "incomplete",
        ),
        (
            |dir| {
                write(
                    dir,
                    "data_batch_2.bin",
                    &[record(&[1], 0), vec![3]].concat(),
                )
            },
            "a record cut off: 3073 bytes expected at offset 3073, 1 present",
            "incomplete",
        ),
        (
            |dir| write(dir, "test_batch.bin", &[]),
            "test_batch.bin: number of records is 0 at offset 0",
            "no use",
        ),
        (
            |dir| {
                write(
                    dir,
                    "test_batch.bin",
                    &[record(&[9], 0), record(&[10], 0)].concat(),
                )
            },
            "label 10 of sample 1 (offset 3073) is not below 10 classes",
            "CIFAR-10",
        ),
        (
            |dir| {
                std::fs::remove_file(dir.join("test_batch.bin")).unwrap();
                write(dir, "test_batch.bin.gz", &gzip(&record(&[1], 0))[..40]);
            },
            "damaged gzip stream in records",
            "again",
        ),
        (
            |dir| {
                std::fs::remove_file(dir.join("test_batch.bin")).unwrap();
                write(
                    dir,
                    "test_batch.bin.gz",
                    &gzip(&vec![0; (16 << 20) + 3073 * 300]),
                );
            },
            "more than the limit of 16777216",
            "bomb",
        ),
        (
            |dir| {
                std::fs::remove_file(dir.join("test_batch.bin")).unwrap();
                std::fs::create_dir(dir.join("test_batch.bin")).unwrap();
            },
            "a regular file is needed, found a folder",
            "a regular file",
        ),
    ];
    for (damage, message, hint) in rows {
        let dir = folder(|dir| ten(dir, false));
        damage(dir.path());
        let error = Dataset::open(dir.path()).unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
        let said = error.hint().unwrap();
        assert!(said.contains(hint), "{error}: {said}");
        assert_eq!(
            check(dir.path()).unwrap_err().to_string(),
            error.to_string()
        );
    }
    let dir = folder(|dir| {
        hundred(dir);
        write(dir, "test.bin", &record(&[20, 3], 0));
    });
    let error = Dataset::open(dir.path()).unwrap_err().to_string();
    assert!(
        error.contains("label 20 of sample 0 (offset 0) is not below 20 classes"),
        "{error}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any bytes are whole records with legal labels, or an error: never a panic, never a sample more
    /// or less than the file holds.
    #[test]
    fn any_length_and_labels_are_read_or_refused(
        labels in prop::collection::vec(0u8..12, 0..4),
        cut in 0usize..3073,
    ) {
        let contents: Vec<u8> = labels.iter().flat_map(|&label| record(&[label], 0)).collect();
        let kept = contents.len() - cut.min(contents.len());
        let dir = folder(|dir| {
            ten(dir, false);
            write(dir, "test_batch.bin", &contents[..kept]);
        });
        let whole = kept > 0 && kept.is_multiple_of(3073);
        let legal = labels[..kept / 3073].iter().all(|&label| label < 10);
        match Dataset::open(dir.path()) {
            Ok(set) => {
                prop_assert!(whole && legal);
                prop_assert_eq!(set.test.labels(), &labels[..kept / 3073]);
            }
            Err(error) => prop_assert!(!whole || !legal, "{error}"),
        }
    }
}
