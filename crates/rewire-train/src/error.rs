//! Why a run fails, what kind of failure that is and what the user can do.

use std::path::PathBuf;

use rewire_autograd::mask::MaskError;
use rewire_data::DataError;
use rewire_explore::ExploreError;
use rewire_nn::NnError;

use crate::checkpoint::{CheckpointError, ContentsError};
use crate::config::ConfigError;
use crate::disk::DiskError;
use crate::memory::Bytes;

/// The kinds of failure, each with the exit code of its program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The run was asked for something impossible, or for a folder it cannot have.
    Usage,
    /// A file holds something else than it should.
    Data,
    /// This code contradicts itself.
    Bug,
    /// The system refused an operation, or a file or folder does not exist.
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
    /// No network of the transform can be planned.
    #[error("transform: {0}")]
    Transform(#[from] rewire_ift::PlanError),
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
        /// One thing in it, not written by a run if there is such a thing.
        entry: String,
        /// Whether it holds a run that can be continued.
        resumable: bool,
        /// Whether everything in it was written by a run.
        replaceable: bool,
    },
    /// What has the name of the folder for a new run is no folder.
    #[error("{} cannot become the folder of a run: it is {what}", path.display())]
    OutTaken {
        /// The path.
        path: PathBuf,
        /// What it is.
        what: String,
    },
    /// Another process writes to the folder.
    #[error("the run folder {} is in use by another process", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The file of an export is there already.
    #[error("{} exists already", path.display())]
    FileExists {
        /// The file.
        path: PathBuf,
    },
    /// What has the name of the file of an export is nothing an export replaces.
    #[error("{} cannot be replaced by a model: it is {what}", path.display())]
    NotReplaceable {
        /// The path.
        path: PathBuf,
        /// What it is.
        what: String,
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
    /// A sparsity leaves a layer without any unit of its pattern.
    #[error(
        "sparsity {sparsity} leaves layer `{layer}` without a unit of {pattern} ({n_in_units} weights lie in whole units)"
    )]
    NoUnit {
        /// The layer.
        layer: String,
        /// The pattern.
        pattern: String,
        /// The sparsity asked for.
        sparsity: f64,
        /// Weights of whole units, all of which would be inactive.
        n_in_units: u64,
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
    /// The budget of FLOPs does not pay for one step.
    #[error("schedule.budget = {budget} pays for {flops} FLOPs, but one step executes {step}")]
    Budget {
        /// Multiple of dense training.
        budget: f64,
        /// What that comes to.
        flops: u128,
        /// What the first step executes.
        step: u128,
    },
    /// A number of the training is no longer finite.
    #[error("the training diverged at step {step}: {what} of {place} is {value}")]
    Diverged {
        /// The optimizer step, from 1.
        step: u64,
        /// The layer, or "the network".
        place: String,
        /// The quantity: "the gradient", "the output".
        what: String,
        /// NaN or an infinity.
        value: f64,
    },
    /// Unreadable or impossible data.
    #[error(transparent)]
    Data(#[from] DataError),
    /// An impossible budget, or positions that do not fit.
    #[error(transparent)]
    Mask(#[from] MaskError),
    /// A model that cannot be built.
    #[error(transparent)]
    Model(#[from] NnError),
    /// A rewiring that cannot be decided.
    #[error(transparent)]
    Explore(#[from] ExploreError),
    /// A run is to be continued on other training data.
    #[error(
        "{}: the run was started on other training data: SHA-256 {expected} there, {found} here",
        path.display()
    )]
    OtherData {
        /// The checkpoint.
        path: PathBuf,
        /// Hash of the data it was started on.
        expected: String,
        /// Hash of the data found.
        found: String,
    },
    /// A model is to be measured on images it cannot take.
    #[error(
        "{}: the model takes {} images of {} classes, {data} holds {} images of {} classes",
        path.display(), image(expected), classes.0, image(found), classes.1
    )]
    OtherImages {
        /// The checkpoint.
        path: PathBuf,
        /// Where the images are from.
        data: String,
        /// Channels, height and width that the model takes.
        expected: [usize; 3],
        /// Channels, height and width of the images.
        found: [usize; 3],
        /// Classes of the model and of the data.
        classes: (usize, usize),
    },
    /// More weights than the system has room for.
    #[error("the run needs at least {needed} of memory, {available} are available")]
    Memory {
        /// The least that the run would hold at once.
        needed: Bytes,
        /// What the system could give.
        available: Bytes,
    },
    /// The worker threads could not be started.
    #[error("{threads} worker threads could not be started: {what}")]
    Threads {
        /// How many were asked for; 0 stands for all cores.
        threads: usize,
        /// What the system says.
        what: String,
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
            Self::Data(DataError::HoldOut { .. } | DataError::Batch { .. })
            | Self::Mask(_)
            | Self::Model(_)
            | Self::Transform(_)
            | Self::Budget { .. }
            | Self::NoUnit { .. }
            | Self::Memory { .. }
            | Self::OtherData { .. }
            | Self::OtherImages { .. }
            | Self::Config(_)
            | Self::NonEmptyOut { .. }
            | Self::OutTaken { .. }
            | Self::InUse { .. }
            | Self::FileExists { .. }
            | Self::NotReplaceable { .. }
            | Self::ForeignFile { .. }
            | Self::NotARun { .. }
            | Self::ConfigChanged { .. } => ErrorKind::Usage,
            Self::Data(error) if error.is_io() => ErrorKind::Io,
            Self::Data(_) => ErrorKind::Data,
            Self::Explore(ExploreError::NonFinite { .. }) => ErrorKind::Diverged,
            Self::Explore(_) => ErrorKind::Usage,
            Self::Threads { .. } => ErrorKind::Io,
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
            Self::Config(error) => return Some(error.hint()),
            Self::Data(error) => return error.hint(),
            Self::Checkpoint(error) => return error.hint(),
            Self::Io(error) => return error.hint(),
            Self::Contents { .. } => {
                "the checkpoint belongs to another model or method, or to another version of rewire"
            }
            Self::NonEmptyOut {
                resumable,
                replaceable,
                ..
            } => match (resumable, replaceable) {
                (true, true) => {
                    "--resume in place of --out continues the run in it, --overwrite replaces it, or choose another --out"
                }
                (true, false) => {
                    "--resume in place of --out continues the run in it, or choose another --out"
                }
                (false, true) => {
                    "--overwrite replaces what a run has left in it, or choose another --out"
                }
                (false, false) => "no run has written that; choose another --out",
            },
            Self::OutTaken { .. } => "choose another --out, or move away what has this name",
            Self::InUse { .. } => {
                "wait until that process has ended, or stop it; a new run or an export can take another --out"
            }
            Self::FileExists { .. } => "--overwrite replaces it, or choose another --out",
            Self::NotReplaceable { .. } => "choose another --out",
            Self::ForeignFile { .. } => "choose another --out, or remove the files yourself",
            Self::NotARun { .. } => "give the folder of a run that has saved a checkpoint",
            Self::ConfigChanged { .. } => {
                "leave out what differs, or start a new run with another --out"
            }
            Self::Records { .. } => {
                "the run did not leave it like this: put back a copy of it, or start the run again with --out and --overwrite; eval and inspect do without it"
            }
            Self::Plot { .. } => "the records are safe in metrics.csv",
            Self::Diverged { .. } => {
                "start a new run with a lower schedule.lr or a longer schedule.warmup; the last checkpoint before it is kept"
            }
            Self::Mask(MaskError::EmptyLayer { .. }) => {
                "lower the sparsity, give the layer a sparsity of its own, or name it under sparsity.dense"
            }
            Self::NoUnit { .. } => {
                "lower the sparsity, take smaller units, give the layer a sparsity of its own, or name it under sparsity.dense"
            }
            Self::Budget { .. } => "raise `schedule.budget` or `schedule.epochs`",
            Self::Transform(_) => {
                "change the settings under [transform], the sparsity or model.kind; rewire plan shows what becomes of each layer"
            }
            Self::Mask(_) | Self::Model(_) => "change model.kind or the sparsity",
            Self::Explore(_) => "change the settings under [rewire]",
            Self::OtherData { .. } => "give the data the run was started on, or start a new run",
            Self::OtherImages { .. } => "name the data set the model was trained on with --data",
            Self::Memory { .. } => {
                "narrower layers in model.kind, a higher sparsity or a smaller data.batch need less; --dry-run shows how much"
            }
            Self::Threads { .. } => "ask for fewer with --threads",
            Self::Bug { .. } => "please report this with the command and the folder of the run",
        };
        Some(advice.to_owned())
    }
}

fn image([channels, height, width]: &[usize; 3]) -> String {
    format!("{channels}×{height}×{width}")
}

fn list(differences: &[(String, String, String)]) -> String {
    let lines: Vec<String> = differences
        .iter()
        .map(|(key, here, there)| format!("`{key}` is {here} there and {there} here"))
        .collect();
    lines.join("; ")
}
