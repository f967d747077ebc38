//! Writing a trained model down for whoever uses it.

use std::path::{Path, PathBuf};

use crate::checkpoint;
use crate::disk::folder_of;
use crate::epoch::totals;
use crate::error::TrainError;
use crate::model::Model;
use crate::model_file;
use crate::run_folder::{DENSE_MODEL, MODEL, put_model};

mod dense;

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A model file: the active weights and their positions, as `docs/formats/model.md` says.
    /// `evaluate` and `inspect` read it.
    Sparse,
    /// Every weight, 0 where it is inactive, under the names and types of a PyTorch state dict.
    Dense,
}

/// The result of [`export`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The file the model was taken from.
    pub from: PathBuf,
    /// The file that was written.
    pub file: PathBuf,
    /// Its length in bytes.
    pub bytes: u64,
    /// Active weights of the sparse layers; of all layers for a dense run.
    pub n_active: u64,
    /// Their dense size.
    pub n_total: u64,
    /// The step after which the state was saved.
    pub step: u64,
}

/// Writes the model of a run folder's last checkpoint, of a checkpoint or of a model file.
///
/// Without `out` it becomes `model.safetensors`, or `dense.safetensors`, beside the file it is
/// taken from. A file that is there is replaced only with `overwrite`, and at every instant the
/// name leads to the whole old file or the whole new one.
///
/// # Determinism
/// Equal models give equal bytes.
///
/// # Cost
/// Sparse: 4 bytes per active weight and at most one bit per weight of a sparse matrix, 4 bytes per
/// other value, and a header of a few kilobytes. Dense: 4 bytes per weight.
///
/// # Errors
/// [`TrainError`] for a damaged file; [`TrainError::FileExists`], [`TrainError::NotReplaceable`] or
/// [`TrainError::InUse`] if the target is not to be had; [`TrainError::Io`].
pub fn export(
    path: &Path,
    out: Option<&Path>,
    form: Form,
    overwrite: bool,
) -> Result<Exported, TrainError> {
    let model = Model::load(path)?;
    let beside = |name| folder_of(&model.path).join(name);
    let default = match form {
        Form::Sparse => MODEL,
        Form::Dense => DENSE_MODEL,
    };
    let file = out.map_or_else(|| beside(default), Path::to_path_buf);
    let bytes = match form {
        Form::Sparse => checkpoint::encode(&file, &model_file::snapshot(&model)?)?,
        Form::Dense => dense::encode(&file, &model)?,
    };
    put_model(&file, &bytes, overwrite)?;
    let totals = totals(&model.mlp, &model.parameters);
    Ok(Exported {
        from: model.path,
        file,
        bytes: bytes.len() as u64,
        n_active: totals.n_active,
        n_total: totals.n_total,
        step: model.meta.step,
    })
}
