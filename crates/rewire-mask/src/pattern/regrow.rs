//! Dropping and growing inside a pattern.
//!
//! A rewiring of a pattern takes three steps. [`Pattern::release`] says which active positions go,
//! in the units that the pattern moves: single weights where groups are refilled one by one, whole
//! blocks, whole tiles of a transposable pattern (a single free entry of a tile can only be filled
//! by itself). [`Pattern::growth_request`] says what has to be known about the gradient, which is
//! never the dense gradient: the best of each touched group, sums per block, or the gradient inside
//! the touched tiles. [`Pattern::regrow`] completes the mask again by the best legal choice that
//! keeps every survivor.
//!
//! Released positions may be grown again, as in RigL: they then keep their value and state, since
//! a rewiring is a net difference. So a completion always exists, namely the old one.

use std::collections::BTreeMap;

use rand_core::RngCore;

use super::blocks::Grid;
use super::tile_flow::TileSolver;
use super::transposable::{SIDE, Tile};
use super::{Edges, Pattern};
use crate::sampling::below;
use crate::{
    Candidate, Candidates, GrowthRequest, LayerRequest, Lines, MaskError, MatrixShape, Rewiring,
    TopK, Topology,
};

impl Pattern {
    /// What has to be known about the gradient before `released` can be replaced.
    ///
    /// # Errors
    /// [`MaskError::NotActive`] for a position that is not active, [`MaskError::NotAscending`] for
    /// one out of order, [`MaskError::PartialUnit`] if a block is given up in part.
    pub fn growth_request(
        &self,
        topology: &Topology,
        released: &[u64],
    ) -> Result<LayerRequest, MaskError> {
        let shape = topology.shape();
        self.edge_report(shape)?;
        check_released(topology, released)?;
        let growth = match *self {
            Self::Unstructured { .. } => GrowthRequest::TopK { k: released.len() },
            Self::Nm { .. } | Self::FanIn { .. } => {
                let (along, of) = self.groups(shape);
                let groups = by_group(shape, along, of, released);
                let k = groups.values().map(Vec::len).max().unwrap_or(0);
                GrowthRequest::BestPerGroup { along, of, k }
            }
            Self::TransposableNm { nm, .. } => {
                let touched = touched_tiles(shape, usize::from(nm.of), released);
                let mut positions = Vec::new();
                for tile in touched {
                    positions.extend(free_positions(topology, tile, released));
                }
                GrowthRequest::AtPositions(positions)
            }
            Self::Blocks { block, edges, .. } => {
                whole_blocks(&Grid::of(shape, block, edges), released)?;
                GrowthRequest::PatternScores {
                    tile_rows: block.rows,
                    tile_cols: block.cols,
                }
            }
        };
        Ok(LayerRequest {
            growth,
            readmitted: released.to_vec(),
        })
    }

