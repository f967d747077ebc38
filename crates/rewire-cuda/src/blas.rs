//! cuBLASLt, where it is: the dense products that others are compared with.

use std::sync::Arc;

use rewire_kernels::Call;

use crate::buffer::Operand;
use crate::contract;
use crate::device::Device;
use crate::driver::Blas;
use crate::element::Element;
use crate::error::DeviceError;
use crate::gpu::{Gpu, GpuMemory};
use crate::matrix::{Matrix, MatrixView};
use crate::ops::{fill_nt, fill_tn};

/// Room that the library gets for its own use, as its manual has it for recent devices.
const ROOM_BYTES: u32 = 32 << 20;

/// The dense products of cuBLASLt on the stream of a [`Gpu`].
///
/// The library is loaded when this is made. It chooses an algorithm for each size once. A clone is
/// another handle of the same.
#[derive(Clone, Debug)]
pub struct CublasLt {
    gpu: Gpu,
    blas: Arc<Blas>,
}

impl CublasLt {
    /// The library on this GPU.
    ///
    /// # Errors
    /// [`DeviceError::NoLibrary`] if it is not on the machine, [`DeviceError::OutOfMemory`] if there
    /// is no room for its 32 MiB, [`DeviceError::Call`] if it refuses.
    pub fn open(gpu: &Gpu) -> Result<Self, DeviceError> {
        let blas = Blas::open(gpu.queue(), ROOM_BYTES)?;
        let (gpu, blas) = (gpu.clone(), Arc::new(blas));
        Ok(Self { gpu, blas })
    }

    /// C = A·Bᵀ, as [`gemm_nt`](crate::gemm_nt).
    ///
    /// # Errors
    /// As [`gemm_nt`](crate::gemm_nt), and [`DeviceError::Call`] if the library knows no algorithm.
    pub fn gemm_nt<E: Element>(
        &self,
        a: MatrixView<'_, E, Gpu>,
        b: MatrixView<'_, E, Gpu>,
    ) -> Result<Matrix<E, Gpu>, DeviceError> {
        fill_nt(&self.gpu, a, b, |call, operands| self.run(call, operands))
    }

    /// C = Aᵀ·B, as [`gemm_tn`](crate::gemm_tn).
    ///
    /// # Errors
    /// As [`CublasLt::gemm_nt`].
    pub fn gemm_tn<E: Element>(
        &self,
        a: MatrixView<'_, E, Gpu>,
        b: MatrixView<'_, E, Gpu>,
    ) -> Result<Matrix<E, Gpu>, DeviceError> {
        fill_tn(&self.gpu, a, b, |call, operands| self.run(call, operands))
    }

    /// Queues the product that a call of a dense kernel stands for, on the same buffers.
    ///
    /// # Errors
    /// [`DeviceError::Lacks`] for a call of another kernel, [`DeviceError::Contract`] if the buffers
    /// are not what the call needs, [`DeviceError::Call`] if the library knows no algorithm.
    pub fn run(
        &self,
        call: &Call,
        operands: &mut [Operand<'_, GpuMemory>],
    ) -> Result<(), DeviceError> {
        let checked = contract::check(call, self.gpu.id(), operands)?;
        self.blas.multiply(&checked)?;
        contract::note_writes(operands);
        Ok(())
    }
}
