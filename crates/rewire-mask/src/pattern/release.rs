//! Which weights of a pattern go first.
//!
//! Magnitude decides, as everywhere; the pattern decides what goes together. Where groups are
//! refilled one by one a single weight can go, a block goes as a whole, and so does a tile of a
//! transposable pattern: a single free entry of a tile can only be filled by itself.

use super::blocks::Grid;
use super::regrow::active_positions;
use super::transposable::{Limits, Tile, tiles};
use super::{Edges, Pattern, check_count, check_finite};
use crate::{MaskError, Topology, lowest};

impl Pattern {
    /// The active positions that a rewiring of up to `k` weights gives up, ascending: those of the
    /// smallest magnitude.
    ///
    /// `values` are those of the topology's positions, in its order. Blocks and tiles go as a
    /// whole, as many as fit into `k`, the smallest mean magnitude first. Entries that are active
    /// because an edge leaves them dense are never given up.
    ///
    /// # Ties
    /// Of equal magnitudes the higher position goes.
    ///
    /// # Errors
    /// [`MaskError::NonFinite`] with the index of a value that is NaN or infinite,
    /// [`MaskError::NotEnough`] if there are fewer than `k` active entries, or fewer of an N:M
    /// pattern outside its dense tails,
    /// [`MaskError::NotAdmitted`] if a block is active in part.
    ///
    /// # Panics
    /// If there are not as many values as positions.
    pub fn release(
        &self,
        topology: &Topology,
        values: &[f32],
        k: usize,
    ) -> Result<Vec<u64>, MaskError> {
        assert_eq!(
            values.len(),
            topology.n_active(),
            "as many values as active positions"
        );
        let shape = topology.shape();
        self.edge_report(shape)?;
        if k > values.len() {
            return Err(MaskError::NotEnough {
                wanted: k as u64,
                available: values.len() as u64,
            });
        }
        check_finite(values)?;
        let Some(units) = self.units(topology)? else {
            return self.release_entries(topology, values, k);
        };
        let magnitude = |position: &u64| {
            let index = topology.index_of(*position);
            index.map_or(0.0, |index| f64::from(values[index].abs()))
        };
        let worth = units.active.iter().map(|unit| {
            let sum: f64 = unit.iter().map(magnitude).sum();
            (sum / unit.len().max(1) as f64) as f32
        });
        let count = (k / units.entries.max(1)).min(units.active.len());
        let gone = lowest(&worth.collect::<Vec<_>>(), count)?;
        let mut released: Vec<u64> = gone
            .into_iter()
            .flat_map(|unit| units.active[unit].iter().copied())
            .collect();
        released.sort_unstable();
        Ok(released)
    }

    fn release_entries(
        &self,
        topology: &Topology,
        values: &[f32],
        k: usize,
    ) -> Result<Vec<u64>, MaskError> {
        let shape = topology.shape();
        let magnitudes = || values.iter().map(|value| value.abs());
        let Self::Nm {
            nm,
            along,
            edges: Edges::Dense,
        } = *self
        else {
            let gone = lowest(&magnitudes().collect::<Vec<_>>(), k)?;
            return Ok(gone
                .into_iter()
                .map(|index| topology.position(index))
                .collect());
        };
        let of = usize::from(nm.of);
        let complete = along.len(shape)? / of * of;
        let movable: Vec<(u64, f32)> = topology
            .positions()
            .zip(magnitudes())
            .filter(|&(position, _)| along.place(shape, position).1 < complete)
            .collect();
        let scores: Vec<f32> = movable.iter().map(|&(_, magnitude)| magnitude).collect();
        let gone = lowest(&scores, k)?;
        Ok(gone.into_iter().map(|index| movable[index].0).collect())
    }

    /// The active units of a pattern that moves whole blocks or tiles.
    fn units(&self, topology: &Topology) -> Result<Option<Units>, MaskError> {
        let shape = topology.shape();
        match *self {
            Self::Unstructured { .. } | Self::Nm { .. } | Self::FanIn { .. } => Ok(None),
            Self::Blocks { block, edges, .. } => {
                let grid = Grid::of(shape, block, edges);
                let mut active = Vec::new();
                for index in 0..grid.len() {
                    let positions: Vec<u64> = grid.positions(index).collect();
                    let count = positions.iter().filter(|&&p| topology.contains(p)).count();
                    if count > 0 {
                        let (found, expected) = (count as u64, positions.len() as u64);
                        check_count("block", index as u64, found, expected)?;
                        active.push(positions);
                    }
                }
                let entries = block.rows.saturating_mul(block.cols);
                Ok(Some(Units { active, entries }))
            }
            Self::TransposableNm { nm, edges } => {
                let of = usize::from(nm.of);
                let is_movable = |tile: &Tile| edges != Edges::Dense || tile.size == (of, of);
                let active = tiles(shape, of)
                    .filter(is_movable)
                    .map(|tile| active_positions(topology, tile))
                    .filter(|positions| !positions.is_empty())
                    .collect();
                let entries = Limits::of(nm, (of, of)).total;
                Ok(Some(Units { active, entries }))
            }
        }
    }
}

/// Sets of positions that are given up together.
struct Units {
    /// The positions of each active unit.
    active: Vec<Vec<u64>>,
    /// Active entries of a complete unit.
    entries: usize,
}
