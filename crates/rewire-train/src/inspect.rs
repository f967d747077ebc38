//! Looking at a checkpoint or a model file: evaluating its model, listing what it holds.

use std::path::{Path, PathBuf};

use rewire_autograd::Tape;
use rewire_autograd::mask::Topology;
use rewire_data::{Dataset, Images, Part};

use crate::build;
use crate::epoch::totals;
use crate::error::TrainError;
use crate::evaluation::Evaluator;
pub use crate::model::FileKind;
use crate::model::Model;
use crate::snapshot::read_coverage;
use crate::summary::weights_sha256;

/// The result of [`evaluate`].
#[derive(Clone, Debug, PartialEq)]
pub struct EvaluationReport {
    /// The file that was read.
    pub file: PathBuf,
    /// What it is.
    pub kind: FileKind,
    /// The data it was evaluated on.
    pub data: String,
    /// Number of samples.
    pub samples: usize,
    /// Mean cross-entropy in nats.
    pub loss: f64,
    /// Share of correct samples, in [0, 1].
    pub accuracy: f64,
    /// The step after which the state was saved.
    pub step: u64,
}

/// What a checkpoint or a model file holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Inspection {
    /// The file that was read.
    pub file: PathBuf,
    /// What it is.
    pub kind: FileKind,
    /// The version that wrote it.
    pub version: String,
    /// The resolved configuration, as TOML.
    pub config: String,
    /// Its SHA-256.
    pub config_hash: String,
    /// The last step taken.
    pub step: u64,
    /// Epochs finished.
    pub epoch: u64,
    /// Epochs of the whole run, where that is not a matter of FLOPs (`schedule.budget`).
    pub total_epochs: Option<u64>,
    /// Weight matrices, first layer first.
    pub layers: Vec<InspectedLayer>,
    /// Active weights of the sparse layers; of all layers for a dense run.
    pub n_active: u64,
    /// Their dense size.
    pub n_total: u64,
    /// Every trained value.
    pub n_params: u64,
    /// FLOPs of training so far by the papers' convention.
    pub train_flops: u128,
    /// FLOPs that the products executed so far.
    pub train_flops_executed: u128,
    /// FLOPs of the same steps of the dense network, by the papers' convention.
    pub train_flops_dense: u128,
    /// FLOPs that the same steps of dense training would have executed.
    pub train_flops_dense_executed: u128,
    /// Hash of all parameters, as in a run's summary.
    pub weights_sha256: String,
}

/// One weight matrix of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct InspectedLayer {
    /// The parameter's name.
    pub name: String,
    /// Out × in.
    pub dims: Vec<usize>,
    /// "dense" or "active".
    pub storage: &'static str,
    /// Active weights.
    pub n_active: u64,
    /// Their dense number.
    pub n_total: u64,
    /// Share of positions that were ever active; none for a dense matrix and in a model file.
    pub coverage: Option<f64>,
    /// Optimizer state kept per weight.
    pub columns: Vec<String>,
    /// The smallest value.
    pub min: f32,
    /// The largest value.
    pub max: f32,
    /// Mean of |w| over the active weights.
    pub mean_magnitude: f64,
    /// Outputs without an active weight.
    pub dead_rows: u64,
}

/// Measures the model of a run folder's last checkpoint, of a checkpoint or of a model file, on a test
/// part.
///
/// `data` is `digits` or a folder, which may hold a test part alone; without it the run's own data
/// are used. Pixels are standardised by the constants of the training part, which the file
/// holds.
///
/// # Errors
/// [`TrainError`] for a damaged file, unreadable data, or images of another size or number of
/// classes than the model's.
pub fn evaluate(
    path: &Path,
    data: Option<&str>,
    threads: usize,
) -> Result<EvaluationReport, TrainError> {
    let mut model = Model::load(path)?;
    let source = data.unwrap_or(&model.config.data.source).to_owned();
    let images = match source.as_str() {
        "digits" => Dataset::digits().test,
        folder => Dataset::open_part(Path::new(folder), Part::Test)?,
    };
    model.check_images(&source, &images)?;
    let standardize = model.meta.data.standardize(&model.path)?;
    let mut tape = Tape::new(build::products(&model.config));
    let mut evaluator = Evaluator {
        mlp: &model.mlp,
        parameters: &model.parameters,
        state: &mut model.state,
        standardize: &standardize,
        tape: &mut tape,
    };
    let evaluation = build::pool(threads)?.install(|| evaluator.evaluate(&images));
    Ok(EvaluationReport {
        file: model.path,
        kind: model.kind,
        data: source,
        samples: images.len(),
        loss: evaluation.loss,
        accuracy: evaluation.accuracy,
        step: model.meta.step,
    })
}

/// Lists what a run folder's last checkpoint, a checkpoint or a model file holds.
///
/// # Errors
/// [`TrainError`] for a damaged file.
pub fn inspect(path: &Path) -> Result<Inspection, TrainError> {
    let model = Model::load(path)?;
    let mut layers = Vec::new();
    for id in model.mlp.weights() {
        let parameter = model.parameters.get(id);
        let values = parameter.values();
        let topology = parameter.topology();
        let coverage = match topology {
            Some(_) if model.kind == FileKind::Checkpoint => {
                Some(read_coverage(&model.snapshot, parameter, &model.path)?.rate())
            }
            _ => None,
        };
        let magnitudes: f64 = values.iter().map(|value| f64::from(value.abs())).sum();
        layers.push(InspectedLayer {
            name: parameter.name().to_owned(),
            dims: parameter.dims().to_vec(),
            storage: parameter.storage().name(),
            n_active: parameter.n_active(),
            n_total: parameter.shape().len(),
            coverage,
            columns: parameter
                .columns()
                .iter()
                .map(|column| column.spec.name.to_owned())
                .collect(),
            min: values.iter().copied().fold(f32::INFINITY, f32::min),
            max: values.iter().copied().fold(f32::NEG_INFINITY, f32::max),
            mean_magnitude: magnitudes / values.len().max(1) as f64,
            dead_rows: topology.map_or(0, dead_rows),
        });
    }
    let totals = totals(&model.mlp, &model.parameters);
    let flops = model.meta.flops;
    Ok(Inspection {
        file: model.path,
        kind: model.kind,
        version: model.meta.version,
        config: model.meta.config,
        config_hash: model.meta.config_hash,
        step: model.meta.step,
        epoch: model.meta.epochs,
        total_epochs: (model.config.schedule.budget == 0.0).then_some(model.config.schedule.epochs),
        layers,
        n_active: totals.n_active,
        n_total: totals.n_total,
        n_params: totals.n_params,
        train_flops: flops.algorithmic,
        train_flops_executed: flops.executed,
        train_flops_dense: flops.dense,
        train_flops_dense_executed: flops.dense_executed,
        weights_sha256: weights_sha256(&model.parameters),
    })
}

impl Model {
    fn check_images(&self, source: &str, images: &Images) -> Result<(), TrainError> {
        let data = &self.meta.data;
        if images.shape() == data.image && images.classes() == data.classes {
            return Ok(());
        }
        Err(TrainError::OtherImages {
            path: self.path.clone(),
            data: source.to_owned(),
            expected: data.image,
            found: images.shape(),
            classes: (data.classes, images.classes()),
        })
    }
}

fn dead_rows(topology: &Topology) -> u64 {
    let rows = 0..topology.shape().rows;
    rows.filter(|&row| topology.row(row).is_empty()).count() as u64
}
