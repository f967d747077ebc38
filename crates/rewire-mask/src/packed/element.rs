//! The numbers that a compressed form stores: `f32`, and with the feature `half` those of 16 bits.

use std::fmt::Debug;

/// A number that a compressed form stores.
///
/// The trait is sealed: it is implemented for `f32` and, with the feature `half`, for
/// `half::bf16` and `half::f16`. All keep the sign of zero.
///
/// # Examples
/// ```
/// use rewire_mask::Element;
///
/// assert_eq!(f32::from_f32(-0.0).to_bits(), (-0.0f32).to_bits());
/// assert!(!f32::from_f32(-0.0).is_positive_zero());
/// ```
pub trait Element: sealed::Sealed + Copy + Debug + PartialEq + Send + Sync + 'static {
    /// +0, whose bits are all 0: what padding holds.
    const ZERO: Self;

    /// The nearest number of this type; ties go to the even one. An `f32` keeps its bits, and what
    /// lies beyond the largest number of a narrower type becomes infinite.
    fn from_f32(value: f32) -> Self;

    /// Whether this is +0 to the bit; −0 is not.
    fn is_positive_zero(self) -> bool;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    #[cfg(feature = "half")]
    impl Sealed for half::bf16 {}
    #[cfg(feature = "half")]
    impl Sealed for half::f16 {}
}

impl Element for f32 {
    const ZERO: Self = 0.0;

    fn from_f32(value: f32) -> Self {
        value
    }

    fn is_positive_zero(self) -> bool {
        self.to_bits() == 0
    }
}

#[cfg(feature = "half")]
macro_rules! element {
    ($number:ty) => {
        impl Element for $number {
            const ZERO: Self = Self::from_bits(0);

            fn from_f32(value: f32) -> Self {
                // The type's own function, which this one hides from callers of the trait.
                <$number>::from_f32(value)
            }

            fn is_positive_zero(self) -> bool {
                self.to_bits() == 0
            }
        }
    };
}

#[cfg(feature = "half")]
element!(half::bf16);
#[cfg(feature = "half")]
element!(half::f16);