    /// The rewiring that replaces `released` by the best legal choice of candidates.
    ///
    /// The new mask has the pattern if the old one had it, keeps every active position that was
    /// not released, and has the largest sum of candidate magnitudes among all such masks. It has
    /// as many active entries, except that of blocks it has as many blocks, and those that a padded
    /// edge cuts off are smaller.
    ///
    /// # Ties
    /// Equal candidates go to the lower position.
    ///
    /// # Errors
    /// As [`Pattern::growth_request`]; [`MaskError::WrongCandidates`] if these do not answer it,
    /// [`MaskError::NoRoom`] if a group has fewer candidates than places,
    /// [`MaskError::NonFinite`] for a candidate that is NaN or infinite.
    pub fn regrow(
        &self,
        topology: &Topology,
        released: &[u64],
        candidates: &Candidates,
    ) -> Result<Rewiring, MaskError> {
        let request = self.growth_request(topology, released)?;
        let grown = match (self, candidates) {
            (Self::Unstructured { .. }, Candidates::Best(ranked)) => {
                let places = [(0, released.len() as u64)].into();
                best_of_groups(topology, released, ranked, &places, "the layer", |_| 0)?
            }
            (Self::Nm { .. } | Self::FanIn { .. }, Candidates::PerGroup(best)) => {
                let shape = topology.shape();
                let (along, of) = self.groups(shape);
                let places = by_group(shape, along, of, released);
                let places = places.into_iter().map(|(g, list)| (g, list.len() as u64));
                let places = places.collect();
                let group = |position| group_of(shape, along, of, position);
                best_of_groups(topology, released, best, &places, "group", group)?
            }
            (Self::TransposableNm { .. }, Candidates::AtPositions(gradients)) => {
                self.best_tiles(topology, released, &request, gradients)?
            }
            (Self::Blocks { block, edges, .. }, Candidates::Tiles(sums)) => {
                let grid = Grid::of(topology.shape(), *block, *edges);
                let gone = whole_blocks(&grid, released)?;
                let across = topology.shape().cols.div_ceil(block.cols);
                let down = topology.shape().rows.div_ceil(block.rows);
                if sums.dim() != (down, across) {
                    return Err(MaskError::WrongCandidates {
                        expected: "one sum per block",
                    });
                }
                let mut best = TopK::new(gone.len());
                for index in 0..grid.len() {
                    let is_free = grid.positions(index).next().is_some_and(|first| {
                        !topology.contains(first) || gone.binary_search(&index).is_ok()
                    });
                    if is_free {
                        let sum = sums[[index / grid.size.1, index % grid.size.1]];
                        best.offer(sum, index as u64)?;
                    }
                }
                let best = best.into_ranked().into_iter();
                best.flat_map(|(_, index)| grid.positions(index as usize))
                    .collect()
            }
            (Self::Unstructured { .. }, _) => return wrong("the ranked best of the layer"),
            (Self::Nm { .. } | Self::FanIn { .. }, _) => return wrong("the best per group"),
            (Self::TransposableNm { .. }, _) => return wrong("gradients at positions"),
            (Self::Blocks { .. }, _) => return wrong("sums per block"),
        };
        Rewiring::net(released.to_vec(), grown)
    }

    /// The rewiring that replaces `released` by a random legal choice.
    ///
    /// Uniform among the legal choices, except inside the tiles of a transposable pattern, where
    /// it is the best choice for random scores.
    ///
    /// # Determinism
    /// A function of the topology, the positions and the stream alone.
    ///
    /// # Errors
    /// As [`Pattern::growth_request`].
    pub fn regrow_at_random(
        &self,
        topology: &Topology,
        released: &[u64],
        rng: &mut (impl RngCore + ?Sized),
    ) -> Result<Rewiring, MaskError> {
        let shape = topology.shape();
        let request = self.growth_request(topology, released)?;
        let grown = match (self, &request.growth) {
            (Self::Blocks { block, edges, .. }, _) => {
                let grid = Grid::of(shape, *block, *edges);
                let gone = whole_blocks(&grid, released)?;
                let mut free: Vec<usize> = (0..grid.len())
                    .filter(|&index| {
                        let first = grid.positions(index).next();
                        first.is_some_and(|first| !topology.contains(first))
                            || gone.binary_search(&index).is_ok()
                    })
                    .collect();
                shuffle_front(&mut free, gone.len(), rng);
                let chosen = free[..gone.len()].iter();
                chosen.flat_map(|&index| grid.positions(index)).collect()
            }
            (Self::TransposableNm { .. }, GrowthRequest::AtPositions(positions)) => {
                let scores = positions.iter().map(|_| (rng.next_u32() >> 8) as f32);
                let scores: Vec<f32> = scores.collect();
                self.best_tiles(topology, released, &request, &scores)?
            }
            (Self::Nm { .. } | Self::FanIn { .. }, _) => {
                let (along, of) = self.groups(shape);
                let mut grown = Vec::with_capacity(released.len());
                for (group, gone) in by_group(shape, along, of, released) {
                    let entries = group_positions(shape, along, of, group)?;
                    let is_free = |p: &u64| !topology.contains(*p) || gone.binary_search(p).is_ok();
                    let mut free: Vec<u64> = entries.filter(is_free).collect();
                    shuffle_front(&mut free, gone.len(), rng);
                    grown.extend_from_slice(&free[..gone.len()]);
                }
                grown
            }
            (Self::Unstructured { .. } | Self::TransposableNm { .. }, _) => {
                let survivors = Rewiring::new(released.to_vec(), Vec::new())?;
                let (survivors, _) = topology.apply(&survivors)?;
                survivors.sample_inactive(released.len() as u64, &[], rng)?
            }
        };
        Rewiring::net(released.to_vec(), grown)
    }

