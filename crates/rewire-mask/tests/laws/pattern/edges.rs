//! Ragged edges: refused with the numbers, dense to the last entry, or padded; never silent.

use std::collections::BTreeMap;

use ndarray::Array2;
use proptest::prelude::*;
use rewire_mask::{
    Block, BlockNorm, EdgeReport, Edges, Lines, Mask, MaskError, MatrixShape, Pattern,
    greedy_transposable,
};

use super::inputs::{fitting, kinds, numbers};
use super::{density, nm, place, positions, rectangles};
use crate::{cases, rng};

/// The same pattern with another policy.
fn with(pattern: Pattern, edges: Edges) -> Pattern {
    match pattern {
        Pattern::Unstructured { .. } | Pattern::FanIn { .. } => pattern,
        Pattern::Nm { nm, along, .. } => Pattern::Nm { nm, along, edges },
        Pattern::TransposableNm { nm, .. } => Pattern::TransposableNm { nm, edges },
        Pattern::Blocks {
            block,
            norm,
            density,
            ..
        } => Pattern::Blocks {
            block,
            norm,
            density,
            edges,
        },
    }
}

/// The positions that lie in no complete group, tile or block.
pub(super) fn ragged(pattern: Pattern, shape: MatrixShape) -> Vec<u64> {
    let outside = |rows, cols| {
        let cut = rectangles(shape, rows, cols)
            .into_iter()
            .filter(|unit| !unit.is_complete);
        cut.flat_map(|unit| unit.positions).collect()
    };
    match pattern {
        Pattern::Unstructured { .. } | Pattern::FanIn { .. } => Vec::new(),
        Pattern::TransposableNm { nm, .. } => outside(nm.of.into(), nm.of.into()),
        Pattern::Blocks { block, .. } => outside(block.rows, block.cols),
        Pattern::Nm { nm, along, .. } => {
            let of = usize::from(nm.of);
            let mut groups: BTreeMap<_, Vec<u64>> = BTreeMap::new();
            for position in 0..shape.len() {
                let (line, entry) = place(along, shape, position);
                groups.entry((line, entry / of)).or_default().push(position);
            }
            let is_cut = |group: &Vec<u64>| group.len() < of;
            groups.into_values().filter(is_cut).flatten().collect()
        }
    }
}

#[test]
fn what_does_not_fit_is_refused_with_the_numbers() {
    let text = |pattern: Pattern, rows, cols| {
        let shape = MatrixShape::new(rows, cols);
        pattern.edge_report(shape).unwrap_err().to_string()
    };
    let (nm, edges) = (nm(2, 4), Edges::Reject);
    let along = |along| Pattern::Nm { nm, along, edges };
    assert_eq!(
        text(along(Lines::Inputs), 3, 30),
        "a 3×30 matrix does not consist of whole 1×4 units: 6 entries are left over"
    );
    assert_eq!(
        text(along(Lines::Outputs), 6, 8),
        "a 6×8 matrix does not consist of whole 4×1 units: 16 entries are left over"
    );
    // Six channels of nine taps: two channels of each output are no group.
    assert_eq!(
        text(along(Lines::Channels { taps: 9 }), 2, 54),
        "a 2×54 matrix does not consist of whole 1×36 units: 36 entries are left over"
    );
    // Lines of 3·3 entries, one for each of two channels.
    assert_eq!(
        text(along(Lines::TapsOutputs { taps: 3 }), 3, 6),
        "a 3×6 matrix does not consist of whole 4×1 units: 2 entries are left over"
    );
    assert_eq!(
        text(Pattern::TransposableNm { nm, edges }, 30, 64),
        "a 30×64 matrix does not consist of whole 4×4 units: 128 entries are left over"
    );
    assert_eq!(
        text(Pattern::row_groups(4, density(0.5), edges), 5, 2),
        "a 5×2 matrix does not consist of whole 4×1 units: 2 entries are left over"
    );
    assert_eq!(
        text(Pattern::kernel_slices(9, density(0.5)), 4, 12),
        "a 4×12 matrix does not consist of whole 1×9 units: 12 entries are left over"
    );
}

/// A row of seven in groups of 2:4, whose last three entries are the smallest scores.
#[test]
fn a_tail_is_dense_or_a_smaller_group() {
    let scores = ndarray::array![[4.0f32, 3.0, 2.0, 1.0, 0.3, 0.1, 0.2]];
    let kept = |keep, edges| {
        let along = Lines::Inputs;
        let nm = nm(keep, 4);
        let pattern = Pattern::Nm { nm, along, edges };
        positions(&pattern.project(scores.view()).unwrap())
    };
    assert_eq!(kept(2, Edges::Dense), [0, 1, 4, 5, 6]);
    assert_eq!(kept(2, Edges::Pad), [0, 1, 4, 6]);
    // A group of three cannot keep four.
    assert_eq!(kept(4, Edges::Pad), [0, 1, 2, 3, 4, 5, 6]);
    let pattern = Pattern::Nm {
        nm: nm(2, 4),
        along: Lines::Inputs,
        edges: Edges::Dense,
    };
    let report = EdgeReport {
        ragged: 3,
        left_dense: 3,
    };
    assert_eq!(pattern.edge_report(MatrixShape::new(1, 7)), Ok(report));
}

