//! Which weights of a pattern go first.
//!
//! Magnitude decides, as everywhere; the pattern decides what goes together. Where groups are
//! refilled one by one a single weight can go, a block goes as a whole, and so does a tile of a
//! transposable pattern: a single free entry of a tile can only be filled by itself.

use super::active::ActiveSet;
use super::groups::Grouping;
use super::tiles::active_positions;
use super::units::{Unit, Units};
use super::{Pattern, check_finite};
use crate::{MaskError, Topology, lowest, lowest_magnitudes};

impl Pattern {
    /// The active positions that a rewiring of up to `k` weights gives up, ascending: those of the
    /// smallest magnitude.
    ///
    /// `values` are those of the topology's positions, in its order. Blocks and tiles go as a
    /// whole, the smallest mean magnitude of active entries first, for as long as the next one
    /// fits into what is left of `k`; one that the edge cuts off counts for the entries it has.
    /// Entries that are active because an edge leaves them dense are never given up.
    ///
    /// # Ties
    /// Of equal magnitudes the higher position goes, of equal units the later one.
    ///
    /// # Cost
    /// Two passes over the active entries and a selection.
    ///
    /// # Errors
    /// [`MaskError::NotEnough`] if there are fewer than `k` active entries, or fewer of an N:M
    /// pattern outside its dense tails, [`MaskError::NotAdmitted`] for the first group, tile or
    /// block that does not have its pattern, [`MaskError::NonFinite`] with the index of a value
    /// that is NaN or infinite.
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
        self.check_units(topology)?;
        check_finite(values)?;
        match self.units(shape) {
            Some(units) => Ok(release_units(units, topology, values, k)),
            None => self.release_entries(topology, values, k),
        }
    }

    fn release_entries(
        &self,
        topology: &Topology,
        values: &[f32],
        k: usize,
    ) -> Result<Vec<u64>, MaskError> {
        let grouping = Grouping::of(self, topology.shape())?;
        let Some(grouping) = grouping.filter(Grouping::has_dense_groups) else {
            return Ok(topology.positions_at(&lowest_magnitudes(values, k)?));
        };
        let is_movable = |(row, col)| !grouping.is_left_dense(grouping.groups.at(row, col));
        let (movable, magnitudes): (Vec<usize>, Vec<f32>) = topology
            .entries()
            .zip(values)
            .enumerate()
            .filter(|&(_, (place, _))| is_movable(place))
            .map(|(index, (_, value))| (index, value.abs()))
            .unzip();
        let gone = lowest(&magnitudes, k)?.into_iter();
        let gone: Vec<usize> = gone.map(|index| movable[index]).collect();
        Ok(topology.positions_at(&gone))
    }
}

/// The lowest units that have at most `k` active entries together.
fn release_units(units: Units, topology: &Topology, values: &[f32], k: usize) -> Vec<u64> {
    let magnitudes = values.iter().map(|value| f64::from(value.abs()));
    let mut active = units.active(topology.entries().zip(magnitudes));
    active.retain(|unit| {
        let tile = units.tile(unit.place);
        !units.is_left_dense(tile.row, tile.col)
    });
    let mean = |unit: &Unit| (unit.sum / unit.n_active as f64) as f32;
    active.sort_by(|one, other| {
        let by_mean = mean(one).total_cmp(&mean(other));
        by_mean.then(other.place.cmp(&one.place))
    });
    let mut n_entries = 0;
    active.retain(|unit| {
        n_entries += unit.n_active;
        n_entries <= k
    });
    let positions = |unit: &Unit| active_positions(topology, units.tile(unit.place));
    let mut released: Vec<u64> = active.iter().flat_map(positions).collect();
    released.sort_unstable();
    released
}
