//! What goes first when a rewiring inside a pattern gives up weights.

use proptest::prelude::*;
use rewire_mask::{
    Block, BlockNorm, Edges, Lines, Mask, MaskError, MatrixShape, Part, Pattern, Topology,
};

use super::inputs::{Kind, fitting, numbers};
use super::{density, nm, place, rectangles};
use crate::{cases, rng};

pub(super) fn at(rows: usize, cols: usize, active: &[u64]) -> Topology {
    Topology::from_positions(MatrixShape::new(rows, cols), active.iter().copied()).unwrap()
}

const HALVES: Lines = Lines::Inputs;

pub(super) fn pairs() -> Pattern {
    Pattern::Nm {
        nm: nm(1, 2),
        along: HALVES,
        edges: Edges::Reject,
    }
}

pub(super) fn tiles() -> Pattern {
    Pattern::TransposableNm {
        nm: nm(1, 2),
        edges: Edges::Reject,
    }
}

pub(super) fn columns(edges: Edges) -> Pattern {
    Pattern::Blocks {
        block: Block { rows: 2, cols: 1 },
        norm: BlockNorm::Max,
        density: density(0.5),
        edges,
    }
}

/// What goes, by sorting: single entries by magnitude, blocks and tiles by the mean of theirs, of
/// equal ones the last first, the longest beginning of that order that has at most `k`. Whole numbers below 1000 make no mean tie that does not tie exactly.
fn expected(pattern: Pattern, topology: &Topology, values: &[f32], k: usize) -> Vec<u64> {
    let shape = topology.shape();
    let magnitude = |position: u64| values[topology.index_of(position).unwrap()].abs();
    let mut units: Vec<Vec<u64>> = match pattern {
        Pattern::Unstructured { .. } | Pattern::FanIn { .. } => {
            topology.positions().map(|p| vec![p]).collect()
        }
        Pattern::Nm { nm, along, edges } => {
            let of = usize::from(nm.of);
            let whole = along.len(shape).unwrap() / of * of;
            let moves = |p: &u64| edges != Edges::Dense || place(along, shape, *p).1 < whole;
            let movable = topology.positions().filter(moves);
            movable.map(|p| vec![p]).collect()
        }
        Pattern::TransposableNm { nm, edges } => {
            let of = usize::from(nm.of);
            let tiles = rectangles(shape, of, of).into_iter();
            let tiles = tiles.filter(|tile| tile.is_complete || edges != Edges::Dense);
            let active = |positions: Vec<u64>| -> Vec<u64> {
                positions
                    .into_iter()
                    .filter(|&p| topology.contains(p))
                    .collect()
            };
            let units = tiles.map(|tile| active(tile.positions));
            units.collect()
        }
        Pattern::Blocks { block, edges, .. } => {
            let units = rectangles(shape, block.rows, block.cols).into_iter();
            let moves = units.filter(|unit| unit.is_complete || edges != Edges::Dense);
            let active = moves.filter(|unit| topology.contains(unit.positions[0]));
            let units = active.map(|unit| unit.positions);
            units.collect()
        }
    };
    units.reverse();
    units.sort_by(|a, b| {
        let sum = |unit: &[u64]| unit.iter().map(|&p| f64::from(magnitude(p))).sum::<f64>();
        // Means as cross products, which are whole.
        let (left, right) = (sum(a) * b.len() as f64, sum(b) * a.len() as f64);
        left.partial_cmp(&right).unwrap()
    });
    let mut gone: Vec<u64> = Vec::new();
    for unit in units {
        if gone.len() + unit.len() > k {
            break;
        }
        gone.extend(unit);
    }
    gone.sort_unstable();
    gone
}

#[test]
fn a_release_on_paper() {
    let topology = at(2, 4, &[0, 3, 4, 7]);
    let values = [3.0, -1.0, 2.0, 1.0];
    let gone = |pattern: Pattern, k| pattern.release(&topology, &values, k).unwrap();
    assert_eq!(
        gone(pairs(), 1),
        [7],
        "of equal magnitudes the higher position"
    );
    assert_eq!(gone(pairs(), 3), [3, 4, 7]);
    // Two columns of two: means 2.5 and 1.
    let blocks = columns(Edges::Reject);
    assert_eq!(gone(blocks, 1), [0; 0], "half a block cannot go");
    assert_eq!(gone(blocks, 3), [3, 7]);
    assert_eq!(gone(blocks, 4), [0, 3, 4, 7]);
    let topology = at(2, 4, &[0, 3, 5, 6]);
    let gone = tiles().release(&topology, &[3.0, -1.0, 2.0, 1.0], 2);
    assert_eq!(gone, tiles().release(&topology, &[9.0, 0.0, 9.0, 0.5], 2));
    assert_eq!(
        gone,
        Ok(vec![3, 6]),
        "the second tile, whatever the values of the first"
    );
}

