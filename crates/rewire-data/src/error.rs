//! What can be wrong with data: one enum whose variants carry file, field, offset and numbers.
//!
//! The message says what is wrong and where; [`DataError::hint`] says what to do about it.

use std::io;
use std::path::PathBuf;

use crate::checksum;

/// Everything that can be wrong with a data set, a file of one, or a request made of one.
///
/// Offsets count bytes of the contents, after unpacking where the file is compressed. For samples
/// that never were in a file, `file` is the name of the [`Images`](crate::Images).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The operating system refused to look at, open or read something.
    #[error("{}: cannot {action}: {source}", file.display())]
    Io {
        /// What was to be looked at.
        file: PathBuf,
        /// What was attempted, as a verb: "open", "read", "look at".
        action: &'static str,
        /// The reason given by the operating system.
        source: io::Error,
    },
    /// Something other than a folder or a regular file lies under the name of one.
    #[error("{}: {expected} is needed, found {found}", file.display())]
    WrongKind {
        /// What was looked at.
        file: PathBuf,
        /// "a folder" or "a regular file".
        expected: &'static str,
        /// What is there instead.
        found: &'static str,
    },
    /// A folder lacks files of the MNIST family.
    #[error("{}: no {}; looked for {}", dir.display(), missing.join(", "), looked_for.join(", "))]
    Missing {
        /// The folder searched.
        dir: PathBuf,
        /// The files without any spelling present, by their original names.
        missing: Vec<&'static str>,
        /// Every name tried for them.
        looked_for: Vec<String>,
    },
    /// A folder holds files of more than one data set.
    #[error(
        "{}: files of several data sets: {}",
        dir.display(),
        files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ")
    )]
    Ambiguous {
        /// The folder searched.
        dir: PathBuf,
        /// The first file found of each.
        files: Vec<PathBuf>,
    },
    /// The first four bytes are not those of the kind of file the name promises.
    #[error(
        "{}: wrong magic number at offset 0: expected {expected:#010x} ({kind}), found {found:#010x}",
        file.display()
    )]
    Magic {
        /// The file at fault.
        file: PathBuf,
        /// "images" or "labels".
        kind: &'static str,
        /// The number of such files.
        expected: u32,
        /// The number found, read big-endian.
        found: u32,
    },
    /// The contents end inside a field.
    #[error(
        "{}: {field} cut off: {expected} bytes expected at offset {offset}, {found} present",
        file.display()
    )]
    Truncated {
        /// The file at fault.
        file: PathBuf,
        /// The field that is incomplete.
        field: &'static str,
        /// Where the field begins.
        offset: u64,
        /// Its length by the format and the header.
        expected: u64,
        /// How much of it is there.
        found: u64,
    },
    /// Bytes follow the last field.
    #[error("{}: {field} end at offset {end} by the header, but more bytes follow", file.display())]
    Trailing {
        /// The file at fault.
        file: PathBuf,
        /// The last field.
        field: &'static str,
        /// Where it ends.
        end: u64,
    },
    /// A dimension in a header is zero.
    #[error("{}: {field} is 0 at offset {offset}", file.display())]
    ZeroDimension {
        /// The file at fault.
        file: PathBuf,
        /// The dimension.
        field: &'static str,
        /// Where it is stored.
        offset: u64,
    },
    /// A header announces more than a reader is willing to allocate.
    #[error(
        "{}: {field} announced as {announced} bytes ({dims}), more than the limit of {limit}",
        file.display()
    )]
    TooLarge {
        /// The file at fault.
        file: PathBuf,
        /// The field.
        field: &'static str,
        /// The product of the dimensions.
        announced: u128,
        /// The dimensions, written "60000×28×28".
        dims: String,
        /// The largest product accepted for this file.
        limit: u64,
    },
    /// The compressed stream is damaged.
    #[error(
        "{}: damaged gzip stream in {field} (at offset {offset} of the unpacked contents): {reason}",
        file.display()
    )]
    Gzip {
        /// The file at fault.
        file: PathBuf,
        /// The field being unpacked.
        field: &'static str,
        /// How many bytes were unpacked before.
        offset: u64,
        /// What the decoder says.
        reason: String,
    },
    /// As many labels as images are needed.
    #[error("{} holds {n_images} images, but {} holds {n_labels} labels", images.display(), labels.display())]
    CountMismatch {
        /// The image file.
        images: PathBuf,
        /// Number of images in it.
        n_images: usize,
        /// The label file.
        labels: PathBuf,
        /// Number of labels in it.
        n_labels: usize,
    },
    /// A label names no class.
    #[error("{}: label {label} of sample {sample} (offset {offset}) is not below {classes} classes", file.display())]
    Label {
        /// The file at fault.
        file: PathBuf,
        /// Number of the sample, from 0.
        sample: usize,
        /// Where the label is stored.
        offset: u64,
        /// The label.
        label: u8,
        /// The number of classes.
        classes: usize,
    },
    /// A file that is no image of the size that is needed.
    #[error("{}: no JPEG image that can be converted: {reason}", file.display())]
    Jpeg {
        /// The file.
        file: PathBuf,
        /// What the decoder says, or which size the image has.
        reason: String,
    },
    /// The class folders of a part are not those that are needed.
    #[error("{}: {expected} are needed, found {found}", dir.display())]
    ClassFolders {
        /// The folder of the part.
        dir: PathBuf,
        /// How many, or which.
        expected: String,
        /// Those that are there.
        found: String,
    },
    /// What is to be written is there already.
    #[error("{} exists already", path.display())]
    Exists {
        /// The path.
        path: PathBuf,
    },
    /// Training and test images have different sizes.
    #[error(
        "{}: images of {}×{} pixels, but {} has {}×{}",
        test.display(), test_size.0, test_size.1, train.display(), train_size.0, train_size.1
    )]
    PartMismatch {
        /// The file of training images.
        train: PathBuf,
        /// Their height and width.
        train_size: (usize, usize),
        /// The file of test images.
        test: PathBuf,
        /// Their height and width.
        test_size: (usize, usize),
    },
    /// Samples given in memory do not fit their description.
    #[error("{name}: {field} is {found}, expected {expected}")]
    Shape {
        /// Name of the images.
        name: String,
        /// What does not fit.
        field: &'static str,
        /// What would fit.
        expected: String,
        /// What was given.
        found: usize,
    },
    /// All pixels of a channel are equal, so there is no scale to divide by.
    #[error("{}: every pixel of channel {channel} is {value}, standard deviation 0", file.display())]
    ConstantChannel {
        /// The file of the images.
        file: PathBuf,
        /// The channel, from 0.
        channel: usize,
        /// The value all pixels have.
        value: u8,
    },
    /// Standardisation constants that cannot be applied.
    #[error("standardisation constants: {field} of channel {channel} is {value}")]
    Constants {
        /// "mean" or "sd".
        field: &'static str,
        /// The channel, from 0.
        channel: usize,
        /// The value at fault.
        value: f64,
    },
    /// Standardisation constants of which there are not as many means as deviations.
    #[error("standardisation constants: {means} means, {sds} standard deviations")]
    ConstantsCount {
        /// Number of means.
        means: usize,
        /// Number of standard deviations.
        sds: usize,
    },
    /// A number of held-out samples that leaves one side empty.
    #[error("{name}: cannot hold out {n} of {samples} training samples")]
    HoldOut {
        /// Name of the data set.
        name: String,
        /// Samples to hold out.
        n: usize,
        /// Training samples there are.
        samples: usize,
    },
    /// Batches that cannot be formed.
    #[error("cannot cut {samples} samples into batches of {batch}")]
    Batch {
        /// Samples to cut.
        samples: usize,
        /// Samples per batch.
        batch: usize,
    },
    /// A position that no run over these batches reaches.
    #[error("epoch {epoch} has no batch {batch}: there are {batches} batches per epoch")]
    Position {
        /// The epoch asked for.
        epoch: u64,
        /// The batch asked for.
        batch: u64,
        /// Batches per epoch.
        batches: u64,
    },
}

