//! Layouts of arbitrary topologies name every entry once, where it is.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use rewire_mask::{MatrixShape, Topology};

use super::*;

/// The number of cases of a property: PROPTEST_CASES if it is set, else what fits in a second.
fn cases() -> u32 {
    let set = std::env::var("PROPTEST_CASES").ok();
    set.and_then(|text| text.parse().ok()).unwrap_or(400)
}

/// How the entries lie: evenly, in some full rows, in some full columns, or in a corner.
#[derive(Clone, Copy, Debug)]
enum Lie {
    Anywhere,
    Rows,
    Columns,
    Corner,
}

fn topology(shape: MatrixShape, lie: Lie, share: f64, seed: u64) -> Topology {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut chosen = |share: f64| f64::from(rng.next_u32()) < share * f64::from(u32::MAX);
    let mut positions: BTreeSet<u64> = BTreeSet::new();
    let mut add = |row: usize, col: usize| {
        positions.insert(shape.position(row, col));
    };
    match lie {
        Lie::Anywhere => {
            // Few of many positions, so that wide matrices cost no more than narrow ones.
            let wanted = (share * shape.len().min(3000) as f64) as u64;
            for _ in 0..wanted {
                let position = rng.next_u64() % shape.len();
                let (row, col) = shape.row_col(position);
                add(row, col);
            }
        }
        Lie::Rows => {
            for row in (0..shape.rows).filter(|_| shape.len() < 200_000) {
                if chosen(share) {
                    (0..shape.cols).for_each(|col| add(row, col));
                }
            }
        }
        Lie::Columns => {
            for col in (0..shape.cols).filter(|_| shape.len() < 200_000) {
                if chosen(share) {
                    (0..shape.rows).for_each(|row| add(row, col));
                }
            }
        }
        Lie::Corner => {
            let first = |side: usize| side.saturating_sub(1 + (share * 9.0) as usize);
            for row in first(shape.rows)..shape.rows {
                (first(shape.cols)..shape.cols).for_each(|col| add(row, col));
            }
        }
    }
    Topology::from_positions(shape, positions).unwrap()
}

/// Row, column and index of every entry that the tiles of all chunks name, in the order of a walk.
fn walked(layout: &Layout, topology: &Topology) -> [Vec<(usize, usize, usize)>; 2] {
    let shape = topology.shape();
    let mut forward = Vec::new();
    for chunk in 0..shape.rows.div_ceil(ROWS) {
        for (tile, firsts) in layout.forward(chunk) {
            assert_eq!(tile.segments.len(), firsts.len());
            assert!(tile.segments.is_sorted_by_key(|segment| segment.len));
            let mut places = tile.places.iter();
            for (segment, &first) in tile.segments.iter().zip(firsts) {
                let row = chunk * ROWS + usize::from(segment.row);
                for entry in 0..usize::from(segment.len) {
                    let col = tile.first_column + usize::from(*places.next().unwrap());
                    forward.push((row, col, first as usize + entry));
                }
            }
            assert!(places.next().is_none(), "places beyond the segments");
        }
    }
    let mut transposed = Vec::new();
    for chunk in 0..shape.cols.div_ceil(ROWS) {
        for (tile, sources) in layout.transposed(chunk) {
            assert_eq!(tile.places.len(), sources.len());
            let mut entries = tile.places.iter().zip(sources);
            for segment in tile.segments {
                let col = chunk * ROWS + usize::from(segment.row);
                for _ in 0..segment.len {
                    let (&place, &source) = entries.next().unwrap();
                    let row = tile.first_column + usize::from(place);
                    transposed.push((row, col, source as usize));
                }
            }
            assert!(entries.next().is_none(), "entries beyond the segments");
        }
    }
    [forward, transposed]
}

fn check(topology: &Topology, width: usize) {
    let layout = Layout::new(topology, width);
    assert!(layout.is_of(topology) && layout.is_of(&topology.clone()) && layout.is_needed());
    if layout.is_of_quads() {
        return;
    }
    let entries: Vec<(usize, usize, usize)> = (topology.positions().enumerate())
        .map(|(index, position)| {
            let (row, col) = topology.shape().row_col(position);
            (row, col, index)
        })
        .collect();
    let [mut forward, mut transposed] = walked(&layout, topology);
    // The entries of one row, and in the transpose of one column, come in ascending order.
    let mut by_row = forward.clone();
    by_row.sort_by_key(|&(row, _, _)| row);
    assert_eq!(by_row, entries);
    let mut by_column = transposed.clone();
    by_column.sort_by_key(|&(_, col, _)| col);
    assert!(by_column.is_sorted_by_key(|&(row, col, _)| (col, row)));
    forward.sort_unstable();
    transposed.sort_unstable();
    assert_eq!(forward, entries);
    assert_eq!(transposed, entries);
}

fn shapes() -> impl Strategy<Value = MatrixShape> {
    let small = (0..20usize, 0..20usize);
    // Around the rows of a chunk and the 16 bits of a place.
    let chunks = (510..515usize, 1..9usize);
    let wide = (1..4usize, 65_530..65_545usize);
    let tall = (65_530..65_545usize, 1..4usize);
    prop_oneof![4 => small, 2 => chunks, 1 => wide, 1 => tall]
        .prop_map(|(rows, cols)| MatrixShape::new(rows, cols))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn every_entry_is_named_once_both_ways(
        shape in shapes(),
        lie in prop_oneof![
            Just(Lie::Anywhere), Just(Lie::Rows), Just(Lie::Columns), Just(Lie::Corner),
        ],
        share in 0.0..=1.0f64,
        width in prop_oneof![1..40usize, 500..520usize, 65_530..65_540usize, Just(usize::MAX)],
        seed in any::<u64>(),
    ) {
        // Blocks of one column in a matrix of many would be as many tiles.
        prop_assume!(shape.rows.max(shape.cols) / width < 10_000);
        let lie = if shape.is_empty() { Lie::Corner } else { lie };
        check(&topology(shape, lie, share, seed), width);
    }
}

/// A full matrix beyond the 16 bits of a place: blocks end where a place still fits.
#[test]
fn blocks_never_exceed_what_a_place_can_name() {
    let shape = MatrixShape::new(3, 70_000);
    let odd = (0..shape.len()).filter(|position| position % 3 != 1);
    check(&Topology::from_positions(shape, odd).unwrap(), usize::MAX);
}
