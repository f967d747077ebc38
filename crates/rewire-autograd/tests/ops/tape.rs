//! The tape itself: what it computes, what it leaves out, and that it starts anew each step.

use std::sync::Arc;

use ndarray::Array2;
use rewire_autograd::mask::{Mask, MatrixShape};
use rewire_autograd::{Gradients, ParameterId, ParameterViews, Plain, Tape, Var};

use crate::oracle::{
    CrossEntropy, Equations, Linear, Number, Relu, SquaredError, Store, Stored, check, numbers,
    words,
};

/// A tape with parameters.
pub(crate) struct Bench {
    pub(crate) tape: Tape,
    pub(crate) store: Store,
    gradients: Gradients,
}

impl Bench {
    pub(crate) fn new(parameters: &[Stored]) -> Self {
        Self {
            tape: Tape::new(Arc::new(Plain)),
            store: Store(parameters.to_vec()),
            gradients: Gradients::new(),
        }
    }

    /// The gradient of `loss` by one parameter.
    pub(crate) fn gradient(&mut self, loss: Var, parameter: usize) -> Vec<f32> {
        self.tape.backward(loss, &self.store, &mut self.gradients);
        self.gradients.get(ParameterId(parameter)).to_vec()
    }
}

const SHAPES: [(usize, usize); 3] = [(7, 5), (6, 7), (4, 6)];

/// A network of three layers, the middle one active, with every kind of op; 5 inputs, 4 classes.
fn network() -> Bench {
    let weights: Vec<_> = (0..)
        .zip(SHAPES)
        .map(|(i, (o, n))| numbers(o, n, i))
        .collect();
    let mask = Mask::from_fn(MatrixShape::new(6, 7), |row, col| (row + col) % 3 == 0);
    Bench::new(&[
        Stored::dense(&weights[0]),
        Stored::active(&weights[1], &mask),
        Stored::dense(&weights[2]),
        Stored::dense(&numbers(1, 7, 4)),
        Stored::dense(&numbers(1, 7, 5)),
        Stored::dense(&numbers(1, 7, 6)),
        Stored::dense(&numbers(1, 6, 7)),
        Stored::dense(&numbers(1, 6, 8)),
        Stored::dense(&numbers(1, 9, 9)),
    ])
}

/// Records the network on a batch; returns its loss.
fn record(bench: &mut Bench, samples: usize) -> (Var, f64) {
    let (tape, store) = (&mut bench.tape, &bench.store);
    let id = ParameterId;
    let rows: Vec<f32> = numbers(samples, 5, 20).into_iter().collect();
    let x = tape.input(&rows, samples, 5);
    let x = tape.linear(store, x, id(0));
    let x = tape.bias(store, x, id(3));
    let x = tape.batch_norm(store, x, id(4), id(5), 1e-5);
    let x = tape.relu(x);
    let drawn = words(samples, 7, 21);
    let x = tape.dropout(x, 0.25, &mut |sample, out| {
        out.iter_mut()
            .zip(drawn.row(sample))
            .for_each(|(o, &w)| *o = w);
    });
    let x = tape.linear(store, x, id(1));
    let x = tape.layer_norm(store, x, id(6), id(7), 1e-5);
    let x = tape.gelu(x);
    let z = tape.linear(store, x, id(2));
    let labels: Vec<u32> = words(samples, 1, 22).iter().map(|w| w % 4).collect();
    tape.softmax_cross_entropy(z, &labels)
}

/// Loss and all gradients of one step, and the operations it executed.
fn step(bench: &mut Bench, samples: usize) -> (u64, Vec<Vec<u32>>, u64) {
    let (loss, mean) = record(bench, samples);
    bench
        .tape
        .backward(loss, &bench.store, &mut bench.gradients);
    let bits = |id| {
        bench
            .gradients
            .get(ParameterId(id))
            .iter()
            .map(|v| v.to_bits())
            .collect()
    };
    let gradients = (0..bench.store.0.len()).map(bits).collect();
    (mean.to_bits(), gradients, bench.tape.take_executed())
}

