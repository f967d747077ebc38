//! Initialisation: unit scale of activations at any density.

use rewire_nn::autograd::mask::{MatrixShape, Topology};
use rewire_nn::rng::{Purpose, Streams};
use rewire_nn::{Parameter, Storage, kaiming_normal};

use crate::by_position::{active, latent};

fn drawn(rows: usize, cols: usize, storage: Storage, seed: u64) -> Parameter {
    let mut weight = Parameter::new("fc1.weight", &[rows, cols], storage, true).expect("one shape");
    let mut stream = Streams::new(seed).stream(Purpose::Init, weight.name(), 0);
    kaiming_normal(&mut weight, &mut stream);
    weight
}

/// Asserts that the values, times √(fan-in/2), have mean 0 and variance 1.
///
/// Of n standard normal numbers the mean has deviation √(1/n), the mean square √(2/n); five of each
/// are allowed.
fn assert_standard(values: impl Iterator<Item = (f32, usize)>, what: &str) {
    let scaled: Vec<f64> = values
        .map(|(value, fan_in)| f64::from(value) * (fan_in as f64 / 2.0).sqrt())
        .collect();
    let n = scaled.len() as f64;
    assert!(n >= 1000.0, "{what}: {n} values say too little");
    let mean = scaled.iter().sum::<f64>() / n;
    let square = scaled.iter().map(|value| value * value).sum::<f64>() / n;
    assert!(mean.abs() < 5.0 / n.sqrt(), "{what}: mean {mean}");
    assert!(
        (square - 1.0).abs() < 5.0 * (2.0 / n).sqrt(),
        "{what}: variance {square}"
    );
}

#[test]
fn dense_and_latent_weights_scale_with_all_inputs() {
    for (rows, cols) in [(300, 20), (20, 300), (2000, 1), (1, 2000)] {
        for storage in [Storage::Dense, latent(rows, cols, &[])] {
            let weight = drawn(rows, cols, storage, 1);
            let values = weight.values().iter().map(|&value| (value, cols));
            assert_standard(values, &format!("{rows} × {cols}"));
        }
    }
}

/// Rows with 0, 2, 8, 32 and 128 active weights in turn: each class for itself.
#[test]
fn active_weights_scale_with_the_active_inputs_of_their_row() {
    let (rows, cols) = (2500, 200);
    let shape = MatrixShape::new(rows, cols);
    let fan_ins = [0, 2, 8, 32, 128];
    let positions = (0..rows).flat_map(|row| {
        (0..fan_ins[row % 5]).map(move |rank| shape.position(row, (rank * 3 + row) % cols))
    });
    let mut positions: Vec<u64> = positions.collect();
    positions.sort_unstable();
    positions.dedup();
    let weight = drawn(rows, cols, active(rows, cols, &positions), 2);
    let topology = weight.topology().expect("active storage");
    for (class, fan_in) in fan_ins.into_iter().enumerate().skip(1) {
        let of_class = (class..rows).step_by(5);
        let values = of_class.flat_map(|row| {
            assert_eq!(topology.row(row).len(), fan_in);
            weight.values()[topology.row_range(row)]
                .iter()
                .map(move |&value| (value, fan_in))
        });
        assert_standard(values, &format!("{fan_in} active inputs"));
    }
}

/// The reason for the sparse fan-in: through ReLU layers the mean square of the activations stays
/// around 1 at every density, where the dense fan-in would shrink it by the density per layer.
#[test]
fn activations_keep_their_scale_through_layers() {
    let width = 200;
    for density in [0.05, 0.3, 1.0] {
        let n_active = (density * (width * width) as f64) as u64;
        let mut x: Vec<f64> = (0..width)
            .map(|i| (i as f64 * 1.7).sin() * 2f64.sqrt())
            .collect();
        for layer in 0..6 {
            let mut stream = Streams::new(layer).stream(Purpose::Topology, "w", 0);
            let shape = MatrixShape::new(width, width);
            let topology = Topology::random(shape, n_active, &mut stream).unwrap();
            let weight = drawn(width, width, Storage::Active(topology), layer);
            let topology = weight.topology().expect("active storage");
            let output = |row: usize| -> f64 {
                let columns = topology.row(row).iter();
                let values = &weight.values()[topology.row_range(row)];
                columns
                    .zip(values)
                    .map(|(&c, &w)| x[c as usize] * f64::from(w))
                    .sum()
            };
            x = (0..width).map(|row| output(row).max(0.0)).collect();
        }
        let square = x.iter().map(|x| x * x).sum::<f64>() / width as f64;
        // Each layer multiplies by 1 up to a deviation of about √(5/width) = .16: e^±1 is more than
        // two deviations of six layers, and the dense fan-in at .3 would give .3⁶ = 7e-4.
        assert!((0.3..3.0).contains(&square), "density {density}: {square}");
    }
}

#[test]
fn draws_depend_on_seed_and_name_alone() {
    let storage = || active(30, 20, &(0..600).step_by(7).collect::<Vec<_>>());
    let weight = drawn(30, 20, storage(), 3);
    assert_eq!(drawn(30, 20, storage(), 3), weight);
    assert_ne!(drawn(30, 20, storage(), 4), weight);
    assert!(weight.values().iter().all(|&value| value != 0.0));
}
