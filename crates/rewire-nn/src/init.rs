//! Initial values that keep activations at unit scale in a sparse network.
//!
//! He et al. 2015 draw weights from N(0, 2/fan_in). A sparse output unit sums over its active
//! inputs only, so its fan-in is the number of active weights of its row (Evci et al. 2022,
//! "Gradient Flow in Sparse Neural Networks", §3.1). With the dense fan-in, activations shrink
//! by √density per layer.

use rand_distr::{Distribution, StandardNormal};
use rewire_rng::Stream;

use crate::parameter::{Parameter, Storage};

/// Fills weights with N(0, 2/fan_in), where the fan-in of a row is the number of its stored
/// weights: the active ones of active storage, all of dense and latent storage.
///
/// Draws follow position order, one per stored weight.
pub fn kaiming_normal(parameter: &mut Parameter, stream: &mut Stream) {
    let shape = parameter.shape();
    let fan_in: Vec<usize> = match parameter.storage() {
        Storage::Active(topology) => (0..shape.rows).map(|row| topology.row(row).len()).collect(),
        Storage::Dense | Storage::Latent(_) => vec![shape.cols; shape.rows],
    };
    let mut rest = parameter.values_mut();
    for fan_in in fan_in {
        let (row, tail) = rest.split_at_mut(fan_in);
        let deviation = (2.0 / fan_in.max(1) as f64).sqrt() as f32;
        for value in row {
            let normal: f32 = StandardNormal.sample(stream);
            *value = normal * deviation;
        }
        rest = tail;
    }
}