/// A padded tile counts columns it does not have as empty: 2×4 of 2:4 keeps two per row and at
/// most two per column, 1×4 keeps two.
#[test]
fn a_padded_tile_keeps_what_fits() {
    let pattern = Pattern::TransposableNm {
        nm: nm(2, 4),
        edges: Edges::Pad,
    };
    let ones = |rows, cols| {
        let mask = pattern
            .project(Array2::from_elem((rows, cols), 1.0).view())
            .unwrap();
        mask.n_active()
    };
    let found = [ones(2, 4), ones(1, 4), ones(4, 1), ones(3, 3), ones(5, 5)];
    // 5×5: a complete tile of 8, two of 1×4 and 4×1 with 2 each, and a corner of 1.
    assert_eq!(found, [4, 2, 2, 6, 13]);
}

/// Blocks at a padded edge are blocks like others, and their missing entries count as 0.
#[test]
fn a_padded_block_is_scored_with_zeros() {
    let scores = ndarray::array![[1.0f32, 1.0, 1.5], [1.0, 1.0, 1.5]];
    let kept = |norm, edges| {
        let pattern = Pattern::Blocks {
            block: Block { rows: 2, cols: 2 },
            norm,
            density: density(0.5),
            edges,
        };
        positions(&pattern.project(scores.view()).unwrap())
    };
    // 4 against 3; 2 against √4.5; 1 against 1.5.
    assert_eq!(kept(BlockNorm::L1, Edges::Pad), [0, 1, 3, 4]);
    assert_eq!(kept(BlockNorm::L2, Edges::Pad), [2, 5]);
    assert_eq!(kept(BlockNorm::Max, Edges::Pad), [2, 5]);
    // Half of one block is none: half to even.
    assert_eq!(kept(BlockNorm::L1, Edges::Dense), [2, 5]);
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn reports_count_what_a_mask_shows(
        (pattern, shape) in fitting(), kind in kinds(), seed in any::<u64>(),
    ) {
        let ragged = ragged(pattern, shape);
        let report = |edges| with(pattern, edges).edge_report(shape);
        let n = ragged.len() as u64;
        prop_assert_eq!(report(Edges::Pad), Ok(EdgeReport { ragged: n, left_dense: 0 }));
        let is_ragged_kind = !matches!(pattern, Pattern::Unstructured { .. } | Pattern::FanIn { .. });
        prop_assert!(is_ragged_kind || n == 0);
        prop_assert_eq!(report(Edges::Dense), Ok(EdgeReport { ragged: n, left_dense: n }));
        let scores = numbers(shape, kind, seed);
        let dense = with(pattern, Edges::Dense).project(scores.view()).unwrap();
        let active = |mask: &Mask| ragged.iter().filter(|&&p| mask.contains(p)).count() as u64;
        if is_ragged_kind {
            prop_assert_eq!(active(&dense), n);
        }
        let drawn = with(pattern, Edges::Dense).random(shape, &mut rng(seed)).unwrap();
        if is_ragged_kind {
            prop_assert_eq!(active(&drawn), n);
        }
    }

    /// Every way into a refused shape gives the same error, whether it needs scores or not.
    #[test]
    fn refusals_are_the_same_everywhere((pattern, shape) in fitting(), seed in any::<u64>()) {
        let left_over = ragged(pattern, shape).len() as u64;
        let pattern = with(pattern, Edges::Reject);
        let scores = numbers(shape, super::inputs::Kind::Ties, seed);
        let mask = Mask::empty(shape);
        let refusals = [
            pattern.edge_report(shape).err(),
            pattern.project(scores.view()).err(),
            pattern.project_magnitude(scores.view()).err(),
            pattern.random(shape, &mut rng(seed)).err(),
        ];
        for refusal in &refusals {
            prop_assert_eq!(refusal, &refusals[0]);
        }
        match &refusals[0] {
            None => prop_assert_eq!(left_over, 0),
            Some(MaskError::Ragged { shape: refused, ragged, .. }) => {
                prop_assert_eq!((*refused, *ragged), (shape, left_over));
                prop_assert!(left_over > 0);
                prop_assert_eq!(pattern.check(&mask).err(), refusals[0].clone());
                if let Pattern::TransposableNm { nm, edges } = pattern {
                    let greedy = greedy_transposable(scores.view(), nm, edges);
                    prop_assert_eq!(greedy.err(), refusals[0].clone());
                }
            }
            Some(other) => prop_assert!(false, "{other}"),
        }
    }
}
