//! Laws of rewiring, on layers small enough to check on paper and on random runs.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod errors;
mod guards;
mod invariants;
mod itop;
mod network;
mod patterns;
mod sampled;
mod truth;
