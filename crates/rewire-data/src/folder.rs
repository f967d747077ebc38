//! A folder of data: which family its files belong to, and where they are.
//!
//! A folder of the MNIST family holds two parts, each of an image and a label file, under the names
//! all sets of the family share; `cifar.rs` has those of the other family.
//!
//! Four spellings of each name are tried, in this order: `train-images-idx3-ubyte`,
//! `train-images.idx3-ubyte`, then both with `.gz`. Which one is taken depends on names alone, so
//! a damaged plain file is an error even beside a sound archive.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::cifar::{self, Layout};
use crate::error::DataError;
use crate::idx::{self, Idx, Kind};
use crate::images::{self, Images};
use crate::source::{io_error, kind};

/// Number of classes of every set of the family.
pub(crate) const CLASSES: usize = 10;

/// One of the two parts of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What a model is fitted to.
    Train,
    /// What a finished model is measured on.
    Test,
}

impl Part {
    /// "train" or "test".
    pub fn name(self) -> &'static str {
        match self {
            Part::Train => "train",
            Part::Test => "test",
        }
    }

    /// The original name of one of the part's files.
    pub(crate) fn file_name(self, kind: Kind) -> &'static str {
        match (self, kind) {
            (Part::Train, Kind::Images) => "train-images-idx3-ubyte",
            (Part::Train, Kind::Labels) => "train-labels-idx1-ubyte",
            (Part::Test, Kind::Images) => "t10k-images-idx3-ubyte",
            (Part::Test, Kind::Labels) => "t10k-labels-idx1-ubyte",
        }
    }
}

/// Where the two files of a part are.
#[derive(Debug)]
pub(crate) struct PartFiles {
    pub(crate) part: Part,
    pub(crate) images: PathBuf,
    pub(crate) labels: PathBuf,
}

/// Finds the files of both parts, training part first.
///
/// # Errors
/// [`DataError::Missing`] lists all that is missing at once.
pub(crate) fn find_both(dir: &Path) -> Result<(PartFiles, PartFiles), DataError> {
    let mut search = Search::begin(dir)?;
    let both = (search.part(Part::Train)?, search.part(Part::Test)?);
    search.finish()?;
    Ok(both)
}

/// Finds the files of one part.
///
/// # Errors
/// As [`find_both`].
pub(crate) fn find_one(dir: &Path, part: Part) -> Result<PartFiles, DataError> {
    let mut search = Search::begin(dir)?;
    let one = search.part(part)?;
    search.finish()?;
    Ok(one)
}

/// How the files of a folder are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// Images and labels in IDX files.
    Mnist,
    /// Records of CIFAR-10 or CIFAR-100.
    Cifar(&'static Layout),
}

/// The family whose files the folder holds, by their names alone; MNIST where there are none.
///
/// # Errors
/// [`DataError::Io`] and [`DataError::WrongKind`] for what is no folder that can be looked at,
/// [`DataError::Ambiguous`] where there are files of several.
pub(crate) fn family(dir: &Path) -> Result<Family, DataError> {
    let search = Search::begin(dir)?;
    let parts = [Part::Train, Part::Test];
    let mnist = parts.map(|part| [Kind::Images, Kind::Labels].map(|kind| part.file_name(kind)));
    let families = [
        (Family::Mnist, mnist.concat()),
        (Family::Cifar(&cifar::CIFAR10), cifar_names(&cifar::CIFAR10)),
        (
            Family::Cifar(&cifar::CIFAR100),
            cifar_names(&cifar::CIFAR100),
        ),
    ];
    let (mut found, mut files) = (Vec::new(), Vec::new());
    for (family, names) in families {
        for name in names {
            if let Some(path) = search.first(&spellings(name))? {
                found.push(family);
                files.push(path);
                break;
            }
        }
    }
    match found.as_slice() {
        [] => Ok(Family::Mnist),
        &[family] => Ok(family),
        _ => Err(DataError::Ambiguous {
            dir: dir.to_owned(),
            files,
        }),
    }
}

/// The names of both parts.
fn cifar_names(layout: &Layout) -> Vec<&'static str> {
    let parts = [Part::Train, Part::Test];
    parts.map(|part| layout.names(part).to_vec()).concat()
}

/// A search that goes on past a missing file, so that the user hears of all of them.
pub(crate) struct Search<'a> {
    dir: &'a Path,
    missing: Vec<&'static str>,
    looked_for: Vec<String>,
}

