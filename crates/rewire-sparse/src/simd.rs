//! The kernels of the sparse products, written once over a vector type and compiled for every
//! instruction set: the one place of this crate that holds unsafe code.

#![allow(
    unsafe_code,
    reason = "kernels read rows by positions that were checked when they were listed"
)]

mod active;
mod dot;
mod gather;
pub(crate) mod gemm;
mod layout;
mod multiply;
mod quads;
pub(crate) mod scattered;
mod tiles;
mod vector;

pub(crate) use active::Active;
pub(crate) use layout::Layout;
pub(crate) use tiles::ROWS;
