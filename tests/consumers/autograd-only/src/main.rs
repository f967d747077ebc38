//! Fits a sine with a sparse hidden layer: the user's own parameters and the user's own optimizer.

use std::sync::Arc;

use rewire_autograd::mask::{MaskError, MatrixShape, Topology, WeightView};
use rewire_autograd::{Gradients, ParameterId, ParameterViews, Plain, Tape};

const HIDDEN: usize = 32;
const SAMPLES: usize = 100;

/// Weights and biases of 1 → 32 → 32 → 1; of the middle weights every fourth exists.
struct Network {
    topology: Topology,
    values: [Vec<f32>; 6],
}

impl ParameterViews for Network {
    fn count(&self) -> usize {
        self.values.len()
    }

    fn view(&self, id: ParameterId) -> WeightView<'_> {
        let values = &self.values[id.0];
        let (rows, cols) = match id.0 {
            0 => (HIDDEN, 1),
            1 => {
                return WeightView::Active {
                    topology: &self.topology,
                    values,
                };
            }
            2 => (1, HIDDEN),
            _ => (1, values.len()),
        };
        WeightView::Dense {
            shape: MatrixShape::new(rows, cols),
            values,
        }
    }
}

fn main() -> Result<(), MaskError> {
    let shape = MatrixShape::new(HIDDEN, HIDDEN);
    let every_fourth = (0..shape.len()).filter(|p| (p + p / HIDDEN as u64).is_multiple_of(4));
    let topology = Topology::from_positions(shape, every_fourth)?;
    let n_active = topology.n_active();
    let noise = |n: usize, scale: f32, seed: f32| -> Vec<f32> {
        (0..n)
            .map(|i| scale * ((i + 1) as f32 * seed).sin())
            .collect()
    };
    let mut network = Network {
        topology,
        values: [
            noise(HIDDEN, 2.0, 12.9),
            noise(n_active, 0.7, 78.2),
            noise(HIDDEN, 0.3, 37.7),
            noise(HIDDEN, 2.0, 45.1),
            vec![0.0; HIDDEN],
            vec![0.0],
        ],
    };

    let x: Vec<f32> = (0..SAMPLES).map(|i| i as f32 / 50.0 - 1.0).collect();
    let sine: Vec<f32> = x.iter().map(|x| (3.0 * x).sin()).collect();
    let mut tape = Tape::new(Arc::new(Plain));
    let mut gradients = Gradients::new();
    let mut velocities = network
        .values
        .clone()
        .map(|values| vec![0.0f32; values.len()]);
    let mut losses = Vec::new();
    for _ in 0..600 {
        tape.clear();
        let input = tape.input(&x, SAMPLES, 1);
        let y = tape.linear(&network, input, ParameterId(0));
        let y = tape.bias(&network, y, ParameterId(3));
        let y = tape.gelu(y);
        let y = tape.linear(&network, y, ParameterId(1));
        let y = tape.bias(&network, y, ParameterId(4));
        let y = tape.gelu(y);
        let y = tape.linear(&network, y, ParameterId(2));
        let y = tape.bias(&network, y, ParameterId(5));
        let (end, loss) = tape.mean_squared_error(y, &sine);
        losses.push(loss);
        tape.backward(end, &network, &mut gradients);
        for (index, (values, velocities)) in
            network.values.iter_mut().zip(&mut velocities).enumerate()
        {
            let gradient = gradients.get(ParameterId(index));
            assert_eq!(gradient.len(), values.len());
            for ((w, v), g) in values.iter_mut().zip(velocities).zip(gradient) {
                *v = 0.9 * *v + g;
                *w -= 0.02 * *v;
            }
        }
    }

    // Forward and weight gradients of all weights, input gradients of all but the first layer's.
    let weights = (HIDDEN + n_active + HIDDEN) as u64;
    let per_step = 2 * SAMPLES as u64 * (3 * weights - HIDDEN as u64);
    assert_eq!(tape.take_executed(), 600 * per_step);
    let last = losses[losses.len() - 1];
    // The mean square of the sine is about a half.
    assert!(losses[0] > 0.1 && last < 0.01, "{} to {last}", losses[0]);
    println!(
        "a sine from {n_active} of {} middle weights: error {last:.5}",
        shape.len()
    );
    Ok(())
}
