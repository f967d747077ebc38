//! Readers and seeded batches for image data sets, with the UCI digits embedded.
//!
//! Samples stay what they are on disk, unsigned bytes, and become numbers only batch by batch:
//!
//! ```text
//! Dataset::digits | Dataset::open ─► Images (u8) ─► Standardize::apply ─► batch × features (f32)
//!                                       Batches (seed, epoch) ─► indices ─┘
//! ```
//!
//! A file is believed only as far as it has been checked: no memory follows a header alone, and
//! every fault is a [`DataError`] that names file, field and numbers.
//!
//! This crate refuses to download anything, to guess a format from file contents, to augment
//! images, and to keep standardised copies of a data set.
#![forbid(unsafe_code)]

mod batches;
mod check;
mod checksum;
mod cifar;
#[cfg(feature = "jpeg")]
mod convert;
mod dataset;
mod digits;
mod error;
mod folder;
mod idx;
mod images;
mod source;
mod standardize;

pub use batches::{BatchIndices, Batches, Position};
pub use check::{FileReport, Report, check};
pub use checksum::Published;
#[cfg(feature = "jpeg")]
pub use convert::{Converted, DECODER, convert};
pub use dataset::Dataset;
pub use error::DataError;
pub use folder::Part;
pub use images::Images;
pub use rewire_rng as rng;
pub use standardize::Standardize;

/// The examples of the README compile and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
