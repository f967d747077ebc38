//! A minimal reverse-mode tape for sparse training.
//!
//! A step records its ops on a [`Tape`], asks for the gradients of a loss and clears the tape.
//! Linear ops read their weights through a [`rewire_sparse::mask::WeightView`], so a forward pass
//! uses exactly the stored topology or mask, and a weight gradient is exactly as long as the stored
//! values. Growth candidates come from the same backward sweep, streamed by the products, so the
//! dense gradient of an active weight is never stored.
//!
//! Nodes are an enum over pooled buffers: no closures, no reference counting, and after the first
//! steps no allocation for activations. [`Tape::clear`] hands all memory back to the pool.
//!
//! This crate refuses to know parameter names, optimizers and random number generators, and it
//! differentiates once only.
#![forbid(unsafe_code)]

mod backward;
mod gradients;
mod op;
mod ops;
mod pool;
mod record;
mod tape;

pub use gradients::{Gradients, ParameterId, ParameterViews};
pub use ops::loss::correct_predictions;
pub use rewire_sparse::{
    Batch, Buffer, Crossover, CrossoverError, CrossoverRow, Fast, Geometry, GradientPair, Kernel,
    PANEL, Plain, Product, Products, mask,
};
pub use tape::{NormStatistics, Tape, Var};

/// Runs the README's example as a documentation test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
