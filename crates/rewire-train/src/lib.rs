//! The training loop: configuration, records, run folders, checkpoints and resume.
//!
//! A run is described by a [`config::Config`], lives in a [`run_folder::RunFolder`], writes an
//! [`records::EpochRecord`] per epoch and saves itself as a [`checkpoint::Snapshot`] from which it
//! continues bit for bit. Files are changed only through a [`disk::Disk`], so that tests can fail
//! any operation and cut the power after any other.

pub mod checkpoint;
pub mod config;
pub mod disk;
pub mod error;
pub mod stop;