/// A dense edge is not the pattern's to move.
#[test]
fn a_dense_tail_stays() {
    let columns = columns(Edges::Dense);
    let topology = at(3, 2, &[0, 2, 4, 5]);
    assert_eq!(
        columns.release(&topology, &[9.0, 9.0, 0.0, 0.0], 2),
        Ok(vec![0, 2])
    );
    let error = columns.growth_request(&topology, &[4]).unwrap_err();
    assert_eq!(error, MaskError::DenseEdge { position: 4 });
    let text = "position 4 lies in an edge that stays dense and cannot be given up";
    assert_eq!(error.to_string(), text);
    let tail = Pattern::Nm {
        nm: nm(1, 2),
        along: HALVES,
        edges: Edges::Dense,
    };
    let topology = at(1, 3, &[1, 2]);
    assert_eq!(tail.release(&topology, &[9.0, 0.0], 1), Ok(vec![1]));
    let (wanted, available) = (2, 1);
    let error = MaskError::NotEnough { wanted, available };
    assert_eq!(tail.release(&topology, &[9.0, 0.0], 2), Err(error));
    let error = MaskError::DenseEdge { position: 2 };
    assert_eq!(tail.growth_request(&topology, &[1, 2]), Err(error));
    // A 3×3 matrix in 2×2 tiles: one complete tile, then what is dense.
    let tiles = Pattern::TransposableNm {
        nm: nm(1, 2),
        edges: Edges::Dense,
    };
    let topology = at(3, 3, &[0, 2, 4, 5, 6, 7, 8]);
    assert_eq!(
        tiles.release(&topology, &[9.0, 0.0, 9.0, 0.0, 0.0, 0.0, 0.0], 7),
        Ok(vec![0, 4])
    );
    for position in [2, 5, 6, 7, 8] {
        let error = MaskError::DenseEdge { position };
        let refused = tiles.growth_request(&topology, &[0, position]);
        assert_eq!(refused, Err(error.clone()));
        let at_random = tiles.regrow_at_random(&topology, &[position], &mut rng(1));
        assert_eq!(at_random, Err(error));
    }
}

#[test]
fn values_that_cannot_be_ranked_are_refused() {
    let topology = at(2, 4, &[0, 3, 4, 7]);
    for pattern in [pairs(), columns(Edges::Reject), Pattern::FanIn { keep: 2 }] {
        let (wanted, available) = (5, 4);
        let error = MaskError::NotEnough { wanted, available };
        assert_eq!(pattern.release(&topology, &[1.0; 4], 5), Err(error));
        let values = [1.0, f32::NEG_INFINITY, f32::NAN, 1.0];
        let (index, value) = (1, f32::NEG_INFINITY);
        let error = MaskError::NonFinite { index, value };
        assert_eq!(pattern.release(&topology, &values, 1), Err(error));
    }
    let half = at(2, 4, &[0, 3, 4]);
    let error = MaskError::NotAdmitted {
        part: Part::Block(3),
        found: 1,
        expected: 2,
    };
    assert_eq!(
        columns(Edges::Reject).release(&half, &[1.0; 3], 1),
        Err(error)
    );
}

#[test]
#[should_panic(expected = "as many values as active positions")]
fn values_of_another_number_are_a_mistake_of_the_caller() {
    let _ = pairs().release(&at(1, 2, &[0]), &[1.0, 2.0], 1);
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn the_smallest_magnitudes_go(
        (pattern, shape) in fitting(),
        kind in prop::sample::select(vec![Kind::Ties, Kind::Whole, Kind::Equal]),
        k in any::<prop::sample::Index>(),
        seed in any::<u64>(),
    ) {
        let mask: Mask = pattern.random(shape, &mut rng(seed)).unwrap();
        let topology = Topology::from_mask(&mask);
        let weights = numbers(shape, kind, seed);
        let values: Vec<f32> = mask.positions().map(|p| weights[shape.row_col(p)]).collect();
        let k = k.index(values.len() + 1);
        let found = pattern.release(&topology, &values, k);
        if let (Pattern::Nm { edges: Edges::Dense, .. }, Err(error)) = (pattern, &found) {
            let movable = expected(pattern, &topology, &values, usize::MAX).len();
            let (wanted, available) = (k as u64, movable as u64);
            prop_assert_eq!(error, &MaskError::NotEnough { wanted, available });
            prop_assert!(movable < k);
            return Ok(());
        }
        let found = found.unwrap();
        prop_assert!(found.len() <= k);
        prop_assert_eq!(&found, &expected(pattern, &topology, &values, k));
        prop_assert!(pattern.growth_request(&topology, &found).is_ok());
    }
}
