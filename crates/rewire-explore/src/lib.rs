//! When and where a sparse network is rewired.
//!
//! Training with a fixed budget of weights moves them: light weights are dropped and others are
//! grown in their place. [`Window`] and [`Decay`] say when and how many, [`DropRule`] which go,
//! [`Share`] and [`Grow`] where they come back. A published method is a function in [`methods`]
//! that returns a [`DropGrow`]; [`Explorer`] is the joint by which a training loop drives it.
//!
//! Explorers see names, weights and candidates, and return [`rewire_mask::Rewiring`]s. They know no
//! model, no tape and no optimizer, so any training loop can use them; README.md drives RigL by a
//! hand-written gradient.
//!
//! This crate refuses to change weights, to draw random numbers from anywhere but
//! [`rewire_rng::Streams`], and to measure anything: a schedule depends on steps alone.
#![forbid(unsafe_code)]

mod drop_grow;
mod error;
mod explorer;
pub mod methods;
mod plan;
mod schedule;
mod score;
mod share;
mod threshold;

pub use drop_grow::{DropGrow, DropGrowExplorer, Grow, Share};
pub use error::ExploreError;
pub use explorer::{Due, Explorer, LayerView};
pub use rewire_mask as mask;
pub use rewire_rng as rng;
pub use schedule::{Decay, Fraction, Phase, Window};
pub use score::DropRule;
pub use threshold::Threshold;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
