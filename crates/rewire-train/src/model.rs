//! A trained model as it is taken out of a file: parameters, running statistics, and what is known
//! about the data, without explorer and data.
//!
//! The configuration and the sizes of the data are words of the file like any other: every tensor
//! they promise is held against the one that is there before a parameter of that size is made.

use std::path::{Path, PathBuf};

use rewire_autograd::mask::MatrixShape;
use rewire_nn::{MatrixSpec, Mlp, MlpSpec, Parameters, State, Storage};
use rewire_rng::Streams;

use crate::build;
use crate::checkpoint::{self, Snapshot};
use crate::config::Config;
use crate::error::TrainError;
use crate::model_file::{self, ModelMeta};
use crate::run_folder::RunFolder;
use crate::snapshot::{DataMeta, field, read_meta, read_parameter, read_state, read_topology};

/// What a file that holds a model is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// The whole state of a run.
    Checkpoint,
    /// What an evaluation needs, and nothing else.
    Model,
}

impl FileKind {
    /// "checkpoint" or "model".
    pub fn name(self) -> &'static str {
        match self {
            Self::Checkpoint => "checkpoint",
            Self::Model => "model",
        }
    }
}

/// A model and the file it is from.
pub(crate) struct Model {
    pub(crate) path: PathBuf,
    pub(crate) kind: FileKind,
    pub(crate) snapshot: Snapshot,
    pub(crate) meta: ModelMeta,
    pub(crate) config: Config,
    pub(crate) mlp: Mlp,
    pub(crate) parameters: Parameters,
    pub(crate) state: State,
}

impl Model {
    /// The model of a checkpoint, of a model file, or of the last checkpoint of a run folder.
    ///
    /// # Errors
    /// [`TrainError`] with file and tensor if it is damaged or contradicts itself.
    pub(crate) fn load(path: &Path) -> Result<Self, TrainError> {
        let path = if path.is_dir() {
            RunFolder::checkpoint_in(path)?
        } else {
            path.to_owned()
        };
        let snapshot = checkpoint::load(&path)?;
        Self::of(snapshot, path)
    }

    fn of(snapshot: Snapshot, path: PathBuf) -> Result<Self, TrainError> {
        let (kind, meta) = if model_file::is_model(&snapshot) {
            (FileKind::Model, model_file::read_meta(&snapshot, &path)?)
        } else {
            (FileKind::Checkpoint, read_meta(&snapshot, &path)?.into())
        };
        let config = Config::from_toml(&meta.config, &path.display().to_string())?;
        let spec = spec(&config, &meta.data, &path)?;
        let storages = (spec.matrices().iter().flatten())
            .map(|matrix| storage(&snapshot, kind, matrix, &path))
            .collect::<Result<_, _>>()?;
        let (mlp, mut parameters, mut state) = Mlp::new(spec, storages, Streams::new(config.seed))?;
        let columns = build::optimizer(&config).columns();
        for parameter in parameters.iter_mut() {
            match kind {
                FileKind::Checkpoint => {
                    parameter.set_columns(columns);
                    read_parameter(&snapshot, parameter, &path)?;
                }
                FileKind::Model => model_file::read_values(&snapshot, parameter, &path)?,
            }
        }
        read_state(&snapshot, &mut state).map_err(|error| error.in_file(&path))?;
        Ok(Self {
            path,
            kind,
            snapshot,
            meta,
            config,
            mlp,
            parameters,
            state,
        })
    }
}

/// The shape of the model, whose matrices have entries that can be counted.
fn spec(config: &Config, data: &DataMeta, path: &Path) -> Result<MlpSpec, TrainError> {
    let refuse = |what: String| field("data", what).in_file(path);
    let [channels, height, width] = data.image;
    let inputs = channels
        .checked_mul(height)
        .and_then(|pixels| pixels.checked_mul(width))
        .filter(|&inputs| inputs > 0 && data.classes > 0)
        .ok_or_else(|| {
            refuse(format!(
                "no model takes images of {channels}×{height}×{width} in {} classes",
                data.classes
            ))
        })?;
    let spec = build::model(config, inputs, data.classes)?.spec;
    for (name, [rows, cols]) in spec.layers() {
        if rows.checked_mul(cols).is_none() {
            return Err(refuse(format!("{name} would be {rows}×{cols}")));
        }
    }
    Ok(spec)
}

/// How a layer is stored in a file that holds as much as that takes.
fn storage(
    snapshot: &Snapshot,
    kind: FileKind,
    matrix: &MatrixSpec,
    path: &Path,
) -> Result<Storage, TrainError> {
    let fits = |error: checkpoint::ContentsError| error.in_file(path);
    let MatrixSpec { name, dims, .. } = matrix;
    if matrix.has_bias {
        let bias = format!("{name}.bias");
        snapshot.f32(&bias, dims[0]).map_err(fits)?;
    }
    let name = format!("{name}.weight");
    if snapshot.tensors.contains_key(&name) {
        snapshot.f32(&name, dims[0] * dims[1]).map_err(fits)?;
        return Ok(Storage::Dense);
    }
    let shape = MatrixShape::from_dims(dims);
    Ok(Storage::Active(match kind {
        FileKind::Checkpoint => read_topology(snapshot, &name, shape, path)?,
        FileKind::Model => model_file::read_topology(snapshot, &name, shape, path)?,
    }))
}
