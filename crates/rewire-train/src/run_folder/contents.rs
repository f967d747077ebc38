//! What lies in a folder: the files of a run, and what no run has written.
//!
//! A link counts as something no run has written, whatever it is called. The lock counts as
//! nothing: it says who may write, not that somebody has.

use std::fs;
use std::path::{Path, PathBuf};

use super::lock::LOCK;
use super::{CHARTS, CONFIG, FILES, LAST, PLOTS, name_of, sync_dir};
use crate::disk::{Disk, DiskError, HostDisk, temporary_target};
use crate::error::TrainError;

/// The contents of a folder, looked at and left alone.
#[derive(Debug)]
pub(super) struct Contents {
    folder: PathBuf,
    /// Files of a run, in the order of their names.
    own: Vec<PathBuf>,
    /// Whether there is a folder of charts.
    plots: bool,
    /// The first thing no run has written, named from the folder.
    foreign: Option<String>,
}

impl Contents {
    /// Looks at everything in a folder.
    ///
    /// # Errors
    /// [`TrainError::Io`].
    pub(super) fn of(folder: &Path) -> Result<Self, TrainError> {
        let mut contents = Self {
            folder: folder.to_path_buf(),
            own: Vec::new(),
            plots: false,
            foreign: None,
        };
        let plots = folder.join(PLOTS);
        for entry in list(folder)? {
            if entry == plots && is_real(&entry, fs::FileType::is_dir)? {
                contents.plots = true;
                for chart in list(&plots)? {
                    contents.sort(chart, &CHARTS)?;
                }
            } else if name_of(&entry) != LOCK || !is_real(&entry, fs::FileType::is_file)? {
                contents.sort(entry, &FILES)?;
            }
        }
        Ok(contents)
    }

    /// Takes a file, or a temporary of it, for one of a run's if it is one of `names`.
    fn sort(&mut self, path: PathBuf, names: &[&str]) -> Result<(), TrainError> {
        let name = name_of(&path);
        let target = temporary_target(&path).unwrap_or(&name);
        if names.contains(&target) && is_real(&path, fs::FileType::is_file)? {
            self.own.push(path);
        } else if self.foreign.is_none() {
            let within = path.strip_prefix(&self.folder).unwrap_or(&path);
            self.foreign = Some(within.display().to_string());
        }
        Ok(())
    }

    /// Refuses a folder in which no new run can be.
    ///
    /// # Errors
    /// [`TrainError::NonEmptyOut`] if it holds something and is not to be overwritten,
    /// [`TrainError::ForeignFile`] if it is, but holds something no run has written.
    pub(super) fn admit(&self, overwrite: bool) -> Result<(), TrainError> {
        let path = self.folder.clone();
        if overwrite {
            return match self.foreign.clone() {
                Some(entry) => Err(TrainError::ForeignFile { path, entry }),
                None => Ok(()),
            };
        }
        let charts = || self.plots.then(|| PLOTS.to_owned());
        let own = || self.own.first().map(|path| name_of(path));
        let Some(entry) = self.foreign.clone().or_else(own).or_else(charts) else {
            return Ok(());
        };
        let holds = |name: &str| self.own.contains(&self.folder.join(name));
        Err(TrainError::NonEmptyOut {
            path,
            entry,
            resumable: holds(LAST) && holds(CONFIG),
            replaceable: self.foreign.is_none(),
        })
    }

    /// Removes what a run has written.
    ///
    /// # Errors
    /// [`TrainError::Io`].
    pub(super) fn remove(self) -> Result<(), TrainError> {
        for path in &self.own {
            HostDisk
                .remove(path)
                .map_err(DiskError::at("remove", path))?;
        }
        if self.plots {
            let plots = self.folder.join(PLOTS);
            fs::remove_dir(&plots).map_err(DiskError::at("remove", &plots))?;
        }
        sync_dir(&self.folder)
    }
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, TrainError> {
    Ok(HostDisk
        .list(folder)
        .map_err(DiskError::at("list", folder))?)
}

/// Whether the path itself, not what a link leads to, is of a kind.
pub(super) fn is_real(path: &Path, kind: fn(&fs::FileType) -> bool) -> Result<bool, TrainError> {
    let metadata = fs::symlink_metadata(path).map_err(DiskError::at("read", path))?;
    Ok(kind(&metadata.file_type()))
}
