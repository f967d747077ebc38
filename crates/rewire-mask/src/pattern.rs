//! Which masks are legal: the shapes that hardware and methods ask of a mask.
//!
//! A [`Pattern`] is a value. [`Pattern::project`] picks the best mask of the pattern for given
//! scores, [`Pattern::check`] says whether a mask has it and where not, [`Pattern::random`] draws
//! one, and [`Pattern::regrow`] moves a mask inside the pattern. The best mask is the one with the
//! largest sum of active scores; every family has its own file that says how it is found:
//!
//! - single positions (`Unstructured`) and blocks: the best units, [`crate::top_k`];
//! - groups along a line (`Nm`, `FanIn`): the best of each group;
//! - tiles (`TransposableNm`): the best of each tile, so that rows *and* columns have the groups.
//!
//! Scores are preferences, larger is better, and may be negative. Magnitude pruning is
//! [`Pattern::project_magnitude`]: ranking signed weights by mistake keeps the large positive ones
//! and throws the large negative ones away.
//!
//! A pattern refuses to choose its own density per layer ([`crate::allocate`] does) and to mend a
//! ragged edge silently: what happens there is part of the value ([`Edges`]).

mod active;
mod blocks;
mod count;
mod draw;
mod groups;
mod lanes;
mod lines;
mod nm;
mod part;
mod regrow;
mod release;
mod request;
mod tile_flow;
mod tile_greedy;
mod tiles;
mod transposable;
mod two_of_four;
mod units;

use ndarray::ArrayView2;
use rand_core::RngCore;

use crate::select::Order;
use crate::{Density, Mask, MaskError, MatrixShape, Nm, top_bits, top_magnitudes};
use active::ActiveSet;
pub use blocks::{Block, BlockNorm};
use groups::Grouping;
pub use groups::Groups;
pub use lines::{EdgeReport, Edges, Lines};
pub use part::Part;
pub use tile_greedy::greedy_transposable;
use tiles::Tile;
use units::Units;

/// A family of legal masks.
///
/// # Examples
/// ```
/// use ndarray::array;
/// use rewire_mask::{Edges, Lines, Nm, Pattern};
///
/// let pattern = Pattern::Nm {
///     nm: Nm { keep: 2, of: 4 },
///     along: Lines::Inputs,
///     edges: Edges::Reject,
/// };
/// let weights = array![[0.1, -0.9, 0.5, 0.2]];
/// let mask = pattern.project_magnitude(weights.view())?;
/// assert_eq!(mask.positions().collect::<Vec<_>>(), [1, 2]);
/// assert!(pattern.admits(&mask));
/// # Ok::<(), rewire_mask::MaskError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pattern {
    /// Any positions, `density.count(n)` of them.
    Unstructured {
        /// Active fraction.
        density: Density,
    },
    /// `nm.keep` of every `nm.of` consecutive entries of a line.
    Nm {
        /// The group.
        nm: Nm,
        /// The lines that groups are cut from.
        along: Lines,
        /// What happens to an incomplete last group.
        edges: Edges,
    },
    /// N:M along rows and along columns at once: of every `of × of` tile, `keep` entries per row
    /// and per column. One mask serves `Y = X·Wᵀ` and `dX = dY·W`.
    TransposableNm {
        /// The group.
        nm: Nm,
        /// What happens to incomplete tiles.
        edges: Edges,
    },
    /// Whole blocks, `density.count(blocks)` of them.
    Blocks {
        /// Size of a block.
        block: Block,
        /// What makes one block better than another.
        norm: BlockNorm,
        /// Active fraction of the blocks.
        density: Density,
        /// What happens to incomplete blocks.
        edges: Edges,
    },
    /// The same number of active entries in every row: constant fan-in per output.
    FanIn {
        /// Active entries of each row.
        keep: usize,
    },
}