    /// Lines and length of the groups that are refilled one by one.
    fn groups(&self, shape: MatrixShape) -> (Lines, usize) {
        match *self {
            Self::Nm { nm, along, .. } => (along, usize::from(nm.of)),
            Self::FanIn { .. }
            | Self::Unstructured { .. }
            | Self::TransposableNm { .. }
            | Self::Blocks { .. } => (Lines::Inputs, shape.cols.max(1)),
        }
    }

    /// Completes the touched tiles of a transposable pattern by the best pattern for `gradients`,
    /// which are those at the positions of the request.
    fn best_tiles(
        &self,
        topology: &Topology,
        released: &[u64],
        request: &LayerRequest,
        gradients: &[f32],
    ) -> Result<Vec<u64>, MaskError> {
        let (Self::TransposableNm { nm, edges }, GrowthRequest::AtPositions(positions)) =
            (*self, &request.growth)
        else {
            return wrong("gradients at positions");
        };
        if positions.len() != gradients.len() {
            return wrong("one gradient per position");
        }
        let fault = gradients.iter().position(|gradient| !gradient.is_finite());
        if let Some(index) = fault {
            return Err(MaskError::NonFinite {
                index: positions[index],
                value: gradients[index],
            });
        }
        let shape = topology.shape();
        let of = usize::from(nm.of);
        let mut solver = TileSolver::new();
        let mut known = gradients.iter().map(|gradient| gradient.abs());
        let mut grown = Vec::with_capacity(released.len());
        for tile in touched_tiles(shape, of, released) {
            let free = free_positions(topology, tile, released);
            let gradients: Vec<f32> = known.by_ref().take(free.len()).collect();
            if edges == Edges::Dense && tile.size != (of, of) {
                // A dense edge has one legal choice, the one it has.
                grown.extend(free);
                continue;
            }
            let mut scores = [[0.0; SIDE]; SIDE];
            let mut forced = [0; SIDE];
            for position in active_positions(topology, tile) {
                let (row, col) = shape.row_col(position);
                forced[row - tile.row] |= 1 << (col - tile.col);
            }
            for (&position, gradient) in free.iter().zip(gradients) {
                let (row, col) = shape.row_col(position);
                scores[row - tile.row][col - tile.col] = gradient;
                forced[row - tile.row] &= !(1 << (col - tile.col));
            }
            let kept = solver.solve_with(tile.size, nm, |row, col| scores[row][col], &forced);
            grown.extend(free.into_iter().filter(|&position| {
                let (row, col) = shape.row_col(position);
                kept[row - tile.row] >> (col - tile.col) & 1 == 1
            }));
        }
        Ok(grown)
    }
}

fn wrong<T>(expected: &'static str) -> Result<T, MaskError> {
    Err(MaskError::WrongCandidates { expected })
}

fn check_released(topology: &Topology, released: &[u64]) -> Result<(), MaskError> {
    if let Some(pair) = released.windows(2).find(|pair| pair[0] >= pair[1]) {
        return Err(MaskError::NotAscending {
            previous: pair[0],
            position: pair[1],
        });
    }
    match released
        .iter()
        .find(|&&position| !topology.contains(position))
    {
        Some(&position) => Err(MaskError::NotActive { position }),
        None => Ok(()),
    }
}

/// The number of the group that holds a position.
fn group_of(shape: MatrixShape, along: Lines, of: usize, position: u64) -> u64 {
    let (line, entry) = along.place(shape, position);
    let groups = along.len(shape).map_or(0, |len| len.div_ceil(of));
    (line * groups + entry / of) as u64
}

/// The positions of a group.
fn group_positions(
    shape: MatrixShape,
    along: Lines,
    of: usize,
    group: u64,
) -> Result<impl Iterator<Item = u64>, MaskError> {
    let len = along.len(shape)?;
    let groups = len.div_ceil(of);
    let (line, first) = (group as usize / groups, group as usize % groups * of);
    let entries = first..len.min(first + of);
    Ok(entries.map(move |entry| along.position(shape, line, entry)))
}

/// The released positions of every touched group.
fn by_group(
    shape: MatrixShape,
    along: Lines,
    of: usize,
    released: &[u64],
) -> BTreeMap<u64, Vec<u64>> {
    let mut groups: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for &position in released {
        let group = group_of(shape, along, of, position);
        groups.entry(group).or_default().push(position);
    }
    groups
}

