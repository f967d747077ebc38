//! One module per command: from its arguments to what is printed.

pub(crate) mod data;
pub(crate) mod eval;
pub(crate) mod export;
pub(crate) mod flops;
pub(crate) mod inspect;
mod network;
pub(crate) mod plan;
mod report;
pub(crate) mod train;
pub(crate) mod tune;