/// Steps on other batches and growth in between leave no trace: the memory they leave behind is
/// overwritten or cleared.
#[test]
fn a_step_repeats_to_the_bit_after_others() {
    let mut bench = network();
    let first = step(&mut bench, 65);
    bench.tape.clear();
    for samples in [1, 130, 65, 64, 3] {
        step(&mut bench, samples);
        bench.tape.clear();
    }
    assert_eq!(step(&mut bench, 65), first);
    // A second backward pass over the same ops, too.
    let (loss, _) = record(&mut bench, 65);
    let once = bench.gradient(loss, 1);
    assert_eq!(bench.gradient(loss, 1), once);
}

#[test]
fn gradients_are_as_long_as_the_stored_values() {
    let mut bench = network();
    step(&mut bench, 9);
    for (index, stored) in bench.store.0.iter().enumerate() {
        let gradient = bench.gradients.get(ParameterId(index));
        assert_eq!(gradient.len(), stored.view().values().len(), "{index}");
    }
    // 42 weights, of which every third is active.
    assert_eq!(bench.gradients.get(ParameterId(1)).len(), 14);
}

/// The last parameter takes part in nothing, and gradients of an earlier step must not stay.
#[test]
fn an_unused_parameter_has_zeros() {
    let mut bench = network();
    step(&mut bench, 9);
    assert_eq!(bench.gradients.get(ParameterId(8)), [0.0; 9]);
    assert!(
        bench
            .gradients
            .get(ParameterId(2))
            .iter()
            .any(|&g| g != 0.0)
    );
    bench.tape.clear();
    let input = bench.tape.input(&[1.0; 5], 1, 5);
    let y = bench.tape.linear(&bench.store, input, ParameterId(0));
    let (loss, _) = bench.tape.mean_squared_error(y, &[0.0; 7]);
    assert_eq!(bench.gradient(loss, 2), [0.0; 24]);
}

/// Forward and weight gradient of every layer, input gradient of all but the first.
#[test]
fn the_first_layer_has_no_input_gradient() {
    let mut bench = network();
    let samples = 13;
    let (_, _, executed) = step(&mut bench, samples as usize);
    let active = [35, 14, 24];
    let forward: u64 = active.iter().map(|n| 2 * n * samples).sum();
    assert_eq!(executed, 3 * forward - 2 * active[0] * samples);
    assert_eq!(bench.tape.take_executed(), 0);
}

/// A loss is a value like any other: what follows it scales its gradient.
#[test]
fn ops_after_a_loss_scale_its_gradient() {
    let parameters = [
        Stored::dense(&numbers(4, 1, 1)),
        Stored::dense(&ndarray::arr2(&[[4.0]])),
    ];
    for classify in [true, false] {
        let mut bench = Bench::new(&parameters);
        let input = bench.tape.input(&[1.0; 3], 3, 1);
        let y = bench.tape.linear(&bench.store, input, ParameterId(0));
        let (loss, mean) = match classify {
            true => bench.tape.softmax_cross_entropy(y, &[0, 2, 2]),
            false => bench.tape.mean_squared_error(y, &[0.5; 12]),
        };
        let four_losses = bench.tape.linear(&bench.store, loss, ParameterId(1));
        // The gradient by the factor is the loss; a factor of 4 changes no bit but the exponent.
        assert_eq!(bench.gradient(four_losses, 1), [mean as f32]);
        let scaled = bench.gradient(four_losses, 0);
        let plain = bench.gradient(loss, 0);
        let quadrupled: Vec<f32> = plain.iter().map(|g| 4.0 * g).collect();
        assert_eq!(scaled, quadrupled);
        assert!(plain.iter().all(|&g| g != 0.0));
    }
}

/// A sum over no inputs is 0, also in memory that held something else before.
#[test]
fn a_layer_without_inputs_gives_zeros() {
    let mut bench = Bench::new(&[Stored::dense(&numbers(3, 0, 1))]);
    for samples in [1, 64, 70] {
        bench.tape.input(&vec![f32::NAN; samples * 3], samples, 3);
        bench.tape.clear();
        let input = bench.tape.input(&[], samples, 0);
        let input = bench
            .tape
            .dropout(input, 0.5, &mut |_, words| assert!(words.is_empty()));
        let y = bench.tape.linear(&bench.store, input, ParameterId(0));
        assert_eq!(bench.tape.value(y).values(), vec![0.0; samples * 3]);
    }
}