/// For every group as many of its best candidates as it has places.
fn best_of_groups(
    topology: &Topology,
    released: &[u64],
    candidates: &[Candidate],
    places: &BTreeMap<u64, u64>,
    what: &'static str,
    group: impl Fn(u64) -> u64,
) -> Result<Vec<u64>, MaskError> {
    let shape = topology.shape();
    let mut best: BTreeMap<u64, TopK> = places
        .iter()
        .map(|(&group, &count)| (group, TopK::new(count as usize)))
        .collect();
    for candidate in candidates {
        let position = candidate.position;
        if position >= shape.len() {
            return Err(MaskError::OutOfRange { position, shape });
        }
        if topology.contains(position) && released.binary_search(&position).is_err() {
            return Err(MaskError::AlreadyActive { position });
        }
        if let Some(best) = best.get_mut(&group(position)) {
            best.offer(candidate.magnitude, position)?;
        }
    }
    let mut grown = Vec::with_capacity(released.len());
    for (index, best) in best {
        let ranked = best.into_ranked();
        let (wanted, available) = (places[&index], ranked.len() as u64);
        if available < wanted {
            return Err(MaskError::NoRoom {
                what,
                index,
                wanted,
                available,
            });
        }
        grown.extend(ranked.into_iter().map(|(_, position)| position));
    }
    Ok(grown)
}

/// The blocks that are given up, ascending.
fn whole_blocks(grid: &Grid, released: &[u64]) -> Result<Vec<usize>, MaskError> {
    let mut counts: BTreeMap<usize, u64> = BTreeMap::new();
    for &position in released {
        let Some(index) = grid.index_of(position) else {
            return Err(MaskError::PartialUnit {
                position,
                released: 1,
                entries: 0,
            });
        };
        *counts.entry(index).or_default() += 1;
    }
    for (&index, &count) in &counts {
        let entries = grid.positions(index).count() as u64;
        if count != entries {
            return Err(MaskError::PartialUnit {
                position: grid.positions(index).next().unwrap_or(0),
                released: count,
                entries,
            });
        }
    }
    Ok(counts.into_keys().collect())
}

/// The tiles that hold released positions, in their order.
fn touched_tiles(shape: MatrixShape, of: usize, released: &[u64]) -> Vec<Tile> {
    let mut corners: Vec<(usize, usize)> = released
        .iter()
        .map(|&position| {
            let (row, col) = shape.row_col(position);
            (row - row % of, col - col % of)
        })
        .collect();
    corners.sort_unstable();
    corners.dedup();
    let tile = |(row, col)| Tile {
        row,
        col,
        size: (of.min(shape.rows - row), of.min(shape.cols - col)),
    };
    corners.into_iter().map(tile).collect()
}

/// The active positions of a tile, ascending.
pub(super) fn active_positions(topology: &Topology, tile: Tile) -> Vec<u64> {
    let shape = topology.shape();
    let mut positions = Vec::new();
    for row in tile.row..tile.row + tile.size.0 {
        let columns = topology.row(row);
        let from = columns.partition_point(|&col| (col as usize) < tile.col);
        let inside = columns[from..].iter().map(|&col| col as usize);
        let inside = inside.take_while(|&col| col < tile.col + tile.size.1);
        positions.extend(inside.map(|col| shape.position(row, col)));
    }
    positions
}

/// The positions of a tile that no survivor holds, ascending.
fn free_positions(topology: &Topology, tile: Tile, released: &[u64]) -> Vec<u64> {
    let shape = topology.shape();
    let active = active_positions(topology, tile);
    let rows = tile.row..tile.row + tile.size.0;
    let all = rows.flat_map(|row| {
        (tile.col..tile.col + tile.size.1).map(move |col| shape.position(row, col))
    });
    let survives = |p: &u64| active.binary_search(p).is_ok() && released.binary_search(p).is_err();
    all.filter(|position| !survives(position)).collect()
}

/// Brings a random choice of `count` elements to the front.
fn shuffle_front<T>(items: &mut [T], count: usize, rng: &mut (impl RngCore + ?Sized)) {
    for index in 0..count {
        let other = index + below((items.len() - index) as u64, rng) as usize;
        items.swap(index, other);
    }
}
