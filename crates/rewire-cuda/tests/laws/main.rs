//! What holds on every device: on the emulator, and on a GPU where there is one.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "a test says what it skips")]

mod blas;
mod emulator;
mod linear;
mod matrices;
mod operations;
mod packed;
mod refusals;
mod rig;
mod threads;
