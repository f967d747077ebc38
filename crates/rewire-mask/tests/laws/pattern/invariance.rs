//! What does not change the choice: memory order, scale, signs of zeros, the order of rows.

use ndarray::{Array2, ArrayView2, s};
use proptest::prelude::*;
use rand_chacha::rand_core::RngCore;
use rewire_mask::{
    Block, BlockNorm, Edges, Lines, Mask, MaskError, MatrixShape, Pattern, greedy_transposable,
};

use super::inputs::{Kind, fitting, kinds, numbers};
use super::{EDGES, NORMS, density, is_legal, nm, positions, worth};
use crate::{cases, rng};

fn permuted(n: usize, seed: u64) -> Vec<usize> {
    let mut rng = rng(seed);
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by_cached_key(|_| rng.next_u64());
    order
}

/// Rows of a band: bands of this many complete rows can change places without any group or tile
/// being cut otherwise. None where groups go on from band to band.
fn band(pattern: Pattern, shape: MatrixShape) -> Option<usize> {
    match pattern {
        Pattern::Unstructured { .. } | Pattern::FanIn { .. } => Some(1),
        Pattern::Nm { nm, along, .. } => match along {
            Lines::Inputs | Lines::Channels { .. } => Some(1),
            Lines::Outputs => Some(nm.of.into()),
            Lines::TapsOutputs { .. } => {
                let of = usize::from(nm.of);
                shape.rows.is_multiple_of(of).then_some(of)
            }
        },
        Pattern::TransposableNm { nm, .. } => Some(nm.of.into()),
        Pattern::Blocks { block, .. } => Some(block.rows),
    }
}

/// One pattern of each family.
fn families() -> Vec<Pattern> {
    let half = density(0.5);
    let mut all = vec![
        Pattern::Unstructured { density: half },
        Pattern::FanIn { keep: 0 },
        Pattern::kernel_slices(1, half),
    ];
    for edges in EDGES {
        for nm in [nm(2, 4), nm(1, 4), nm(1, 1), nm(5, 32)] {
            all.push(Pattern::TransposableNm { nm, edges });
            for along in [
                Lines::Inputs,
                Lines::Outputs,
                Lines::Channels { taps: 1 },
                Lines::TapsOutputs { taps: 1 },
            ] {
                all.push(Pattern::Nm { nm, along, edges });
            }
        }
        for norm in NORMS {
            all.push(Pattern::Blocks {
                block: Block { rows: 2, cols: 3 },
                norm,
                density: half,
                edges,
            });
        }
        all.push(Pattern::row_groups(4, half, edges));
    }
    all
}

#[test]
fn matrices_without_entries_have_one_mask() {
    for (rows, cols) in [(0, 0), (0, 5), (5, 0), (0, 64), (64, 0)] {
        // The sides fit every unit above, or are refused like those of any other matrix.
        let shape = MatrixShape::new(rows, cols);
        let scores = Array2::<f32>::zeros((rows, cols));
        for pattern in families() {
            let empty = Mask::empty(shape);
            let expected = pattern.edge_report(shape).map(|_| empty.clone());
            assert_eq!(
                pattern.project(scores.view()),
                expected,
                "{pattern:?} {shape}"
            );
            assert_eq!(pattern.project_magnitude(scores.view()), expected);
            assert_eq!(pattern.random(shape, &mut rng(1)), expected);
            assert_eq!(pattern.admits(&empty), expected.is_ok());
            if let Pattern::TransposableNm { nm, edges } = pattern {
                assert_eq!(greedy_transposable(scores.view(), nm, edges), expected);
            }
        }
    }
}

