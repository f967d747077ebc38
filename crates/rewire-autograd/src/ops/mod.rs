//! The arithmetic of each op: a forward and a backward function over batches.
//!
//! Every file holds its equations and the f32 code; `tests/ops/` holds a file of the same matter that
//! checks it against the f64 oracle of `tests/oracle/`.

pub(crate) mod activation;
pub(crate) mod add;
pub(crate) mod bias;
pub(crate) mod dropout;
pub(crate) mod loss;
pub(crate) mod norm;

/// Values up to which an element-wise op stays on its thread, and that one task takes of more.
const CHUNK: usize = 1 << 15;
