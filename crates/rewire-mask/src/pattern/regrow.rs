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

use ndarray::Array2;
use rand_core::RngCore;

use super::Pattern;
use super::blocks::{Grid, whole_blocks};
use super::groups::Grouping;
use super::tile_flow::TileSolver;
use super::tiles::{SIDE, active_positions, free_positions, touched_tiles};
use crate::sampling::below;
use crate::{
    Candidate, Candidates, GrowthRequest, LayerRequest, MaskError, Part, Rewiring, TopK, Topology,
};

impl Pattern {
    /// The rewiring that replaces `released` by the best legal choice of candidates.
    ///
    /// The new mask has the pattern, keeps every active position that was not released, and has
    /// the largest sum of candidate magnitudes among all such masks. It has as many active
    /// entries, except that of blocks it has as many blocks, and those that a padded edge cuts off
    /// are smaller. A topology that has another number of blocks or of single positions than its
    /// pattern's density says keeps that number.
    ///
    /// # Ties
    /// Equal candidates go to the lower position.
    ///
    /// # Errors
    /// As [`Pattern::growth_request`]; [`MaskError::WrongCandidates`] if these do not answer it,
    /// [`MaskError::NoRoom`] if a group has fewer candidates than places,
    /// [`MaskError::NonFinite`] for a candidate that is NaN or infinite, whether it would be grown
    /// or not.
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
                best_of_groups(topology, released, ranked, &places, |_| 0, |_| Part::Mask)?
            }
            (Self::Nm { .. } | Self::FanIn { .. }, Candidates::PerGroup(best)) => {
                let Some(grouping) = Grouping::of(self, topology.shape())? else {
                    return wrong("the best per group");
                };
                let gone = grouping.touched(released).into_iter();
                let places = gone.map(|(group, gone)| (group as u64, gone.len() as u64));
                let group = |position| grouping.group_of(position) as u64;
                let part = |group| grouping.part(group as usize);
                best_of_groups(topology, released, best, &places.collect(), group, part)?
            }
            (Self::TransposableNm { .. }, Candidates::AtPositions(gradients)) => {
                self.best_tiles(topology, released, &request, gradients)?
            }
            (Self::Blocks { block, edges, .. }, Candidates::Tiles(sums)) => {
                let grid = Grid::of(topology.shape(), *block, *edges);
                best_blocks(topology, &grid, released, sums)?
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
                let mut free = free_blocks(topology, &grid, &gone);
                shuffle_front(&mut free, gone.len(), rng);
                let chosen = free[..gone.len()].iter();
                chosen.flat_map(|&index| grid.positions(index)).collect()
            }
            (Self::TransposableNm { .. }, GrowthRequest::AtPositions(positions)) => {
                let scores = positions.iter().map(|_| (rng.next_u32() >> 8) as f32);
                let scores: Vec<f32> = scores.collect();
                self.best_tiles(topology, released, &request, &scores)?
            }
            (
                Self::Unstructured { .. }
                | Self::Nm { .. }
                | Self::FanIn { .. }
                | Self::TransposableNm { .. },
                _,
            ) => match Grouping::of(self, shape)? {
                Some(grouping) => random_of_groups(topology, &grouping, released, rng),
                None => {
                    let survivors = Rewiring::new(released.to_vec(), Vec::new())?;
                    let (survivors, _) = topology.apply(&survivors)?;
                    survivors.sample_inactive(released.len() as u64, &[], rng)?
                }
            },
        };
        Rewiring::net(released.to_vec(), grown)
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
        let (Self::TransposableNm { nm, .. }, GrowthRequest::AtPositions(positions)) =
            (*self, &request.growth)
        else {
            return wrong("gradients at positions");
        };
        if positions.len() != gradients.len() {
            return wrong("one gradient per position");
        }
        for (&position, &gradient) in positions.iter().zip(gradients) {
            check_magnitude(gradient, position)?;
        }
        let shape = topology.shape();
        let of = usize::from(nm.of);
        let mut solver = TileSolver::new();
        let mut known = gradients.iter().map(|gradient| gradient.abs());
        let mut grown = Vec::with_capacity(released.len());
        for tile in touched_tiles(shape, of, released) {
            let free = free_positions(topology, tile, released);
            let gradients: Vec<f32> = known.by_ref().take(free.len()).collect();
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

/// For every touched group as many of its free entries as it lost.
fn random_of_groups(
    topology: &Topology,
    grouping: &Grouping,
    released: &[u64],
    rng: &mut (impl RngCore + ?Sized),
) -> Vec<u64> {
    let mut grown = Vec::with_capacity(released.len());
    for (group, gone) in grouping.touched(released) {
        let entries = grouping.groups.positions(group);
        let is_free = |p: &u64| !topology.contains(*p) || gone.binary_search(p).is_ok();
        let mut free: Vec<u64> = entries.filter(is_free).collect();
        shuffle_front(&mut free, gone.len(), rng);
        grown.extend_from_slice(&free[..gone.len()]);
    }
    grown
}

/// For every group as many of its best candidates as it has places.
fn best_of_groups(
    topology: &Topology,
    released: &[u64],
    candidates: &[Candidate],
    places: &BTreeMap<u64, u64>,
    group: impl Fn(u64) -> u64,
    part: impl Fn(u64) -> Part,
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
        check_magnitude(candidate.magnitude, position)?;
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
                part: part(index),
                wanted,
                available,
            });
        }
        grown.extend(ranked.into_iter().map(|(_, position)| position));
    }
    Ok(grown)
}

/// Refuses a candidate that cannot be ranked, whether it could be grown or not.
fn check_magnitude(value: f32, index: u64) -> Result<(), MaskError> {
    if value.is_finite() {
        Ok(())
    } else {
        Err(MaskError::NonFinite { index, value })
    }
}

/// The blocks of the largest sums, as many as are given up.
fn best_blocks(
    topology: &Topology,
    grid: &Grid,
    released: &[u64],
    sums: &Array2<f32>,
) -> Result<Vec<u64>, MaskError> {
    let across = grid.with_cut().1;
    if sums.dim() != grid.with_cut() {
        return wrong("one sum per block");
    }
    for ((down, col), &sum) in sums.indexed_iter() {
        check_magnitude(sum, down as u64 * across as u64 + col as u64)?;
    }
    let gone = whole_blocks(grid, released)?;
    let mut best = TopK::new(gone.len());
    for index in free_blocks(topology, grid, &gone) {
        let sum = sums[[index / grid.size.1, index % grid.size.1]];
        best.offer(sum, index as u64)?;
    }
    let best = best.into_ranked().into_iter();
    Ok(best
        .flat_map(|(_, index)| grid.positions(index as usize))
        .collect())
}

/// The blocks that no survivor holds, ascending.
fn free_blocks(topology: &Topology, grid: &Grid, gone: &[usize]) -> Vec<usize> {
    let is_free = |&index: &usize| {
        let first = grid.positions(index).next();
        first.is_some_and(|first| !topology.contains(first)) || gone.binary_search(&index).is_ok()
    };
    (0..grid.len()).filter(is_free).collect()
}

/// Brings a random choice of `count` elements to the front.
fn shuffle_front<T>(items: &mut [T], count: usize, rng: &mut (impl RngCore + ?Sized)) {
    for index in 0..count {
        let other = index + below((items.len() - index) as u64, rng) as usize;
        items.swap(index, other);
    }
}
