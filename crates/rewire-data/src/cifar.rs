//! The binary layouts of CIFAR-10 and CIFAR-100: records of labels and pixels, without a header.
//!
//! ```text
//! CIFAR-10   data_batch_1.bin … data_batch_5.bin, test_batch.bin   label              | 3072 pixels
//! CIFAR-100  train.bin, test.bin                          coarse label | fine label   | 3072 pixels
//! ```
//!
//! A label is a byte; pixels are the red, the green and the blue channel of 32×32 bytes each, row by
//! row. Files may hold any number of whole records, plain or with `.gz`. Of CIFAR-100 the fine labels
//! are the classes.
//!
//! Source: Krizhevsky 2009, "Learning multiple layers of features from tiny images", data set page.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::checksum;
use crate::error::DataError;
use crate::folder::{Part, Search};
use crate::images::{self, Images};
use crate::source::Source;

/// Channels, height and width of an image.
pub(crate) const SHAPE: [usize; 3] = [3, 32, 32];
/// Bytes of the pixels of a record.
const PIXELS: usize = 3 * 32 * 32;
/// Coarse labels of CIFAR-100.
const COARSE: usize = 20;

/// One of the two layouts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    train: &'static [&'static str],
    test: &'static [&'static str],
    /// Labels of a record; the last one is the class.
    labels: usize,
    classes: usize,
}

pub(crate) const CIFAR10: Layout = Layout {
    train: &[
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
    ],
    test: &["test_batch.bin"],
    labels: 1,
    classes: 10,
};

pub(crate) const CIFAR100: Layout = Layout {
    train: &["train.bin"],
    test: &["test.bin"],
    labels: 2,
    classes: 100,
};

impl Layout {
    /// The names of a part's files.
    pub(crate) fn names(&self, part: Part) -> &'static [&'static str] {
        match part {
            Part::Train => self.train,
            Part::Test => self.test,
        }
    }

    /// Finds and reads one part.
    ///
    /// # Errors
    /// [`DataError::Missing`] with every file that is not there, and what [`Layout::read`] refuses.
    pub(crate) fn part(&self, dir: &Path, part: Part) -> Result<Vec<Records>, DataError> {
        let mut search = Search::begin(dir)?;
        let files = self.find(&mut search, part)?;
        search.finish()?;
        self.read(&files)
    }

    /// Finds and reads both parts, training part first.
    ///
    /// # Errors
    /// As [`Layout::part`]; everything that is missing is named at once.
    pub(crate) fn both(&self, dir: &Path) -> Result<[Vec<Records>; 2], DataError> {
        let mut search = Search::begin(dir)?;
        let train = self.find(&mut search, Part::Train)?;
        let test = self.find(&mut search, Part::Test)?;
        search.finish()?;
        Ok([self.read(&train)?, self.read(&test)?])
    }

    fn find(&self, search: &mut Search<'_>, part: Part) -> Result<Vec<PathBuf>, DataError> {
        let names = self.names(part).iter();
        names.map(|name| search.file(name)).collect()
    }

    /// Reads files of records, each checked whole.
    ///
    /// # Cost
    /// Memory as large as the unpacked files, which grows with what is read.
    fn read(&self, files: &[PathBuf]) -> Result<Vec<Records>, DataError> {
        files.iter().map(|file| self.read_one(file)).collect()
    }

    fn read_one(&self, path: &Path) -> Result<Records, DataError> {
        let record = self.labels + PIXELS;
        let mut source = Source::open(path)?;
        let contents = source.records("records", record)?;
        let samples = contents.len() / record;
        if samples == 0 {
            return Err(DataError::ZeroDimension {
                file: path.to_owned(),
                field: "number of records",
                offset: 0,
            });
        }
        let mut labels = Vec::with_capacity(samples);
        let mut pixels = Vec::with_capacity(samples * PIXELS);
        for (sample, record) in contents.chunks_exact(record).enumerate() {
            let (named, image) = record.split_at(self.labels);
            // The coarse label, where there is one, is a label as well.
            for (index, &label) in named.iter().enumerate() {
                let is_class = index + 1 == self.labels;
                let classes = if is_class { self.classes } else { COARSE };
                if images::label_outside(&[label], classes).is_some() {
                    return Err(DataError::Label {
                        file: path.to_owned(),
                        sample,
                        offset: (sample * record.len() + index) as u64,
                        label,
                        classes,
                    });
                }
            }
            labels.extend(named.last());
            pixels.extend_from_slice(image);
        }
        let mut digest = Sha256::new();
        digest.update(&contents);
        Ok(Records {
            file: path.to_owned(),
            gzip: source.is_gzip(),
            unpacked_bytes: contents.len() as u64,
            sha256: checksum::hex(&digest.finalize()),
            classes: self.classes,
            labels,
            pixels,
        })
    }
}

/// The checked contents of one file.
#[derive(Debug)]
pub(crate) struct Records {
    pub(crate) file: PathBuf,
    pub(crate) gzip: bool,
    pub(crate) unpacked_bytes: u64,
    /// SHA-256 of the unpacked contents, hexadecimal.
    pub(crate) sha256: String,
    pub(crate) classes: usize,
    pub(crate) labels: Vec<u8>,
    pixels: Vec<u8>,
}

/// The images of a part, file after file.
pub(crate) fn into_images(files: Vec<Records>, name: String) -> Result<Images, DataError> {
    let first = files.first().map(|file| (file.file.clone(), file.classes));
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for file in files {
        pixels.extend_from_slice(&file.pixels);
        labels.extend_from_slice(&file.labels);
    }
    let (file, classes) = first.unwrap_or_default();
    Ok(Images::new(name, SHAPE, pixels, labels, classes)?.read_from(file))
}
