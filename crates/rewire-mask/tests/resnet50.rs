//! The densities of ResNet-50, checked by what they make of its inference cost.
//!
//! Evci et al. 2020, *Rigging the Lottery*, table 2 and appendix, report inference FLOPs of sparse
//! ResNet-50 as a fraction of dense: 0.42, 0.24 and 0.12 for Erdős–Rényi–kernel, 0.23, 0.13 and
//! 0.08 for uniform with a dense first layer, at sparsity 0.8, 0.9 and 0.95. Four digits of the
//! same fractions come from an independent count. The cost of a layer is density × multiply-adds,
//! so these numbers pin the densities of 54 layers, saturated ones included.

use rewire_mask::{Allocation, Density, LayerDims, allocate};

/// Four stages: blocks, inner width, side of the output for 224 × 224 images.
const STAGES: [(usize, usize, u64); 4] = [(3, 64, 56), (4, 128, 28), (6, 256, 14), (3, 512, 7)];

struct Layer {
    name: String,
    dims: Vec<usize>,
    /// Output positions: how often each weight is used.
    positions: u64,
}

impl Layer {
    fn new(name: String, dims: &[usize], side: u64) -> Self {
        Self {
            name,
            dims: dims.to_vec(),
            positions: side * side,
        }
    }

    fn multiply_adds(&self) -> u64 {
        self.dims.iter().map(|&dim| dim as u64).product::<u64>() * self.positions
    }
}

/// Version 1.5: the 3 × 3 convolution of a stage's first block carries the stride.
fn resnet50() -> Vec<Layer> {
    let mut layers = vec![Layer::new("stem".to_owned(), &[64, 3, 7, 7], 112)];
    let (mut inputs, mut side_before) = (64, 56);
    for (stage, (blocks, width, side)) in STAGES.into_iter().enumerate() {
        let outputs = 4 * width;
        for block in 0..blocks {
            let mut add = |part: &str, dims: &[usize], side| {
                layers.push(Layer::new(format!("{stage}.{block}.{part}"), dims, side));
            };
            add("reduce", &[width, inputs, 1, 1], side_before);
            add("spatial", &[width, width, 3, 3], side);
            add("expand", &[outputs, width, 1, 1], side);
            if block == 0 {
                add("shortcut", &[outputs, inputs, 1, 1], side);
            }
            (inputs, side_before) = (outputs, side);
        }
    }
    layers.push(Layer::new("classifier".to_owned(), &[1000, 2048], 1));
    layers
}

/// Multiply-adds of these layers at the densities the rule gives them.
fn sparse_cost(layers: &[Layer], sparsity: f64, rule: Allocation) -> u64 {
    let dims: Vec<LayerDims<'_>> = layers
        .iter()
        .map(|layer| LayerDims {
            name: &layer.name,
            dims: &layer.dims,
        })
        .collect();
    let density = Density::from_sparsity(sparsity).expect("a sparsity below 1");
    let counts = allocate(&dims, density, rule).expect("no layer is empty");
    let total: u64 = dims
        .iter()
        .map(|l| l.dims.iter().product::<usize>() as u64)
        .sum();
    assert_eq!(counts.iter().sum::<u64>(), density.count(total));
    let costs = counts.iter().zip(layers);
    costs.map(|(count, layer)| count * layer.positions).sum()
}

#[test]
fn the_network_is_the_published_one() {
    let layers = resnet50();
    assert_eq!(layers.len(), 54);
    let weights: usize = layers
        .iter()
        .map(|l| l.dims.iter().product::<usize>())
        .sum();
    // 25 557 032 parameters less 53 120 of batch normalisation and 1000 biases.
    assert_eq!(weights, 25_502_912);
    let dense: u64 = layers.iter().map(Layer::multiply_adds).sum();
    assert_eq!(dense, 4_089_184_256);
}

#[test]
fn sparse_inference_costs_what_is_published() {
    let layers = resnet50();
    let dense: u64 = layers.iter().map(Layer::multiply_adds).sum();
    let stem = layers[0].multiply_adds();
    // Half a unit of the fourth digit, and one weight per layer for rounding to whole counts.
    let positions: u64 = layers.iter().map(|layer| layer.positions).sum();
    let tolerance = 5e-5 + positions as f64 / dense as f64;
    let check = |cost: u64, sparsity: f64, expected: f64| {
        let fraction = cost as f64 / dense as f64;
        assert!(
            (fraction - expected).abs() <= tolerance,
            "{fraction} of dense at {sparsity}, published {expected}"
        );
    };
    for (sparsity, erk, uniform) in [
        (0.8, 0.4138, 0.2231),
        (0.9, 0.2418, 0.1260),
        (0.95, 0.1217, 0.0774),
    ] {
        check(
            sparse_cost(&layers, sparsity, Allocation::Erk),
            sparsity,
            erk,
        );
        let cost = stem + sparse_cost(&layers[1..], sparsity, Allocation::Uniform);
        check(cost, sparsity, uniform);
    }
}
