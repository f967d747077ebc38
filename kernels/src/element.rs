//! The numbers that kernels multiply.

use std::fmt;

/// A 16-bit float. Products are summed in `f32` whatever the elements are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Element {
    /// bfloat16: 8 bits of precision, the range of `f32`.
    Bf16,
    /// IEEE half: 11 bits of precision, up to 65504.
    F16,
}

impl Element {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Bf16, Self::F16];

    /// Bytes of a number.
    pub const BYTES: u64 = 2;

    /// The name in PTX and in names of files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
        }
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
