//! Sparse training of neural networks, as one dependency.
//!
//! The command `rewire` trains from a shell; this library is for programs. It has no code of its
//! own: every module is one crate of the workspace, each of which can be used alone.
//!
//! | module | purpose |
//! |---|---|
//! | [`mask`] | positions: densities, masks, topologies, budgets, rewirings, coverage |
//! | [`rng`] | random streams that depend on seed, purpose, layer and step alone |
//! | [`sparse`] | the products of a layer with dense, active or latent weights |
//! | [`autograd`] | the tape, and growth candidates without a stored dense gradient |
//! | [`ift`] | what layers and training steps cost in FLOPs |
//! | [`nn`] | parameters, models, initialisation, optimizers, schedules |
//! | [`explore`] | when and where to rewire: static, SET, RigL, DSR |
//! | [`data`] | the embedded digits, IDX files, batches |
//! | [`train`] | configuration, the loop, records, checkpoints, resume |
//!
//! # Examples
//! The first steps of a run that moves a third of its connections every five steps:
//! ```
//! use rewire::train::{config::ConfigBuilder, trainer::Trainer};
//!
//! let config = ConfigBuilder::new()
//!     .set("sparsity.method=set")?
//!     .set("sparsity.sparsity=0.95")?
//!     .set("rewire.every=5")?
//!     .build()?;
//! let mut trainer = Trainer::new(&config)?;
//! let first = trainer.step()?.loss;
//! let mut last = first;
//! for _ in 0..20 {
//!     last = trainer.step()?.loss;
//! }
//! assert!(last < first);
//! # Ok::<(), rewire::train::error::TrainError>(())
//! ```
#![forbid(unsafe_code)]

pub use rewire_autograd as autograd;
pub use rewire_data as data;
pub use rewire_explore as explore;
pub use rewire_ift as ift;
pub use rewire_mask as mask;
pub use rewire_nn as nn;
pub use rewire_rng as rng;
pub use rewire_sparse as sparse;
pub use rewire_train as train;

/// The example of the front page compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
