//! Optimizers: arithmetic over columns of equal length.
//!
//! An optimizer says which columns it wants and steps slices of them. It does not know names,
//! positions or storages, so a rewired parameter needs no special case here: the gather list has
//! already given grown weights zero state and removed the state of dropped ones.

mod adamw;
mod sgd;

use std::ops::Range;

pub use adamw::AdamW;
pub use sgd::Sgd;

use crate::column::{Column, ColumnSpec};

/// Weights up to which a step stays on its thread, and that one task takes of more.
const CHUNK: usize = 1 << 15;

/// Steps values from their gradients.
pub trait Optimizer: Send + Sync {
    /// The columns it keeps beside the values, in the order `step` gets them.
    fn columns(&self) -> &'static [ColumnSpec];

    /// Steps the values of one span of a parameter.
    ///
    /// `values` and `gradient` are the span's slices; `columns` are whole, of which only `span` is
    /// touched. `decay` says whether weight decay applies to this parameter.
    fn step(
        &self,
        learning_rate: f64,
        decay: bool,
        values: &mut [f32],
        gradient: &[f32],
        columns: &mut [Column],
        span: Range<usize>,
    );
}
