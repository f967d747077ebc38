//! Requests that no plan can meet, each with its numbers.

use rewire_ift::models;
use rewire_ift::{Edges, NetworkTransform, Op, Place, PlanError, Terms, Transform, Treatment};

fn refusal(hidden: &[u64], transform: Transform, sparsity: f64, terms: Terms) -> PlanError {
    let dense = models::mlp(784, hidden, 10, false).unwrap();
    NetworkTransform::new(&dense, transform, sparsity, terms).unwrap_err()
}

#[test]
fn a_network_of_dense_edges_cannot_be_matched() {
    let terms = Terms {
        edges: Edges::Dense,
        ..Terms::default()
    };
    // 949 and 316 wide: 2 · (784 · 949 + 316 · 10) for the edges alone.
    let error = refusal(&[300, 100], Transform::Wide, 0.9, terms);
    assert_eq!(
        error,
        PlanError::Infeasible {
            dense: 532_400,
            fixed: 1_494_352,
            free: 599_768
        }
    );
    let text = error.to_string();
    assert!(
        text.contains("532400") && text.contains("1494352"),
        "{text}"
    );
}

#[test]
fn a_sparsity_that_rounds_away_is_no_transform() {
    for (transform, sparsity, text) in [
        (Transform::Wide, 1e-4, "1.000 times every width"),
        (Transform::Parallel, 0.3, "1.429 branches round to one"),
        (Transform::Doped, 1e-4, "rounds to 0"),
    ] {
        let error = refusal(&[300, 100], transform, sparsity, Terms::default());
        assert!(matches!(error, PlanError::NoChange { .. }), "{error}");
        assert!(error.to_string().contains(text), "{error}");
    }
}

#[test]
fn sparsities_and_sizes_outside_their_ranges_are_named() {
    for sparsity in [-0.1, 1.0, f64::NAN, f64::INFINITY] {
        for transform in Transform::ALL {
            let error = refusal(&[300], transform, sparsity, Terms::default());
            assert!(matches!(error, PlanError::Sparsity { .. }), "{error}");
        }
    }
    let nothing = Terms {
        multiple_of: 0,
        ..Terms::default()
    };
    for transform in Transform::ALL {
        let error = refusal(&[300], transform, 0.5, nothing);
        assert!(matches!(error, PlanError::Empty { .. }), "{error}");
    }
    let branches = refusal(&[300], Transform::Parallel, 0.9999, Terms::default());
    assert_eq!(
        branches.to_string(),
        "fc1: a sum of 10000 branches is more than the 4096 that a layer may have"
    );
    let error = models::mlp(784, &[0], 10, false).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a size of fc1 is 0, it has to be at least 1"
    );
    let side = 1 << 32;
    let error = models::mlp(side, &[side], 10, false).unwrap_err();
    assert_eq!(error.to_string(), "fc1 cannot be counted in 64 bits");
}

/// A network whose sums pass 62 bits is refused when it is described, so that no later product can
/// pass 128.
#[test]
fn networks_beyond_all_counting_are_refused() {
    let side = 2_000_000_000;
    let error = models::mlp(side, &[side, side], 10, false).unwrap_err();
    assert_eq!(
        error.to_string(),
        "mlp, as a whole, cannot be counted in 64 bits"
    );
    let wide = models::mlp(10, &[1_500_000_000; 2], 10, false).unwrap();
    let terms = Terms {
        multiple_of: 1 << 40,
        ..Terms::default()
    };
    let error = NetworkTransform::new(&wide, Transform::Wide, 1.0 - 1e-15, terms).unwrap_err();
    assert!(
        error.to_string().contains("cannot be counted in 64 bits"),
        "{error}"
    );
}

#[test]
fn a_layer_without_weights_is_named() {
    let dense = models::mlp(3, &[1], 10, false).unwrap();
    let error = NetworkTransform::new(&dense, Transform::Factorized, 0.9, Terms::default());
    assert_eq!(
        error.unwrap_err().to_string(),
        "fc1.v would have no active weight"
    );
}

/// A layer too small to change stays as it is where others change; its reason says so.
#[test]
fn a_layer_too_small_to_change_is_kept() {
    let dense = models::mlp(784, &[300, 1], 10, false).unwrap();
    let plan = NetworkTransform::new(&dense, Transform::Doped, 0.3, Terms::default()).unwrap();
    let kept = plan
        .layers
        .iter()
        .filter(|layer| layer.treatment == Treatment::KeptSmall);
    let kept: Vec<usize> = kept.map(|layer| layer.source).collect();
    assert_eq!(kept, [1]);
    assert_eq!(plan.residual(), 0);
}

#[test]
fn counts_have_to_fit_their_layers() {
    let plan = models::mlp(4, &[3], 2, false).unwrap();
    assert_eq!(
        plan.cost(&[12]).unwrap_err(),
        PlanError::Counts {
            layers: 2,
            counts: 1
        }
    );
    let error = plan.cost(&[12, 7]).unwrap_err();
    assert_eq!(error.to_string(), "fc2 has 6 weights, 7 cannot be active");
}

#[test]
fn heads_have_to_divide_the_width() {
    let mut plan = rewire_ift::ModelPlan::new("heads");
    let width = plan.width("model", 10, 1);
    let attention = Op::Attention {
        features: width.into(),
        heads: 3,
        queries: 4,
        keys: 4,
        relative: 0,
    };
    let error = plan.push("attention", Place::Body, attention).unwrap_err();
    assert_eq!(
        error.to_string(),
        "attention: 10 cannot be divided into 3 equal parts"
    );
}
