//! A functional emulator of PTX: runs the text of a hand-written kernel on a CPU and says where it
//! goes wrong.
//!
//! ```text
//! text ─► lexer ─► parse ─► decode ─► Entry ─► Launch::run ─► blocks ─► warps ─► lanes
//!         tokens   names,   types folded                      barriers  groups   registers
//!                  scopes   into functions                    shared    of lanes
//!                                                             memory
//! ```
//!
//! Shared memory knows threads by their clocks (`clocks`) and each byte by its last writer and its
//! readers (`shadow`). Whatever works beside the threads, such as an asynchronous copy, claims
//! bytes there until somebody waits for it; an object that orders threads releases into a pool of
//! clocks and acquires from it. Bulk copies, mbarriers and warpgroup products are more of the same
//! three: one module under `decode` to read them, one under `execute` to run them.
//!
//! This crate refuses to guess: an instruction, a modifier or a directive that it does not know is
//! an error with its line and column. It says nothing about speed, and it keeps the memory model of
//! a block at barriers alone: what a kernel orders by flags and fences counts as a race.
#![forbid(unsafe_code)]

mod alu;
mod barrier;
mod block;
mod clocks;
mod copies;
mod decode;
mod error;
mod execute;
mod fault;
mod instruction;
mod launch;
mod lexer;
mod matrix;
mod memory;
mod module;
mod parse;
mod registers;
mod scalar_type;
mod schedule;
mod scope;
mod shadow;
mod shared;
mod syntax;
mod warp;
mod writers;

pub use error::{PtxError, PtxErrorKind};
pub use fault::{Access, Fault, FaultKind, MemorySpace, Waiting};
pub use launch::{Argument, Launch, Report};
pub use memory::{Element, Memory, MemoryError};
pub use module::{Entry, Module};
pub use scalar_type::ScalarType;
pub use schedule::Schedule;
pub use syntax::Parameter;

/// Runs the README's example as a documentation test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
