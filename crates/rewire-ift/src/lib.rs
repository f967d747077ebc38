//! What sparse networks cost: FLOP accounting on shapes.
//!
//! Everything here is exact integer arithmetic on layer sizes and counts of active weights; no
//! array is ever touched, so a plan for a network that does not fit in memory costs nothing.
//!
//! This crate refuses to measure: a FLOP count says what an algorithm asks for, not how long a
//! machine takes.
#![forbid(unsafe_code)]

pub mod flops;

pub use flops::{
    LinearCost, NamedCost, NetworkCost, StepKind, TrainingMethod, rigl_published_factor,
    rigl_window_factor,
};
