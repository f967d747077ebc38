//! Laws of equal FLOPs over random networks, sparsities and terms.

use proptest::prelude::*;
use rewire_ift::models::{self, Sizes, Stem};
use rewire_ift::{
    Edges, Match, ModelPlan, NetworkTransform, PlanError, Terms, Transform, Treatment, WidthRule,
};

fn cases(quick: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok();
    ProptestConfig::with_cases(asked.and_then(|text| text.parse().ok()).unwrap_or(quick))
}

fn any_network() -> impl Strategy<Value = ModelPlan> {
    let mlp = (
        1u64..2000,
        prop::collection::vec(1u64..1500, 1..5),
        1u64..200,
        any::<bool>(),
    )
        .prop_map(|(inputs, hidden, classes, norm)| {
            models::mlp(inputs, &hidden, classes, norm).unwrap()
        });
    let published = prop::sample::select(models::NAMES)
        .prop_map(|name| models::named(name, Sizes::default()).unwrap());
    let small = (prop::sample::select(&[18u64, 34, 50][..]), 32u64..80)
        .prop_map(|(depth, side)| models::resnet(depth, Stem::Cifar, side, 10).unwrap());
    prop_oneof![6 => mlp, 2 => published, 1 => small]
}

fn any_terms(matching: Match) -> impl Strategy<Value = Terms> {
    (
        prop::sample::select(&[Edges::Dense, Edges::Uniform, Edges::Matched][..]),
        prop::sample::select(&[1u64, 4, 8, 16][..]),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(move |(edges, multiple_of, non_linear, norm)| Terms {
            matching,
            edges,
            multiple_of,
            non_linear,
            norm,
        })
}

fn any_transform() -> impl Strategy<Value = Transform> {
    prop::sample::select(&Transform::ALL[..])
}

proptest! {
    #![proptest_config(cases(2000))]

    /// Matched as a network, the whole network costs what the dense one does to less than one weight:
    /// one more weight of a transformed layer would cost too much, wherever it is cheapest.
    #[test]
    fn a_matched_network_costs_what_the_dense_one_does(
        dense in any_network(),
        transform in any_transform(),
        sparsity in 0.0..0.99,
        terms in any_terms(Match::Network),
    ) {
        let plan = match NetworkTransform::new(&dense, transform, sparsity, terms) {
            Ok(plan) => plan,
            Err(
                PlanError::Infeasible { .. }
                | PlanError::NoChange { .. }
                | PlanError::NoWeights { .. }
                | PlanError::Layer { .. },
            ) => return Ok(()),
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        };
        let residual = plan.residual();
        let counts = plan.model.counts().iter().zip(&plan.layers);
        // Weights of the layers whose density was free: the transformed ones, if there are any.
        let cheapest = |treatment| {
            let free = counts.clone().filter(move |(_, layer)| layer.treatment == treatment);
            free.map(|(count, _)| 2 * i128::from(count.positions)).min()
        };
        let cheapest = cheapest(Treatment::Transformed).or(cheapest(Treatment::Edge));
        prop_assert!(residual <= 0, "{residual} FLOPs above");
        prop_assert!(residual > -cheapest.unwrap_or(1), "{residual} FLOPs, a weight {cheapest:?}");
        for (count, layer) in counts {
            prop_assert!(layer.n_active <= count.weights, "{}", count.name);
            prop_assert!(layer.n_active > 0 || count.weights == 0, "{}", count.name);
        }
        // What was counted here is what the cost of the network says.
        let products = plan.cost().unwrap().f_sparse() + plan.model.pointwise();
        prop_assert_eq!(products, plan.flops());
    }

    /// Matched by layer, a transformed layer has as many active weights as the dense one had.
    #[test]
    fn a_matched_layer_costs_what_the_dense_one_does(
        dense in any_network(),
        transform in any_transform(),
        sparsity in 0.0..0.99,
        terms in any_terms(Match::Layer),
    ) {
        let Ok(plan) = NetworkTransform::new(&dense, transform, sparsity, terms) else {
            return Ok(());
        };
        let mut costs = vec![0i128; dense.layers().len()];
        let mut room = vec![0i128; dense.layers().len()];
        for (count, layer) in plan.model.counts().iter().zip(&plan.layers) {
            let positions = i128::from(count.positions);
            costs[layer.source] += i128::from(layer.n_active) * positions;
            room[layer.source] += i128::from(count.weights) * positions;
        }
        for (source, before) in dense.counts().iter().enumerate() {
            let exempt = plan.layers.iter().any(|layer| {
                layer.source == source && layer.treatment == Treatment::Edge
            });
            if before.weights > 0 && !exempt {
                let dense = i128::from(before.weights) * i128::from(before.positions);
                // Sizes rounded down leave less room than the dense layer has weights.
                prop_assert_eq!(costs[source], dense.min(room[source]), "{}", &before.name);
            }
        }
    }

    /// More sparsity never makes a width smaller, and every width keeps to what it demands.
    #[test]
    fn widths_grow_with_sparsity(
        dense in any_network(),
        (low, high) in (0.0..0.99, 0.0..0.99).prop_map(|(a, b): (f64, f64)| (a.min(b), a.max(b))),
        terms in any_terms(Match::Layer),
    ) {
        let widths = |sparsity| NetworkTransform::new(&dense, Transform::Wide, sparsity, terms)
            .ok()
            .map(|plan| plan.model.widths().to_vec());
        let (Some(narrow), Some(wide)) = (widths(low), widths(high)) else {
            return Ok(());
        };
        for ((narrow, wide), before) in narrow.iter().zip(&wide).zip(dense.widths()) {
            match before.rule {
                WidthRule::Fixed => prop_assert_eq!(wide.size, before.size),
                WidthRule::Free { multiple_of } => {
                    prop_assert!(low == 0.0 || narrow.size <= wide.size, "{narrow:?} {wide:?}");
                    prop_assert_eq!(wide.size % multiple_of, 0);
                    prop_assert!(high == 0.0 || wide.size.is_multiple_of(terms.multiple_of));
                }
            }
        }
    }

    /// Table 1 of the paper, with the whole sizes that were taken, and the sizes next to its formulae.
    #[test]
    fn a_search_space_has_the_cardinality_of_the_table(
        inputs in 1u64..5000,
        outputs in 1u64..5000,
        sparsity in 0.0..0.99,
        multiple_of in prop::sample::select(&[1u64, 4, 8, 16][..]),
        transform in any_transform(),
    ) {
        let sides = [inputs, outputs];
        let plan = match transform.plan(sides, sparsity, multiple_of) {
            Ok(plan) => plan,
            Err(PlanError::NoChange { .. }) => return Ok(()),
            // A rank rounded up to a multiple can cost more than the layer.
            Err(PlanError::LowRank { .. }) if transform == Transform::Doped => return Ok(()),
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        };
        let size = u128::from(plan.size);
        let (din, dout) = (u128::from(inputs), u128::from(outputs));
        let table = match transform {
            Transform::Wide => u128::from(plan.factors[0].inputs) * size,
            Transform::Parallel => size * din * dout,
            Transform::Factorized => size * (din + dout),
            Transform::Doped => din * dout,
        };
        prop_assert_eq!(plan.cardinality(), table);
        // Rounding moves a size by at most half a step, by less than one where it goes up, or to the
        // first size there is; a side is never made smaller.
        let (exact, step) = match transform {
            Transform::Wide => (plan.exact * outputs as f64, multiple_of as f64),
            Transform::Parallel => (plan.exact, 1.0),
            Transform::Factorized | Transform::Doped => (plan.exact, multiple_of as f64),
        };
        let (low, high) = match transform {
            Transform::Factorized => (0.0, step),
            Transform::Wide => (-step / 2.0, step),
            Transform::Parallel | Transform::Doped => (-step / 2.0, step / 2.0),
        };
        let (moved, slack) = (size as f64 - exact, exact * f64::EPSILON);
        let first = size as f64 == step && exact < step;
        prop_assert!((low - slack..=high + slack).contains(&moved) || first, "{size} {exact}");
        if transform == Transform::Wide {
            prop_assert!(plan.factors[0].inputs >= inputs && plan.size >= outputs);
        }
        // The FLOPs are those of the dense layer.
        prop_assert_eq!(plan.residual(), 0);
        prop_assert_eq!(u128::from(plan.n_active()), din * dout);
    }
}

/// s = 0: Wide is the dense network, Parallel has one branch, Doped no low rank, and Factorized two
/// dense factors of inner size D_in·D_out/(D_in + D_out).
#[test]
fn no_sparsity_is_what_the_paper_says_per_member() {
    let dense = models::mlp(784, &[300, 100], 10, false).unwrap();
    let plan = |transform| {
        NetworkTransform::new(&dense, transform, 0.0, Terms::default()).map(|plan| {
            let layers = plan.model.counts().iter().zip(plan.n_active());
            let layers = layers.map(|(layer, n_active)| (layer.dims.clone(), n_active));
            (layers.collect::<Vec<_>>(), plan.residual())
        })
    };
    let itself = vec![
        (vec![300, 784], 235_200),
        (vec![100, 300], 30_000),
        (vec![10, 100], 1000),
    ];
    for transform in [Transform::Wide, Transform::Parallel, Transform::Doped] {
        assert_eq!(plan(transform), Ok((itself.clone(), 0)), "{transform:?}");
    }
    // 784 · 300/1084 = 216.97 and 300 · 100/400 = 75.
    let layer = Transform::Factorized.plan([784, 300], 0.0, 1).unwrap();
    assert_eq!((layer.size, layer.n_active()), (217, 784 * 300));
    let layer = Transform::Factorized.plan([300, 100], 0.0, 1).unwrap();
    assert_eq!(
        (layer.size, layer.n_active(), layer.residual()),
        (75, 30_000, 0)
    );
    assert_eq!(layer.solved_sparsity(), 0.0);
}

/// Residual additions and concatenations: whatever was joined has equal widths afterwards, because
/// the plan of a wide network is counted anew from its widths, heads and groups included.
#[test]
fn wide_published_networks_hold_together() {
    for name in models::NAMES {
        let dense = models::named(name, Sizes::default()).unwrap();
        for sparsity in [0.5, 0.75, 0.9] {
            let terms = Terms {
                matching: Match::Layer,
                multiple_of: 8,
                ..Terms::default()
            };
            let wide = NetworkTransform::new(&dense, Transform::Wide, sparsity, terms).unwrap();
            let k = (1.0f64 / (1.0 - sparsity)).sqrt();
            for (layer, count) in wide.model.layers().iter().zip(wide.model.counts()) {
                let Some([inputs, outputs]) = count.sides() else {
                    continue;
                };
                let (before, _) = (dense.counts().iter().zip(dense.layers()))
                    .find(|(_, other)| other.name == layer.name)
                    .unwrap();
                let [din, dout] = before.sides().unwrap();
                let growth = (inputs * outputs) as f64 / (din * dout) as f64;
                // Sizes of 10 and more, moved by at most half a multiple of 8, 24 or 32.
                assert!(
                    growth <= k * k * 2.0 && growth >= 0.9,
                    "{name} {}: {growth}",
                    layer.name
                );
            }
        }
    }
}
