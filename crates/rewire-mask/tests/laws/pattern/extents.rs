//! Matrices of unusual extents: smaller than a unit, without entries, or beyond counting.

use ndarray::Array2;
use proptest::prelude::*;
use rewire_mask::{
    Block, BlockNorm, Edges, Lines, Mask, MaskError, MatrixShape, Pattern, Topology,
};

use super::inputs::{kinds, numbers};
use super::{density, nm, positions};
use crate::{cases, rng};

fn tiles(edges: Edges) -> Pattern {
    Pattern::TransposableNm {
        nm: nm(2, 4),
        edges,
    }
}

fn blocks(rows: usize, cols: usize) -> Pattern {
    Pattern::Blocks {
        block: Block { rows, cols },
        norm: BlockNorm::L1,
        density: density(1.0),
        edges: Edges::Pad,
    }
}

/// A complete tile of 2:4 has eight active entries, the one tile of a 2×4 matrix four: it goes when
/// four may go.
#[test]
fn a_matrix_smaller_than_a_unit_moves() {
    let shape = MatrixShape::new(2, 4);
    let mask = tiles(Edges::Pad).random(shape, &mut rng(1)).unwrap();
    let topology = Topology::from_mask(&mask);
    let release = |k| tiles(Edges::Pad).release(&topology, &[1.0; 4], k).unwrap();
    assert_eq!(release(3), Vec::<u64>::new());
    assert_eq!(release(4), positions(&mask));
    // One block of 4×4 that the edges cut down to 1×3.
    let topology = Topology::full(MatrixShape::new(1, 3));
    let release = |k| blocks(4, 4).release(&topology, &[1.0; 3], k).unwrap();
    assert_eq!((release(2), release(3)), (vec![], vec![0, 1, 2]));
}

/// Blocks of 1×2 in rows of three: means 5, 1, 4, 2, so the halves at the edge go first.
#[test]
fn units_go_by_the_entries_they_have() {
    let topology = Topology::full(MatrixShape::new(2, 3));
    let values = [5.0, 5.0, 1.0, 4.0, 4.0, 2.0];
    let release = |k| blocks(1, 2).release(&topology, &values, k).unwrap();
    assert_eq!(release(1), [2]);
    assert_eq!(release(2), [2, 5]);
    assert_eq!(release(3), [2, 5], "half a block cannot go");
    assert_eq!(release(4), [2, 3, 4, 5]);
    assert_eq!(release(6), [0, 1, 2, 3, 4, 5]);
}

/// No columns are whole kernels of any size, and there is nothing to walk however many taps.
#[test]
fn kernels_of_any_size_fit_a_matrix_without_entries() {
    let shape = MatrixShape::new(3, 0);
    for taps in [1, 9, usize::MAX / 2, usize::MAX] {
        for along in [Lines::Channels { taps }, Lines::TapsOutputs { taps }] {
            assert_eq!((along.count(shape), along.len(shape)), (Ok(0), Ok(0)));
            assert_eq!(along.groups(shape, 4).map(|groups| groups.len()), Ok(0));
            let (nm, edges) = (nm(2, 4), Edges::Reject);
            let pattern = Pattern::Nm { nm, along, edges };
            let none = Mask::empty(shape);
            let scores = Array2::<f32>::zeros((3, 0));
            assert_eq!(pattern.project(scores.view()), Ok(none.clone()));
            assert_eq!(pattern.random(shape, &mut rng(1)), Ok(none.clone()));
            assert_eq!(pattern.check(&none), Ok(()));
            let topology = Topology::empty(shape);
            assert_eq!(pattern.release(&topology, &[], 0), Ok(Vec::new()));
            assert!(
                pattern
                    .regrow_at_random(&topology, &[], &mut rng(1))
                    .is_ok()
            );
        }
    }
    let taps = 0;
    let along = Lines::Channels { taps };
    assert_eq!(along.groups(shape, 4), Err(MaskError::Taps { taps, shape }));
}

#[test]
#[should_panic(expected = "kernels of 0 taps have no entries")]
fn no_entry_lies_in_a_kernel_without_taps() {
    Lines::Channels { taps: 0 }.place(MatrixShape::new(2, 4), 5);
}

#[test]
#[should_panic(expected = "groups of 0 have no entries")]
fn no_group_is_empty() {
    let _ = Lines::Inputs.groups(MatrixShape::new(2, 4), 0);
}

/// 2⁴⁰ × 2⁴⁰ entries do not fit in 64 bits: every pattern says so, none counts wrong.
#[test]
fn entries_beyond_64_bits_are_refused_first() {
    let shape = MatrixShape::new(1 << 40, 1 << 40);
    let along = |along| Pattern::Nm {
        nm: nm(2, 4),
        along,
        edges: Edges::Dense,
    };
    for pattern in [
        along(Lines::Inputs),
        along(Lines::TapsOutputs { taps: 1 << 39 }),
        tiles(Edges::Dense),
        blocks(3, 3),
        Pattern::FanIn { keep: 2 },
    ] {
        let panic = std::panic::catch_unwind(|| pattern.edge_report(shape)).unwrap_err();
        let text = panic.downcast_ref::<String>().unwrap();
        assert!(text.contains("cannot be counted"), "{text}");
    }
}

/// A padded block may be larger than any matrix.
#[test]
fn a_block_larger_than_every_matrix_is_one_block() {
    let pattern = blocks(usize::MAX, usize::MAX);
    let shape = MatrixShape::new(2, 3);
    let scores = Array2::<f32>::ones((2, 3));
    assert_eq!(pattern.project(scores.view()), Ok(Mask::full(shape)));
    assert_eq!(pattern.check(&Mask::full(shape)), Ok(()));
    let topology = Topology::full(shape);
    let gone = pattern.release(&topology, &[1.0; 6], 6).unwrap();
    assert_eq!(gone, [0, 1, 2, 3, 4, 5]);
    let back = pattern.regrow_at_random(&topology, &gone, &mut rng(1));
    assert!(back.unwrap().is_empty());
}

proptest! {
    #![proptest_config(cases())]

    /// Complete tiles of 2:4 are chosen as if the incomplete ones were not there, ties included.
    #[test]
    fn complete_tiles_do_not_feel_the_edge(
        (rows, cols) in (4usize..=11, prop_oneof![4usize..=19, 60usize..=71, 128usize..=134]),
        edges in prop::sample::select(vec![Edges::Dense, Edges::Pad]),
        kind in kinds(),
        seed in any::<u64>(),
    ) {
        let scores = numbers(MatrixShape::new(rows, cols), kind, seed);
        let inside = ndarray::s![..rows / 4 * 4, ..cols / 4 * 4];
        let all = tiles(edges).project(scores.view()).unwrap().to_array();
        let complete = tiles(Edges::Reject).project(scores.slice(inside)).unwrap();
        prop_assert_eq!(all.slice(inside), complete.to_array());
    }
}
