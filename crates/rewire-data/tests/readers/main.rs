//! Reading folders of the MNIST family, sound, hostile and randomly damaged.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cifar;
mod contents;
#[cfg(feature = "jpeg")]
mod convert;
mod folder;
mod hostile;
mod mutants;
mod streams;
mod writer;
