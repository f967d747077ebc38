//! The folder of a run: which files it holds, how it comes to be and when it may be replaced.
//!
//! A new run never mixes with an old one, nor with one that is running: whoever holds a
//! [`RunFolder`] holds the lock of the folder. Without a name a run takes the next free number
//! below `runs/`; a named folder must be empty, unless it is to be overwritten, and even then only
//! the files a run writes itself are removed, after everything in the folder has been looked at.
//! Whoever only reads takes no lock and changes nothing.
//! `docs/formats/run-folder.md` describes the files.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::config::Config;
use crate::disk::{Disk, DiskError, HostDisk, folder_of, remove_stale_temporaries, replace};
use crate::environment::Environment;
use crate::error::TrainError;

mod contents;
mod guest;
mod lock;

use contents::{Contents, is_real};
pub(crate) use guest::put_model;
use lock::FolderLock;

const CONFIG: &str = "config.resolved.toml";
const ENVIRONMENT: &str = "env.json";
const SUMMARY: &str = "summary.json";
const LOG: &str = "log.txt";
const METRICS: &str = "metrics.csv";
const TIMING: &str = "timing.csv";
const LAST: &str = "last.safetensors";
const BEST: &str = "best.safetensors";
const PLOTS: &str = "plots";

/// The model that is exported from a run, unless another name is given.
pub(crate) const MODEL: &str = "model.safetensors";
/// Likewise, with every weight.
pub(crate) const DENSE_MODEL: &str = "dense.safetensors";
const MODELS: [&str; 2] = [MODEL, DENSE_MODEL];

/// The files a run and its export write, besides the plots and temporaries of all.
const FILES: [&str; 10] = [
    CONFIG,
    ENVIRONMENT,
    SUMMARY,
    LOG,
    METRICS,
    TIMING,
    LAST,
    BEST,
    MODEL,
    DENSE_MODEL,
];

/// The charts in `plots/`.
pub(crate) const CHARTS: [&str; 4] = ["loss.svg", "accuracy.svg", "coverage.svg", "density.svg"];

/// The folder of a run, and the right to be the only one who writes to it.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    _lock: FolderLock,
}

impl RunFolder {
    /// Makes the folder of a new run: `out`, or the next free `runs/NNNN` below the current folder.
    ///
    /// # Errors
    /// [`TrainError::InUse`] if another run is in `out`; [`TrainError::NonEmptyOut`] if it holds
    /// something and is not to be overwritten; [`TrainError::ForeignFile`] if it is, but holds
    /// something no run writes, in which case nothing is removed; [`TrainError::OutTaken`] if `out`
    /// is a file or a link that leads nowhere; [`TrainError::Io`].
    pub fn create(out: Option<&Path>, overwrite: bool) -> Result<Self, TrainError> {
        match out {
            Some(path) => Self::create_named(path, overwrite),
            None => Self::create_numbered(Path::new("runs")),
        }
    }

    /// Makes the next free `NNNN` in `parent`.
    ///
    /// The number is one above the highest there is, so that later runs sort last. Two processes
    /// never get the same folder.
    ///
    /// # Errors
    /// [`TrainError::Io`].
    pub fn create_numbered(parent: &Path) -> Result<Self, TrainError> {
        make_folders(parent)?;
        let taken = HostDisk
            .list(parent)
            .map_err(DiskError::at("list", parent))?;
        let numbers = taken.iter().filter_map(|path| number_of(path));
        let mut number = numbers.max().unwrap_or(0);
        loop {
            number += 1;
            let path = parent.join(format!("{number:04}"));
            match fs::create_dir(&path) {
                Ok(()) => {
                    sync_dir(parent)?;
                    let _lock = FolderLock::take(&path)?;
                    return Ok(Self { path, _lock });
                }
                // Another process was faster.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(DiskError::at("create", &path)(error).into()),
            }
        }
    }

    fn create_named(path: &Path, overwrite: bool) -> Result<Self, TrainError> {
        let taken = |what: String| TrainError::OutTaken {
            path: path.to_path_buf(),
            what,
        };
        match fs::metadata(path) {
            Ok(metadata) if !metadata.is_dir() => return Err(taken("a file".to_owned())),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => match fs::read_link(path) {
                Ok(to) => {
                    return Err(taken(format!(
                        "a link to {}, which is not there",
                        to.display()
                    )));
                }
                Err(_) => make_folders(path)?,
            },
            Err(error) => return Err(DiskError::at("create", path)(error).into()),
        }
        let look = || {
            let contents = Contents::of(path)?;
            contents.admit(overwrite)?;
            Ok::<_, TrainError>(contents)
        };
        // That a run is in the folder goes before what it has written so far. A folder that is
        // refused for other reasons gets no lock, because that would be a file in it.
        let lock = match FolderLock::take_again(path)? {
            Some(lock) => lock,
            None => {
                look()?;
                FolderLock::take(path)?
            }
        };
        look()?.remove()?;
        Ok(Self {
            path: path.to_path_buf(),
            _lock: lock,
        })
    }

