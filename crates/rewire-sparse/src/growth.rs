//! Growth candidates: the dense gradient, a few tiles of rows at a time, never stored.
//!
//! Whatever multiplies hands in its own kernel for a tile of rows, the one that its dense weight
//! gradient is made of, so the choice equals the one from the stored gradient bit for bit. Tiles
//! are computed in parallel, each with the bits of its eligible entries, and what they hold is
//! taken over in their order; what is asked for decides how much of that is done in parallel.
//!
//! The best k of a layer are found by a bound that rises from tile to tile: see [`OrderedTopK`].

mod at;
mod eligible;
mod tiles;

use ndarray::Array2;
use rewire_mask::{
    Candidate, Candidates, GrowthRequest, LayerRequest, MaskError, MatrixShape, OrderedTopK, TopK,
    WeightView,
};

use crate::GradientPair;
pub(crate) use at::{few_positions, gradient_at};
use tiles::Tiles;

/// Answers `request` from `Σ dYᵀ·X` over `pairs`, with the operations it took.
///
/// `add(pair, first, tile)` adds the rows of one pair's gradient from `first` on to `tile`, which
/// has `tile_rows` rows, fewer at the end of the matrix. It has to be the kernel that the same
/// implementation computes its dense weight gradient with, tile by tile.
pub(crate) fn candidates(
    weights: WeightView<'_>,
    pairs: &[GradientPair<'_>],
    request: &LayerRequest,
    tile_rows: usize,
    add: impl Fn(GradientPair<'_>, usize, &mut [f32]) + Sync,
) -> Result<(Candidates, u64), MaskError> {
    let shape = weights.shape();
    check(shape, request)?;
    if request.growth == (GrowthRequest::TopK { k: 0 }) {
        return Ok((Candidates::Best(Vec::new()), 0));
    }
    let samples: u64 = pairs.iter().map(|pair| pair.input.samples() as u64).sum();
    let tiles = Tiles {
        weights,
        pairs,
        readmitted: &request.readmitted,
        rows: tile_rows,
        add,
    };
    let mut computed = shape.len();
    let found = match &request.growth {
        GrowthRequest::TopK { k } => Candidates::Best(best(&tiles, *k, &mut computed)?),
        GrowthRequest::BestPerGroup { along, of, k } => {
            let groups = along.groups(shape, *of)?;
            let mut best = vec![TopK::new(*k); groups.len()];
            tiles.for_each(
                &mut best,
                || (),
                |_, _, ()| Ok(()),
                |best, tile, ()| {
                    tile.for_each_eligible(|row, column, value| {
                        let position = shape.position(row, column);
                        best[groups.at(row, column)].offer(value.abs(), position)
                    })
                },
            )?;
            Candidates::PerGroup(best.into_iter().flat_map(ranked).collect())
        }
        GrowthRequest::PatternScores {
            tile_rows,
            tile_cols,
        } => Candidates::Tiles(pattern_scores(&tiles, shape, *tile_rows, *tile_cols)?),
        GrowthRequest::AtPositions(positions) => {
            Candidates::AtPositions(at_positions(&tiles, positions)?)
        }
        GrowthRequest::Dense => Candidates::Dense(tiles.stored()?),
    };
    Ok((found, 2 * computed * samples))
}

/// Positions must be places of the matrix, the readmitted ones ascending: each tile takes its own
/// out of their list, so one out of order would not be found.
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

/// The best `k`, most of all others being dropped by a floor that a sample of the gradient suggests.
/// Where it is too high, which is noticed, everything is computed again without it. What was computed
/// beside the gradient itself is added to `computed`, in entries.
fn best<A: Fn(GradientPair<'_>, usize, &mut [f32]) + Sync>(
    tiles: &Tiles<'_, A>,
    k: usize,
    computed: &mut u64,
) -> Result<Vec<Candidate>, MaskError> {
    if let Some(sample) = tiles.sample(k) {
        *computed += sample.computed;
        let best = best_from(tiles, OrderedTopK::new(k).with_floor(sample.floor))?;
        if best.is_full() {
            return Ok(best.into_candidates());
        }
        *computed += tiles.weights.shape().len();
    }
    Ok(best_from(tiles, OrderedTopK::new(k))?.into_candidates())
}

/// Each tile drops what all tiles before its round already beat, and the rest is merged in order.
fn best_from<A: Fn(GradientPair<'_>, usize, &mut [f32]) + Sync>(
    tiles: &Tiles<'_, A>,
    mut best: OrderedTopK,
) -> Result<OrderedTopK, MaskError> {
    let own = best.emptied();
    tiles.for_each(
        &mut best,
        || own.clone(),
        |best, tile, own| {
            own.restart_behind(best);
            own.offer_run(tile.gradient(), tile.position(), tile.eligible())
        },
        |best, _, own| {
            best.absorb(own);
            Ok(())
        },
    )?;
    Ok(best)
}

/// Sums are taken over ascending positions, so that no bit depends on the tiles.
fn pattern_scores<A: Fn(GradientPair<'_>, usize, &mut [f32]) + Sync>(
    tiles: &Tiles<'_, A>,
    shape: MatrixShape,
    tile_rows: usize,
    tile_cols: usize,
) -> Result<Array2<f32>, MaskError> {
    let size = (
        shape.rows.div_ceil(tile_rows),
        shape.cols.div_ceil(tile_cols),
    );
    let mut sums = Array2::zeros(size);
    tiles.for_each(
        &mut sums,
        || (),
        // A zero in the place of what is not eligible changes no sum, and needs no branch.
        |_, tile, ()| tile.keep_eligible_magnitudes(),
        |sums, tile, ()| {
            for (row, magnitudes) in tile.gradient_rows() {
                let sums = sums.row_mut(row / tile_rows);
                for (sum, magnitudes) in sums.into_iter().zip(magnitudes.chunks(tile_cols)) {
                    *sum = magnitudes.iter().fold(*sum, |sum, value| sum + value);
                }
            }
            Ok(())
        },
    )?;
    Ok(sums)
}

/// The lowest position that is not finite is the one that is reported, in whatever order they are
/// asked for.
fn at_positions<A: Fn(GradientPair<'_>, usize, &mut [f32]) + Sync>(
    tiles: &Tiles<'_, A>,
    positions: &[u64],
) -> Result<Vec<f32>, MaskError> {
    let mut order: Vec<usize> = (0..positions.len()).collect();
    order.sort_by_key(|&index| positions[index]);
    let mut next = order.into_iter().peekable();
    let mut values = vec![0.0; positions.len()];
    tiles.for_each(
        &mut values,
        || (),
        |_, _, ()| Ok(()),
        |values, tile, ()| {
            let first = tile.position();
            let gradient = tile.gradient();
            let end = first + gradient.len() as u64;
            while let Some(index) = next.next_if(|&index| positions[index] < end) {
                let value = gradient[(positions[index] - first) as usize];
                values[index] = finite(value, positions[index])?;
            }
            Ok(())
        },
    )?;
    Ok(values)
}

fn ranked(best: TopK) -> impl Iterator<Item = Candidate> {
    let ranked = best.into_ranked().into_iter();
    ranked.map(|(magnitude, position)| Candidate {
        position,
        magnitude,
    })
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