impl Pattern {
    /// Whole kernels of a convolution, `taps = kh·kw` entries each, by the mean of |score|.
    ///
    /// # Source
    /// Mostafa & Wang 2019, *Parameter Efficient Training of Deep Convolutional Neural Networks by
    /// Dynamic Sparse Reparameterization*, appendix E.
    pub const fn kernel_slices(taps: usize, density: Density) -> Self {
        let block = Block {
            rows: 1,
            cols: taps,
        };
        Self::Blocks {
            block,
            norm: BlockNorm::L1,
            density,
            edges: Edges::Reject,
        }
    }

    /// Groups of `rows` consecutive outputs that share their positions, such as 4×1.
    pub const fn row_groups(rows: usize, density: Density, edges: Edges) -> Self {
        Self::Blocks {
            block: Block { rows, cols: 1 },
            norm: BlockNorm::L1,
            density,
            edges,
        }
    }

    /// The best mask of this pattern: the largest sum of active scores.
    ///
    /// `scores` is `out × in`, larger is better. A view in another memory order than row-major is
    /// copied once.
    ///
    /// # Ties
    /// Equal scores go to the lower position, equal blocks to the earlier block. Within a tile of
    /// a transposable pattern the choice among equal masks is fixed, and stated at
    /// [`Pattern::TransposableNm`]'s algorithms in `docs/patterns/`.
    ///
    /// # Determinism
    /// Equal bits at any number of threads and on any processor.
    ///
    /// # Cost
    /// One pass over the scores for groups and 4×4 tiles, in parallel on the current rayon pool;
    /// a selection for single positions and blocks; O(of³) per tile at worst for other tiles.
    ///
    /// # Errors
    /// [`MaskError::NonFinite`] with the first position that is NaN or infinite,
    /// [`MaskError::Ragged`] where [`Edges::Reject`] meets sizes that do not fit,
    /// [`MaskError::NotEnough`] if a row has fewer than `keep` entries, [`MaskError::Taps`] if the
    /// taps of [`Lines`] do not divide the columns, [`MaskError::NotAPattern`] for an [`Nm`] and
    /// [`MaskError::NotABlock`] for a [`Block`] that is none.
    pub fn project(&self, scores: ArrayView2<'_, f32>) -> Result<Mask, MaskError> {
        self.project_ranked(scores, Order::Value)
    }

    /// The best mask of this pattern for the magnitudes of `weights`.
    ///
    /// As [`Pattern::project`] of |weights|, without storing them.
    ///
    /// # Errors
    /// As for [`Pattern::project`].
    pub fn project_magnitude(&self, weights: ArrayView2<'_, f32>) -> Result<Mask, MaskError> {
        self.project_ranked(weights, Order::Magnitude)
    }

    fn project_ranked(&self, values: ArrayView2<'_, f32>, order: Order) -> Result<Mask, MaskError> {
        let (rows, cols) = values.dim();
        let shape = MatrixShape::new(rows, cols);
        self.edge_report(shape)?;
        if shape.is_empty() {
            return Ok(Mask::empty(shape));
        }
        let values = values.as_standard_layout();
        let values = values.as_slice().unwrap_or_default();
        match *self {
            Self::Unstructured { density } => {
                let k = density.count(shape.len()) as usize;
                let words = match order {
                    Order::Value => top_bits(values, k)?,
                    Order::Magnitude => top_magnitudes(values, k)?,
                };
                Mask::from_words(shape, words)
            }
            Self::Nm { nm, along, edges } => nm::project(shape, values, order, nm, along, edges),
            Self::TransposableNm { nm, edges } => {
                transposable::project(shape, values, order, nm, edges)
            }
            Self::Blocks {
                block,
                norm,
                density,
                edges,
            } => blocks::project(shape, values, block, norm, density, edges),
            Self::FanIn { keep } => nm::project_rows(shape, values, order, keep),
        }
    }

    /// Whether the mask has this pattern.
    ///
    /// Cost: one pass over the mask. [`Pattern::check`] says where it does not.
    pub fn admits(&self, mask: &Mask) -> bool {
        self.check(mask).is_ok()
    }

