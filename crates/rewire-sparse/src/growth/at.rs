//! The gradient at a few positions, each computed by itself.
//!
//! The positions are made a topology, and its weight gradient is what is asked for: no tile of the
//! dense gradient is computed, and nothing depends on the number of positions that are not asked
//! for but one offset per row.

use rewire_mask::{Candidates, GrowthRequest, LayerRequest, MaskError, MatrixShape, Topology};

use super::{check, finite};
use crate::GradientPair;

/// An entry of a tile costs about so many times less than one that is computed by itself.
const TILE_ADVANTAGE: u64 = 8;

/// The positions of a request whose gradients cost less one by one than in tiles: a function of
/// counts alone.
pub(crate) fn few_positions(shape: MatrixShape, request: &LayerRequest) -> Option<&[u64]> {
    match &request.growth {
        GrowthRequest::AtPositions(positions) => {
            let cost = (positions.len() as u64).saturating_mul(TILE_ADVANTAGE);
            // A topology names columns by 32 bits.
            let fits = u32::try_from(shape.cols).is_ok();
            (fits && cost <= shape.len()).then_some(positions)
        }
        GrowthRequest::TopK { .. }
        | GrowthRequest::BestPerGroup { .. }
        | GrowthRequest::PatternScores { .. }
        | GrowthRequest::Dense => None,
    }
}

/// The gradient at the positions of a request, in any order, with the operations it took: a position that is
/// named twice is computed once.
///
/// `add(topology, pair, gradient)` adds a pair's gradient at the entries of a topology.
pub(crate) fn gradient_at(
    shape: MatrixShape,
    pairs: &[GradientPair<'_>],
    request: &LayerRequest,
    positions: &[u64],
    add: impl Fn(&Topology, GradientPair<'_>, &mut [f32]),
) -> Result<(Candidates, u64), MaskError> {
    check(shape, request)?;
    let ascending = positions.is_sorted_by(|left, right| left < right);
    let topology = if ascending {
        Topology::from_positions(shape, positions.iter().copied())?
    } else {
        let mut sorted = positions.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        Topology::from_positions(shape, sorted)?
    };
    let mut gradient = vec![0.0; topology.n_active()];
    for pair in pairs {
        add(&topology, *pair, &mut gradient);
    }
    let bad = gradient.iter().position(|value| !value.is_finite());
    if let Some(index) = bad {
        finite(gradient[index], topology.position(index))?;
    }
    let samples: u64 = pairs.iter().map(|pair| pair.input.samples() as u64).sum();
    let executed = 2 * gradient.len() as u64 * samples;
    if !ascending {
        let at = |&position: &u64| topology.index_of(position).map_or(0.0, |at| gradient[at]);
        gradient = positions.iter().map(at).collect();
    }
    Ok((Candidates::AtPositions(gradient), executed))
}
