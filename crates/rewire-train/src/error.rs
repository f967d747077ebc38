//! Why a run fails, what kind of failure that is and what the user can do.

use std::path::PathBuf;

use crate::checkpoint::{CheckpointError, ContentsError};
use crate::config::ConfigError;
use crate::disk::DiskError;

/// The kinds of failure, each with the exit code of its program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The run was asked for something impossible.
    Usage,
    /// A file holds something else than it should.
    Data,
    /// This code contradicts itself.
    Bug,
    /// The system refused an operation.
    Io,
    /// The numbers of the training are no longer finite.
    Diverged,
}

impl ErrorKind {
    /// The exit code, after BSD's `sysexits.h` where it has one.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Usage => 2,
            Self::Data => 65,
            Self::Bug => 70,
            Self::Io => 74,
            Self::Diverged => 75,
        }
    }
}

/// Why a run fails.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The configuration is refused.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A checkpoint could not be written or is damaged.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A whole checkpoint does not fit the run that is to continue from it.
    #[error("{}: {source}", path.display())]
    Contents {
        /// The checkpoint.
        path: PathBuf,
        /// What does not fit.
        source: ContentsError,
    },
    /// The system refused an operation.
    #[error(transparent)]
    Io(#[from] DiskError),
    /// The folder for a new run already holds something.
    #[error("{} is not empty: it holds {entry}", path.display())]
    NonEmptyOut {
        /// The folder.
        path: PathBuf,
        /// One thing in it.
        entry: String,
    },
    /// A folder that is to be overwritten holds something no run has written.
    #[error("{} holds {entry}, which no run has written; nothing was removed", path.display())]
    ForeignFile {
        /// The folder.
        path: PathBuf,
        /// What was not written by a run.
        entry: String,
    },
    /// The path is not a folder, or not that of a run that can be continued.
    #[error("{} is not the folder of a run: {what}", path.display())]
    NotARun {
        /// The path.
        path: PathBuf,
        /// What is missing.
        what: String,
    },
    /// A run is to be continued under another configuration.
    #[error("{}: the run was started with another configuration: {}", path.display(), list(differences))]
    ConfigChanged {
        /// The checkpoint.
        path: PathBuf,
        /// Key, value in the checkpoint, value asked for.
        differences: Vec<(String, String, String)>,
    },
    /// A file of records is not what a run has written.
    #[error("{}: {what}", path.display())]
    Records {
        /// The file.
        path: PathBuf,
        /// Row, column and what is wrong there.
        what: String,
    },
    /// The chart of a run could not be drawn.
    #[error("{}: {what}", path.display())]
    Plot {
        /// The file.
        path: PathBuf,
        /// What the drawing library says.
        what: String,
    },
    /// A number of the training is no longer finite.
    #[error("the training diverged at step {step}: {what} of {place} is {value}")]
    Diverged {
        /// The optimizer step, from 1.
        step: u64,
        /// The layer, or "the network".
        place: String,
        /// The quantity: "the gradient", "the loss".
        what: String,
        /// NaN or an infinity.
        value: f64,
    },
    /// This code contradicts itself.
    #[error("{what}")]
    Bug {
        /// Which fact does not hold.
        what: String,
    },
}

impl TrainError {
    /// What kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Config(_)
            | Self::NonEmptyOut { .. }
            | Self::ForeignFile { .. }
            | Self::NotARun { .. }
            | Self::ConfigChanged { .. } => ErrorKind::Usage,
            Self::Io(_) | Self::Checkpoint(CheckpointError::Disk(_)) | Self::Plot { .. } => {
                ErrorKind::Io
            }
            Self::Checkpoint(_) | Self::Contents { .. } | Self::Records { .. } => ErrorKind::Data,
            Self::Diverged { .. } => ErrorKind::Diverged,
            Self::Bug { .. } => ErrorKind::Bug,
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        let advice = match self {
            Self::Config(error) => return error.hint(),
            Self::Checkpoint(error) => return error.hint(),
            Self::Io(error) => return error.hint(),
            Self::Contents { .. } => {
                "the checkpoint belongs to another model or method, or to another version of rewire"
            }
            Self::NonEmptyOut { path, .. } => {
                let path = path.display();
                return Some(format!(
                    "--resume {path} continues the run in it, --overwrite replaces it, or choose another --out"
                ));
            }
            Self::ForeignFile { .. } => "choose another --out, or remove the files yourself",
            Self::NotARun { .. } => {
                "--resume takes the folder of a run that has saved a checkpoint"
            }
            Self::ConfigChanged { .. } => {
                "leave out what differs, or start a new run with another --out"
            }
            Self::Records { .. } => {
                "the file was changed after the run wrote it; use a copy of the folder"
            }
            Self::Plot { .. } => "the records are safe in metrics.csv",
            Self::Diverged { .. } => {
                "lower schedule.lr or raise schedule.warmup; the last good checkpoint is kept"
            }
            Self::Bug { .. } => "please report this with the command and the folder of the run",
        };
        Some(advice.to_owned())
    }
}

fn list(differences: &[(String, String, String)]) -> String {
    let lines: Vec<String> = differences
        .iter()
        .map(|(key, here, there)| format!("`{key}` is {here} there and {there} here"))
        .collect();
    lines.join("; ")
}