impl DataError {
    /// Whether the operating system failed rather than the data: a missing folder, no permission,
    /// a broken disk.
    pub fn is_io(&self) -> bool {
        matches!(self, Self::Io { .. })
    }

    /// What the user can do about it, as one or more lower-case sentences.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "give the folder that holds the data files".into()
            }
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "check the permissions of the file and of the folders above it".into()
            }
            Self::Io { .. } => "check the disk and whether the file can be read at all".into(),
            Self::WrongKind { expected, .. } => format!("put {expected} in its place"),
            Self::Missing { missing, .. } if missing.iter().any(|name| name.ends_with(".bin")) => {
                "put all files of one archive of the binary version into the folder: \
                 https://www.cs.toronto.edu/~kriz/cifar.html"
                    .into()
            }
            Self::Missing { .. } => checksum::where_to_get(),
            Self::Ambiguous { .. } => "give each data set a folder of its own".into(),
            Self::Magic {
                expected, found, ..
            } => magic_hint(*expected, *found).into(),
            Self::Truncated { .. } | Self::Trailing { .. } => {
                "the file is incomplete or not what its header says; get it again".into()
            }
            Self::ZeroDimension { .. } => "a data set without samples or pixels is no use".into(),
            Self::TooLarge { file, .. } if file.extension().is_some_and(|e| e == "gz") => {
                "the header is damaged, or the file is a decompression bomb; if it is neither, \
                 unpack it with gunzip first"
                    .into()
            }
            Self::TooLarge { .. } => "the header is damaged; get the file again".into(),
            Self::Gzip { .. } => {
                "get the file again; if it is not compressed, drop .gz from its name".into()
            }
            Self::CountMismatch { .. } => "take both files from the same part of one set".into(),
            Self::Label { .. } => {
                "sets of the MNIST family and CIFAR-10 have 10 classes, labelled 0 to 9, CIFAR-100 \
                 has 100; EMNIST letters and other label sets are not supported"
                    .into()
            }
            Self::Jpeg { .. } => "images are JPEG files of 32 × 32 pixels, nothing else".into(),
            Self::ClassFolders { .. } => {
                "images lie in train/CLASS and test/CLASS, with the same ten classes in both".into()
            }
            Self::Exists { .. } => "choose another folder, or remove this one yourself".into(),
            Self::PartMismatch { .. } => "take all four files from one data set".into(),
            Self::Shape { .. } => "pixels are sample-major, channel-major within a sample".into(),
            Self::ConstantChannel { .. } => {
                "there is nothing to learn from such images; get the file again, or take another set"
                    .into()
            }
            Self::Constants { .. } | Self::ConstantsCount { .. } => {
                "there is one finite mean and one finite, positive sd per channel".into()
            }
            Self::HoldOut { samples, .. } => {
                format!(
                    "hold out between 1 and {} samples",
                    samples.saturating_sub(1)
                )
            }
            Self::Batch { .. } => {
                "at least one sample and batches of at least one are needed".into()
            }
            Self::Position { .. } => "the position belongs to other data or batch size".into(),
        };
        Some(hint)
    }
}

