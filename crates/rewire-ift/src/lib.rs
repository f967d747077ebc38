//! What sparse networks cost, and what larger sparse network costs what a dense one does.
//!
//! Everything here is exact integer arithmetic on layer sizes and counts of active weights; no
//! array is ever touched, so a plan for a network that does not fit in memory costs nothing.
//!
//! ```text
//! models::named ─► ModelPlan ─► NetworkTransform ─► counts per layer ─► NetworkCost ─► FLOPs of a step
//!                  widths,       Wide, Parallel,     weights, n_active,
//!                  layers        Factorized, Doped   positions
//! ```
//!
//! This crate refuses to measure: a FLOP count says what an algorithm asks for, not how long a
//! machine takes.
#![forbid(unsafe_code)]

mod cost;
mod error;
pub mod flops;
mod iso_flop;
mod model;
pub mod models;
mod op;
mod transform;
mod window;

pub use cost::{LayerCost, NamedCost, NetworkCost, descriptive_bits};
pub use error::PlanError;
pub use flops::{StepKind, TrainingMethod, rigl_published_factor, rigl_window_factor};
pub use iso_flop::{Edges, Match, NetworkTransform, Terms, TransformedLayer, Treatment};
pub use model::{Layer, ModelPlan, Width, WidthRule};
pub use op::{Features, Groups, LayerCount, Op, Place, WidthId};
pub use transform::{Factor, LayerTransform, Role, Transform};
pub use window::Window;

/// Runs the README's example as a documentation test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
