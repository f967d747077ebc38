//! What the kernels promise, tried on the emulator.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod gemm;
mod planted;
mod random;
mod rig;
mod spmm24;
mod texts;
