//! The state dict of a model: every weight, 0 where it is inactive.
//!
//! Names, shapes and types are those of PyTorch modules of the same name, so that
//! `load_state_dict(load_file(..), strict=True)` takes the file: `fc1.weight` is `out × in`, and
//! `bn1.num_batches_tracked` is a single I64. Nothing else is in it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use rewire_autograd::mask::WeightView;
use rewire_nn::Parameter;
use safetensors::{Dtype, View};

use crate::checkpoint::CheckpointError;
use crate::error::TrainError;
use crate::model::Model;

struct Tensor {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl View for &Tensor {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

/// The bytes of the file; `path` is what errors call it.
///
/// # Errors
/// [`CheckpointError::Header`] if the names exceed the header of the format.
pub(super) fn encode(path: &Path, model: &Model) -> Result<Vec<u8>, TrainError> {
    let mut tensors = BTreeMap::new();
    for parameter in model.parameters.iter() {
        let shape = parameter.dims().to_vec();
        tensors.insert(
            parameter.name().to_owned(),
            floats(shape, &masked(parameter)),
        );
    }
    for norm in &model.state.norms {
        let name = &norm.name;
        let features = vec![norm.mean.len()];
        let mean = floats(features.clone(), &norm.mean);
        tensors.insert(format!("{name}.running_mean"), mean);
        let variance = floats(features, &norm.variance);
        tensors.insert(format!("{name}.running_var"), variance);
        let batches = Tensor {
            dtype: Dtype::I64,
            shape: Vec::new(),
            bytes: norm.batches.to_le_bytes().to_vec(),
        };
        tensors.insert(format!("{name}.num_batches_tracked"), batches);
    }
    // The libraries that read state dicts ask for this key.
    let metadata = [("format".to_owned(), "pt".to_owned())].into();
    let bytes = safetensors::serialize(&tensors, Some(metadata)).map_err(|error| {
        CheckpointError::Header {
            path: path.to_path_buf(),
            what: error.to_string(),
        }
    })?;
    Ok(bytes)
}

/// Every value of a parameter, +0 where it is inactive.
fn masked(parameter: &Parameter) -> Cow<'_, [f32]> {
    let spread = |pairs: &mut dyn Iterator<Item = (u64, f32)>| {
        let mut all = vec![0.0; parameter.dims().iter().product()];
        for (position, value) in pairs {
            all[position as usize] = value;
        }
        Cow::Owned(all)
    };
    match parameter.view() {
        WeightView::Dense { values, .. } => Cow::Borrowed(values),
        WeightView::Active { topology, values } => {
            spread(&mut topology.positions().zip(values.iter().copied()))
        }
        WeightView::Latent {
            values, forward, ..
        } => spread(&mut forward.positions().map(|p| (p, values[p as usize]))),
    }
}

fn floats(shape: Vec<usize>, values: &[f32]) -> Tensor {
    Tensor {
        dtype: Dtype::F32,
        shape,
        bytes: values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect(),
    }
}
