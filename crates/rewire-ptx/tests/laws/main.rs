//! The emulator against plain Rust, naive matrix products, and kernels with planted faults.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod integers;
mod rig;
mod scalars;
