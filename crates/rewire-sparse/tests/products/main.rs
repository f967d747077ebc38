//! The plain products against what they mean: dense-with-zeros sums over row-major arrays, in f64.

mod growth;
mod layer;
mod oracle;
mod refusals;
mod sample;
mod scattered;
mod storages;
mod threads;