    /// The folder of a run that is to be continued, without what killed processes left in it.
    ///
    /// # Errors
    /// [`TrainError::InUse`] if the run is running, [`TrainError::NotARun`] if `path` is no folder
    /// or holds no checkpoint, [`TrainError::Io`].
    pub fn open(path: &Path) -> Result<Self, TrainError> {
        check_folder(path)?;
        // A run that replaces another has no checkpoint for a moment.
        let lock = FolderLock::take_again(path)?;
        check_checkpoint(path)?;
        let folder = Self {
            path: path.to_path_buf(),
            _lock: lock.map_or_else(|| FolderLock::take(path), Ok)?,
        };
        remove_stale_temporaries(&HostDisk, path)?;
        let plots = folder.plots();
        if plots.exists() && is_real(&plots, fs::FileType::is_dir)? {
            remove_stale_temporaries(&HostDisk, &plots)?;
        }
        Ok(folder)
    }

    /// The last checkpoint in the folder of a run, which may be running, for reading.
    ///
    /// # Errors
    /// [`TrainError::NotARun`] if `path` is no folder or holds no checkpoint, [`TrainError::Io`].
    pub fn checkpoint_in(path: &Path) -> Result<PathBuf, TrainError> {
        check_folder(path)?;
        check_checkpoint(path)?;
        Ok(path.join(LAST))
    }

    /// The configuration in the folder of a run, which may be running, for reading.
    ///
    /// # Errors
    /// As [`RunFolder::checkpoint_in`].
    pub fn config_in(path: &Path) -> Result<PathBuf, TrainError> {
        Self::checkpoint_in(path)?;
        Ok(path.join(CONFIG))
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the latest state is saved.
    pub fn last_checkpoint(&self) -> PathBuf {
        self.path.join(LAST)
    }

    /// Where the state with the best held-out accuracy is saved.
    pub fn best_checkpoint(&self) -> PathBuf {
        self.path.join(BEST)
    }

    /// The records per epoch.
    pub fn metrics(&self) -> PathBuf {
        self.path.join(METRICS)
    }

    /// The wall-clock times per epoch.
    pub fn timing(&self) -> PathBuf {
        self.path.join(TIMING)
    }

    /// The complete configuration of the run.
    pub fn config(&self) -> PathBuf {
        self.path.join(CONFIG)
    }

    /// The result of the run.
    pub fn summary(&self) -> PathBuf {
        self.path.join(SUMMARY)
    }

    /// The folder of the charts.
    pub fn plots(&self) -> PathBuf {
        self.path.join(PLOTS)
    }

    /// Writes the complete configuration.
    ///
    /// # Errors
    /// [`TrainError::Io`].
    pub fn write_config(&self, config: &Config) -> Result<(), TrainError> {
        self.write(CONFIG, config.to_toml().as_bytes())
    }

    /// Writes down where the run runs; `data_sha256` are the hashes of the parts of the data.
    ///
    /// # Errors
    /// [`TrainError::Io`].
    pub fn write_environment(
        &self,
        config: &Config,
        data_sha256: &[(&str, String)],
    ) -> Result<(), TrainError> {
        self.write_json(ENVIRONMENT, &Environment::detect(config, data_sha256))
    }

    /// Writes the result of the run as JSON.
    ///
    /// # Errors
    /// [`TrainError::Io`]; [`TrainError::Bug`] if the value has no JSON.
    pub fn write_summary(&self, summary: &impl Serialize) -> Result<(), TrainError> {
        self.write_json(SUMMARY, summary)
    }

    /// Adds a line to the log, which nothing depends on and which is therefore not forced to the
    /// medium.
    ///
    /// # Errors
    /// [`TrainError::Io`].
    pub fn log(&self, line: &str) -> Result<(), TrainError> {
        let path = self.path.join(LOG);
        HostDisk
            .append(&path, format!("{line}\n").as_bytes())
            .map_err(DiskError::at("append to", &path))?;
        Ok(())
    }

    fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), TrainError> {
        let mut text = serde_json::to_vec_pretty(value).map_err(|error| TrainError::Bug {
            what: format!("{name} cannot be written: {error}"),
        })?;
        text.push(b'\n');
        self.write(name, &text)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), TrainError> {
        Ok(replace(&HostDisk, &self.path.join(name), bytes)?)
    }
}

/// Refuses what is not a folder.
fn check_folder(path: &Path) -> Result<(), TrainError> {
    let metadata = fs::metadata(path).map_err(DiskError::at("read", path))?;
    match metadata.is_dir() {
        true => Ok(()),
        false => Err(not_a_run(path, "it is a file")),
    }
}

/// Refuses a folder without a checkpoint.
fn check_checkpoint(path: &Path) -> Result<(), TrainError> {
    match path.join(LAST).exists() {
        true => Ok(()),
        false => Err(not_a_run(path, &format!("it holds no {LAST}"))),
    }
}

fn not_a_run(path: &Path, what: &str) -> TrainError {
    TrainError::NotARun {
        path: path.to_path_buf(),
        what: what.to_owned(),
    }
}

/// The number of a folder named by four to nine digits alone.
fn number_of(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    let is_number = (4..=9).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| name.parse().ok())?
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

/// Makes a folder and those above it, durably.
fn make_folders(path: &Path) -> Result<(), TrainError> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = folder_of(path);
    if !parent.exists() {
        make_folders(parent)?;
    }
    match fs::create_dir(path) {
        // Another process was faster.
        Err(_) if path.is_dir() => sync_dir(parent),
        Err(error) => Err(DiskError::at("create", path)(error).into()),
        Ok(()) => sync_dir(parent),
    }
}

fn sync_dir(path: &Path) -> Result<(), TrainError> {
    Ok(HostDisk
        .sync_dir(path)
        .map_err(DiskError::at("sync", path))?)
}