    /// Checks that the mask has this pattern.
    ///
    /// # Errors
    /// [`MaskError::NotAdmitted`] with the first group, tile, block or count that is wrong, or why
    /// the pattern does not fit the shape.
    pub fn check(&self, mask: &Mask) -> Result<(), MaskError> {
        let shape = mask.shape();
        self.edge_report(shape)?;
        match *self {
            Self::Unstructured { density } => {
                let expected = density.count(shape.len());
                check_count(Part::Mask, mask.n_active(), expected)
            }
            Self::Blocks {
                block,
                density,
                edges,
                ..
            } => {
                let found = blocks::check(mask, block, edges)?;
                let blocks = blocks::Grid::of(shape, block, edges).len() as u64;
                check_count(Part::Blocks, found, density.count(blocks))
            }
            Self::Nm { .. } | Self::TransposableNm { .. } | Self::FanIn { .. } => {
                self.check_units(mask)
            }
        }
    }

    /// Checks every group, tile and block, but not how many blocks or single positions there are:
    /// a rewiring leaves their number as it is, whatever it is. The pattern fits the shape.
    fn check_units(&self, set: &impl ActiveSet) -> Result<(), MaskError> {
        let shape = set.shape();
        if shape.is_empty() {
            return Ok(());
        }
        match *self {
            Self::Unstructured { .. } => Ok(()),
            Self::TransposableNm { nm, edges } => tiles::check(set, nm, edges),
            Self::Blocks { block, edges, .. } => blocks::check(set, block, edges).map(|_| ()),
            Self::Nm { .. } | Self::FanIn { .. } => {
                Grouping::of(self, shape)?.map_or(Ok(()), |grouping| grouping.check(set))
            }
        }
    }

    /// The rectangles that move as a whole.
    fn units(&self, shape: MatrixShape) -> Option<Units> {
        let (size, edges) = match *self {
            Self::Unstructured { .. } | Self::Nm { .. } | Self::FanIn { .. } => return None,
            Self::TransposableNm { nm, edges } => ((nm.of.into(), nm.of.into()), edges),
            Self::Blocks { block, edges, .. } => ((block.rows, block.cols), edges),
        };
        Some(Units { shape, size, edges })
    }

    /// A random mask of this pattern.
    ///
    /// Uniform over all masks of the pattern, except for transposable patterns other than 2:4:
    /// those are the best masks for random scores, so every mask can come up but not all equally
    /// often.
    ///
    /// # Determinism
    /// A function of pattern, shape and stream alone.
    ///
    /// # Errors
    /// As [`Pattern::project`], for the shape.
    pub fn random(
        &self,
        shape: MatrixShape,
        rng: &mut (impl RngCore + ?Sized),
    ) -> Result<Mask, MaskError> {
        self.edge_report(shape)?;
        if shape.is_empty() {
            return Ok(Mask::empty(shape));
        }
        draw::random(self, shape, rng)
    }

    /// How this pattern meets the edges of a matrix: how many entries lie in no complete group,
    /// and how many of these are active whatever the scores.
    ///
    /// # Errors
    /// [`MaskError::Ragged`] where [`Edges::Reject`] meets sizes that do not fit, and the other
    /// errors of [`Pattern::project`] that do not depend on scores.
    ///
    /// # Panics
    /// If the number of entries does not fit in 64 bits, as [`MatrixShape::len`].
    pub fn edge_report(&self, shape: MatrixShape) -> Result<EdgeReport, MaskError> {
        // What follows multiplies no more than the sides of the matrix.
        let _ = shape.len();
        let (ragged, edges, unit) = match *self {
            Self::Unstructured { .. } => (0, Edges::Reject, (1, 1)),
            Self::FanIn { keep } => {
                if keep > shape.cols {
                    return Err(MaskError::NotEnough {
                        wanted: keep as u64,
                        available: shape.cols as u64,
                    });
                }
                (0, Edges::Reject, (1, 1))
            }
            Self::Nm { nm, along, edges } => {
                let of = nm.checked()?.of as usize;
                let tail = along.len(shape)? % of;
                let unit = match along {
                    Lines::Inputs => (1, of),
                    Lines::Channels { taps } => (1, of.saturating_mul(taps)),
                    Lines::Outputs | Lines::TapsOutputs { .. } => (of, 1),
                };
                ((along.count(shape)? * tail) as u64, edges, unit)
            }
            Self::TransposableNm { nm, edges } => {
                let of = nm.checked()?.of as usize;
                (outside(shape, of, of), edges, (of, of))
            }
            Self::Blocks { block, edges, .. } => {
                let Block { rows, cols } = block.checked()?;
                (outside(shape, rows, cols), edges, (rows, cols))
            }
        };
        match edges {
            Edges::Reject if ragged > 0 => Err(MaskError::Ragged {
                shape,
                unit: MatrixShape::new(unit.0, unit.1),
                ragged,
            }),
            Edges::Dense => Ok(EdgeReport {
                ragged,
                left_dense: ragged,
            }),
            Edges::Reject | Edges::Pad => Ok(EdgeReport {
                ragged,
                left_dense: 0,
            }),
        }
    }
}

