//! Growth candidates: the dense gradient, one tile of rows at a time, never stored.

use ndarray::Array2;
use rewire_mask::{
    Candidate, Candidates, GrowthRequest, LayerRequest, MaskError, MatrixShape, TopK, WeightView,
};

use super::{TILE_ROWS, dense};
use crate::GradientPair;

/// Answers `request` from `Σ dYᵀ·X` over `pairs`, with the operations it took.
pub(super) fn candidates(
    weights: WeightView<'_>,
    pairs: &[GradientPair<'_>],
    request: &LayerRequest,
) -> Result<(Candidates, u64), MaskError> {
    let shape = weights.shape();
    check(shape, request)?;
    if request.growth == (GrowthRequest::TopK { k: 0 }) {
        return Ok((Candidates::Best(Vec::new()), 0));
    }
    let stream = GradientRows {
        shape,
        weights,
        pairs,
        readmitted: &request.readmitted,
    };
    let samples: u64 = pairs.iter().map(|pair| pair.input.samples() as u64).sum();
    let executed = 2 * shape.len() * samples;
    let found = match &request.growth {
        GrowthRequest::TopK { k } => {
            let mut best = TopK::new(*k);
            stream.for_each_row(|row, gradient, eligible| {
                offer_row(&mut best, shape, row, gradient, eligible)
            })?;
            let ascending = best.into_ascending().into_iter();
            Candidates::Best(ascending.map(candidate).collect())
        }
        GrowthRequest::BestPerGroup { along, of, k } => {
            let groups = along.groups(shape, *of)?;
            let mut best = vec![TopK::new(*k); groups.len()];
            stream.for_each_row(|row, gradient, eligible| {
                for (column, (&value, &eligible)) in gradient.iter().zip(eligible).enumerate() {
                    if eligible {
                        let position = shape.position(row, column);
                        best[groups.at(row, column)].offer(value.abs(), position)?;
                    }
                }
                Ok(())
            })?;
            Candidates::PerGroup(best.into_iter().flat_map(ranked).collect())
        }
        GrowthRequest::PatternScores {
            tile_rows,
            tile_cols,
        } => {
            let size = (
                shape.rows.div_ceil(*tile_rows),
                shape.cols.div_ceil(*tile_cols),
            );
            let mut sums = Array2::zeros(size);
            stream.for_each_row(|row, gradient, eligible| {
                for (column, (&value, &eligible)) in gradient.iter().zip(eligible).enumerate() {
                    if eligible {
                        let value = finite(value, shape.position(row, column))?;
                        sums[[row / tile_rows, column / tile_cols]] += value.abs();
                    }
                }
                Ok(())
            })?;
            Candidates::Tiles(sums)
        }
        GrowthRequest::AtPositions(positions) => {
            let mut values = vec![0.0; positions.len()];
            let mut order: Vec<usize> = (0..positions.len()).collect();
            order.sort_by_key(|&index| positions[index]);
            let mut next = order.into_iter().peekable();
            stream.for_each_row(|row, gradient, _| {
                while let Some(index) = next.next_if(|&i| shape.row_col(positions[i]).0 == row) {
                    let column = shape.row_col(positions[index]).1;
                    values[index] = finite(gradient[column], positions[index])?;
                }
                Ok(())
            })?;
            Candidates::AtPositions(values)
        }
        GrowthRequest::Dense => {
            let mut whole = vec![0.0; shape.rows * shape.cols];
            for pair in pairs {
                dense::weight_gradient(*pair, &mut whole);
            }
            for (index, &value) in whole.iter().enumerate() {
                finite(value, index as u64)?;
            }
            Candidates::Dense(whole)
        }
    };
    Ok((found, executed))
}

/// Positions must be places of the matrix, the readmitted ones ascending: the rows take them from
/// the front, so one out of order would make another row's weight eligible.
fn check(shape: MatrixShape, request: &LayerRequest) -> Result<(), MaskError> {
    if let Some(pair) = request
        .readmitted
        .windows(2)
        .find(|pair| pair[0] >= pair[1])
    {
        return Err(MaskError::NotAscending {
            previous: pair[0],
            position: pair[1],
        });
    }
    let asked = match &request.growth {
        GrowthRequest::AtPositions(positions) => positions.as_slice(),
        GrowthRequest::BestPerGroup { of, .. } => {
            assert!(*of > 0, "groups of {of} have no entries");
            &[]
        }
        GrowthRequest::PatternScores {
            tile_rows,
            tile_cols,
        } => {
            assert!(
                *tile_rows > 0 && *tile_cols > 0,
                "tiles of {tile_rows}×{tile_cols} have no entries"
            );
            &[]
        }
        GrowthRequest::TopK { .. } | GrowthRequest::Dense => &[],
    };
    let mut positions = request.readmitted.iter().chain(asked);
    match positions.find(|&&position| position >= shape.len()) {
        Some(&position) => Err(MaskError::OutOfRange { position, shape }),
        None => Ok(()),
    }
}

fn ranked(best: TopK) -> impl Iterator<Item = Candidate> {
    best.into_ranked().into_iter().map(candidate)
}

fn candidate((magnitude, position): (f32, u64)) -> Candidate {
    Candidate {
        position,
        magnitude,
    }
}

/// The dense gradient as a stream of rows, each with the columns that may be grown.
struct GradientRows<'a> {
    shape: MatrixShape,
    weights: WeightView<'a>,
    pairs: &'a [GradientPair<'a>],
    readmitted: &'a [u64],
}

