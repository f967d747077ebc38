//! Budgets against a division in real numbers.

use proptest::prelude::*;
use rewire_mask::{Allocation, Density, LayerDims, MaskError, allocate};

use crate::cases;

const RULES: [Allocation; 3] = [Allocation::Uniform, Allocation::Er, Allocation::Erk];

fn counts(dims: &[Vec<usize>], density: f64, rule: Allocation) -> Result<Vec<u64>, MaskError> {
    let names: Vec<String> = (0..dims.len()).map(|i| format!("layer{i}")).collect();
    let layers: Vec<LayerDims<'_>> = names
        .iter()
        .zip(dims)
        .map(|(name, dims)| LayerDims { name, dims })
        .collect();
    allocate(&layers, Density::new(density)?, rule)
}

fn weights(dims: &[usize]) -> f64 {
    dims.iter().map(|&dim| dim as f64).product()
}

/// What the rule's density formula gives, written as in the papers.
fn density_weight(dims: &[usize], rule: Allocation) -> f64 {
    let (n_out, n_in) = (dims[0] as f64, dims[1] as f64);
    match rule {
        Allocation::Uniform => 1.0,
        Allocation::Er => (n_in + n_out) / (n_in * n_out),
        Allocation::Erk => dims.iter().map(|&dim| dim as f64).sum::<f64>() / weights(dims),
    }
}

/// Shares in real numbers: the ε with Σ min(1, ε · density) · n = budget, found by bisection.
fn real_shares(dims: &[Vec<usize>], budget: f64, rule: Allocation) -> Vec<f64> {
    let at = |epsilon: f64| -> Vec<f64> {
        dims.iter()
            .map(|dims| (epsilon * density_weight(dims, rule)).min(1.0) * weights(dims))
            .collect()
    };
    let steepest = dims.iter().map(|dims| 1.0 / density_weight(dims, rule));
    let (mut low, mut high) = (0.0, steepest.fold(0.0, f64::max));
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if at(middle).iter().sum::<f64>() < budget {
            low = middle;
        } else {
            high = middle;
        }
    }
    at(high)
}

#[test]
fn equal_remainders_go_to_the_lower_layers() {
    let dims = vec![vec![1, 3]; 4];
    for rule in RULES {
        assert_eq!(counts(&dims, 0.5, rule), Ok(vec![2, 2, 1, 1]));
    }
}

#[test]
fn a_dense_budget_is_dense_and_no_layers_share_nothing() {
    let dims = vec![vec![10, 3, 5, 5], vec![7, 7], vec![1, 1]];
    for rule in RULES {
        assert_eq!(counts(&dims, 1.0, rule), Ok(vec![750, 49, 1]));
        assert_eq!(counts(&[], 0.5, rule), Ok(vec![]));
    }
}

/// A budget of 38 of 380 weights; each row's exact shares stand above it.
#[test]
fn kernels_count_only_in_the_rule_that_says_so() {
    let dims = vec![vec![8, 4, 3, 3], vec![4, 5], vec![9, 8]];
    // 288, 20 and 72 weights: 28.8, 2, 7.2.
    assert_eq!(counts(&dims, 0.1, Allocation::Uniform), Ok(vec![29, 2, 7]));
    // Claims 12·9 = 108, 9, 17 of 134: 30.63, 2.55, 4.82.
    assert_eq!(counts(&dims, 0.1, Allocation::Er), Ok(vec![31, 2, 5]));
    // Claims 18, 9, 17 of 44: 15.55, 7.77, 14.68.
    assert_eq!(counts(&dims, 0.1, Allocation::Erk), Ok(vec![15, 8, 15]));
}

#[test]
fn a_layer_left_without_weights_is_named() {
    let layers = [
        LayerDims {
            name: "fc1.weight",
            dims: &[300, 784],
        },
        LayerDims {
            name: "gate",
            dims: &[1, 4],
        },
    ];
    let density = Density::from_sparsity(0.99).unwrap();
    let error = allocate(&layers, density, Allocation::Uniform).unwrap_err();
    assert_eq!(
        error,
        MaskError::EmptyLayer {
            sparsity: 0.99,
            layer: "gate".to_owned(),
            n: 4
        }
    );
    assert_eq!(
        error.to_string(),
        "sparsity 0.99 leaves layer `gate` without weights (4 dense)"
    );
    // 2352 weights in all; claims of 1084 : 5 give the gate more than it can hold.
    assert_eq!(
        allocate(&layers, density, Allocation::Er),
        Ok(vec![2348, 4])
    );
}

