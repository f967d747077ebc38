//! Why a checkpoint, or what it holds, is refused: with the file, the field and both sides.

use std::path::{Path, PathBuf};

use super::{FORMAT_VERSION, HEADER_LIMIT};
use crate::disk::DiskError;
use crate::error::TrainError;

/// Why a checkpoint could not be written or was refused.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The system refused an operation.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The path leads to something that is not a regular file.
    #[error("{}: a checkpoint is a regular file, this is a {found}", path.display())]
    NotAFile {
        /// What was to be read.
        path: PathBuf,
        /// What is there.
        found: &'static str,
    },
    /// The file is shorter than its header says.
    #[error("{}: cut off: the {part} ends at byte {wanted}, the file at byte {found}", path.display())]
    Cut {
        /// The damaged file.
        path: PathBuf,
        /// What is incomplete.
        part: &'static str,
        /// Where it would end, in bytes from the start of the file.
        wanted: u64,
        /// The length of the file in bytes.
        found: u64,
    },
    /// The file is longer than its header says.
    #[error("{}: the tensors end at byte {wanted}, the file at byte {found}", path.display())]
    Trailing {
        /// The damaged file.
        path: PathBuf,
        /// Where the last tensor ends.
        wanted: u64,
        /// The length of the file in bytes.
        found: u64,
    },
    /// The header claims to be longer than any header may be.
    #[error("{}: the header claims {length} bytes, at most {HEADER_LIMIT} are allowed", path.display())]
    HeaderTooLong {
        /// The damaged file.
        path: PathBuf,
        /// What the first eight bytes say.
        length: u64,
    },
    /// The header is not the JSON of a checkpoint.
    #[error("{}: header: {what}", path.display())]
    Header {
        /// The damaged file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The header contradicts itself about one tensor.
    #[error("{}: tensor `{name}`: {what}", path.display())]
    Tensor {
        /// The damaged file.
        path: PathBuf,
        /// The name of the tensor.
        name: String,
        /// What is wrong with it.
        what: String,
    },
    /// Another version of the format.
    #[error("{}: format version {found}, this program reads version {FORMAT_VERSION}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// The version it was written in.
        found: u64,
    },
    /// Some byte of the file is not what was written.
    #[error("{}: checksum {computed} instead of {stored}", path.display())]
    Checksum {
        /// The damaged file.
        path: PathBuf,
        /// The checksum in the file, 64 hexadecimal digits.
        stored: String,
        /// The checksum of what the file holds.
        computed: String,
    },
}

impl CheckpointError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        let advice = match self {
            Self::Disk(error) => return error.hint(),
            Self::NotAFile { .. } => "name the .safetensors file of a run",
            Self::Version { .. } => "use the version of rewire that wrote the file",
            Self::Header { .. } => {
                "the file is damaged or was not written by rewire; use another checkpoint of the run"
            }
            Self::Cut { .. }
            | Self::Trailing { .. }
            | Self::HeaderTooLong { .. }
            | Self::Tensor { .. }
            | Self::Checksum { .. } => {
                "the file is damaged; use another checkpoint of the run or a copy"
            }
        };
        Some(advice.to_owned())
    }
}

/// Why the contents of a whole checkpoint do not fit what they are read for.
///
/// The file is added by [`ContentsError::in_file`], once, where it is known.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ContentsError {
    /// There is no such tensor.
    #[error("tensor `{name}` is missing")]
    MissingTensor {
        /// The name looked for.
        name: String,
    },
    /// The elements are of another type.
    #[error("tensor `{name}` holds {found}, wanted {wanted}")]
    Dtype {
        /// The tensor.
        name: String,
        /// The type it should have.
        wanted: &'static str,
        /// The type it has.
        found: &'static str,
    },
    /// There are more or fewer elements.
    #[error("tensor `{name}` has {found} elements, wanted {wanted}")]
    Length {
        /// The tensor.
        name: String,
        /// How many it should have.
        wanted: usize,
        /// How many it has.
        found: usize,
    },
    /// The elements are of the right number and type but cannot be what they should be.
    #[error("tensor `{name}`: {what}")]
    Value {
        /// The tensor.
        name: String,
        /// What is wrong with its elements.
        what: String,
    },
    /// A field of the JSON value is missing or of another type.
    #[error("field `{key}`: {what}")]
    Field {
        /// The field.
        key: String,
        /// What is wrong with it.
        what: String,
    },
}

impl ContentsError {
    /// The error of the run that wanted to restore `path`.
    pub fn in_file(self, path: &Path) -> TrainError {
        TrainError::Contents {
            path: path.to_path_buf(),
            source: self,
        }
    }
}
