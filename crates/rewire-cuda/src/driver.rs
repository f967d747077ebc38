//! The CUDA driver and cuBLASLt, call by call.
//!
//! Everything unsafe of this crate lies below this module, by one call of a library per block:
//!
//! | file | calls for |
//! |---|---|
//! | `queue.rs` | the device, its context, the stream that all work goes through |
//! | `memory.rs` | buffers and copies |
//! | `kernel.rs` | compiling a text, launching it |
//! | `event.rs` | moments in the stream |
//! | `blas.rs` | dense products by cuBLASLt |
//!
//! Four facts make the calls sound. A [`Queue`] exists only if the driver does and is recent enough to
//! have every symbol that is used here. Whatever was made on a queue holds it, so that it is given
//! back before the queue is. Every call that takes a handle first makes the queue's context that of
//! its thread. And a launch takes its addresses from a [`Checked`](crate::contract::Checked).
//!
//! `cudarc` panics where the library or a symbol is missing, also while it prints one of its errors.
//! Its raw bindings are therefore all that is used of it, and a return value becomes a
//! [`DeviceError`] by its number.
#![allow(unsafe_code, reason = "the driver is a C library")]

mod blas;
mod event;
mod kernel;
mod memory;
mod queue;

pub(crate) use blas::Blas;
pub(crate) use event::Event;
pub(crate) use kernel::Kernel;
pub(crate) use memory::Memory;
pub(crate) use queue::Queue;

use cudarc::driver::sys;

use crate::error::DeviceError;

/// Turns what a call of the driver returned into a result.
fn check(call: &'static str, returned: sys::CUresult) -> Result<(), DeviceError> {
    if returned == sys::CUresult::CUDA_SUCCESS {
        return Ok(());
    }
    Err(DeviceError::Call {
        call,
        code: returned as u32,
        // The name of the variant: asking the driver for it could panic.
        name: format!("{returned:?}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_call_has_its_name_and_number() {
        assert_eq!(check("cuInit", sys::CUresult::CUDA_SUCCESS), Ok(()));
        let error = check("cuInit", sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cuInit returned 2 (CUDA_ERROR_OUT_OF_MEMORY)"
        );
    }
}
