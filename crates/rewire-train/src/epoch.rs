//! The end of an epoch: what is measured, counted and recorded.

use rewire_autograd::ParameterId;
use rewire_nn::{Mlp, Parameter, Parameters};

use crate::progress::OpenEpoch;
use crate::records::{EpochRecord, Evaluation, LayerRecord};
use crate::trainer::Trainer;

/// Numbers of weights of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Active weights of the sparse layers; of all layers for a dense run.
    pub(crate) n_active: u64,
    /// Their dense size.
    pub(crate) n_total: u64,
    /// Every trained value.
    pub(crate) n_params: u64,
}

impl Trainer {
    /// Epochs whose last batch is done.
    pub(crate) fn epochs_done(&self) -> u64 {
        self.progress.epochs
    }

    /// The names of the weight matrices.
    pub(crate) fn layer_names(&self) -> Vec<String> {
        self.mlp
            .weights()
            .map(|id| self.parameters.get(id).name().to_owned())
            .collect()
    }

    /// SHA-256 of training and test part.
    pub(crate) fn data_sha256(&self) -> [(&'static str, String); 2] {
        [
            ("train", self.data.train_sha256.clone()),
            ("test", self.data.test.sha256()),
        ]
    }

    pub(crate) fn totals(&self) -> Totals {
        totals(&self.mlp, &self.parameters)
    }

    /// Evaluates after an epoch, closes its sums and says whether held-out data call it the best.
    pub(crate) fn end_epoch(&mut self) -> (EpochRecord, bool) {
        let test = self.evaluate_test();
        let valid = self.evaluate_valid();
        let best = &mut self.progress.best;
        best.test_accuracy = best.test_accuracy.max(test.accuracy);
        let is_best = valid.is_some_and(|valid| {
            best.valid_accuracy
                .is_none_or(|known| valid.accuracy > known)
        });
        if is_best {
            best.valid_accuracy = valid.map(|valid| valid.accuracy);
        }
        self.progress.epochs += 1;
        let layers = self.coverage.len();
        let open = std::mem::replace(&mut self.progress.open, OpenEpoch::new(layers));
        (self.record(&open, valid, test), is_best)
    }

    fn record(&self, open: &OpenEpoch, valid: Option<Evaluation>, test: Evaluation) -> EpochRecord {
        let layers: Vec<LayerRecord> = self
            .mlp
            .weights()
            .zip(&self.coverage)
            .zip(&open.moved)
            .map(|((id, coverage), moved)| {
                let parameter = self.parameters.get(id);
                LayerRecord {
                    name: parameter.name().to_owned(),
                    n_active: parameter.n_active(),
                    n_total: parameter.shape().len(),
                    dropped: moved.dropped,
                    grown: moved.grown,
                    coverage: coverage.as_ref().map_or(1.0, |coverage| coverage.rate()),
                }
            })
            .collect();
        let sparse = || self.coverage.iter().flatten();
        let positions: u64 = sparse().map(|coverage| coverage.shape().len()).sum();
        let share = |count: u64| match positions {
            0 => 1.0,
            positions => count as f64 / positions as f64,
        };
        let flops = self.progress.flops;
        let samples = open.samples.max(1) as f64;
        EpochRecord {
            epoch: self.epochs_done(),
            step: self.progress.step,
            learning_rate: self.rate.at(self.progress.step),
            train_loss: open.loss / samples,
            train_accuracy: open.correct as f64 / samples,
            valid,
            test_loss: test.loss,
            test_accuracy: test.accuracy,
            n_active: self.totals().n_active,
            dropped: open.moved.iter().map(|moved| moved.dropped).sum(),
            grown: open.moved.iter().map(|moved| moved.grown).sum(),
            coverage: share(sparse().map(|coverage| coverage.explored()).sum()),
            survivor_coverage: share(sparse().map(|coverage| coverage.survived()).sum()),
            train_flops: flops.algorithmic,
            train_flops_executed: flops.executed,
            train_flops_dense: flops.dense,
            train_flops_dense_executed: flops.dense_executed,
            layers,
        }
    }
}

/// Counts the weights of a model: of the sparse layers, or of all layers if none is sparse.
pub(crate) fn totals(mlp: &Mlp, parameters: &Parameters) -> Totals {
    let is_sparse = |id: &ParameterId| parameters.get(*id).topology().is_some();
    let dense_run = !mlp.weights().any(|id| is_sparse(&id));
    let counted = || mlp.weights().filter(move |id| dense_run || is_sparse(id));
    Totals {
        n_active: counted().map(|id| parameters.get(id).n_active()).sum(),
        n_total: counted().map(|id| parameters.get(id).shape().len()).sum(),
        n_params: parameters.iter().map(Parameter::n_active).sum(),
    }
}