/// How much of the total magnitude a mask keeps, beside what an unstructured mask could.
///
/// # Examples
/// ```
/// use ndarray::array;
/// use rewire_mask::{KeptMagnitude, Mask, MatrixShape};
///
/// let weights = array![[3.0, -4.0, 1.0]];
/// let mask = Mask::from_positions(MatrixShape::new(1, 3), [0])?;
/// let kept = KeptMagnitude::of(&mask, weights.view())?;
/// assert_eq!((kept.fraction(), kept.ratio()), (0.375, 0.75));
/// # Ok::<(), rewire_mask::MaskError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KeptMagnitude {
    /// Σ |w| over the active entries.
    pub kept: f64,
    /// Σ |w| over as many of the largest entries.
    pub bound: f64,
    /// Σ |w| over all entries.
    pub total: f64,
}

impl KeptMagnitude {
    /// Compares a mask with the best one of as many active entries. Cost: one selection.
    ///
    /// # Errors
    /// [`MaskError::ShapeMismatch`] if the mask is of another shape, [`MaskError::NonFinite`] with
    /// the first position that is NaN or infinite.
    pub fn of(mask: &Mask, weights: ArrayView2<'_, f32>) -> Result<Self, MaskError> {
        let shape = MatrixShape::new(weights.nrows(), weights.ncols());
        if shape != mask.shape() {
            return Err(MaskError::ShapeMismatch {
                left: mask.shape(),
                right: shape,
            });
        }
        let weights = weights.as_standard_layout();
        let weights = weights.as_slice().unwrap_or_default();
        let best = Mask::from_words(shape, top_magnitudes(weights, mask.n_active() as usize)?)?;
        let magnitude = |position: u64| f64::from(weights[position as usize].abs());
        Ok(Self {
            kept: mask.positions().map(magnitude).sum(),
            bound: best.positions().map(magnitude).sum(),
            total: (0..shape.len()).map(magnitude).sum(),
        })
    }

    /// The kept share of all magnitude; 1 where there is none.
    pub fn fraction(&self) -> f64 {
        share(self.kept, self.total)
    }

    /// The kept magnitude relative to that of the best unstructured mask of the same density: 1
    /// minus what the pattern costs. 1 where there is no magnitude.
    pub fn ratio(&self) -> f64 {
        share(self.kept, self.bound)
    }
}

fn share(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 1.0 } else { part / whole }
}

/// Entries outside the complete `rows × cols` units of a matrix.
fn outside(shape: MatrixShape, rows: usize, cols: usize) -> u64 {
    let complete =
        (shape.rows - shape.rows % rows) as u64 * (shape.cols - shape.cols % cols) as u64;
    shape.len() - complete
}

fn check_count(part: Part, found: u64, expected: u64) -> Result<(), MaskError> {
    if found == expected {
        return Ok(());
    }
    Err(MaskError::NotAdmitted {
        part,
        found,
        expected,
    })
}

/// The first value that is NaN or infinite, as an error.
fn check_finite(values: &[f32]) -> Result<(), MaskError> {
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(index) => Err(MaskError::NonFinite {
            index: index as u64,
            value: values[index],
        }),
    }
}
