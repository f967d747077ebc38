//! A trainer as a snapshot and back: which tensors a checkpoint holds, and under which names.
//!
//! ```text
//! fc1.weight                      f32  dense values, in the parameter's dimensions
//! fc1.weight.values               f32  active values, in position order
//! fc1.weight.row_offsets          u64  active storage: first value of each row, and the end
//! fc1.weight.columns              u32  active storage: column of each value
//! fc1.weight.momentum             f32  one tensor per optimizer column, as long as the values
//! fc1.weight.explored(.bits)      u64  positions ever active (as a bitmap where that is smaller)
//! fc1.weight.survived(.bits)      u64  positions that survived a rewiring, likewise
//! bn1.running_mean, .running_var  f32  bn1.num_batches_tracked  u64
//! ```
//!
//! The metadata hold the resolved configuration, the counters, the standardisation constants, the
//! explorer's state and what identifies the data. No wall-clock value is stored: the checkpoint of
//! a resumed run equals that of an uninterrupted one byte by byte.

use std::collections::BTreeMap;
use std::path::Path;

use rewire_autograd::mask::{Coverage, Mask, MatrixShape, Topology};
use rewire_data::Standardize;
use rewire_nn::{Column, ColumnData, Parameter, RunningStatistics, State, Storage};
use serde::{Deserialize, Serialize};

use crate::build;
use crate::checkpoint::{ContentsError, Snapshot, Tensor, TensorData};
use crate::config::Config;
use crate::cost::network_cost;
use crate::error::TrainError;
use crate::progress::Progress;
use crate::trainer::Trainer;

/// What may differ when a run is continued: neither changes a result.
const MAY_CHANGE: [&str; 2] = ["threads", "data.source"];

/// The metadata of a training checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Meta {
    /// The resolved configuration, as text.
    pub(crate) config: String,
    /// Its SHA-256.
    pub(crate) config_hash: String,
    /// The version that wrote the file.
    pub(crate) version: String,
    /// Which implementation multiplied.
    pub(crate) products: String,
    /// Counters.
    pub(crate) progress: Progress,
    /// The explorer's state.
    pub(crate) explorer: serde_json::Value,
    /// The data the model was fitted to.
    pub(crate) data: DataMeta,
}

/// What a model must know about the data it was fitted to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DataMeta {
    /// SHA-256 of the training part.
    pub(crate) train_sha256: String,
    /// Channels, height, width of an image.
    pub(crate) image: [usize; 3],
    /// Number of classes.
    pub(crate) classes: usize,
    /// Mean per channel of the training part.
    pub(crate) mean: Vec<f64>,
    /// Standard deviation per channel of the training part.
    pub(crate) sd: Vec<f64>,
}

impl DataMeta {
    /// The standardisation of the training part, as the checkpoint at `path` holds it.
    pub(crate) fn standardize(&self, path: &Path) -> Result<Standardize, TrainError> {
        Standardize::from_parts(self.mean.clone(), self.sd.clone())
            .map_err(|error| field("data", error.to_string()).in_file(path))
    }
}

