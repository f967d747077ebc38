//! Which files of a folder are taken, and that what is read is what was written.

use std::fs;

use rewire_data::{DataError, Dataset, Part, check};

use crate::writer::{self, SAMPLES, TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS};

#[test]
fn a_folder_holds_what_was_written_packed_or_not() {
    for packed in [false, true] {
        let dir = writer::sound_folder(packed);
        let set = Dataset::open(dir.path()).unwrap();
        assert_eq!((set.train.len(), set.test.len()), (SAMPLES as usize, 4));
        assert_eq!(set.train.shape(), [1, 3, 2]);
        assert_eq!(set.train.classes(), 10);
        assert_eq!(set.train.pixels(1), [42, 49, 56, 63, 70, 77]);
        assert_eq!(set.train.labels(), [0, 3, 6, 9, 2, 5]);
        assert_eq!(set.test.labels(), [0, 3, 6, 9]);
        let folder = dir
            .path()
            .file_name()
            .unwrap()
            .to_string_lossy()
            .into_owned();
        assert_eq!(set.train.name(), format!("{folder} train"));
        assert_eq!(set.name, folder);
    }
    let [plain, packed] =
        [false, true].map(|packed| Dataset::open(writer::sound_folder(packed).path()).unwrap());
    assert_eq!(plain.train.sha256(), packed.train.sha256());
    assert_ne!(plain.train.sha256(), plain.test.sha256());
}

#[test]
fn every_spelling_is_found() {
    for (suffix, packed) in [("", false), (".gz", true)] {
        let dir = tempfile::tempdir().unwrap();
        for (name, contents) in writer::sound() {
            let dotted = name.replace("-idx", ".idx") + suffix;
            let bytes = if packed {
                writer::gzip(&contents)
            } else {
                contents
            };
            writer::write(dir.path(), &dotted, &bytes);
        }
        assert_eq!(
            Dataset::open(dir.path()).unwrap().train.len(),
            6,
            "{suffix}"
        );
    }
}

/// The file taken depends on names alone: the plain spellings come first.
#[test]
fn a_plain_file_comes_before_an_archive() {
    let dir = writer::sound_folder(true);
    writer::write(dir.path(), TRAIN_LABELS, b"damaged");
    let error = Dataset::open(dir.path()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("train-labels-idx1-ubyte: wrong magic"),
        "{error}"
    );
}

/// Archives made of several members, as `cat a.gz b.gz` or parallel compressors write them.
#[test]
fn an_archive_of_several_members_is_one_file() {
    let contents = writer::images(SAMPLES, writer::ROWS, writer::COLUMNS);
    for cut in [1, 4, 9, 16, 20, contents.len() - 1] {
        let dir = writer::sound_folder(true);
        let mut bytes = writer::gzip(&contents[..cut]);
        bytes.extend(writer::gzip(&contents[cut..]));
        bytes.extend(writer::gzip(&[]));
        writer::write(dir.path(), &format!("{TRAIN_IMAGES}.gz"), &bytes);
        let expected = Dataset::open(writer::sound_folder(false).path()).unwrap();
        let read = Dataset::open(dir.path()).unwrap();
        assert_eq!(read.train.sha256(), expected.train.sha256(), "cut at {cut}");
    }
}

#[test]
fn an_empty_folder_lists_the_names_and_where_to_get_them() {
    let dir = tempfile::tempdir().unwrap();
    let error = Dataset::open(dir.path()).unwrap_err();
    let message = error.to_string();
    for name in [TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS] {
        for spelling in [name.to_owned(), name.replace("-idx", ".idx")] {
            assert!(message.contains(&spelling), "{message}");
            assert!(message.contains(&format!("{spelling}.gz")), "{message}");
        }
    }
    assert!(!error.is_io());
    let hint = error.hint().unwrap();
    for text in [
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "train-images-idx3-ubyte.gz  MD5 f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "Fashion-MNIST",
        "KMNIST",
    ] {
        assert!(hint.contains(text), "{hint}");
    }
}

