//! Growth candidates: the gradient of weights that do not exist.

use rewire_autograd::mask::{Candidates, GrowthRequest, LayerRequest, MaskError};
use rewire_autograd::{ParameterId, Var};

use crate::linear::some_active;
use crate::oracle::{
    Linear, Loss, Number, Rounded, SHAPES, SquaredError, Stored, differences_agree, gradients,
    numbers,
};
use crate::tape::{Bench, Tied};

fn request(growth: GrowthRequest) -> LayerRequest {
    LayerRequest {
        growth,
        readmitted: Vec::new(),
    }
}

/// A linear layer with zeros for its inactive weights: differences on the un-masked weight are
/// differences of that zero.
#[test]
fn the_dense_gradient_at_masked_positions_is_the_slope_of_the_unmasked_weight() {
    for (index, (samples, inputs)) in SHAPES.into_iter().enumerate() {
        let outputs = [1, 3, 5, 8, 33][index % 5];
        let what = format!("{samples} × {inputs} → {outputs}");
        let x = numbers(samples, inputs, 1);
        let w = numbers(outputs, inputs, 2);
        let mask = some_active(outputs, inputs, 3);
        let mut zeros = w.clone();
        for (at, value) in zeros.indexed_iter_mut() {
            *value *= f32::from(u8::from(mask.get(at.0, at.1)));
        }
        let loss = SquaredError {
            targets: numbers(samples, outputs, 4),
        };
        let operands = [x.clone(), zeros];
        differences_agree(&Linear, &loss, &operands, 1e-6, &what);
        let exact = operands.map(|m| m.mapv(|v| Rounded::of(f64::from(v))));
        let expected = &gradients(&Linear, &loss, &exact)[1];

        let mut bench = Bench::new(&[Stored::active(&w, &mask)]);
        let rows: Vec<f32> = x.iter().copied().collect();
        let input = bench.tape.input(&rows, samples, inputs);
        let y = bench.tape.linear(&bench.store, input, ParameterId(0));
        let (end, _) = loss.record(&mut bench.tape, y);
        let everywhere = (0..(outputs * inputs) as u64).collect();
        let asked = [(
            ParameterId(0),
            request(GrowthRequest::AtPositions(everywhere)),
        )];
        let answers = bench.tape.growth(end, &bench.store, &asked).unwrap();
        let [Candidates::AtPositions(found)] = &answers[..] else {
            panic!("{answers:?} does not answer a request at positions");
        };
        for ((expected, found), at) in expected.iter().zip(found).zip(0..) {
            let error = (f64::from(*found) - expected.value).abs();
            assert!(
                error <= expected.slack,
                "{what} at {at}: {found}, {expected:?}"
            );
        }
    }
}

/// A network of two layers, the weights of the first used twice: 6 → 6 → 6 → 4.
fn record(bench: &mut Bench, samples: usize) -> Var {
    let (tape, store) = (&mut bench.tape, &bench.store);
    let rows: Vec<f32> = numbers(samples, 6, 1).into_iter().collect();
    let x = tape.input(&rows, samples, 6);
    let x = tape.linear(store, x, ParameterId(0));
    let x = tape.relu(x);
    let x = tape.linear(store, x, ParameterId(0));
    let y = tape.linear(store, x, ParameterId(1));
    let targets: Vec<f32> = numbers(samples, 4, 2).into_iter().collect();
    tape.mean_squared_error(y, &targets).0
}

/// The network with both weights behind masks, as active or as latent storage.
fn network(is_latent: bool) -> Bench {
    let stored = |outputs, seed| {
        let w = numbers(outputs, 6, seed);
        let mask = some_active(outputs, 6, seed + 1);
        match is_latent {
            true => Stored::latent(&w, &mask, None),
            false => Stored::active(&w, &mask),
        }
    };
    Bench::new(&[stored(6, 3), stored(4, 5)])
}

/// Latent weights have the same products and a dense gradient, by the same kernel: candidates of
/// the active weight are chosen from it. Answers come in the order of the requests.
#[test]
fn candidates_are_those_of_the_latent_gradient() {
    for samples in [1, 9, 65, 130] {
        let mut latent = network(true);
        let loss = record(&mut latent, samples);
        let gradient = latent.gradient(loss, 1);

        let mut active = network(false);
        let loss = record(&mut active, samples);
        let before = active.gradient(loss, 0);
        let asked = [
            (ParameterId(1), request(GrowthRequest::TopK { k: 5 })),
            (ParameterId(0), request(GrowthRequest::TopK { k: 1 })),
            (ParameterId(1), request(GrowthRequest::Dense)),
        ];
        let answers = active.tape.growth(loss, &active.store, &asked).unwrap();
        let [
            Candidates::Best(best),
            Candidates::Best(one),
            Candidates::Dense(dense),
        ] = &answers[..]
        else {
            panic!("{answers:?} are not the answers to best, best and dense");
        };
        assert_eq!(dense, &gradient);
        assert_eq!(one.len(), 1);
        let mask = some_active(4, 6, 6);
        let mut inactive: Vec<u64> = (0..24).filter(|&p| !mask.contains(p)).collect();
        let magnitude = |p: &u64| gradient[*p as usize].abs();
        inactive.sort_by(|p, q| magnitude(q).total_cmp(&magnitude(p)));
        let mut expected = inactive[..5].to_vec();
        expected.sort_unstable();
        let found: Vec<u64> = best.iter().map(|candidate| candidate.position).collect();
        assert_eq!(found, expected);
        // Asking changes nothing about the gradients.
        assert_eq!(active.gradient(loss, 0), before);
    }
}

