//! The products of a sparse layer, behind one joint.
//!
//! A layer with weights `W` (`out × in`, most of them absent) needs three products per training
//! step and, now and then, a fourth:
//!
//! ```text
//! forward           Y  = X·Wᵀ
//! input gradient    dX = dY·W
//! weight gradient   dW = dYᵀ·X   at the stored positions only
//! growth            the strongest entries of dYᵀ·X at inactive positions, tile by tile
//! ```
//!
//! [`Products`] is the joint. [`Plain`] is its plain implementation, short enough to be read and
//! exact enough to be the oracle of faster ones; [`Fast`] is the fast one. Activations travel as [`Batch`], whose
//! memory layout is private to this crate, in a [`Buffer`] whose place is private too, so that a
//! faster layout or another device changes no caller.
//!
//! This crate refuses to know what a loss, a layer name or an optimizer is.

mod batch;
mod buffer;
mod crossover;
mod dense;
mod fast;
mod geometry;
mod growth;
mod plain;
mod pool;
mod products;
mod simd;
mod tiled;

pub use batch::{Batch, PANEL, Panel, PanelMut};
pub use buffer::Buffer;
pub use crossover::{Crossover, CrossoverError, CrossoverRow, Kernel, Product};
pub use fast::Fast;
pub use geometry::Geometry;
pub use plain::Plain;
pub use products::{GradientPair, Products};
pub use rewire_mask as mask;

/// Runs the README's example as a documentation test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