#[test]
fn one_entry_stays_unless_the_pattern_has_no_place() {
    let shape = MatrixShape::new(1, 1);
    let is_active = |pattern: Pattern| {
        let mask = pattern.project(ArrayView2::from(&[[-3.0]])).unwrap();
        assert!(is_legal(pattern, &mask));
        assert_eq!(pattern.random(shape, &mut rng(1)).as_ref(), Ok(&mask));
        mask.n_active() == 1
    };
    for (value, expected) in [(0.0, false), (0.5, false), (0.6, true), (1.0, true)] {
        let density = density(value);
        assert_eq!(is_active(Pattern::Unstructured { density }), expected);
        assert_eq!(is_active(Pattern::kernel_slices(1, density)), expected);
        // Both sides are incomplete: padded, it is a block; dense, it stays in any case.
        assert_eq!(
            is_active(Pattern::row_groups(2, density, Edges::Pad)),
            expected
        );
        assert!(is_active(Pattern::row_groups(2, density, Edges::Dense)));
    }
    assert!(!is_active(Pattern::FanIn { keep: 0 }));
    assert!(is_active(Pattern::FanIn { keep: 1 }));
    for edges in [Edges::Dense, Edges::Pad] {
        for nm in [nm(1, 1), nm(1, 4), nm(2, 4), nm(7, 32)] {
            assert!(is_active(Pattern::TransposableNm { nm, edges }));
            let along = Lines::Inputs;
            assert!(is_active(Pattern::Nm { nm, along, edges }));
        }
    }
}

