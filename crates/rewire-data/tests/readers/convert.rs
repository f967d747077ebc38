//! JPEG images in CIFAR's layout: pixels, labels, order, and what is refused.

use std::fs;
use std::path::Path;

use rewire_data::{DataError, Dataset, convert};
use tempfile::TempDir;

const RED: &[u8] = include_bytes!("../assets/red.jpg");
const GRADIENT: &[u8] = include_bytes!("../assets/gradient.jpg");
const GREY: &[u8] = include_bytes!("../assets/grey.jpg");
const NARROW: &[u8] = include_bytes!("../assets/narrow.jpg");

fn put(dir: &Path, name: &str, bytes: &[u8]) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, bytes).expect("a file");
}

/// Ten classes with two training images and one test image each; class `d` begins with a gradient.
fn images() -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for class in "abcdefghij".chars() {
        let first = if class == 'd' { GRADIENT } else { RED };
        put(dir.path(), &format!("from/train/{class}/0001.jpg"), first);
        put(dir.path(), &format!("from/train/{class}/0002.jpg"), RED);
        put(dir.path(), &format!("from/test/{class}/0001.jpg"), RED);
    }
    dir
}

#[test]
fn images_come_class_after_class_channel_by_channel() {
    let dir = images();
    let converted = convert(&dir.path().join("from"), &dir.path().join("to")).unwrap();
    assert_eq!(converted.samples, [20, 10]);
    assert_eq!(converted.classes[3], "d");
    assert_eq!(converted.files.len(), 7);
    let set = Dataset::open(&dir.path().join("to")).unwrap();
    let labels: Vec<u8> = (0..10).chain(0..10).collect();
    assert_eq!(set.train.labels(), labels);
    assert_eq!(set.test.labels(), &labels[..10]);
    // What another decoder makes of the same files, to the two levels that conversions of colour and
    // transforms of either may round: (200, 40, 90) everywhere, and 8x, 8y, 128.
    let near = |found: u8, expected: u8| found.abs_diff(expected) <= 2;
    let red = set.train.pixels(0);
    for (channel, expected) in [201, 40, 90].into_iter().enumerate() {
        assert!(
            red[1024 * channel..][..1024]
                .iter()
                .all(|&v| near(v, expected))
        );
    }
    let gradient = set.train.pixels(3);
    for (row, col, expected) in [
        (0, 0, [0, 1, 128]),
        (31, 31, [248, 248, 128]),
        (5, 20, [159, 41, 129]),
    ] {
        for (channel, expected) in expected.into_iter().enumerate() {
            let found = gradient[1024 * channel + 32 * row + col];
            assert!(near(found, expected), "({row}, {col}), {channel}: {found}");
        }
    }
    let names = fs::read_to_string(dir.path().join("to/classes.txt")).unwrap();
    assert_eq!(names, "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n");
    // The same images give the same bytes.
    let again = convert(&dir.path().join("from"), &dir.path().join("again")).unwrap();
    assert_eq!(again, converted);
}

#[test]
fn grey_images_have_three_equal_channels() {
    let dir = images();
    put(dir.path(), "from/test/a/0001.jpg", GREY);
    convert(&dir.path().join("from"), &dir.path().join("to")).unwrap();
    let set = Dataset::open(&dir.path().join("to")).unwrap();
    assert!(
        set.test
            .pixels(0)
            .iter()
            .all(|&value| value.abs_diff(77) <= 1)
    );
}

#[test]
fn what_cannot_be_converted_leaves_nothing_behind() {
    type Damage = fn(&Path);
    let rows: [(Damage, &str); 8] = [
        (
            |dir| put(dir, "from/train/c/0002.jpg", b"not an image"),
            "c/0002.jpg: no JPEG image",
        ),
        (
            |dir| put(dir, "from/train/c/0002.jpg", &RED[..300]),
            "c/0002.jpg: no JPEG image",
        ),
        (
            |dir| put(dir, "from/train/c/0002.jpg", &[]),
            "c/0002.jpg: no JPEG image",
        ),
        (
            |dir| put(dir, "from/train/c/0002.jpg", NARROW),
            "32 × 16 pixels, 32 × 32 are needed",
        ),
        (
            |dir| put(dir, "from/train/k/0001.jpg", RED),
            "10 classes are needed, found 11",
        ),
        (
            |dir| fs::rename(dir.join("from/test/j"), dir.join("from/test/k")).expect("a folder"),
            "test: a, b, c, d, e, f, g, h, i, j are needed, found a, b, c, d, e, f, g, h, i, k",
        ),
        (
            |dir| put(dir, "from/train/readme.txt", b"hello"),
            "readme.txt: a folder is needed",
        ),
        (
            |dir| fs::remove_dir_all(dir.join("from/test")).expect("a folder"),
            "test: cannot read",
        ),
    ];
    for (damage, message) in rows {
        let dir = images();
        damage(dir.path());
        let error = convert(&dir.path().join("from"), &dir.path().join("to")).unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
        assert!(error.hint().is_some());
        let left: Vec<_> = fs::read_dir(dir.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }
    let dir = images();
    put(dir.path(), "to/mine.txt", b"mine");
    let error = convert(&dir.path().join("from"), &dir.path().join("to")).unwrap_err();
    assert!(matches!(error, DataError::Exists { .. }), "{error}");
    assert_eq!(fs::read(dir.path().join("to/mine.txt")).unwrap(), b"mine");
}
