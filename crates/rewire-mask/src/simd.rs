//! Vector instructions, chosen when the program runs.
//!
//! Everything unsafe of this crate lives below this module. A kernel that needs AVX-512 or AVX2 is
//! a method of a token, [`Avx512`] or [`Avx2`], that only a check of the processor can make; so
//! holding one proves that the instructions exist, and no caller outside can get it wrong. Beside
//! each kernel stands a portable one that gives the same bits; the tests compare every path that
//! the machine has.

mod isa;
mod kth;
mod ones;
mod pack;
#[cfg(target_arch = "x86_64")]
mod prefetch;
mod row;
mod sum;
#[cfg(target_arch = "x86_64")]
mod two_four;

pub use isa::Isa;
#[cfg(target_arch = "x86_64")]
pub use isa::{Avx2, Avx512};
pub(crate) use kth::{Bracket, SLACK, Tally};
pub(crate) use pack::PACK_SLACK;
pub(crate) use row::{RowChange, RowWords};
pub use sum::streamed_sum;
