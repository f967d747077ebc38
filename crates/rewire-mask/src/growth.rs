//! What an explorer asks of the weight gradient, and what it gets.
//!
//! Growing by gradient needs the gradient of weights that do not exist. It is computed tile by
//! tile and only what the request names is kept, so the dense gradient is never stored (except by
//! [`GrowthRequest::Dense`], for layers that hold dense weights anyway). These are plain values:
//! they know neither how the gradient is computed nor what will be grown.
//!
//! Eligible are the inactive positions and those that the request readmits. A candidate is better
//! if its |gradient| is larger, or equal and its position lower.

use ndarray::Array2;

use crate::{Lines, MaskError};

/// The pattern "keep N of M": of every `of` consecutive entries, `keep` are active.
///
/// # Examples
/// ```
/// use rewire_mask::Nm;
///
/// assert_eq!(Nm::new(2, 4)?, Nm { keep: 2, of: 4 });
/// assert!(Nm::new(4, 2).is_err());
/// # Ok::<(), rewire_mask::MaskError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Nm {
    /// Active entries per group, at least 1.
    pub keep: u8,
    /// Entries per group, at most 32.
    pub of: u8,
}

impl Nm {
    /// The pattern that keeps `keep` entries `of` each group.
    ///
    /// # Errors
    /// [`MaskError::NotAPattern`] unless `1 <= keep <= of <= 32`.
    pub const fn new(keep: u8, of: u8) -> Result<Self, MaskError> {
        if keep >= 1 && keep <= of && of <= 32 {
            Ok(Self { keep, of })
        } else {
            Err(MaskError::NotAPattern { keep, of })
        }
    }

    /// The same pattern, if it is one: the fields are public.
    pub(crate) const fn checked(self) -> Result<Self, MaskError> {
        Self::new(self.keep, self.of)
    }
}

/// Which gradients of one layer a rewiring needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrowthRequest {
    /// The `k` eligible positions of the layer with the largest |gradient|.
    TopK {
        /// Number of candidates.
        k: usize,
    },
    /// The `k` best eligible positions of every group along lines.
    BestPerGroup {
        /// The lines that groups are cut from.
        along: Lines,
        /// Entries of a group, at least 1; the last group of a line may have fewer.
        of: usize,
        /// Number of candidates per group.
        k: usize,
    },
    /// The sum of |gradient| over the eligible positions of every tile.
    PatternScores {
        /// Rows of a tile.
        tile_rows: usize,
        /// Columns of a tile.
        tile_cols: usize,
    },
    /// The gradient at these positions, in this order.
    AtPositions(Vec<u64>),
    /// The gradient at every position.
    Dense,
}

/// A request for one layer, with the active positions that may be grown again.
///
/// # Examples
/// ```
/// use rewire_mask::{GrowthRequest, LayerRequest, Rewiring};
///
/// // Drop two weights and ask for the two best places, those two included.
/// let dropped = vec![4, 9];
/// let growth = GrowthRequest::TopK { k: dropped.len() };
/// let request = LayerRequest { growth, readmitted: dropped };
/// // The gradient is largest at 9 and 2: weight 9 stays and keeps its value.
/// let rewiring = Rewiring::net(request.readmitted, vec![9, 2])?;
/// assert_eq!((rewiring.dropped(), rewiring.grown()), (&[4][..], &[2][..]));
/// # Ok::<(), rewire_mask::MaskError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerRequest {
    /// What is asked.
    pub growth: GrowthRequest,
    /// Active positions that are eligible as well, ascending: those that the same rewiring drops.
    pub readmitted: Vec<u64>,
}

/// A position that may be grown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// Flat position.
    pub position: u64,
    /// |gradient| of the loss with respect to the weight at this position.
    pub magnitude: f32,
}

/// The answer to a [`GrowthRequest`], variant by variant.
#[derive(Clone, Debug, PartialEq)]
pub enum Candidates {
    /// To [`GrowthRequest::TopK`]: the k best by ascending position, fewer if fewer are eligible.
    Best(Vec<Candidate>),
    /// To [`GrowthRequest::BestPerGroup`]: up to k of each group, line by line, best first within
    /// each group.
    PerGroup(Vec<Candidate>),
    /// To [`GrowthRequest::PatternScores`]: one sum per tile, tile rows × tile columns.
    Tiles(Array2<f32>),
    /// To [`GrowthRequest::AtPositions`]: one gradient per position, in the order of the request.
    AtPositions(Vec<f32>),
    /// To [`GrowthRequest::Dense`]: one gradient per entry, row-major.
    Dense(Vec<f32>),
}