impl<'a> Search<'a> {
    pub(crate) fn begin(dir: &'a Path) -> Result<Self, DataError> {
        let metadata = fs::metadata(dir).map_err(|e| io_error(dir, "look at", e))?;
        if !metadata.is_dir() {
            return Err(DataError::WrongKind {
                file: dir.to_owned(),
                expected: "a folder",
                found: kind(metadata.file_type()),
            });
        }
        Ok(Self {
            dir,
            missing: Vec::new(),
            looked_for: Vec::new(),
        })
    }

    fn part(&mut self, part: Part) -> Result<PartFiles, DataError> {
        Ok(PartFiles {
            part,
            images: self.file(part.file_name(Kind::Images))?,
            labels: self.file(part.file_name(Kind::Labels))?,
        })
    }

    /// The path of the first spelling present; an empty path, never used, where there is none.
    pub(crate) fn file(&mut self, name: &'static str) -> Result<PathBuf, DataError> {
        let names = spellings(name);
        if let Some(path) = self.first(&names)? {
            return Ok(path);
        }
        self.missing.push(name);
        self.looked_for.extend(names);
        Ok(PathBuf::new())
    }

    fn first(&self, names: &[String]) -> Result<Option<PathBuf>, DataError> {
        for spelling in names {
            let path = self.dir.join(spelling);
            // The link itself is looked at, so that a dangling one is reported, not passed over.
            match fs::symlink_metadata(&path) {
                Ok(_) => return Ok(Some(path)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(io_error(&path, "look at", error)),
            }
        }
        Ok(None)
    }

    pub(crate) fn finish(self) -> Result<(), DataError> {
        if self.missing.is_empty() {
            return Ok(());
        }
        Err(DataError::Missing {
            dir: self.dir.to_owned(),
            missing: self.missing,
            looked_for: self.looked_for,
        })
    }
}

/// All names a file may have, in the order they are tried.
fn spellings(name: &str) -> Vec<String> {
    let mut plain = vec![name.to_owned()];
    if name.contains("-idx") {
        plain.push(name.replace("-idx", ".idx"));
    }
    let packed: Vec<String> = plain.iter().map(|name| format!("{name}.gz")).collect();
    [plain, packed].concat()
}

/// The two files of a part, read and checked against each other.
pub(crate) struct PartContents {
    file: PathBuf,
    pub(crate) images: Idx,
    pub(crate) labels: Idx,
}

impl PartFiles {
    /// Reads both files and checks that they belong together.
    pub(crate) fn read(&self) -> Result<PartContents, DataError> {
        let labels = idx::read(&self.labels, Kind::Labels)?;
        if let Some(sample) = images::label_outside(&labels.elements, CLASSES) {
            return Err(DataError::Label {
                file: self.labels.clone(),
                sample,
                offset: idx::header_bytes(Kind::Labels) + sample as u64,
                label: labels.elements[sample],
                classes: CLASSES,
            });
        }
        let images = idx::read(&self.images, Kind::Images)?;
        if images.dims[0] != labels.dims[0] {
            return Err(DataError::CountMismatch {
                images: self.images.clone(),
                n_images: images.dims[0] as usize,
                labels: self.labels.clone(),
                n_labels: labels.dims[0] as usize,
            });
        }
        Ok(PartContents {
            file: self.images.clone(),
            images,
            labels,
        })
    }
}

impl PartContents {
    /// Height and width of an image.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.images.dims[1] as usize, self.images.dims[2] as usize)
    }

    pub(crate) fn into_images(self, name: String) -> Result<Images, DataError> {
        let (height, width) = self.size();
        let images = Images::new(
            name,
            [1, height, width],
            self.images.elements,
            self.labels.elements,
            CLASSES,
        )?;
        Ok(images.read_from(self.file))
    }
}

/// Checks that training and test images have one size.
pub(crate) fn same_size(
    train: (&PartFiles, (usize, usize)),
    test: (&PartFiles, (usize, usize)),
) -> Result<(), DataError> {
    if train.1 == test.1 {
        return Ok(());
    }
    Err(DataError::PartMismatch {
        train: train.0.images.clone(),
        train_size: train.1,
        test: test.0.images.clone(),
        test_size: test.1,
    })
}

/// What a folder is called, whatever path leads to it: `.` and `../mnist` give the same name.
pub(crate) fn name(dir: &Path) -> Result<String, DataError> {
    let absolute = fs::canonicalize(dir).map_err(|e| io_error(dir, "look at", e))?;
    Ok(absolute
        .file_name()
        .map_or_else(|| "data".into(), |name| name.to_string_lossy().into_owned()))
}
