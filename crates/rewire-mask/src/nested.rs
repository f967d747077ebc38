//! The three nested sets of latent storage: `forward ⊆ update ⊆ gradient`.
//!
//! Latent storage keeps a value for every weight. The *forward* set reaches the products, the
//! *update* set is stepped by the optimizer, the *gradient* set gets gradients. Search-space
//! training and SR-STE use mask / all / all, sparse momentum mask / mask / all, Top-KAST A / B / B.

use crate::{Mask, MaskError, MatrixShape, Rewiring};

/// A set that is either every entry of a matrix or those of a mask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Every entry.
    All,
    /// The active entries of this mask.
    Only(Mask),
}

impl Extent {
    /// Whether the set holds this position of its matrix.
    pub fn contains(&self, position: u64) -> bool {
        match self {
            Self::All => true,
            Self::Only(mask) => mask.contains(position),
        }
    }
}

/// The forward, update and gradient set of one latent layer, each inside the next.
///
/// # Examples
/// ```
/// use rewire_mask::{Extent, Mask, MatrixShape, NestedSets};
///
/// let shape = MatrixShape::new(1, 4);
/// let mut sets = NestedSets::new(Mask::from_positions(shape, [0, 1])?, Extent::All, Extent::All)?;
/// let rewiring = sets.reproject(Mask::from_positions(shape, [1, 3])?)?;
/// assert_eq!((rewiring.dropped(), rewiring.grown()), (&[0][..], &[3][..]));
/// # Ok::<(), rewire_mask::MaskError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NestedSets {
    forward: Mask,
    update: Extent,
    gradient: Extent,
}

impl NestedSets {
    /// The sets, checked to be nested.
    ///
    /// # Errors
    /// [`MaskError::NotNested`] if a set leaves the next one, [`MaskError::ShapeMismatch`] if the
    /// masks are of different shapes.
    pub fn new(forward: Mask, update: Extent, gradient: Extent) -> Result<Self, MaskError> {
        let shape = forward.shape();
        check_inside(&forward, &update, "forward", "update")?;
        match &update {
            Extent::All => check_all_inside(shape, &gradient)?,
            Extent::Only(mask) => check_inside(mask, &gradient, "update", "gradient")?,
        }
        Ok(Self {
            forward,
            update,
            gradient,
        })
    }

    /// The entries that reach the products.
    pub const fn forward(&self) -> &Mask {
        &self.forward
    }

    /// The entries that the optimizer steps.
    pub const fn update(&self) -> &Extent {
        &self.update
    }

    /// The entries that get gradients.
    pub const fn gradient(&self) -> &Extent {
        &self.gradient
    }

    /// Replaces the forward set and reports the difference.
    ///
    /// The other sets stay, so a method whose update set follows the forward set builds its sets
    /// anew instead.
    ///
    /// # Errors
    /// [`MaskError::NotNested`] if the mask leaves the update set, [`MaskError::ShapeMismatch`] if
    /// its shape differs. The sets then stay as they were.
    pub fn reproject(&mut self, new_forward: Mask) -> Result<Rewiring, MaskError> {
        let rewiring = Rewiring::between_masks(&self.forward, &new_forward)?;
        check_inside(&new_forward, &self.update, "forward", "update")?;
        self.forward = new_forward;
        Ok(rewiring)
    }
}

fn check_inside(
    mask: &Mask,
    extent: &Extent,
    inner: &'static str,
    outer: &'static str,
) -> Result<(), MaskError> {
    match extent {
        Extent::Only(bound) if !mask.is_subset_of(bound)? => {
            Err(MaskError::NotNested { inner, outer })
        }
        _ => Ok(()),
    }
}

/// An update set of all entries needs a gradient set of all entries, however that is written.
fn check_all_inside(shape: MatrixShape, gradient: &Extent) -> Result<(), MaskError> {
    match gradient {
        Extent::All => Ok(()),
        Extent::Only(_) => check_inside(&Mask::full(shape), gradient, "update", "gradient"),
    }
}