impl GradientRows<'_> {
    /// Calls `visit(row, gradient, eligible)` for every row in order.
    fn for_each_row(
        &self,
        mut visit: impl FnMut(usize, &[f32], &[bool]) -> Result<(), MaskError>,
    ) -> Result<(), MaskError> {
        let MatrixShape { rows, cols } = self.shape;
        if cols == 0 {
            return Ok(());
        }
        let mut tile = vec![0.0f32; TILE_ROWS.min(rows) * cols];
        let mut eligible = vec![false; cols];
        let mut readmitted = self.readmitted;
        for first in (0..rows).step_by(TILE_ROWS) {
            let count = TILE_ROWS.min(rows - first);
            let tile = &mut tile[..count * cols];
            tile.fill(0.0);
            for pair in self.pairs {
                dense::add_gradient_tile(*pair, first, tile);
            }
            for (offset, gradient) in tile.chunks_exact(cols).enumerate() {
                let row = first + offset;
                self.mark_inactive(row, &mut eligible);
                let end = self.shape.position(row, 0) + cols as u64;
                while let Some((&position, rest)) = readmitted.split_first()
                    && position < end
                {
                    eligible[self.shape.row_col(position).1] = true;
                    readmitted = rest;
                }
                visit(row, gradient, &eligible)?;
            }
        }
        Ok(())
    }

    fn mark_inactive(&self, row: usize, eligible: &mut [bool]) {
        match self.weights {
            WeightView::Dense { .. } => eligible.fill(false),
            WeightView::Active { topology, .. } => {
                eligible.fill(true);
                for &column in topology.row(row) {
                    eligible[column as usize] = false;
                }
            }
            WeightView::Latent { forward, .. } => {
                for (column, eligible) in eligible.iter_mut().enumerate() {
                    *eligible = !forward.get(row, column);
                }
            }
        }
    }
}

fn offer_row(
    best: &mut TopK,
    shape: MatrixShape,
    row: usize,
    gradient: &[f32],
    eligible: &[bool],
) -> Result<(), MaskError> {
    for (column, (&value, &eligible)) in gradient.iter().zip(eligible).enumerate() {
        if eligible {
            best.offer(value.abs(), shape.position(row, column))?;
        }
    }
    Ok(())
}

fn finite(value: f32, position: u64) -> Result<f32, MaskError> {
    if value.is_finite() {
        Ok(value)
    } else {
        Err(MaskError::NonFinite {
            index: position,
            value,
        })
    }
}
