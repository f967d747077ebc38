//! Every op of the tape against its oracle, and the laws of the tape itself.

#[path = "../oracle/mod.rs"]
mod oracle;

mod add;
mod affine;
mod batch_norm;
mod bias;
mod cross_entropy;
mod dropout;
mod gelu;
mod growth;
mod in_place;
mod layer_norm;
mod linear;
mod mean_squared_error;
mod refusals;
mod relu;
mod tape;
