//! Random masks of a pattern.

use rand_core::RngCore;

use super::blocks::Grid;
use super::groups::Grouping;
use super::tile_flow::TileSolver;
use super::tiles::tiles;
use super::{Edges, Pattern};
use crate::sampling::{below, distinct_below};
use crate::{Mask, MaskError, MatrixShape, Nm, Topology};

pub(super) fn random(
    pattern: &Pattern,
    shape: MatrixShape,
    rng: &mut (impl RngCore + ?Sized),
) -> Result<Mask, MaskError> {
    match *pattern {
        Pattern::Unstructured { density } => {
            Ok(Topology::random(shape, density.count(shape.len()), rng)?.to_mask())
        }
        Pattern::TransposableNm { nm, edges } => random_tiles(shape, nm, edges, rng),
        Pattern::Blocks {
            block,
            density,
            edges,
            ..
        } => {
            let grid = Grid::of(shape, block, edges);
            let blocks = grid.len() as u64;
            let chosen = distinct_below(blocks, density.count(blocks), rng)?;
            Ok(grid.mask(chosen.into_iter().map(|index| index as usize)))
        }
        Pattern::Nm { .. } | Pattern::FanIn { .. } => {
            let mut mask = Mask::empty(shape);
            if let Some(grouping) = Grouping::of(pattern, shape)? {
                for group in 0..grouping.groups.len() {
                    let positions: Vec<u64> = grouping.groups.positions(group).collect();
                    let (entries, keep) = (positions.len() as u64, grouping.keep(group) as u64);
                    for entry in distinct_below(entries, keep, rng)? {
                        mask.insert(positions[entry as usize]);
                    }
                }
            }
            Ok(mask)
        }
    }
}

/// A uniform choice among the 90 patterns of each 2:4 tile; elsewhere the best pattern for random
/// scores. The stream is read tile by tile, so tiles are decided one after the other.
fn random_tiles(
    shape: MatrixShape,
    nm: Nm,
    edges: Edges,
    rng: &mut (impl RngCore + ?Sized),
) -> Result<Mask, MaskError> {
    let of = usize::from(nm.of);
    let all = patterns_of_2_4();
    let is_2_4 = (nm.keep, nm.of) == (2, 4);
    let mut solver = TileSolver::new();
    let mut mask = Mask::empty(shape);
    for tile in tiles(shape, of) {
        let is_complete = tile.size == (of, of);
        let rows = if edges == Edges::Dense && !is_complete {
            [u32::MAX; 32]
        } else if is_2_4 && is_complete {
            all[below(all.len() as u64, rng) as usize]
        } else {
            let mut scores = [[0.0; 32]; 32];
            for row in &mut scores[..tile.size.0] {
                // 24 random bits are all that an f32 of [1, 2) can tell apart.
                row[..tile.size.1].fill_with(|| (rng.next_u32() >> 8) as f32);
            }
            solver.solve(tile.size, nm, |row, col| scores[row][col])
        };
        for (row, bits) in rows[..tile.size.0].iter().enumerate() {
            for col in (0..tile.size.1).filter(|col| bits >> col & 1 == 1) {
                mask.insert(shape.position(tile.row + row, tile.col + col));
            }
        }
    }
    Ok(mask)
}

/// The 90 tiles with two entries in every row and column, as bits of their rows.
fn patterns_of_2_4() -> Vec<[u32; 32]> {
    const PAIRS: [u32; 6] = [0b0011, 0b0101, 0b1001, 0b0110, 0b1010, 0b1100];
    let mut patterns = Vec::with_capacity(90);
    for code in 0..6usize.pow(4) {
        let row = |index: u32| PAIRS[code / 6usize.pow(index) % 6];
        // Adding each bit to a counter of its own shows how often a column is kept.
        let spread = |bits: u32| {
            (0..4)
                .map(|col| (bits >> col & 1) << (4 * col))
                .sum::<u32>()
        };
        let counts: u32 = (0..4).map(|index| spread(row(index))).sum();
        if counts == 0x2222 {
            let mut pattern = [0; 32];
            (0..4).for_each(|index| pattern[index as usize] = row(index));
            patterns.push(pattern);
        }
    }
    patterns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_90_patterns_of_2_4() {
        assert_eq!(patterns_of_2_4().len(), 90);
    }
}
