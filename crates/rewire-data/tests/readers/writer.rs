//! Writes small folders of the MNIST family, sound or not.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

pub(crate) const TRAIN_IMAGES: &str = "train-images-idx3-ubyte";
pub(crate) const TRAIN_LABELS: &str = "train-labels-idx1-ubyte";
pub(crate) const TEST_IMAGES: &str = "t10k-images-idx3-ubyte";
pub(crate) const TEST_LABELS: &str = "t10k-labels-idx1-ubyte";

/// The sound folder's training part: 6 images of 3×2.
pub(crate) const SAMPLES: u32 = 6;
pub(crate) const ROWS: u32 = 3;
pub(crate) const COLUMNS: u32 = 2;

/// An IDX file with any header over any elements.
pub(crate) fn idx(magic: u32, dims: &[u32], elements: &[u8]) -> Vec<u8> {
    let mut bytes = magic.to_be_bytes().to_vec();
    for dim in dims {
        bytes.extend(dim.to_be_bytes());
    }
    bytes.extend(elements);
    bytes
}

pub(crate) fn images(samples: u32, rows: u32, columns: u32) -> Vec<u8> {
    let pixels: Vec<u8> = (0..samples * rows * columns)
        .map(|i| (i * 7) as u8)
        .collect();
    idx(0x803, &[samples, rows, columns], &pixels)
}

pub(crate) fn labels(samples: u32) -> Vec<u8> {
    let labels: Vec<u8> = (0..samples).map(|i| (i * 3 % 10) as u8).collect();
    idx(0x801, &[samples], &labels)
}

pub(crate) fn gzip(contents: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder
        .write_all(contents)
        .expect("memory takes every byte");
    encoder.finish().expect("memory takes every byte")
}

/// The four files of a sound folder by name.
pub(crate) fn sound() -> [(&'static str, Vec<u8>); 4] {
    [
        (TRAIN_IMAGES, images(SAMPLES, ROWS, COLUMNS)),
        (TRAIN_LABELS, labels(SAMPLES)),
        (TEST_IMAGES, images(4, ROWS, COLUMNS)),
        (TEST_LABELS, labels(4)),
    ]
}

/// A folder with the four sound files, packed or not.
pub(crate) fn sound_folder(packed: bool) -> TempDir {
    let dir = tempfile::tempdir().expect("the folder for temporary files is writable");
    for (name, contents) in sound() {
        if packed {
            write(dir.path(), &format!("{name}.gz"), &gzip(&contents));
        } else {
            write(dir.path(), name, &contents);
        }
    }
    dir
}

/// Writes a file anew. Some file systems flush a file that is truncated and written again to the
/// disk at once, which takes milliseconds; one that is removed first they do not.
pub(crate) fn write(dir: &Path, name: &str, bytes: &[u8]) {
    let path = dir.join(name);
    if path.exists() {
        fs::remove_file(&path).expect("the folder for temporary files is writable");
    }
    fs::write(path, bytes).expect("the folder for temporary files is writable");
}