impl Trainer {
    /// Everything a resumed run needs.
    ///
    /// # Errors
    /// [`TrainError`] if a counter does not fit the format.
    pub fn snapshot(&self) -> Result<Snapshot, TrainError> {
        let mut tensors = BTreeMap::new();
        for parameter in self.parameters.iter() {
            write_parameter(parameter, &mut tensors);
        }
        for (id, coverage) in self.mlp.weights().zip(&self.coverage) {
            if let Some(coverage) = coverage {
                write_coverage(self.parameters.get(id).name(), coverage, &mut tensors)?;
            }
        }
        for norm in &self.state.norms {
            write_norm(norm, &mut tensors);
        }
        // The number of threads changes no result, so it changes no byte either.
        let mut config = self.config.clone();
        config.threads = 0;
        let meta = Meta {
            config: config.to_toml(),
            config_hash: self.config.hash(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            products: build::products_name(&self.config),
            progress: self.progress.clone(),
            explorer: self.explorer.state(),
            data: DataMeta {
                train_sha256: self.data.train_sha256.clone(),
                image: self.data.train.shape(),
                classes: self.data.train.classes(),
                mean: self.standardize.mean().to_vec(),
                sd: self.standardize.sd().to_vec(),
            },
        };
        let meta = serde_json::to_value(meta).map_err(|error| TrainError::Bug {
            what: format!("the checkpoint's metadata cannot be written: {error}"),
        })?;
        Ok(Snapshot { tensors, meta })
    }

    /// Continues from a snapshot of the same configuration; `path` is named in errors.
    ///
    /// # Errors
    /// [`TrainError::ConfigChanged`] with every differing key if the configuration is another one,
    /// but for the number of threads and the place of the data, whose content is compared; [`TrainError`] if the data are others or contents are
    /// missing or do not fit.
    pub fn restore(&mut self, snapshot: &Snapshot, path: &Path) -> Result<(), TrainError> {
        let meta = read_meta(snapshot, path)?;
        let saved = Config::from_toml(&meta.config, &path.display().to_string())?;
        let differences: Vec<_> = saved
            .difference(&self.config)
            .into_iter()
            .filter(|(key, _, _)| !MAY_CHANGE.contains(&key.as_str()))
            .collect();
        if !differences.is_empty() {
            return Err(TrainError::ConfigChanged {
                path: path.to_owned(),
                differences,
            });
        }
        let products = build::products_name(&self.config);
        if meta.products != products {
            let what = format!("{} products made it, these are {products}", meta.products);
            return Err(field("products", what).in_file(path));
        }
        let found = &self.data.train_sha256;
        if meta.data.train_sha256 != *found {
            return Err(TrainError::OtherData {
                path: path.to_owned(),
                expected: meta.data.train_sha256,
                found: found.clone(),
            });
        }
        let fits = |error: ContentsError| error.in_file(path);
        for parameter in self.parameters.iter_mut() {
            read_parameter(snapshot, parameter, path)?;
        }
        let mut coverage = Vec::with_capacity(self.coverage.len());
        for id in self.mlp.weights() {
            let parameter = self.parameters.get(id);
            coverage.push(match parameter.topology() {
                Some(_) => Some(read_coverage(snapshot, parameter, path)?),
                None => None,
            });
        }
        self.coverage = coverage;
        self.cost = network_cost(&self.mlp, &self.parameters);
        read_state(snapshot, &mut self.state).map_err(fits)?;
        self.explorer.restore(&meta.explorer)?;
        let layers = self.coverage.len();
        if meta.progress.open.moved.len() != layers {
            let found = meta.progress.open.moved.len();
            let what = format!("counts moves of {found} layers, the model has {layers}");
            return Err(field("progress.open.moved", what).in_file(path));
        }
        let per_epoch = self.batches.batches_per_epoch();
        if meta.progress.step > self.total_steps() {
            let (step, total) = (meta.progress.step, self.total_steps());
            return Err(field("progress.step", format!("is {step} of {total}")).in_file(path));
        }
        self.batches.seek(rewire_data::Position {
            epoch: meta.progress.step / per_epoch,
            batch: meta.progress.step % per_epoch,
        })?;
        self.progress = meta.progress;
        Ok(())
    }
}

/// The metadata of a training checkpoint.
pub(crate) fn read_meta(snapshot: &Snapshot, path: &Path) -> Result<Meta, TrainError> {
    if let Some(kind) = snapshot.meta.get("kind") {
        let what = format!("is {kind}: the file holds no state to train on from");
        return Err(field("kind", what).in_file(path));
    }
    Meta::deserialize(&snapshot.meta)
        .map_err(|error| field("meta", error.to_string()).in_file(path))
}

/// Puts back the storage, values and optimizer columns of one parameter.
pub(crate) fn read_parameter(
    snapshot: &Snapshot,
    parameter: &mut Parameter,
    path: &Path,
) -> Result<(), TrainError> {
    let fits = |error: ContentsError| error.in_file(path);
    let name = parameter.name().to_owned();
    let (storage, values) = match parameter.storage() {
        Storage::Active(_) => {
            let topology = read_topology(snapshot, &name, parameter.shape(), path)?;
            let values = snapshot
                .f32(&format!("{name}.values"), topology.n_active())
                .map_err(fits)?;
            (Storage::Active(topology), values.to_vec())
        }
        other @ (Storage::Dense | Storage::Latent(_)) => {
            let values = snapshot.f32(&name, parameter.stored()).map_err(fits)?;
            (other.clone(), values.to_vec())
        }
    };
    if let Some(bad) = values.iter().find(|value| !value.is_finite()) {
        return Err(value(&name, format!("holds {bad}")).in_file(path));
    }
    let stored = values.len();
    let mut columns = Vec::with_capacity(parameter.columns().len());
    for column in parameter.columns() {
        let key = format!("{name}.{}", column.spec.name);
        let data = match &column.data {
            ColumnData::F32(_) => {
                ColumnData::F32(snapshot.f32(&key, stored).map_err(fits)?.to_vec().into())
            }
            ColumnData::U32(_) => {
                ColumnData::U32(snapshot.u32(&key, stored).map_err(fits)?.to_vec())
            }
        };
        columns.push(Column {
            spec: column.spec,
            data,
        });
    }
    parameter.restore(storage, values)?;
    parameter.restore_columns(columns)?;
    Ok(())
}

/// Puts back running statistics.
pub(crate) fn read_state(snapshot: &Snapshot, state: &mut State) -> Result<(), ContentsError> {
    for norm in &mut state.norms {
        let RunningStatistics { name, mean, .. } = &*norm;
        let features = mean.len();
        let mean = snapshot.f32(&format!("{name}.running_mean"), features)?;
        let variance = snapshot.f32(&format!("{name}.running_var"), features)?;
        let batches = snapshot.u64(&format!("{name}.num_batches_tracked"), 1)?[0];
        *norm = RunningStatistics {
            name: name.clone(),
            mean: mean.to_vec(),
            variance: variance.to_vec(),
            batches,
        };
    }
    Ok(())
}

pub(crate) fn read_topology(
    snapshot: &Snapshot,
    name: &str,
    shape: MatrixShape,
    path: &Path,
) -> Result<Topology, TrainError> {
    let fits = |error: ContentsError| error.in_file(path);
    let offsets_key = format!("{name}.row_offsets");
    let offsets = snapshot.u64(&offsets_key, shape.rows + 1).map_err(fits)?;
    let columns_key = format!("{name}.columns");
    let n_active = snapshot.length_of(&columns_key).map_err(fits)?;
    let columns = snapshot.u32(&columns_key, n_active).map_err(fits)?;
    let offsets = offsets
        .iter()
        .map(|&offset| usize::try_from(offset))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| value(&offsets_key, error.to_string()).in_file(path))?;
    Topology::from_parts(shape, offsets, columns.to_vec())
        .map_err(|error| value(name, error.to_string()).in_file(path))
}

