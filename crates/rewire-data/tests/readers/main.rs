//! Reading folders of the MNIST family, sound, hostile and randomly damaged.
// What a test may do its helper functions may do too.
#![allow(clippy::unwrap_used)]

mod contents;
mod folder;
mod hostile;
mod mutants;
mod streams;
mod writer;
