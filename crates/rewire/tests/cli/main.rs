//! The program from outside: arguments and files in; streams, exit status and files out.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad_data;
mod bad_requests;
mod checkpoints;
mod exports;
mod in_use;
mod interrupts;
mod kills;
mod networks;
mod plans;
mod readme;
mod sandbox;
mod streams;
mod train;
mod tune;
