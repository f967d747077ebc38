//! FLOPs of training, in two conventions that never meet in one ratio.
//!
//! The papers' convention counts three products per layer and step from shapes and positions,
//! whatever runs. What ran is reported by the products themselves; it lacks the input gradient of
//! the first layer and counts a dense kernel as dense. Each has its own dense run to be divided by.

use rewire_ift::{LayerCost, NetworkCost, StepKind, TrainingMethod};
use rewire_nn::{MatrixSpec, Mlp, MlpSpec, Parameters};
use serde::{Deserialize, Serialize};

/// FLOPs of training so far; a multiply-add counts as 2, evaluations are not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flops {
    /// By the papers' convention, from shapes and positions.
    #[serde(with = "decimal")]
    pub algorithmic: u128,
    /// By the papers' convention, of the same steps of the dense network: with every weight active,
    /// and before its transform.
    #[serde(with = "decimal")]
    pub dense: u128,
    /// What the products ran.
    #[serde(with = "decimal")]
    pub executed: u128,
    /// What they would have run in the same steps of dense training.
    #[serde(with = "decimal")]
    pub dense_executed: u128,
}

impl Flops {
    /// Counts one step on `samples` samples in which the products ran `executed` operations, beside
    /// a step of the network `dense`.
    pub(crate) fn count(
        &mut self,
        (method, kind): (TrainingMethod, StepKind),
        [cost, dense]: [&NetworkCost; 2],
        samples: u64,
        executed: u64,
    ) {
        self.algorithmic += method.step(kind, cost, samples);
        self.dense += TrainingMethod::Dense.step(kind, dense, samples);
        self.executed += u128::from(executed);
        self.dense_executed += TrainingMethod::Dense.executed_step(kind, dense, samples);
    }
}

/// The cost of a model's linear layers with their present positions.
pub(crate) fn network_cost(mlp: &Mlp, parameters: &Parameters) -> NetworkCost {
    let reads_data = reads_data(mlp.spec());
    NetworkCost::new(mlp.weights().zip(reads_data).map(|(id, reads_data)| {
        let parameter = parameters.get(id);
        let shape = parameter.shape();
        let cost = LayerCost {
            reads_data,
            ..LayerCost::linear(shape.cols as u64, shape.rows as u64, parameter.n_active())
        };
        (parameter.name(), cost)
    }))
}

/// Which weight matrices multiply the data themselves.
pub(crate) fn reads_data(spec: &MlpSpec) -> Vec<bool> {
    let layers = spec.matrices().into_iter().enumerate();
    layers
        .flat_map(|(layer, matrices)| {
            let reads = move |matrix: MatrixSpec| layer == 0 && matrix.reads_input;
            matrices.into_iter().map(reads)
        })
        .collect()
}

/// Counts as decimal text: JSON values in memory end at 2⁶⁴, which a large dense count can pass.
mod decimal {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(count: &u128, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(count)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(source: D) -> Result<u128, D::Error> {
        let text = String::deserialize(source)?;
        text.parse()
            .map_err(|_| D::Error::custom(format!("`{text}` is not a whole number")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_beyond_64_bits_survive_a_checkpoint() {
        let flops = Flops {
            algorithmic: u128::MAX,
            dense: 1 << 70,
            executed: 0,
            dense_executed: u128::from(u64::MAX) + 1,
        };
        let value = serde_json::to_value(flops).unwrap();
        assert_eq!(serde_json::from_value::<Flops>(value).unwrap(), flops);
        let damaged = serde_json::json!({
            "algorithmic": "-1", "dense": "0", "executed": "0", "dense_executed": "0"
        });
        assert!(serde_json::from_value::<Flops>(damaged).is_err());
    }
}
