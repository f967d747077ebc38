//! What a device computes: each operation makes room for its result, checks and queues one launch.

mod expand24;
mod gemm;
mod mask_gradient24;
mod prune24;
mod spmm24;

pub use expand24::expand24;
pub(crate) use gemm::{fill_nt, fill_tn};
pub use gemm::{gemm_nt, gemm_tn};
pub use mask_gradient24::mask_gradient24;
pub use prune24::{Pruned, Status, Transposable, prune24, prune24_transposable};
pub use spmm24::spmm24;
