//! GPU kernels for 2:4 sparse products as PTX text, with the contract of every launch.
//!
//! ```text
//! Program (kernel, element) ─► text of ptx/*.ptx
//!        ▲
//! sizes ─► Call { program, grid, block, shared memory, arguments } ─► whoever launches it
//! ```
//!
//! A [`Call`] is everything a launch needs but the memory itself: how large each buffer has to be,
//! what is read and written, how many blocks there are. It can only be made for sizes that the
//! kernel takes, so whoever has checked the buffers against it may launch it.
//!
//! The texts under `ptx/` are what a driver gets. They are printed by the functions of this crate
//! that lie beside their contracts, because the operand lists of an unrolled product are long; a
//! test compares them.
//!
//! This crate launches nothing and knows no driver: `rewire-cuda` runs the calls on a GPU,
//! `rewire-ptx` the texts on a CPU.
#![forbid(unsafe_code)]

mod call;
mod code;
mod copy;
mod element;
mod error;
mod expand24;
mod gemm;
mod layout;
mod mask_gradient24;
mod packing;
pub mod probe;
mod program;
mod prune24;
mod spmm24;
mod text;

pub use call::{Access, Argument, Call, Need};
pub use code::Code;
pub use copy::Copy;
pub use element::Element;
pub use error::SizeError;
pub use expand24::Expand24;
pub use gemm::{GemmNt, GemmTn};
pub use layout::{DenseSize, PackedSize};
pub use mask_gradient24::MaskGradient24;
pub use program::{Kernel, Program};
pub use prune24::{Prune24, Prune24Transposable};
pub use spmm24::{Activation, Spmm24, Version as Spmm24Version};

/// Runs the README's example as a documentation test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
