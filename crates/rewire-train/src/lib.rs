//! The training loop: configuration, records, run folders, checkpoints and resume.
//!
//! A run is described by a [`config::Config`], lives in a [`run_folder::RunFolder`], writes an
//! [`records::EpochRecord`] per epoch and saves itself as a [`checkpoint::Snapshot`] from which it
//! continues bit for bit. Files are changed only through a [`disk::Disk`], so that tests can fail
//! any operation and cut the power after any other.
#![forbid(unsafe_code)]

mod budget;
mod build;
pub mod checkpoint;
pub mod config;
mod cost;
pub mod disk;
pub mod environment;
mod epoch;
pub mod error;
mod evaluation;
pub mod export;
pub mod inspect;
mod length;
mod memory;
mod minibatch;
mod model;
mod model_file;
mod notes;
pub mod plan;
pub mod plots;
mod progress;
pub mod records;
pub mod run;
pub mod run_folder;
mod snapshot;
pub mod stop;
pub mod summary;
pub mod trainer;
mod transform;
pub mod tune;