#[test]
fn tensors_without_the_usual_two_dimensions_are_matrices_of_one_column() {
    for rule in RULES {
        let flat = counts(&[vec![], vec![40], vec![8, 8]], 0.5, rule);
        let matrices = counts(&[vec![1, 1], vec![40, 1], vec![8, 8]], 0.5, rule);
        assert_eq!(flat, matrices);
    }
}

#[test]
fn a_layer_with_a_dimension_of_zero_is_empty() {
    let refused = counts(&[vec![4, 4], vec![0, 4]], 0.5, Allocation::Erk);
    assert_eq!(
        refused,
        Err(MaskError::EmptyLayer {
            sparsity: 0.5,
            layer: "layer1".to_owned(),
            n: 0
        })
    );
}

#[test]
fn more_weights_than_64_bits_count_are_refused() {
    let half = vec![1 << 32, 1 << 31];
    for rule in RULES {
        assert!(counts(std::slice::from_ref(&half), 0.5, rule).is_ok());
        let refused = counts(&[half.clone(), half.clone()], 0.5, rule);
        let layer = "layer1".to_owned();
        assert_eq!(refused, Err(MaskError::TooManyWeights { layer }));
        let refused = counts(&[vec![1 << 32, 1 << 32]], 0.5, rule);
        let layer = "layer0".to_owned();
        assert_eq!(refused, Err(MaskError::TooManyWeights { layer }));
    }
}

#[test]
fn names_and_rules_are_inverse() {
    for rule in RULES {
        assert_eq!(rule.to_string().parse(), Ok(rule));
    }
    let error = "ERK".parse::<Allocation>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown allocation `ERK`: use uniform, er or erk"
    );
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn budgets_are_exact_and_shares_are_the_nearest_whole_numbers(
        dims in prop::collection::vec(prop::collection::vec(1usize..=24, 2..=4), 1..=7),
        density in 0.0..=1.0f64,
        rule in prop::sample::select(RULES.to_vec()),
    ) {
        let total: u64 = dims.iter().map(|dims| weights(dims) as u64).sum();
        let budget = Density::new(density).unwrap().count(total);
        let real = real_shares(&dims, budget as f64, rule);
        // 200 halvings leave ε exact to a rounding; a share is at most 7·24⁴ < 2^22 and ends a
        // dozen operations, so it is exact to far better than this.
        let slack = 1e-6;
        match counts(&dims, density, rule) {
            Ok(shares) => {
                prop_assert_eq!(shares.iter().sum::<u64>(), budget);
                for ((&share, real), dims) in shares.iter().zip(&real).zip(&dims) {
                    prop_assert!(share >= 1 && share as f64 <= weights(dims));
                    prop_assert!(share as f64 >= (real - slack).floor(), "{share} for {real}");
                    prop_assert!(share as f64 <= (real + slack).ceil(), "{share} for {real}");
                }
                // Largest remainder: nobody was rounded up with a smaller fraction than another
                // who was rounded down.
                let up = |i: usize| shares[i] as f64 > real[i] + slack;
                let fraction = |i: usize| real[i] - real[i].floor();
                for i in (0..dims.len()).filter(|&i| up(i)) {
                    for j in (0..dims.len()).filter(|&j| (shares[j] as f64) < real[j] - slack) {
                        prop_assert!(fraction(i) >= fraction(j) - slack);
                    }
                }
            }
            Err(MaskError::EmptyLayer { layer, n, .. }) => {
                let index: usize = layer.trim_start_matches("layer").parse().unwrap();
                prop_assert!(real[index] < 1.0, "{layer} has {} to get", real[index]);
                prop_assert_eq!(n, weights(&dims[index]) as u64);
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}