/// A weight used twice grows by the sum over both uses.
#[test]
fn a_tied_weight_grows_by_the_sum_of_its_uses() {
    for samples in [1, 9, 65] {
        let (x, w) = (numbers(samples, 6, 1), numbers(6, 6, 2));
        let mask = some_active(6, 6, 3);
        let mut zeros = w.clone();
        for (at, value) in zeros.indexed_iter_mut() {
            *value *= f32::from(u8::from(mask.get(at.0, at.1)));
        }
        let loss = SquaredError {
            targets: numbers(samples, 6, 4),
        };
        let exact = [x.clone(), zeros].map(|m| m.mapv(|v| Rounded::of(f64::from(v))));
        let expected = &gradients(&Tied, &loss, &exact)[1];

        let mut bench = Bench::new(&[Stored::active(&w, &mask)]);
        let rows: Vec<f32> = x.iter().copied().collect();
        let x = bench.tape.input(&rows, samples, 6);
        let x = bench.tape.linear(&bench.store, x, ParameterId(0));
        let x = bench.tape.relu(x);
        let y = bench.tape.linear(&bench.store, x, ParameterId(0));
        let (end, _) = loss.record(&mut bench.tape, y);
        let asked = [(ParameterId(0), request(GrowthRequest::Dense))];
        let answers = bench.tape.growth(end, &bench.store, &asked).unwrap();
        let [Candidates::Dense(found)] = &answers[..] else {
            panic!("{answers:?} does not answer a dense request");
        };
        for (expected, &found) in expected.iter().zip(found) {
            let error = (f64::from(found) - expected.value).abs();
            assert!(error <= expected.slack, "{found}, {expected:?}");
        }
    }
}

/// Growing costs the input gradients and one dense product per use of what was asked for.
#[test]
fn growing_computes_no_weight_gradients() {
    let mut bench = network(false);
    let samples = 10;
    let loss = record(&mut bench, samples as usize);
    bench.tape.take_executed();
    let active = [some_active(6, 6, 4), some_active(4, 6, 6)].map(|mask| mask.n_active());
    let input_gradients = 2 * samples * (active[0] + active[1]);
    for (parameter, dense) in [(0, 2 * 36), (1, 24)] {
        let growth = request(GrowthRequest::TopK { k: 1 });
        let asked = [(ParameterId(parameter), growth)];
        bench.tape.growth(loss, &bench.store, &asked).unwrap();
        let executed = bench.tape.take_executed();
        assert_eq!(executed, input_gradients + 2 * samples * dense);
    }
    bench.tape.growth(loss, &bench.store, &[]).unwrap();
    assert_eq!(bench.tape.take_executed(), input_gradients);
}

/// A parameter that the loss does not use has the gradient 0 everywhere.
#[test]
fn an_unused_weight_grows_from_the_front() {
    let mut bench = network(false);
    let input = bench.tape.input(&[1.0; 6], 1, 6);
    let y = bench.tape.linear(&bench.store, input, ParameterId(1));
    let (loss, _) = bench.tape.mean_squared_error(y, &[0.0; 4]);
    let asked = [(ParameterId(0), request(GrowthRequest::TopK { k: 2 }))];
    let answers = bench.tape.growth(loss, &bench.store, &asked).unwrap();
    let [Candidates::Best(found)] = &answers[..] else {
        panic!("{answers:?} does not answer a request for the best");
    };
    let found: Vec<_> = found.iter().map(|c| (c.position, c.magnitude)).collect();
    // Row 0 of the mask is empty.
    assert_eq!(found, [(0, 0.0), (1, 0.0)]);
}

#[test]
fn a_gradient_that_is_no_number_names_parameter_and_position() {
    let mut bench = network(false);
    let mut rows = [1.0; 6];
    rows[3] = f32::NAN;
    let input = bench.tape.input(&rows, 1, 6);
    let y = bench.tape.linear(&bench.store, input, ParameterId(1));
    let (loss, _) = bench.tape.mean_squared_error(y, &[0.0; 4]);
    let asked = [(ParameterId(1), request(GrowthRequest::TopK { k: 1 }))];
    match bench.tape.growth(loss, &bench.store, &asked) {
        Err((ParameterId(1), MaskError::NonFinite { value, .. })) => assert!(value.is_nan()),
        other => panic!("{other:?} instead of an error"),
    }
}
