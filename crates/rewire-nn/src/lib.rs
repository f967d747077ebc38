//! Parameters, layers, initialisation, optimizers and schedules for sparse training.
//!
//! A [`Parameter`] owns its values and, beside them, one [`Column`] per piece of optimizer state.
//! Its [`Storage`] says which positions the values belong to. A rewiring becomes one gather list
//! that is applied to every column, so values and state can never drift apart; `rewire` and
//! `convert` are the only structural changes there are.
//!
//! ```text
//! Dense           out × in values
//! Active(T)       exactly the values at the positions of T
//! Latent(sets)    out × in values behind nested sets: forward ⊆ update ⊆ gradient
//! ```
//!
//! An [`Optimizer`] sees columns of equal length and never knows which storage it steps. This crate
//! refuses to decide when or where a network is rewired.
#![forbid(unsafe_code)]

mod column;
mod error;
mod init;
mod mlp;
pub mod optim;
mod parameter;
mod parameters;
mod schedule;
mod state;

pub use column::{Column, ColumnData, ColumnKind, ColumnSpec};
pub use error::NnError;
pub use init::kaiming_normal;
pub use mlp::{Activation, MatrixSpec, Member, Members, Mlp, MlpSpec, Mode, Norm};
pub use optim::{AdamW, Optimizer, Sgd};
pub use parameter::{Parameter, Storage};
pub use parameters::Parameters;
pub use rewire_autograd as autograd;
pub use rewire_rng as rng;
pub use schedule::{LearningRate, LearningRateKind};
pub use state::{RunningStatistics, State};

/// Runs the README's example as a documentation test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