/// What a diverging run is told: the layer whose product was the first to go wrong.
#[test]
fn the_first_value_that_is_no_number_names_its_layer() {
    let name = |weights: [f32; 2], input: f32| {
        let parameters = weights.map(|w| Stored::dense(&ndarray::arr2(&[[w]])));
        let mut bench = Bench::new(&parameters);
        let x = bench.tape.input(&[1.0, input], 2, 1);
        let x = bench.tape.linear(&bench.store, x, ParameterId(0));
        let x = bench.tape.relu(x);
        bench.tape.linear(&bench.store, x, ParameterId(1));
        bench.tape.first_non_finite()
    };
    assert_eq!(name([1.0, 2.0], 3.0), None);
    assert_eq!(name([1.0, 2.0], f32::NAN), None);
    assert_eq!(name([f32::NAN, 2.0], 3.0), Some(ParameterId(0)));
    assert_eq!(name([2.0, 2.0], 3e38), Some(ParameterId(0)));
    assert_eq!(name([1.0, 2.0], 3e38), Some(ParameterId(1)));
}

/// Two layers of one square weight with a ReLU between them.
pub(crate) struct Tied;

impl Equations for Tied {
    fn forward<N: Number>(&self, operands: &[Array2<N>]) -> Array2<N> {
        let [_, hidden] = self.between(operands);
        Linear.forward(&[hidden, operands[1].clone()])
    }
    fn backward<N: Number>(&self, operands: &[Array2<N>], dy: &Array2<N>) -> Vec<Array2<N>> {
        let [first, hidden] = self.between(operands);
        let w = operands[1].clone();
        let late = Linear.backward(&[hidden, w.clone()], dy);
        let through = Relu.backward(&[first], &late[0]);
        let early = Linear.backward(&[operands[0].clone(), w], &through[0]);
        let sum = Array2::from_shape_fn(late[1].dim(), |at| N::sum([late[1][at], early[1][at]]));
        vec![early[0].clone(), sum]
    }
    fn record(
        &self,
        tape: &mut Tape,
        parameters: &dyn ParameterViews,
        x: Var,
        ids: &[ParameterId],
    ) -> Var {
        let x = tape.linear(parameters, x, ids[0]);
        let x = tape.relu(x);
        tape.linear(parameters, x, ids[0])
    }
}

impl Tied {
    fn between<N: Number>(&self, operands: &[Array2<N>]) -> [Array2<N>; 2] {
        let first = Linear.forward(operands);
        let hidden = Relu.forward(std::slice::from_ref(&first));
        [first, hidden]
    }
}

/// A weight used twice gets the sum of both gradients.
#[test]
fn a_tied_weight_sums_its_gradients() {
    for samples in [1, 5, 65, 130] {
        let (x, w) = (numbers(samples, 6, 1), numbers(6, 6, 2));
        let mask = Mask::from_fn(MatrixShape::new(6, 6), |row, col| (row * col) % 2 == 0);
        let mut zeros = w.clone();
        for (at, value) in zeros.indexed_iter_mut() {
            *value *= f32::from(u8::from(mask.get(at.0, at.1)));
        }
        let loss = SquaredError {
            targets: numbers(samples, 6, 3),
        };
        let what = format!("{samples} samples");
        let stored = vec![Stored::active(&w, &mask)];
        check(&Tied, &loss, &[x, zeros], stored, 1e-6, &what);
    }
}

/// A classifier of both layers: a chain of ops and a loss differentiates as its links do.
#[test]
fn a_tied_classifier_agrees_with_the_oracle() {
    let operands = [numbers(33, 6, 1), numbers(6, 6, 2)];
    let loss = CrossEntropy {
        labels: (0..33).map(|s| s % 6).collect(),
    };
    let stored = vec![Stored::dense(&operands[1])];
    check(&Tied, &loss, &operands, stored, 1e-5, "tied classifier");
}
