//! What a folder of data holds, for `data check`.
//!
//! Everything [`Dataset::open`](crate::Dataset::open) demands is demanded here too; what passes is
//! described in numbers.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::checksum::{self, Published};
use crate::cifar::{self, Layout, Records};
use crate::error::DataError;
use crate::folder::{self, Family, Part, PartContents, PartFiles};
use crate::idx::{self, Idx, Kind};
use crate::images::Images;
use crate::source::io_error;
use crate::standardize::Standardize;

/// What a sound folder holds.
#[derive(Clone, Debug)]
pub struct Report {
    /// Name of the data set, from the folder.
    pub name: String,
    /// All files, those of the training part first; images before labels.
    pub files: Vec<FileReport>,
    /// Channels, height and width of every image.
    pub shape: [usize; 3],
    /// Number of classes.
    pub classes: usize,
    /// Number of training samples.
    pub train: usize,
    /// Number of test samples.
    pub test: usize,
    /// Bytes of all files as stored.
    pub stored_bytes: u64,
    /// Bytes of all files after unpacking.
    pub unpacked_bytes: u64,
    /// Mean and standard deviation per channel, from the training part.
    pub standardize: Standardize,
}

/// What one file holds.
#[derive(Clone, Debug)]
pub struct FileReport {
    /// The file.
    pub file: PathBuf,
    /// The part it belongs to.
    pub part: Part,
    /// Whether it is compressed.
    pub gzip: bool,
    /// Its length as stored, in bytes.
    pub stored_bytes: u64,
    /// Its length after unpacking, in bytes.
    pub unpacked_bytes: u64,
    /// Its first four bytes, read big-endian; `None` for a layout without a magic number.
    pub magic: Option<u32>,
    /// Its dimensions: samples, then those of an image, if it holds images.
    pub dims: Vec<usize>,
    /// Number of samples.
    pub count: usize,
    /// Samples per class; `None` for image files.
    pub class_counts: Option<Vec<u64>>,
    /// MD5 of the file as stored, hexadecimal.
    pub md5: String,
    /// SHA-256 of the unpacked contents, hexadecimal.
    pub sha256: String,
    /// The published file it equals, as stored or by contents.
    pub published: Option<&'static Published>,
}

/// Reads all files of a folder, checks them and describes them.
///
/// # Cost
/// As [`Dataset::open`](crate::Dataset::open), with a second reading for the checksums.
///
/// # Errors
/// As [`Dataset::open`](crate::Dataset::open), and [`DataError::ConstantChannel`] for training
/// images that cannot be standardised.
pub fn check(dir: &Path) -> Result<Report, DataError> {
    let name = folder::name(dir)?;
    let (files, [train, test]) = match folder::family(dir)? {
        Family::Mnist => mnist(dir, &name)?,
        Family::Cifar(layout) => of_records(layout, dir, &name)?,
    };
    Ok(Report {
        standardize: Standardize::fit(&train)?,
        name,
        shape: train.shape(),
        classes: train.classes(),
        train: train.len(),
        test: test.len(),
        stored_bytes: files.iter().map(|file| file.stored_bytes).sum(),
        unpacked_bytes: files.iter().map(|file| file.unpacked_bytes).sum(),
        files,
    })
}

type Described = (Vec<FileReport>, [Images; 2]);

fn mnist(dir: &Path, name: &str) -> Result<Described, DataError> {
    let (train_files, test_files) = folder::find_both(dir)?;
    let (train, test) = (train_files.read()?, test_files.read()?);
    let (train_size, test_size) = (train.size(), test.size());
    folder::same_size((&train_files, train_size), (&test_files, test_size))?;
    let (train_reports, train) = describe_part(&train_files, train, name)?;
    let (test_reports, test) = describe_part(&test_files, test, name)?;
    let files = train_reports.into_iter().chain(test_reports).collect();
    Ok((files, [train, test]))
}

fn of_records(layout: &Layout, dir: &Path, name: &str) -> Result<Described, DataError> {
    let [train, test] = layout.both(dir)?;
    let mut files = Vec::new();
    for (part, records) in [(Part::Train, &train), (Part::Test, &test)] {
        for file in records {
            files.push(describe_records(file, part)?);
        }
    }
    let train = cifar::into_images(train, format!("{name} train"))?;
    let test = cifar::into_images(test, format!("{name} test"))?;
    Ok((files, [train, test]))
}

fn describe_records(records: &Records, part: Part) -> Result<FileReport, DataError> {
    let (md5, stored_bytes) = checksum::md5_of_file(&records.file)
        .map_err(|error| io_error(&records.file, "read", error))?;
    let mut class_counts = vec![0; records.classes];
    for &label in &records.labels {
        class_counts[usize::from(label)] += 1;
    }
    let count = records.labels.len();
    Ok(FileReport {
        file: records.file.clone(),
        part,
        gzip: records.gzip,
        stored_bytes,
        unpacked_bytes: records.unpacked_bytes,
        magic: None,
        dims: [&[count][..], &cifar::SHAPE].concat(),
        count,
        class_counts: Some(class_counts),
        published: checksum::recognise(&md5, &records.sha256),
        sha256: records.sha256.clone(),
        md5,
    })
}

fn describe_part(
    files: &PartFiles,
    contents: PartContents,
    name: &str,
) -> Result<([FileReport; 2], Images), DataError> {
    let part = files.part;
    let images_report = describe(&files.images, part, Kind::Images, &contents.images)?;
    let labels_report = describe(&files.labels, part, Kind::Labels, &contents.labels)?;
    let images = contents.into_images(format!("{name} {}", part.name()))?;
    let labels_report = FileReport {
        class_counts: Some(images.class_counts()),
        ..labels_report
    };
    Ok(([images_report, labels_report], images))
}

fn describe(file: &Path, part: Part, kind: Kind, idx: &Idx) -> Result<FileReport, DataError> {
    let (md5, stored_bytes) =
        checksum::md5_of_file(file).map_err(|error| io_error(file, "read", error))?;
    let sha256 = contents_sha256(kind, idx);
    Ok(FileReport {
        file: file.to_owned(),
        part,
        gzip: idx.gzip,
        stored_bytes,
        unpacked_bytes: idx::header_bytes(kind) + idx.elements.len() as u64,
        magic: Some(kind.magic()),
        dims: idx.dims.iter().map(|&dim| dim as usize).collect(),
        count: idx.dims[0] as usize,
        class_counts: None,
        published: checksum::recognise(&md5, &sha256),
        md5,
        sha256,
    })
}

/// The header is wholly determined by kind and dimensions, so the contents are too.
fn contents_sha256(kind: Kind, idx: &Idx) -> String {
    let mut digest = Sha256::new();
    digest.update(kind.magic().to_be_bytes());
    for dim in &idx.dims {
        digest.update(dim.to_be_bytes());
    }
    digest.update(&idx.elements);
    checksum::hex(&digest.finalize())
}
