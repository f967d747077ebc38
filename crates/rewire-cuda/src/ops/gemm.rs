//! Dense products.

use rewire_kernels::{Call, DenseSize, GemmNt, GemmTn};

use crate::buffer::Operand;
use crate::device::Device;
use crate::element::Element;
use crate::error::DeviceError;
use crate::matrix::{Matrix, MatrixView};

/// C = A·Bᵀ: A is `m × k`, B is `n × k`, C is `m × n`.
///
/// Sums are single-precision, in an order that depends on the device; C is rounded once.
///
/// # Errors
/// [`DeviceError::Size`] for sizes that do not fit each other, [`DeviceError::Contract`] for a view
/// that begins between multiples of 8 columns or for operands of different devices, and as
/// [`Device::run`].
pub fn gemm_nt<E: Element, D: Device>(
    a: MatrixView<'_, E, D>,
    b: MatrixView<'_, E, D>,
) -> Result<Matrix<E, D>, DeviceError> {
    let device = a.device();
    fill_nt(device, a, b, |call, operands| device.run(call, operands))
}

/// C = Aᵀ·B: A is `k × m`, B is `k × n`, C is `m × n`. With A = dY and B = X the gradient of dense
/// weights.
///
/// Sums are single-precision, in an order that depends on the device; C is rounded once.
///
/// # Errors
/// As [`gemm_nt`].
pub fn gemm_tn<E: Element, D: Device>(
    a: MatrixView<'_, E, D>,
    b: MatrixView<'_, E, D>,
) -> Result<Matrix<E, D>, DeviceError> {
    let device = a.device();
    fill_tn(device, a, b, |call, operands| device.run(call, operands))
}

/// Makes room for C = A·Bᵀ and has `run` fill it.
pub(crate) fn fill_nt<E: Element, D: Device>(
    device: &D,
    a: MatrixView<'_, E, D>,
    b: MatrixView<'_, E, D>,
    run: impl FnOnce(&Call, &mut [Operand<'_, D::Memory>]) -> Result<(), DeviceError>,
) -> Result<Matrix<E, D>, DeviceError> {
    let size = DenseSize::new(a.size().rows().into(), b.size().rows().into())?;
    let product = GemmNt {
        element: E::KIND,
        a: a.size(),
        b: b.size(),
        c: size,
    };
    fill(device, &product.call()?, a, b, size, run)
}

/// Makes room for C = Aᵀ·B and has `run` fill it.
pub(crate) fn fill_tn<E: Element, D: Device>(
    device: &D,
    a: MatrixView<'_, E, D>,
    b: MatrixView<'_, E, D>,
    run: impl FnOnce(&Call, &mut [Operand<'_, D::Memory>]) -> Result<(), DeviceError>,
) -> Result<Matrix<E, D>, DeviceError> {
    let size = DenseSize::new(a.size().cols().into(), b.size().cols().into())?;
    let product = GemmTn {
        element: E::KIND,
        a: a.size(),
        b: b.size(),
        c: size,
    };
    fill(device, &product.call()?, a, b, size, run)
}

fn fill<E: Element, D: Device>(
    device: &D,
    call: &Call,
    a: MatrixView<'_, E, D>,
    b: MatrixView<'_, E, D>,
    size: DenseSize,
    run: impl FnOnce(&Call, &mut [Operand<'_, D::Memory>]) -> Result<(), DeviceError>,
) -> Result<Matrix<E, D>, DeviceError> {
    let mut c = Matrix::reserve_sized(device, size)?;
    let mut operands = [a.part().into(), b.part().into(), c.buffer_mut().into()];
    run(call, &mut operands)?;
    Ok(c)
}
