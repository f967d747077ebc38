//! Y = X·Wᵀ for a packed W, with bias and activation.

use rewire_kernels::{Activation, DenseSize, Spmm24};

use crate::buffer::Operand;
use crate::device::Device;
use crate::element::Element;
use crate::error::{DeviceError, check_equal};
use crate::matrix::{Matrix, MatrixView};
use crate::packed::Packed24;
use crate::vector::Vector;

/// Y = activation(X·Wᵀ + bias).
///
/// W is `out × inner` and packed, X is `tokens × inner`, Y is `tokens × out`, the bias has `out`
/// numbers. Sums are single-precision, in an order that depends on the device; Y is rounded once.
///
/// # Errors
/// [`DeviceError::Size`] for sizes that do not fit each other, [`DeviceError::Contract`] for a view
/// that begins between multiples of 8 columns or for operands of different devices, and as
/// [`Device::run`].
pub fn spmm24<E: Element, D: Device>(
    weights: &Packed24<E, D>,
    x: MatrixView<'_, E, D>,
    bias: Option<&Vector<D>>,
    activation: Activation,
) -> Result<Matrix<E, D>, DeviceError> {
    let device = weights.device();
    let y = DenseSize::new(x.size().rows().into(), weights.size().rows().into())?;
    let call = Spmm24 {
        element: E::KIND,
        weights: weights.size(),
        x: x.size(),
        y,
        has_bias: bias.is_some(),
        activation,
    }
    .call()?;
    if let Some(bias) = bias {
        let (out, numbers) = (weights.size().rows(), bias.length());
        check_equal("spmm24", "rows of w and numbers of the bias", out, numbers)?;
    }
    let mut y = Matrix::reserve_sized(device, y)?;
    let mut operands: Vec<Operand<'_, D::Memory>> = vec![
        weights.values().buffer().into(),
        weights.metadata().into(),
        x.part().into(),
    ];
    operands.extend(bias.map(|bias| Operand::from(bias.buffer())));
    operands.push(y.buffer_mut().into());
    device.run(&call, &mut operands)?;
    Ok(y)
}