#[test]
fn an_incomplete_folder_names_only_what_is_missing() {
    let dir = writer::sound_folder(true);
    fs::remove_file(dir.path().join(format!("{TRAIN_LABELS}.gz"))).unwrap();
    fs::remove_file(dir.path().join(format!("{TEST_IMAGES}.gz"))).unwrap();
    match Dataset::open(dir.path()).unwrap_err() {
        DataError::Missing {
            missing,
            looked_for,
            ..
        } => {
            assert_eq!(missing, [TRAIN_LABELS, TEST_IMAGES]);
            assert_eq!(looked_for.len(), 8);
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_folder_with_a_test_part_only_can_be_measured_on() {
    let dir = writer::sound_folder(false);
    fs::remove_file(dir.path().join(TRAIN_IMAGES)).unwrap();
    fs::remove_file(dir.path().join(TRAIN_LABELS)).unwrap();
    assert_eq!(Dataset::open_part(dir.path(), Part::Test).unwrap().len(), 4);
    assert!(Dataset::open_part(dir.path(), Part::Train).is_err());
    assert!(Dataset::open(dir.path()).is_err());
}

#[test]
fn a_path_that_is_no_folder_is_named() {
    let dir = writer::sound_folder(false);
    let absent = Dataset::open(&dir.path().join("nowhere")).unwrap_err();
    assert!(
        absent.is_io() && absent.to_string().contains("nowhere"),
        "{absent}"
    );
    let file = Dataset::open(&dir.path().join(TRAIN_IMAGES)).unwrap_err();
    assert!(!file.is_io());
    assert!(
        file.to_string()
            .ends_with("train-images-idx3-ubyte: a folder is needed, found a regular file"),
        "{file}"
    );
}

#[test]
fn a_report_counts_what_the_files_hold() {
    for packed in [false, true] {
        let dir = writer::sound_folder(packed);
        let report = check(dir.path()).unwrap();
        assert_eq!((report.train, report.test, report.classes), (6, 4, 10));
        assert_eq!(report.shape, [1, 3, 2]);
        let [images, labels, test_images, test_labels] = &report.files[..] else {
            panic!("{} files", report.files.len());
        };
        assert_eq!((images.magic, labels.magic), (Some(0x803), Some(0x801)));
        assert_eq!(images.dims, [6, 3, 2]);
        assert_eq!(test_labels.dims, [4]);
        assert_eq!((images.part, test_images.part), (Part::Train, Part::Test));
        assert_eq!(images.unpacked_bytes, 16 + 36);
        assert_eq!(labels.unpacked_bytes, 8 + 6);
        assert_eq!(images.class_counts, None);
        assert_eq!(
            labels.class_counts,
            Some(vec![1, 0, 1, 1, 0, 1, 1, 0, 0, 1])
        );
        assert_eq!(report.unpacked_bytes, 52 + 14 + 40 + 12);
        let on_disk: u64 = fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .sum();
        assert_eq!(report.stored_bytes, on_disk);
        assert!(report.files.iter().all(|file| file.gzip == packed));
        assert!(report.files.iter().all(|file| file.published.is_none()));
        // The pixels are 0, 7, …, 245: mean 122.5, variance 49·(36² − 1)/12.
        assert_eq!(report.standardize.mean(), [122.5]);
        let sd = (49.0f64 * 1295.0 / 12.0).sqrt();
        assert!((report.standardize.sd()[0] - sd).abs() <= 4.0 * f64::EPSILON * sd);
    }
    // The sum over the contents does not depend on the packing, the one over the file does.
    let [plain, packed] = [false, true]
        .map(|packed| check(writer::sound_folder(packed).path()).unwrap().files[0].clone());
    assert_eq!(plain.sha256, packed.sha256);
    assert_ne!(plain.md5, packed.md5);
    assert_eq!(
        plain.sha256,
        "7305f0b126e142696b9c39c3461e817baeda9291b0402e5a95786b0f27183246"
    );
    assert_eq!(plain.md5, "020396ba47da21c30c9a357a15cc9b55");
}

#[test]
fn images_that_cannot_be_standardised_fail_the_check() {
    let dir = writer::sound_folder(false);
    let flat = writer::idx(0x803, &[6, 3, 2], &[200; 36]);
    writer::write(dir.path(), TRAIN_IMAGES, &flat);
    assert!(Dataset::open(dir.path()).is_ok());
    let error = check(dir.path()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("every pixel of channel 0 is 200"),
        "{error}"
    );
}
