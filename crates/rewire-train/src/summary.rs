//! What a finished run comes to: the numbers of `summary.json` and of `--json`.

use rewire_nn::{Parameters, Storage};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::checkpoint::hexadecimal;

/// The result of a run.
///
/// FLOPs count a multiply-add as 2 and cover all training steps so far, evaluations excluded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The method's name.
    pub method: String,
    /// The seed of the run.
    pub seed: u64,
    /// Epochs finished.
    pub epochs: u64,
    /// Steps taken.
    pub steps: u64,
    /// Share of correct test samples after the last epoch, in [0, 1].
    pub test_accuracy: f64,
    /// Mean test cross-entropy after the last epoch, in nats.
    pub test_loss: f64,
    /// The best test accuracy after any epoch: an optimistic number, chosen by the test part.
    pub best_epoch_test_accuracy: f64,
    /// Share of correct training samples over the last epoch, each judged when it was trained on.
    pub train_accuracy: f64,
    /// Mean training cross-entropy over the last epoch, likewise.
    pub train_loss: f64,
    /// Accuracy on the held-out training samples after the last epoch, if there are any.
    pub valid_accuracy: Option<f64>,
    /// Cross-entropy on the held-out training samples after the last epoch, if there are any.
    pub valid_loss: Option<f64>,
    /// Active weights of the sparse layers; of all layers for a dense run.
    pub n_active: u64,
    /// Weights these layers would have if they were dense.
    pub n_total: u64,
    /// Every trained value: weights, biases, scales and shifts.
    pub n_params: u64,
    /// 1 − n_active / n_total.
    pub sparsity: f64,
    /// R_s, the share of the sparse layers' positions that were ever active.
    pub coverage: f64,
    /// The share of positions that were active and survived a rewiring.
    pub survivor_coverage: f64,
    /// FLOPs of training by the papers' convention.
    pub train_flops: u128,
    /// FLOPs that the products executed.
    pub train_flops_executed: u128,
    /// FLOPs that the same steps of the dense network would cost, by the papers' convention.
    pub train_flops_dense: u128,
    /// FLOPs that the same steps of dense training would have executed.
    pub train_flops_dense_executed: u128,
    /// Wall-clock time of training and evaluation over all epochs and all their parts; what a killed
    /// process did after its last checkpoint is done again and counts once.
    pub seconds: f64,
    /// SHA-256 of positions and values of all parameters; see [`weights_sha256`].
    pub weights_sha256: String,
}

/// A hash that two runs share exactly if they ended with the same bits.
///
/// Parameters are taken by ascending name. Each contributes its name in UTF-8, a zero byte, the
/// number of its dimensions and the dimensions, the number of stored values n, then, unless it is
/// dense, the n flat positions in ascending order, and the n values; integers as u64, values as
/// f32, all little-endian.
pub fn weights_sha256(parameters: &Parameters) -> String {
    let mut sorted: Vec<_> = parameters.iter().collect();
    sorted.sort_by_key(|parameter| parameter.name());
    let mut hash = Sha256::new();
    for parameter in sorted {
        hash.update(parameter.name().as_bytes());
        hash.update([0]);
        hash.update((parameter.dims().len() as u64).to_le_bytes());
        for &dim in parameter.dims() {
            hash.update((dim as u64).to_le_bytes());
        }
        match parameter.storage() {
            Storage::Dense => {
                hash.update((parameter.stored() as u64).to_le_bytes());
                for value in parameter.values() {
                    hash.update(value.to_le_bytes());
                }
            }
            Storage::Active(topology) => {
                hash.update((parameter.stored() as u64).to_le_bytes());
                for position in topology.positions() {
                    hash.update(position.to_le_bytes());
                }
                for value in parameter.values() {
                    hash.update(value.to_le_bytes());
                }
            }
            Storage::Latent(sets) => {
                hash.update(sets.forward().n_active().to_le_bytes());
                for position in sets.forward().positions() {
                    hash.update(position.to_le_bytes());
                }
                for position in sets.forward().positions() {
                    hash.update(parameter.values()[position as usize].to_le_bytes());
                }
            }
        }
    }
    hexadecimal(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use rewire_autograd::mask::{MatrixShape, Topology};
    use rewire_nn::Parameter;

    use super::*;

    /// The bytes written out by hand for one active 2×3 weight and one dense bias.
    #[test]
    fn the_hash_is_over_the_documented_bytes() {
        let topology = Topology::from_positions(MatrixShape::new(2, 3), [1, 5]).unwrap();
        let mut weight = Parameter::new("w", &[2, 3], Storage::Active(topology), true).unwrap();
        weight.values_mut().copy_from_slice(&[0.5, -2.0]);
        let mut bias = Parameter::new("b", &[2], Storage::Dense, false).unwrap();
        bias.values_mut().copy_from_slice(&[1.0, 0.0]);
        let mut parameters = Parameters::new();
        parameters.add(weight);
        parameters.add(bias);

        let mut bytes = b"b\0".to_vec();
        for n in [1u64, 2, 2] {
            bytes.extend(n.to_le_bytes());
        }
        bytes.extend(1.0f32.to_le_bytes());
        bytes.extend(0.0f32.to_le_bytes());
        bytes.extend(b"w\0");
        for n in [2u64, 2, 3, 2, 1, 5] {
            bytes.extend(n.to_le_bytes());
        }
        bytes.extend(0.5f32.to_le_bytes());
        bytes.extend((-2.0f32).to_le_bytes());
        assert_eq!(
            weights_sha256(&parameters),
            hexadecimal(&Sha256::digest(&bytes))
        );
    }
}
