//! The same bits at any number of threads.

use rewire_mask::{
    Block, BlockNorm, Edges, Lines, MaskError, MatrixShape, Pattern, greedy_transposable,
};

use super::inputs::{Kind, numbers};
use super::{density, nm};

/// 97 × 300 entries are about four parts of 8192 entries, and ragged for most units; 96 × 320 are
/// whole tiles.
#[test]
#[cfg_attr(miri, ignore = "too many masks for an interpreter")]
fn masks_have_the_same_bits_at_one_two_and_four_threads() {
    let shape = MatrixShape::new(97, 300);
    let even = MatrixShape::new(96, 320);
    let half = density(0.5);
    let edges = Edges::Pad;
    let mut patterns = vec![
        Pattern::Unstructured { density: half },
        Pattern::FanIn { keep: 17 },
        Pattern::Blocks {
            block: Block { rows: 4, cols: 3 },
            norm: BlockNorm::L2,
            density: half,
            edges,
        },
    ];
    for nm in [nm(2, 4), nm(1, 4), nm(4, 8), nm(5, 7), nm(16, 32)] {
        patterns.push(Pattern::TransposableNm { nm, edges });
        for along in [
            Lines::Inputs,
            Lines::Outputs,
            Lines::Channels { taps: 5 },
            Lines::TapsOutputs { taps: 5 },
        ] {
            patterns.push(Pattern::Nm { nm, along, edges });
        }
    }
    for shape in [shape, even] {
        for kind in [Kind::Ties, Kind::Plain] {
            let scores = numbers(shape, kind, 5);
            let masks = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
                pool.build().unwrap().install(|| {
                    let mut masks = Vec::new();
                    for pattern in &patterns {
                        masks.push(pattern.project(scores.view()).unwrap());
                        masks.push(pattern.project_magnitude(scores.view()).unwrap());
                        if let &Pattern::TransposableNm { nm, edges } = pattern {
                            masks.push(greedy_transposable(scores.view(), nm, edges).unwrap());
                        }
                    }
                    masks
                })
            };
            let alone = masks(1);
            assert!(masks(2) == alone, "two threads, {shape}, {kind:?}");
            assert!(masks(4) == alone, "four threads, {shape}, {kind:?}");
        }
    }
}

/// The first of two faults is named, though the part with the second one may be done earlier.
#[test]
#[cfg_attr(miri, ignore = "too many scores for an interpreter")]
fn the_first_fault_is_named_at_any_number_of_threads() {
    let shape = MatrixShape::new(256, 256);
    let edges = Edges::Reject;
    let nm = nm(2, 4);
    let patterns = [
        Pattern::TransposableNm { nm, edges },
        Pattern::Nm {
            nm,
            along: Lines::Inputs,
            edges,
        },
        Pattern::Nm {
            nm,
            along: Lines::Outputs,
            edges,
        },
    ];
    let mut scores = numbers(shape, Kind::Plain, 3);
    let (first, second) = (40_000, 65_535);
    scores[shape.row_col(first)] = f32::NEG_INFINITY;
    scores[shape.row_col(second)] = f32::INFINITY;
    for threads in [1, 2, 4] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(|| {
            for pattern in patterns {
                let error = pattern.project_magnitude(scores.view()).unwrap_err();
                let (index, value) = (first, f32::NEG_INFINITY);
                assert_eq!(error, MaskError::NonFinite { index, value });
            }
        });
    }
}