pub(crate) fn read_coverage(
    snapshot: &Snapshot,
    parameter: &Parameter,
    path: &Path,
) -> Result<Coverage, TrainError> {
    let shape = parameter.shape();
    let name = parameter.name();
    let explored = read_positions(snapshot, &format!("{name}.explored"), shape, path)?;
    let survived = read_positions(snapshot, &format!("{name}.survived"), shape, path)?;
    Coverage::from_positions(shape, explored, survived)
        .map_err(|error| value(name, error.to_string()).in_file(path))
}

fn read_positions(
    snapshot: &Snapshot,
    key: &str,
    shape: MatrixShape,
    path: &Path,
) -> Result<Vec<u64>, TrainError> {
    let fits = |error: ContentsError| error.in_file(path);
    let bits = format!("{key}.bits");
    if !snapshot.tensors.contains_key(&bits) {
        let len = snapshot.length_of(key).map_err(fits)?;
        return Ok(snapshot.u64(key, len).map_err(fits)?.to_vec());
    }
    let len = snapshot.length_of(&bits).map_err(fits)?;
    let words = snapshot.u64(&bits, len).map_err(fits)?.to_vec();
    let mask = Mask::from_words(shape, words)
        .map_err(|error| value(&bits, error.to_string()).in_file(path))?;
    Ok(mask.positions().collect())
}

fn write_parameter(parameter: &Parameter, tensors: &mut BTreeMap<String, Tensor>) {
    let name = parameter.name();
    match parameter.storage() {
        Storage::Active(topology) => {
            let offsets: Vec<u64> = topology.row_offsets().iter().map(|&o| o as u64).collect();
            put(tensors, format!("{name}.row_offsets"), offsets);
            put(
                tensors,
                format!("{name}.columns"),
                topology.columns().to_vec(),
            );
            put(
                tensors,
                format!("{name}.values"),
                parameter.values().to_vec(),
            );
        }
        Storage::Dense | Storage::Latent(_) => {
            let tensor = Tensor {
                shape: parameter.dims().to_vec(),
                data: TensorData::F32(parameter.values().to_vec()),
            };
            tensors.insert(name.to_owned(), tensor);
        }
    }
    for column in parameter.columns() {
        let key = format!("{name}.{}", column.spec.name);
        match &column.data {
            ColumnData::F32(values) => put(tensors, key, values.host().to_vec()),
            ColumnData::U32(counts) => put(tensors, key, counts.clone()),
        }
    }
}

fn write_coverage(
    name: &str,
    coverage: &Coverage,
    tensors: &mut BTreeMap<String, Tensor>,
) -> Result<(), TrainError> {
    let shape = coverage.shape();
    let sets = [
        ("explored", coverage.explored_positions()),
        ("survived", coverage.survived_positions()),
    ];
    for (what, positions) in sets {
        let key = format!("{name}.{what}");
        // A position takes 64 bits, a bitmap one bit per weight.
        if positions.len() as u64 * 64 > shape.len() {
            let mask = Mask::from_positions(shape, positions)?;
            put(tensors, format!("{key}.bits"), mask.words().to_vec());
        } else {
            put(tensors, key, positions);
        }
    }
    Ok(())
}

pub(crate) fn write_norm(norm: &RunningStatistics, tensors: &mut BTreeMap<String, Tensor>) {
    let name = &norm.name;
    put(tensors, format!("{name}.running_mean"), norm.mean.clone());
    put(
        tensors,
        format!("{name}.running_var"),
        norm.variance.clone(),
    );
    put(
        tensors,
        format!("{name}.num_batches_tracked"),
        vec![norm.batches],
    );
}

pub(crate) fn put(
    tensors: &mut BTreeMap<String, Tensor>,
    name: String,
    data: impl Into<TensorData>,
) {
    tensors.insert(name, Tensor::vector(data));
}

pub(crate) fn value(name: &str, what: String) -> ContentsError {
    ContentsError::Value {
        name: name.to_owned(),
        what,
    }
}

pub(crate) fn field(key: &str, what: String) -> ContentsError {
    ContentsError::Field {
        key: key.to_owned(),
        what,
    }
}
