//! A packed matrix made dense.

use rewire_kernels::{DenseSize, Expand24};

use crate::device::Device;
use crate::element::Element;
use crate::error::DeviceError;
use crate::matrix::Matrix;
use crate::packed::Packed24;

/// The matrix with every entry, +0 where nothing is kept.
///
/// # Errors
/// As [`Device::run`].
pub fn expand24<E: Element, D: Device>(
    packed: &Packed24<E, D>,
) -> Result<Matrix<E, D>, DeviceError> {
    let size = packed.size();
    let dense = DenseSize::new(size.rows().into(), size.cols().into())?;
    let call = Expand24 {
        element: E::KIND,
        packed: size,
        dense,
    }
    .call()?;
    let mut dense = Matrix::reserve_sized(packed.device(), dense)?;
    let mut operands = [
        packed.values().buffer().into(),
        packed.metadata().into(),
        dense.buffer_mut().into(),
    ];
    packed.device().run(&call, &mut operands)?;
    Ok(dense)
}
