//! The folder of a run: which files it holds, how it comes to be and when it may be replaced.
//!
//! A new run never mixes with an old one. Without a name it takes the next free number below
//! `runs/`; a named folder must be empty, unless it is to be overwritten, and even then only the
//! files a run writes itself are removed, after everything in the folder has been looked at.
//! `docs/formats/run-folder.md` describes the files.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::config::Config;
use crate::disk::{
    Disk, DiskError, HostDisk, folder_of, remove_stale_temporaries, replace, temporary_target,
};
use crate::environment::Environment;
use crate::error::TrainError;

const CONFIG: &str = "config.resolved.toml";
const ENVIRONMENT: &str = "env.json";
const SUMMARY: &str = "summary.json";
const LOG: &str = "log.txt";
const METRICS: &str = "metrics.csv";
const TIMING: &str = "timing.csv";
const LAST: &str = "last.safetensors";
const BEST: &str = "best.safetensors";
const PLOTS: &str = "plots";

/// The files a run writes, besides the plots and temporaries of both.
const FILES: [&str; 8] = [
    CONFIG,
    ENVIRONMENT,
    SUMMARY,
    LOG,
    METRICS,
    TIMING,
    LAST,
    BEST,
];

/// The charts in `plots/`.
pub(crate) const CHARTS: [&str; 4] = ["loss.svg", "accuracy.svg", "coverage.svg", "density.svg"];

/// The folder of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Makes the folder of a new run: `out`, or the next free `runs/NNNN` below the current folder.
    ///
    /// # Errors
    /// [`TrainError::NonEmptyOut`] if `out` holds something and is not to be overwritten;
    /// [`TrainError::ForeignFile`] if it is, but holds something no run writes, in which case
    /// nothing is removed; [`TrainError::NotARun`] if `out` is a file; [`TrainError::Io`].
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
                    return Ok(Self { path });
                }
                // Another process was faster.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(DiskError::at("create", &path)(error).into()),
            }
        }
    }

    fn create_named(path: &Path, overwrite: bool) -> Result<Self, TrainError> {
        let folder = Self {
            path: path.to_path_buf(),
        };
        match fs::metadata(path) {
            Ok(metadata) if !metadata.is_dir() => return Err(folder.not_a_run("it is a file")),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => make_folders(path)?,
            Err(error) => return Err(DiskError::at("read", path)(error).into()),
        }
        if overwrite {
            folder.clear()?;
            return Ok(folder);
        }
        match folder.entries(path)?.first() {
            None => Ok(folder),
            Some(entry) => Err(TrainError::NonEmptyOut {
                path: folder.path,
                entry: name_of(entry),
            }),
        }
    }

    /// The folder of a run that is to be continued, without what killed processes left in it.
    ///
    /// # Errors
    /// [`TrainError::NotARun`] if it is no folder or holds no checkpoint, [`TrainError::Io`].
    pub fn open(path: &Path) -> Result<Self, TrainError> {
        let folder = Self {
            path: path.to_path_buf(),
        };
        match fs::metadata(path) {
            Ok(metadata) if !metadata.is_dir() => return Err(folder.not_a_run("it is a file")),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(folder.not_a_run("it does not exist"));
            }
            Err(error) => return Err(DiskError::at("read", path)(error).into()),
        }
        if !folder.last_checkpoint().exists() {
            return Err(folder.not_a_run(&format!("it holds no {LAST}")));
        }
        remove_stale_temporaries(&HostDisk, path)?;
        Ok(folder)
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

    /// Removes everything a run has written, once nothing else is found.
    fn clear(&self) -> Result<(), TrainError> {
        let plots = self.plots();
        let mut doomed = Vec::new();
        for entry in self.entries(&self.path)? {
            if entry == plots && is_real(&entry, fs::FileType::is_dir)? {
                for chart in self.entries(&plots)? {
                    self.check_own(&chart, &CHARTS)?;
                    doomed.push(chart);
                }
            } else {
                self.check_own(&entry, &FILES)?;
                doomed.push(entry);
            }
        }
        for path in &doomed {
            HostDisk
                .remove(path)
                .map_err(DiskError::at("remove", path))?;
        }
        if plots.exists() {
            fs::remove_dir(&plots).map_err(DiskError::at("remove", &plots))?;
        }
        sync_dir(&self.path)
    }

    /// Checks that a file, or a temporary of it, is one of `names`.
    fn check_own(&self, path: &Path, names: &[&str]) -> Result<(), TrainError> {
        let name = name_of(path);
        let target = temporary_target(path).unwrap_or(&name);
        if names.contains(&target) && is_real(path, fs::FileType::is_file)? {
            return Ok(());
        }
        let within = path.strip_prefix(&self.path).unwrap_or(path);
        Err(TrainError::ForeignFile {
            path: self.path.clone(),
            entry: within.display().to_string(),
        })
    }

    fn entries(&self, folder: &Path) -> Result<Vec<PathBuf>, TrainError> {
        Ok(HostDisk
            .list(folder)
            .map_err(DiskError::at("list", folder))?)
    }

    fn not_a_run(&self, what: &str) -> TrainError {
        TrainError::NotARun {
            path: self.path.clone(),
            what: what.to_owned(),
        }
    }
}

/// Whether the path itself, not what a link leads to, is of a kind.
fn is_real(path: &Path, kind: fn(&fs::FileType) -> bool) -> Result<bool, TrainError> {
    let metadata = fs::symlink_metadata(path).map_err(DiskError::at("read", path))?;
    Ok(kind(&metadata.file_type()))
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
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(DiskError::at("create", path)(error).into())
        }
        _ => sync_dir(parent),
    }
}

fn sync_dir(path: &Path) -> Result<(), TrainError> {
    Ok(HostDisk
        .sync_dir(path)
        .map_err(DiskError::at("sync", path))?)
}
