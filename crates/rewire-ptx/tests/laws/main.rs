//! The emulator against plain Rust, naive matrix products, and kernels with planted faults.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod copies;
mod faults;
mod gemm;
mod global_races;
mod integers;
mod matrices;
mod memory;
mod rig;
mod robustness;
mod scalars;
mod warps;
