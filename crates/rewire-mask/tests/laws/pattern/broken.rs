//! Masks that nearly have their pattern: a rewiring refuses them with what is wrong, in the words
//! of the check.

use proptest::prelude::*;
use rewire_mask::{Candidates, Edges, Lines, Mask, MaskError, Part, Pattern, Topology};

use super::inputs::fitting;
use super::release::{at, columns, pairs, tiles};
use super::{answers, density};
use crate::{cases, rng};

/// What every step of a rewiring says of a topology, which is the same.
fn refused(pattern: Pattern, topology: &Topology) -> MaskError {
    let ones = vec![1.0; topology.n_active()];
    let nothing = Candidates::PerGroup(Vec::new());
    let all = [
        pattern.release(topology, &ones, 1).unwrap_err(),
        pattern.growth_request(topology, &[]).unwrap_err(),
        pattern.regrow(topology, &[], &nothing).unwrap_err(),
        pattern
            .regrow_at_random(topology, &[], &mut rng(1))
            .unwrap_err(),
    ];
    assert!(all.iter().all(|error| *error == all[0]), "{all:?}");
    all[0].clone()
}

fn wrong(part: Part, found: u64, expected: u64) -> MaskError {
    MaskError::NotAdmitted {
        part,
        found,
        expected,
    }
}

/// A 2×2 tile of 1:2 that holds all four entries would give up four where two were asked for.
#[test]
fn a_tile_without_its_pattern_is_named() {
    let full = at(2, 4, &[0, 1, 2, 4, 5, 7]);
    let part = Part::TileRow { tile: 0, row: 0 };
    assert_eq!(refused(tiles(), &full), wrong(part, 2, 1));
    // The second tile has one entry in each row, both in its first column.
    let leaning = at(2, 4, &[0, 2, 5, 6]);
    let part = Part::TileColumn { tile: 1, column: 0 };
    assert_eq!(refused(tiles(), &leaning), wrong(part, 2, 1));
    // A padded 2×1 tile holds one entry: of its rows, which are not full, none is at fault.
    let padded = Pattern::TransposableNm {
        nm: super::nm(1, 2),
        edges: Edges::Pad,
    };
    let error = refused(padded, &at(2, 3, &[0, 4]));
    assert_eq!(error, wrong(part, 0, 1));
    let text = "column 0 of tile 1 has 0 active entries, not 1";
    assert_eq!(error.to_string(), text);
}

/// A group with one entry too many would be completed to another count.
#[test]
fn a_group_without_its_pattern_is_named() {
    let topology = at(2, 4, &[0, 3, 4, 5, 6]);
    assert_eq!(refused(pairs(), &topology), wrong(Part::Group(2), 2, 1));
    assert_eq!(
        refused(pairs(), &at(2, 4, &[0, 3, 6])),
        wrong(Part::Group(2), 0, 1)
    );
    let rows = Pattern::FanIn { keep: 2 };
    assert_eq!(refused(rows, &topology), wrong(Part::Row(1), 3, 2));
    assert_eq!(
        refused(Pattern::FanIn { keep: 0 }, &at(3, 2, &[5])),
        wrong(Part::Row(2), 1, 0)
    );
    let dense = Pattern::Nm {
        nm: super::nm(1, 2),
        along: Lines::Outputs,
        edges: Edges::Dense,
    };
    // Columns of three: the last entry of each is a group that stays dense.
    assert_eq!(
        refused(dense, &at(3, 2, &[0, 1, 4])),
        wrong(Part::Group(3), 0, 1)
    );
}

#[test]
fn a_block_without_its_pattern_is_named() {
    let half = at(2, 4, &[0, 3, 4]);
    assert_eq!(
        refused(columns(Edges::Reject), &half),
        wrong(Part::Block(3), 1, 2)
    );
    let open = at(3, 2, &[0, 2, 4]);
    assert_eq!(
        refused(columns(Edges::Dense), &open),
        wrong(Part::Entry(5), 0, 1)
    );
}

/// A row that lacks candidates is called a row, not the group that it is.
#[test]
fn a_row_without_room_is_named() {
    let topology = at(2, 4, &[0, 3, 4, 7]);
    let answer = Candidates::PerGroup(answers::candidates(&[(0, 1.0)]));
    let error = Pattern::FanIn { keep: 2 }.regrow(&topology, &[0, 4, 7], &answer);
    let text = "row 1 has 0 candidates for 2 places";
    assert_eq!(error.unwrap_err().to_string(), text);
}

/// Candidates that are not finite are refused even where none of them could be grown.
#[test]
fn no_candidate_is_refused_too_late() {
    let nan = |index| move |error: MaskError| matches!(error, MaskError::NonFinite { index: at, value } if at == index && value.is_nan());
    let topology = at(2, 4, &[0, 3, 5, 6]);
    // Group 3 is not touched.
    let answer = Candidates::PerGroup(answers::candidates(&[(0, 1.0), (7, f32::NAN)]));
    assert!(pairs().regrow(&topology, &[0], &answer).is_err_and(nan(7)));
    // Nothing is given up, so nothing is grown.
    let answer = Candidates::Best(answers::candidates(&[(1, f32::NAN)]));
    let whole = Pattern::Unstructured {
        density: density(0.5),
    };
    assert!(whole.regrow(&topology, &[], &answer).is_err_and(nan(1)));
    // Block 1 survives; block 2 of the second matrix is what an edge leaves dense.
    let blocks = at(2, 4, &[0, 1, 4, 5]);
    let sums = ndarray::array![[0.0, f32::NAN, 0.0, 1.0]];
    let answer = Candidates::Tiles(sums);
    assert!(
        columns(Edges::Reject)
            .regrow(&blocks, &[0, 4], &answer)
            .is_err_and(nan(1))
    );
    let edge = at(3, 2, &[0, 2, 4, 5]);
    let answer = Candidates::Tiles(ndarray::array![[0.0, 1.0], [f32::NAN, 0.0]]);
    assert!(
        columns(Edges::Dense)
            .regrow(&edge, &[0, 2], &answer)
            .is_err_and(nan(2))
    );
}

proptest! {
    #![proptest_config(cases())]

    /// One entry more or less: whatever part of the mask the check names, a rewiring names it too.
    #[test]
    fn a_rewiring_says_what_the_check_says(
        (pattern, shape) in fitting(),
        at in any::<prop::sample::Index>(),
        seed in any::<u64>(),
    ) {
        if shape.is_empty() {
            return Ok(());
        }
        let mask = pattern.random(shape, &mut rng(seed)).unwrap();
        let flipped = at.index(shape.len() as usize) as u64;
        let entries = (0..shape.len()).filter(|&p| mask.contains(p) != (p == flipped));
        let broken = Mask::from_positions(shape, entries).unwrap();
        let topology = Topology::from_mask(&broken);
        let ones = vec![1.0; topology.n_active()];
        match pattern.check(&broken) {
            // A rewiring leaves the number of single positions and of blocks as it is.
            Err(MaskError::NotAdmitted { part: Part::Mask | Part::Blocks, .. }) => {
                prop_assert!(pattern.release(&topology, &ones, 0).is_ok());
                prop_assert!(pattern.growth_request(&topology, &[]).is_ok());
            }
            Err(error) => {
                prop_assert_eq!(pattern.release(&topology, &ones, 0), Err(error.clone()));
                prop_assert_eq!(pattern.growth_request(&topology, &[]), Err(error));
            }
            Ok(()) => prop_assert!(false, "position {} does not matter", flipped),
        }
    }
}