#[test]
fn all_equal_scores_keep_the_first_of_each_unit() {
    let equal = Array2::from_elem((4, 8), -1.0);
    let kept = |pattern: Pattern| positions(&pattern.project(equal.view()).unwrap());
    let edges = Edges::Reject;
    let nm = nm(1, 4);
    let along = |along| kept(Pattern::Nm { nm, along, edges });
    assert_eq!(along(Lines::Inputs), [0, 4, 8, 12, 16, 20, 24, 28]);
    assert_eq!(along(Lines::Outputs), (0..8).collect::<Vec<_>>());
    // Channels of two taps: groups {0, 2, 4, 6} and {1, 3, 5, 7} of each row.
    let channels = along(Lines::Channels { taps: 2 });
    assert_eq!(channels, [0, 1, 8, 9, 16, 17, 24, 25]);
    assert_eq!(
        kept(Pattern::FanIn { keep: 2 }),
        [0, 1, 8, 9, 16, 17, 24, 25]
    );
    let density = density(0.25);
    assert_eq!(
        kept(Pattern::Unstructured { density }),
        (0..8).collect::<Vec<_>>()
    );
    let block = Block { rows: 2, cols: 2 };
    let norm = BlockNorm::L2;
    let blocks = kept(Pattern::Blocks {
        block,
        norm,
        density,
        edges,
    });
    assert_eq!(blocks, [0, 1, 2, 3, 8, 9, 10, 11]);
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn magnitudes_are_scores_of_their_own(
        (pattern, shape) in fitting(), kind in kinds(), seed in any::<u64>(),
    ) {
        let weights = numbers(shape, kind, seed);
        let magnitudes = weights.mapv(f32::abs);
        let mask = pattern.project_magnitude(weights.view()).unwrap();
        prop_assert!(is_legal(pattern, &mask));
        prop_assert!(pattern.admits(&mask));
        prop_assert_eq!(pattern.project(magnitudes.view()).unwrap(), mask);
        prop_assert!(is_legal(pattern, &pattern.project(weights.view()).unwrap()));
    }

    /// Scores of at least 2⁻²⁴ times up to 2⁴⁰ either way lose no bit.
    #[test]
    fn a_power_of_two_and_the_signs_of_zeros_change_nothing(
        (pattern, shape) in fitting(),
        kind in prop::sample::select(vec![Kind::Ties, Kind::Whole, Kind::Plain, Kind::Zeros]),
        exponent in -40i32..=40,
        seed in any::<u64>(),
    ) {
        let scores = numbers(shape, kind, seed);
        let mask = pattern.project(scores.view()).unwrap();
        let scaled = scores.mapv(|score| score * 2f32.powi(exponent));
        prop_assert_eq!(&pattern.project(scaled.view()).unwrap(), &mask);
        let unsigned = scores.mapv(|score| if score == 0.0 { 0.0 } else { score });
        prop_assert_eq!(&pattern.project(unsigned.view()).unwrap(), &mask);
    }

    /// The same numbers in another memory order: transposed, reversed, every second one of a
    /// larger matrix.
    #[test]
    #[cfg_attr(miri, ignore = "too many masks for an interpreter")]
    fn views_are_read_as_their_copies(
        (pattern, shape) in fitting(), kind in kinds(), seed in any::<u64>(), view in 0usize..4,
    ) {
        let copy = numbers(shape, kind, seed);
        let expected = pattern.project(copy.view()).unwrap();
        let by_magnitude = pattern.project_magnitude(copy.view()).unwrap();
        let same = |view: ArrayView2<'_, f32>| {
            assert_eq!(view, copy);
            assert_eq!(pattern.project(view).unwrap(), expected);
            assert_eq!(pattern.project_magnitude(view).unwrap(), by_magnitude);
        };
        let (rows, cols) = (shape.rows, shape.cols);
        match view {
            0 => {
                let columns = Array2::from_shape_fn((cols, rows), |(col, row)| copy[[row, col]]);
                same(columns.t());
            }
            1 => {
                let reversed = Array2::from_shape_fn((rows, cols), |(row, col)| {
                    copy[[rows - 1 - row, cols - 1 - col]]
                });
                same(reversed.slice(s![..;-1, ..;-1]));
            }
            2 => {
                let mut wide = Array2::from_elem((2 * rows, 2 * cols), f32::NAN);
                wide.slice_mut(s![..;2, ..;2]).assign(&copy);
                same(wide.slice(s![..;2, ..;2]));
            }
            _ => {
                let mut framed = Array2::from_elem((rows + 2, cols + 3), f32::INFINITY);
                framed.slice_mut(s![1..=rows, 2..cols + 2]).assign(&copy);
                same(framed.slice(s![1..=rows, 2..cols + 2]));
            }
        }
    }

    /// Bands of rows change places, and the mask with them. Scores are all different, so that no
    /// tie between bands is decided by their order; sums of blocks can tie, and then only the sum
    /// of the kept ones is the same, but for the rounding of roots.
    #[test]
    fn rows_of_groups_and_tiles_change_places((pattern, shape) in fitting(), seed in any::<u64>()) {
        let Some(band) = band(pattern, shape) else { return Ok(()) };
        let entries = permuted(shape.len() as usize, seed);
        let scores = Array2::from_shape_fn((shape.rows, shape.cols), |(row, col)| {
            entries[shape.position(row, col) as usize] as f32
        });
        let order = permuted(shape.rows / band, seed ^ 1);
        let from = |row: usize| match order.get(row / band) {
            Some(band_of) => band_of * band + row % band,
            None => row,
        };
        let moved = Array2::from_shape_fn(scores.dim(), |(row, col)| scores[[from(row), col]]);
        let mask = pattern.project(scores.view()).unwrap();
        let found = pattern.project(moved.view()).unwrap();
        let expected = Mask::from_fn(shape, |row, col| mask.get(from(row), col));
        if matches!(pattern, Pattern::Blocks { .. }) {
            let kept = worth(pattern, moved.view(), &found);
            let as_before = worth(pattern, moved.view(), &expected);
            prop_assert!((kept - as_before).abs() <= 2f64.powi(-22) * as_before);
        } else {
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn scores_that_are_not_finite_are_refused_where_they_stand(
        (pattern, shape) in fitting(),
        kind in kinds(),
        at in any::<prop::sample::Index>(),
        bad in prop::sample::select(vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY]),
        seed in any::<u64>(),
    ) {
        if shape.is_empty() {
            return Ok(());
        }
        let mut scores = numbers(shape, kind, seed);
        let index = at.index(shape.len() as usize);
        // A second one behind it must not be the one that is reported.
        scores[[shape.rows - 1, shape.cols - 1]] = f32::NAN;
        scores[shape.row_col(index as u64)] = bad;
        let is_named = |found: Result<Mask, MaskError>| match found {
            Err(MaskError::NonFinite { index: at, value }) => {
                at == index as u64 && value.to_bits() == bad.to_bits()
            }
            _ => false,
        };
        prop_assert!(is_named(pattern.project(scores.view())));
        prop_assert!(is_named(pattern.project_magnitude(scores.view())));
        if let Pattern::TransposableNm { nm, edges } = pattern {
            prop_assert!(is_named(greedy_transposable(scores.view(), nm, edges)));
        }
    }
}
