//! A folder of JPEG images becomes CIFAR's binary layout.
//!
//! ```text
//! FROM/train/CLASS/NAME.jpg, FROM/test/CLASS/NAME.jpg
//!   ─► TO/data_batch_1.bin … data_batch_5.bin, test_batch.bin, classes.txt
//! ```
//!
//! The names of the ten class folders, sorted, are the labels from 0. Records come in the order of
//! the sorted names within a class, class after class for each place, so that every batch holds all
//! classes. A decoder rounds as it likes: which one was used belongs beside every number, as do the
//! sums of what it made.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use crate::checksum;
use crate::cifar::{self, SHAPE};
use crate::error::DataError;
use crate::folder::Part;
use crate::source::{io_error, kind};

/// The decoder, whose version the manifest pins.
pub const DECODER: &str = "zune-jpeg 0.5.15";

/// Batches of the training part.
const BATCHES: usize = 5;
/// Classes of the layout.
const CLASSES: usize = 10;
/// The largest file that is taken for an image of 32 × 32 pixels, in bytes.
const LARGEST: u64 = 1 << 20;

/// What was converted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Converted {
    /// The classes in the order of their labels.
    pub classes: Vec<String>,
    /// Images of the training and of the test part.
    pub samples: [usize; 2],
    /// The files that were written, with the SHA-256 of each.
    pub files: Vec<(String, String)>,
}

/// Converts the JPEG images below `from` and writes the folder `to`, which must not exist.
///
/// The folder appears whole: it is written under another name and renamed last.
///
/// # Cost
/// All images in memory, 3073 bytes each.
///
/// # Errors
/// [`DataError::Exists`] if there is something at `to`; [`DataError::ClassFolders`] unless both parts
/// have the same ten class folders; [`DataError::Jpeg`] for a file that is no JPEG image of 32 × 32
/// pixels; [`DataError::Io`] and [`DataError::WrongKind`] for what cannot be read or written.
pub fn convert(from: &Path, to: &Path) -> Result<Converted, DataError> {
    if fs::symlink_metadata(to).is_ok() {
        return Err(DataError::Exists {
            path: to.to_owned(),
        });
    }
    let train = from.join(Part::Train.name());
    let test = from.join(Part::Test.name());
    let classes = class_folders(&train)?;
    let of_test = class_folders(&test)?;
    if classes != of_test {
        return Err(DataError::ClassFolders {
            dir: test,
            expected: classes.join(", "),
            found: of_test.join(", "),
        });
    }
    let train = records(&train, &classes)?;
    let test = records(&test, &classes)?;
    let partial = partial_name(to);
    fs::create_dir_all(&partial).map_err(|error| io_error(&partial, "create", error))?;
    let written = write(&partial, [&train, &test], &classes);
    let written = written.and_then(|files| {
        fs::rename(&partial, to).map_err(|error| io_error(to, "create", error))?;
        Ok(files)
    });
    if written.is_err() {
        // The error that is reported is the first one; a folder that stays is in nobody's way.
        let _ = fs::remove_dir_all(&partial);
    }
    Ok(Converted {
        files: written?,
        samples: [train.len(), test.len()],
        classes,
    })
}

/// A name beside that of the folder, on the same disk.
fn partial_name(to: &Path) -> PathBuf {
    let name = to.file_name().unwrap_or_default();
    let mut partial = name.to_owned();
    partial.push(format!(".partial-{}", std::process::id()));
    to.with_file_name(partial)
}

/// The sorted names of the class folders of a part.
fn class_folders(part: &Path) -> Result<Vec<String>, DataError> {
    let mut classes = Vec::new();
    for name in sorted(part)? {
        let path = part.join(&name);
        let metadata = fs::metadata(&path).map_err(|error| io_error(&path, "look at", error))?;
        if !metadata.is_dir() {
            return Err(DataError::WrongKind {
                file: path,
                expected: "a folder",
                found: kind(metadata.file_type()),
            });
        }
        classes.push(name);
    }
    if classes.len() != CLASSES {
        return Err(DataError::ClassFolders {
            dir: part.to_owned(),
            expected: format!("{CLASSES} classes"),
            found: format!("{}: {}", classes.len(), classes.join(", ")),
        });
    }
    Ok(classes)
}

/// The names in a folder, sorted.
fn sorted(dir: &Path) -> Result<Vec<String>, DataError> {
    let failed = |error: io::Error| io_error(dir, "read", error);
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        names.push(name.to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// The records of a part: the first image of every class, the second of every class, and so on.
fn records(part: &Path, classes: &[String]) -> Result<Vec<Vec<u8>>, DataError> {
    let names: Vec<Vec<String>> = classes
        .iter()
        .map(|class| sorted(&part.join(class)))
        .collect::<Result<_, _>>()?;
    let longest = names.iter().map(Vec::len).max().unwrap_or_default();
    let mut records = Vec::new();
    for place in 0..longest {
        for (label, (class, names)) in classes.iter().zip(&names).enumerate() {
            if let Some(name) = names.get(place) {
                records.push(record(label as u8, &part.join(class).join(name))?);
            }
        }
    }
    Ok(records)
}

/// A label and the channels of an image, one after the other.
fn record(label: u8, file: &Path) -> Result<Vec<u8>, DataError> {
    let refuse = |reason: String| DataError::Jpeg {
        file: file.to_owned(),
        reason,
    };
    let metadata = fs::metadata(file).map_err(|error| io_error(file, "look at", error))?;
    if !metadata.is_file() {
        return Err(DataError::WrongKind {
            file: file.to_owned(),
            expected: "a regular file",
            found: kind(metadata.file_type()),
        });
    }
    if metadata.len() > LARGEST {
        return Err(refuse(format!("it has {} bytes", metadata.len())));
    }
    let bytes = fs::read(file).map_err(|error| io_error(file, "read", error))?;
    let [channels, height, width] = SHAPE;
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(width)
        .set_max_height(height)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    let pixels = decoder
        .decode()
        .map_err(|error| refuse(error.to_string()))?;
    let found = decoder.info().map(|info| (info.height, info.width));
    if found != Some((height as u16, width as u16)) || pixels.len() != channels * height * width {
        let (found_height, found_width) = found.unwrap_or_default();
        return Err(refuse(format!(
            "it has {found_height} × {found_width} pixels, {height} × {width} are needed"
        )));
    }
    let mut record = vec![label];
    for channel in 0..channels {
        record.extend(pixels.iter().skip(channel).step_by(channels));
    }
    Ok(record)
}

/// Writes the files of both parts and the names of the classes.
fn write(
    dir: &Path,
    [train, test]: [&[Vec<u8>]; 2],
    classes: &[String],
) -> Result<Vec<(String, String)>, DataError> {
    let mut files = Vec::new();
    let mut put = |name: &str, contents: &[u8]| {
        let path = dir.join(name);
        fs::write(&path, contents).map_err(|error| io_error(&path, "write", error))?;
        let mut digest = Sha256::new();
        digest.update(contents);
        files.push((name.to_owned(), checksum::hex(&digest.finalize())));
        Ok(())
    };
    let names = cifar::CIFAR10.names(Part::Train).iter();
    for (batch, name) in names.enumerate() {
        let range = batch * train.len() / BATCHES..(batch + 1) * train.len() / BATCHES;
        put(name, &train[range].concat())?;
    }
    for name in cifar::CIFAR10.names(Part::Test) {
        put(name, &test.concat())?;
    }
    put(
        "classes.txt",
        format!("{}\n", classes.join("\n")).as_bytes(),
    )?;
    Ok(files)
}
