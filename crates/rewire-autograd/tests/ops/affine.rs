//! A linear layer with bias and activation in one op: the bits of the ops one by one.

use rewire_autograd::mask::{Candidates, GrowthRequest, LayerRequest, Mask, MatrixShape};
use rewire_autograd::{ParameterId, Var};

use super::tape::Bench;
use crate::oracle::{Stored, numbers};

/// Two layers of 7 and 6 outputs on 5 inputs, the second active, one bias NaN if `broken`.
fn bench(broken: bool) -> Bench {
    let mask = Mask::from_fn(MatrixShape::new(6, 7), |row, col| (row + col) % 3 != 0);
    let mut bias = numbers(1, 7, 3);
    if broken {
        bias[[0, 2]] = f32::NAN;
    }
    Bench::new(&[
        Stored::dense(&numbers(7, 5, 1)),
        Stored::active(&numbers(6, 7, 2), &mask),
        Stored::dense(&bias),
        Stored::dense(&numbers(1, 6, 4)),
    ])
}

/// Records both layers; returns the values of the first and the second and the loss.
fn record(bench: &mut Bench, samples: usize, fused: bool) -> [Var; 3] {
    let (tape, store) = (&mut bench.tape, &bench.store);
    let id = ParameterId;
    let rows: Vec<f32> = numbers(samples, 5, 20).into_iter().collect();
    let x = tape.input(&rows, samples, 5);
    let (first, second) = if fused {
        let first = tape.affine_relu(store, x, id(0), id(2));
        (first, tape.affine(store, first, id(1), id(3)))
    } else {
        let product = tape.linear(store, x, id(0));
        let sum = tape.bias(store, product, id(2));
        let first = tape.relu(sum);
        let product = tape.linear(store, first, id(1));
        (first, tape.bias(store, product, id(3)))
    };
    let targets: Vec<f32> = numbers(samples, 6, 21).into_iter().collect();
    let (loss, _) = tape.mean_squared_error(second, &targets);
    [first, second, loss]
}

#[test]
fn has_the_bits_of_the_ops_one_by_one() {
    for (samples, broken) in [
        (1, false),
        (64, false),
        (65, false),
        (130, false),
        (65, true),
    ] {
        let results = [true, false].map(|fused| {
            let mut bench = bench(broken);
            let [first, second, loss] = record(&mut bench, samples, fused);
            let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            let values = [first, second, loss].map(|var| bits(bench.tape.value(var).values()));
            let gradients = [0, 1, 2, 3].map(|parameter| bits(&bench.gradient(loss, parameter)));
            (values, gradients, bench.tape.take_executed())
        });
        assert!(
            results[0] == results[1],
            "{samples} samples, broken {broken}"
        );
    }
}

#[test]
fn grows_as_the_ops_one_by_one() {
    let answers = [true, false].map(|fused| {
        let mut bench = bench(false);
        let [_, _, loss] = record(&mut bench, 65, fused);
        let request = |k| LayerRequest {
            growth: GrowthRequest::TopK { k },
            readmitted: vec![],
        };
        let requests = [(ParameterId(1), request(5)), (ParameterId(0), request(3))];
        let answers: Vec<Candidates> = bench.tape.growth(loss, &bench.store, &requests).unwrap();
        answers
    });
    assert_eq!(answers[0], answers[1]);
    assert!(matches!(&answers[0][0], Candidates::Best(best) if best.len() == 5));
}
