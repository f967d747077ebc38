//! Checksums: what a file is, and which published file it equals.
//!
//! MD5 identifies the archives as their publishers distribute them; it is a name, not a protection
//! against forgery. SHA-256 over the unpacked contents recognises the same data in another packing.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use md5::{Digest, Md5};

/// A file as its publishers distribute it.
#[derive(Debug, PartialEq, Eq)]
pub struct Published {
    /// The data set, for example "MNIST".
    pub set: &'static str,
    /// The archive's name.
    pub file: &'static str,
    /// MD5 of the archive, hexadecimal.
    pub md5: &'static str,
    /// SHA-256 of the unpacked contents, hexadecimal, where it is known.
    pub sha256: Option<&'static str>,
}

const fn published(
    set: &'static str,
    file: &'static str,
    md5: &'static str,
    sha256: Option<&'static str>,
) -> Published {
    Published {
        set,
        file,
        md5,
        sha256,
    }
}

const TRAIN_IMAGES: &str = "train-images-idx3-ubyte.gz";
const TRAIN_LABELS: &str = "train-labels-idx1-ubyte.gz";
const TEST_IMAGES: &str = "t10k-images-idx3-ubyte.gz";
const TEST_LABELS: &str = "t10k-labels-idx1-ubyte.gz";

/// The sets that carry the original names, with the addresses of their archives.
const SETS: [(&str, &str); 3] = [
    ("MNIST", "https://ossci-datasets.s3.amazonaws.com/mnist/"),
    (
        "Fashion-MNIST",
        "https://github.com/zalandoresearch/fashion-mnist",
    ),
    ("KMNIST", "http://codh.rois.ac.jp/kmnist/"),
];

#[rustfmt::skip]
static PUBLISHED: [Published; 12] = [
    published("MNIST", TRAIN_IMAGES, "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        Some("ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db")),
    published("MNIST", TRAIN_LABELS, "d53e105ee54ea40749a09fcbcd1e9432",
        Some("65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5")),
    published("MNIST", TEST_IMAGES, "9fb629c4189551a2d022fa330f9573f3",
        Some("0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7")),
    published("MNIST", TEST_LABELS, "ec29112dd5afa0611ce80d1b7f02629c",
        Some("ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2")),
    published("Fashion-MNIST", TRAIN_IMAGES, "8d4fb7e6c68d591d4c3dfef9ec88bf0d", None),
    published("Fashion-MNIST", TRAIN_LABELS, "25c81989df183df01b3e8a0aad5dffbe", None),
    published("Fashion-MNIST", TEST_IMAGES, "bef4ecab320f06d8554ea6380940ec79", None),
    published("Fashion-MNIST", TEST_LABELS, "bb300cfdad3c16e7a12a480ee83cd310", None),
    published("KMNIST", TRAIN_IMAGES, "bdb82020997e1d708af4cf47b453dcf7", None),
    published("KMNIST", TRAIN_LABELS, "e144d726b3acfaa3e44228e80efcd344", None),
    published("KMNIST", TEST_IMAGES, "5c965bf0a639b31b8f53240b1b52f4d7", None),
    published("KMNIST", TEST_LABELS, "7320c461ea6c1c855c0b718fb2a4b134", None),
];

/// The published file with this MD5 of the stored bytes or this SHA-256 of the contents.
pub(crate) fn recognise(md5: &str, sha256: &str) -> Option<&'static Published> {
    PUBLISHED
        .iter()
        .find(|known| known.md5 == md5 || known.sha256 == Some(sha256))
}

/// Where the MNIST family can be had and the MD5 of each archive.
pub(crate) fn where_to_get() -> String {
    let mut text = String::from(
        "nothing is downloaded; put the four files of one set into the folder, packed or not:",
    );
    for (set, address) in SETS {
        text.push_str(&format!("\n  {set} from {address}"));
        for known in PUBLISHED.iter().filter(|known| known.set == set) {
            text.push_str(&format!("\n    {}  MD5 {}", known.file, known.md5));
        }
    }
    text
}

/// MD5 of a file's stored bytes, hexadecimal, and their number.
pub(crate) fn md5_of_file(path: &Path) -> io::Result<(String, u64)> {
    let mut file = File::open(path)?;
    let mut digest = Md5::new();
    let mut chunk = [0u8; 1 << 14];
    let mut bytes = 0;
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok((hex(&digest.finalize()), bytes)),
            Ok(n) => {
                digest.update(&chunk[..n]);
                bytes += n as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The digests of the empty message and of "abc", RFC 1321 appendix A.5.
    #[test]
    fn md5_of_a_file_is_that_of_the_standard() {
        for (message, expected) in [
            ("", "d41d8cd98f00b204e9800998ecf8427e"),
            ("abc", "900150983cd24fb0d6963f7d28e17f72"),
        ] {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), message).unwrap();
            assert_eq!(
                md5_of_file(file.path()).unwrap(),
                (expected.to_string(), message.len() as u64)
            );
        }
    }

    #[test]
    fn a_published_file_is_recognised_by_either_sum() {
        for known in &PUBLISHED {
            assert_eq!(recognise(known.md5, "-"), Some(known));
            if let Some(sha256) = known.sha256 {
                assert_eq!(recognise("-", sha256), Some(known));
            }
        }
        assert_eq!(recognise("-", "-"), None);
    }

    #[test]
    fn the_sums_are_distinct_and_well_formed() {
        let mut sums: Vec<&str> = PUBLISHED
            .iter()
            .flat_map(|known| [Some(known.md5), known.sha256])
            .flatten()
            .collect();
        assert!(sums.iter().all(|sum| {
            [32, 64].contains(&sum.len()) && sum.bytes().all(|b| b.is_ascii_hexdigit())
        }));
        sums.sort_unstable();
        sums.dedup();
        assert_eq!(sums.len(), 16);
    }
}
