//! The numbers of matrices: `half::bf16` and `half::f16`.

use std::fmt::Debug;

/// A 16-bit float that kernels multiply.
///
/// The trait is sealed: it is implemented for `half::bf16` and `half::f16`.
pub trait Element: sealed::Sealed + bytemuck::Pod + Debug + PartialEq + Send + Sync {
    /// The same as a value.
    const KIND: rewire_kernels::Element;

    /// The nearest number of this type; ties go to the even one, and what is too large becomes ∞.
    fn from_f32(value: f32) -> Self;

    /// The same number.
    fn to_f32(self) -> f32;

    /// Whether this is +0 to the bit; −0 is not.
    fn is_positive_zero(self) -> bool;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for half::bf16 {}
    impl Sealed for half::f16 {}
}

macro_rules! element {
    ($number:ty, $kind:ident) => {
        impl Element for $number {
            const KIND: rewire_kernels::Element = rewire_kernels::Element::$kind;

            fn from_f32(value: f32) -> Self {
                // The type's own function, which this one hides from callers of the trait.
                <$number>::from_f32(value)
            }

            fn to_f32(self) -> f32 {
                <$number>::to_f32(self)
            }

            fn is_positive_zero(self) -> bool {
                self.to_bits() == 0
            }
        }
    };
}

element!(half::bf16, Bf16);
element!(half::f16, F16);
