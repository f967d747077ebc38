//! Model files: what an evaluation needs, in few bytes.
//!
//! ```text
//! fc1.weight.values               f32  active values, in position order
//! fc1.weight.mask or .gaps        u8   their positions, whichever takes fewer bytes
//! fc1.weight                      f32  values of a dense matrix; biases, scales and shifts likewise
//! bn1.running_mean, .running_var  f32  bn1.num_batches_tracked  u64
//! ```
//!
//! A sparse matrix of N weights with n active ones takes at most 4n + ⌈N / 8⌉ bytes, (32·d + 1)·N
//! bits at density d. The container, its checksum and the names of all other tensors are those of a
//! checkpoint; there is no optimizer state, no coverage and no state of a method.
//! `docs/formats/model.md` describes the bytes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use rewire_autograd::mask::{MatrixShape, Topology};
use rewire_nn::{Parameter, Storage};
use serde::{Deserialize, Serialize};

use crate::checkpoint::{ContentsError, Snapshot, Tensor};
use crate::cost::Flops;
use crate::error::TrainError;
use crate::model::Model;
use crate::snapshot::{DataMeta, Meta, field, put, value, write_norm};

mod positions;

use positions::Code;

/// What tells the metadata of a model file from a checkpoint's.
const KIND: &str = "model";

/// The metadata of a model file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelMeta {
    kind: String,
    /// The resolved configuration, as text.
    pub(crate) config: String,
    /// Its SHA-256.
    pub(crate) config_hash: String,
    /// The version that trained the model.
    pub(crate) version: String,
    /// Which implementation multiplied.
    products: String,
    /// The last step taken.
    pub(crate) step: u64,
    /// Epochs finished.
    pub(crate) epochs: u64,
    /// FLOPs of the training.
    pub(crate) flops: Flops,
    /// The data the model was fitted to.
    pub(crate) data: DataMeta,
}

impl From<Meta> for ModelMeta {
    fn from(meta: Meta) -> Self {
        Self {
            kind: KIND.to_owned(),
            config: meta.config,
            config_hash: meta.config_hash,
            version: meta.version,
            products: meta.products,
            step: meta.progress.step,
            epochs: meta.progress.epochs,
            flops: meta.progress.flops,
            data: meta.data,
        }
    }
}

/// The contents of the model file of a model.
///
/// # Errors
/// [`TrainError::Bug`] if the metadata have no JSON.
pub(crate) fn snapshot(model: &Model) -> Result<Snapshot, TrainError> {
    let mut tensors = BTreeMap::new();
    for parameter in model.parameters.iter() {
        write_parameter(parameter, &mut tensors);
    }
    for norm in &model.state.norms {
        write_norm(norm, &mut tensors);
    }
    let meta = serde_json::to_value(&model.meta).map_err(|error| TrainError::Bug {
        what: format!("the model's metadata cannot be written: {error}"),
    })?;
    Ok(Snapshot { tensors, meta })
}

/// Whether the contents say that they are those of a model file, or at least of no checkpoint.
pub(crate) fn is_model(snapshot: &Snapshot) -> bool {
    snapshot.meta.get("kind").is_some()
}

/// The metadata of a model file.
pub(crate) fn read_meta(snapshot: &Snapshot, path: &Path) -> Result<ModelMeta, TrainError> {
    let refuse = |key, what| field(key, what).in_file(path);
    let meta = ModelMeta::deserialize(&snapshot.meta)
        .map_err(|error| refuse("meta", error.to_string()))?;
    match meta.kind.as_str() {
        KIND => Ok(meta),
        other => Err(refuse("kind", format!("is `{other}`, not `{KIND}`"))),
    }
}

/// The active positions of a matrix.
pub(crate) fn read_topology(
    snapshot: &Snapshot,
    name: &str,
    shape: MatrixShape,
    path: &Path,
) -> Result<Topology, TrainError> {
    let fits = |error: ContentsError| error.in_file(path);
    let mask = format!("{name}.mask");
    let is_mask = snapshot.tensors.contains_key(&mask);
    let key = if is_mask {
        mask
    } else {
        format!("{name}.gaps")
    };
    let len = snapshot.length_of(&key).map_err(fits)?;
    let bytes = snapshot.u8(&key, len).map_err(fits)?;
    let topology = match is_mask {
        true => positions::from_mask(shape, bytes),
        false => positions::from_gaps(shape, bytes),
    };
    topology.map_err(|fault| value(&key, fault.to_string()).in_file(path))
}

/// Fills in the values of a parameter, whose positions are known.
pub(crate) fn read_values(
    snapshot: &Snapshot,
    parameter: &mut Parameter,
    path: &Path,
) -> Result<(), TrainError> {
    let key = match parameter.storage() {
        Storage::Active(_) => format!("{}.values", parameter.name()),
        Storage::Dense | Storage::Latent(_) => parameter.name().to_owned(),
    };
    let values = snapshot
        .f32(&key, parameter.stored())
        .map_err(|error| error.in_file(path))?;
    if let Some(bad) = values.iter().find(|value| !value.is_finite()) {
        return Err(value(&key, format!("holds {bad}")).in_file(path));
    }
    parameter.values_mut().copy_from_slice(values);
    Ok(())
}

fn write_parameter(parameter: &Parameter, tensors: &mut BTreeMap<String, Tensor>) {
    let (name, values) = (parameter.name(), parameter.values());
    let (topology, values) = match parameter.storage() {
        Storage::Dense => {
            let shape = parameter.dims().to_vec();
            let data = values.to_vec().into();
            tensors.insert(name.to_owned(), Tensor { shape, data });
            return;
        }
        Storage::Active(topology) => (Cow::Borrowed(topology), values.to_vec()),
        // The forward set is all that an evaluation sees.
        Storage::Latent(sets) => {
            let topology = Topology::from_mask(sets.forward());
            let active = topology.positions().map(|p| values[p as usize]).collect();
            (Cow::Owned(topology), active)
        }
    };
    match positions::encode(&topology) {
        Code::Mask(bytes) => put(tensors, format!("{name}.mask"), bytes),
        Code::Gaps(bytes) => put(tensors, format!("{name}.gaps"), bytes),
    }
    put(tensors, format!("{name}.values"), values);
}