fn magic_hint(expected: u32, found: u32) -> &'static str {
    if found >> 16 == 0x1f8b {
        "this is a gzip stream; add .gz to the file's name"
    } else if found.swap_bytes() == expected {
        "the bytes are in little-endian order; IDX headers are big-endian"
    } else if matches!(found, 0x0801 | 0x0803) {
        "this is the other kind of file; image and label files look swapped"
    } else {
        "IDX images begin with 0x00000803 and labels with 0x00000801; get the file again"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_tells_wrong_magic_numbers_apart() {
        for (expected, found, wanted) in [
            (0x0803, 0x1f8b_0808, "add .gz"),
            (0x0803, 0x0308_0000, "little-endian"),
            (0x0801, 0x0108_0000, "little-endian"),
            (0x0801, 0x0803, "swapped"),
            (0x0803, 0x0801, "swapped"),
            (0x0803, 0x0d03, "begin with 0x00000803"),
        ] {
            let error = DataError::Magic {
                file: "file".into(),
                kind: "images",
                expected,
                found,
            };
            let hint = error.hint().expect("every error has a hint");
            assert!(hint.contains(wanted), "{found:#x}: {hint}");
        }
    }

    #[test]
    fn the_hint_tells_failures_of_the_system_apart() {
        for (kind, wanted) in [
            (io::ErrorKind::NotFound, "the data files"),
            (io::ErrorKind::PermissionDenied, "permissions"),
            (io::ErrorKind::Other, "disk"),
        ] {
            let error = DataError::Io {
                file: "file".into(),
                action: "open",
                source: kind.into(),
            };
            assert!(error.is_io());
            let hint = error.hint().expect("every error has a hint");
            assert!(hint.contains(wanted), "{kind}: {hint}");
        }
    }

    #[test]
    fn only_an_archive_is_suspected_to_be_a_bomb() {
        for (file, suspected) in [("a.gz", true), ("a", false)] {
            let error = DataError::TooLarge {
                file: file.into(),
                field: "pixels",
                announced: 1 << 40,
                dims: "1099511627776".into(),
                limit: 1,
            };
            let hint = error.hint().expect("every error has a hint");
            assert_eq!(hint.contains("gunzip"), suspected, "{hint}");
        }
    }
}
