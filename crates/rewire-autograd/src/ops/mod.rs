//! The arithmetic of each op: a forward and a backward function over batches.
//!
//! Every file holds its equations, the f32 code and, in its tests, a naive f64 oracle.

pub(crate) mod activation;
pub(crate) mod bias;
pub(crate) mod dropout;
pub(crate) mod loss;
pub(crate) mod norm;
