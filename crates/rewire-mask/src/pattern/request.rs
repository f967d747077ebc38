//! What a rewiring inside a pattern has to know of the gradient.
//!
//! This is where a rewiring that cannot be is refused, before anything is computed for it: what is
//! given up must be active, whole where the pattern moves wholes, and not part of a dense edge, and
//! the topology must have the pattern.

use super::Pattern;
use super::blocks::{Grid, whole_blocks};
use super::groups::Grouping;
use super::tiles::{free_positions, touched_tiles};
use crate::{GrowthRequest, LayerRequest, MaskError, MatrixShape, Topology};

impl Pattern {
    /// What has to be known about the gradient before `released` can be replaced.
    ///
    /// # Cost
    /// One pass over the active entries.
    ///
    /// # Errors
    /// [`MaskError::NotActive`] for a position that is not active, [`MaskError::NotAscending`] for
    /// one out of order, [`MaskError::NotAdmitted`] for the first group, tile or block that does
    /// not have its pattern, [`MaskError::DenseEdge`] for a position that is active because an edge
    /// stays dense, [`MaskError::PartialUnit`] if a block is given up in part.
    pub fn growth_request(
        &self,
        topology: &Topology,
        released: &[u64],
    ) -> Result<LayerRequest, MaskError> {
        let shape = topology.shape();
        self.edge_report(shape)?;
        check_released(topology, released)?;
        self.check_units(topology)?;
        let grouping = Grouping::of(self, shape)?;
        self.check_movable(shape, grouping, released)?;
        let growth = match (*self, grouping) {
            (_, Some(grouping)) => {
                let gone = grouping.touched(released);
                let k = gone.values().map(Vec::len).max().unwrap_or(0);
                let (along, of) = (grouping.groups.along, grouping.groups.of);
                GrowthRequest::BestPerGroup { along, of, k }
            }
            (Self::Unstructured { .. } | Self::Nm { .. } | Self::FanIn { .. }, None) => {
                GrowthRequest::TopK { k: released.len() }
            }
            (Self::TransposableNm { nm, .. }, None) => {
                let touched = touched_tiles(shape, usize::from(nm.of), released);
                let mut positions = Vec::new();
                for tile in touched {
                    positions.extend(free_positions(topology, tile, released));
                }
                GrowthRequest::AtPositions(positions)
            }
            (Self::Blocks { block, edges, .. }, None) => {
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

    /// Refuses positions that an edge leaves dense.
    fn check_movable(
        &self,
        shape: MatrixShape,
        grouping: Option<Grouping>,
        released: &[u64],
    ) -> Result<(), MaskError> {
        let units = self.units(shape);
        let is_left_dense = |&&position: &&u64| {
            let (row, col) = shape.row_col(position);
            let in_group = |all: Grouping| all.is_left_dense(all.group_of(position));
            grouping.is_some_and(in_group) || units.is_some_and(|all| all.is_left_dense(row, col))
        };
        match released.iter().find(is_left_dense) {
            Some(&position) => Err(MaskError::DenseEdge { position }),
            None => Ok(()),
        }
    }
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
