//! FLOPs of training, in two conventions that never meet in one ratio.
//!
//! The papers' convention counts three products per layer and step from shapes and positions,
//! whatever runs. What ran is reported by the products themselves; it lacks the input gradient of
//! the first layer and counts a dense kernel as dense. Each has its own dense run to be divided by.

use rewire_ift::{LinearCost, NetworkCost, StepKind, TrainingMethod};
use rewire_nn::{Mlp, Parameters};
use serde::{Deserialize, Serialize};

/// FLOPs of training so far; a multiply-add counts as 2, evaluations are not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flops {
    /// By the papers' convention, from shapes and positions.
    #[serde(with = "decimal")]
    pub algorithmic: u128,
    /// By the papers' convention, of the same steps with every weight active.
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
    /// Counts one step on `samples` samples in which the products ran `executed` operations.
    pub(crate) fn count(
        &mut self,
        (method, kind): (TrainingMethod, StepKind),
        cost: &NetworkCost,
        samples: u64,
        executed: u64,
    ) {
        let first = cost
            .layers
            .first()
            .map_or(0, |layer| layer.cost.dense().forward(1));
        let dense = 3 * cost.f_dense();
        self.algorithmic += method.step(kind, cost, samples);
        self.dense += dense * u128::from(samples);
        self.executed += u128::from(executed);
        self.dense_executed += (dense - first) * u128::from(samples);
    }
}

/// The cost of a model's linear layers with their present positions.
pub(crate) fn network_cost(mlp: &Mlp, parameters: &Parameters) -> NetworkCost {
    NetworkCost::new(mlp.weights().map(|id| {
        let parameter = parameters.get(id);
        let shape = parameter.shape();
        let cost = LinearCost {
            inputs: shape.cols as u64,
            outputs: shape.rows as u64,
            n_active: parameter.n_active(),
        };
        (parameter.name(), cost)
    }))
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
