//! How many weights a density keeps: the one rounding rule of the workspace.
//!
//! A density d is the fraction of weights that are active, and n weights keep
//! `round_half_even(d · n)` of them. Sparsity is 1 − d; it is a word of users and papers and is
//! turned into a density here and nowhere else.
//!
//! Because 1 − 0.9 is not 0.1 in binary, `1 − s` is rounded to 12 decimals: without that, 15
//! weights at sparsity 0.9 would keep 1 (1.4999…) and not 2 (1.5, to even).

use crate::MaskError;

/// One over the resolution to which `1 − x` is rounded.
const DECIMALS: f64 = 1e12;

/// The active fraction of a set of weights, in `[0, 1]`.
///
/// # Examples
/// ```
/// use rewire_mask::Density;
///
/// let density = Density::from_sparsity(0.9)?;
/// assert_eq!(density.get(), 0.1);
/// assert_eq!(density.count(15), 2);
/// assert_eq!(density.count(25), 2); // 2.5 rounds to the even neighbour
/// # Ok::<(), rewire_mask::MaskError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Density(f64);

impl Density {
    /// Every weight is active.
    pub const DENSE: Self = Self(1.0);

    /// A density given as such.
    ///
    /// # Errors
    /// [`MaskError::DensityOutOfRange`] outside `[0, 1]` and for NaN.
    pub fn new(value: f64) -> Result<Self, MaskError> {
        if (0.0..=1.0).contains(&value) {
            // −0 lies in the range and would print as "-0".
            Ok(Self(value.abs()))
        } else {
            Err(MaskError::DensityOutOfRange { value })
        }
    }

    /// The density of a sparsity, `1 − sparsity` rounded to 12 decimals.
    ///
    /// # Errors
    /// [`MaskError::SparsityOutOfRange`] outside `[0, 1)` and for NaN: a sparsity of 1 is a
    /// network without weights.
    pub fn from_sparsity(sparsity: f64) -> Result<Self, MaskError> {
        if (0.0..1.0).contains(&sparsity) {
            Ok(Self(complement(sparsity)))
        } else {
            Err(MaskError::SparsityOutOfRange { value: sparsity })
        }
    }

    /// The fraction itself.
    pub const fn get(self) -> f64 {
        self.0
    }

    /// The inactive fraction, `1 − density` rounded to 12 decimals.
    pub fn sparsity(self) -> f64 {
        complement(self.0)
    }

    /// How many of `n` weights are active: `round_half_even(density · n)`, never more than `n`.
    ///
    /// Monotone in the density and in `n`. The product is formed in double precision, so a count
    /// beyond 2⁵³ is exact only at density 0 and 1.
    pub fn count(self, n: u64) -> u64 {
        if self == Self::DENSE {
            return n;
        }
        ((self.0 * n as f64).round_ties_even() as u64).min(n)
    }
}

fn complement(fraction: f64) -> f64 {
    ((1.0 - fraction) * DECIMALS).round() / DECIMALS
}
