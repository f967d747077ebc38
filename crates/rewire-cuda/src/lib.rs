//! 2:4 sparse products on an NVIDIA GPU: device matrices, checked launches, a linear layer.
//!
//! ```text
//! Matrix, Packed24, Vector ─► operation ─► Call ─► contract::check ─► Device::run
//!      own memory               sizes      needs     buffers            Gpu: driver
//!      of a Device                                                      Emulator: rewire-ptx
//! ```
//!
//! The kernels are the texts of [`rewire_kernels`]. A [`Gpu`] gives them to the driver's compiler; an
//! [`Emulator`], with the feature `emulator`, runs the same texts on a CPU. What is written against
//! [`Device`] runs on both, tests included.
//!
//! The crate builds and starts without CUDA: the driver is looked for when [`Gpu::open`] is called,
//! and its absence is an error like another. Every launch is held against the contract of its kernel
//! before it happens, on either device by the same function. Work is queued and done in order; what
//! waits says so.
//!
//! It refuses to choose masks, to step optimizers and to know networks.

mod blas;
mod buffer;
mod contract;
mod device;
mod driver;
mod element;
#[cfg(feature = "emulator")]
mod emulator;
mod error;
mod facts;
mod gpu;
mod linear;
mod matrix;
mod ops;
mod packed;
mod vector;

pub use blas::CublasLt;
pub use buffer::{Buffer, DeviceId, Operand, Part, Rows};
pub use contract::{ContractError, ContractFault};
pub use device::Device;
pub use element::Element;
#[cfg(feature = "emulator")]
pub use emulator::{Emulator, EmulatorMemory};
pub use error::DeviceError;
pub use facts::{Facts, Footprint};
pub use gpu::{Event, Gpu, GpuMemory};
pub use linear::Linear;
pub use matrix::{Matrix, MatrixView};
pub use ops::{
    Pruned, Status, Transposable, expand24, gemm_nt, gemm_tn, mask_gradient24, prune24,
    prune24_transposable, spmm24,
};
pub use packed::{Packed24, Values24};
pub use rewire_kernels as kernels;
pub use rewire_mask as mask;
#[cfg(feature = "emulator")]
pub use rewire_ptx::Schedule;
pub use vector::Vector;

/// Runs the README's example as a documentation test.
#[cfg(all(doctest, feature = "emulator"))]
#[doc = include_str!("../README.md")]
struct Readme;
