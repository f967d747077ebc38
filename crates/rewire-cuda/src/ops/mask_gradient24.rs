//! The entries of a dense gradient that a packed matrix keeps.

use rewire_kernels::MaskGradient24;

use crate::device::Device;
use crate::element::Element;
use crate::error::DeviceError;
use crate::matrix::MatrixView;
use crate::packed::{Packed24, Values24};

/// What `gradient` holds at the places that `packed` keeps, in the order of its values; +0 beyond the
/// last column.
///
/// # Errors
/// [`DeviceError::Size`] for a gradient of another size, [`DeviceError::Contract`] for a view that
/// begins between multiples of 8 columns or for operands of different devices, and as
/// [`Device::run`].
pub fn mask_gradient24<E: Element, D: Device>(
    gradient: MatrixView<'_, E, D>,
    packed: &Packed24<E, D>,
) -> Result<Values24<E, D>, DeviceError> {
    let call = MaskGradient24 {
        element: E::KIND,
        packed: packed.size(),
        gradient: gradient.size(),
    }
    .call()?;
    let mut values = Values24::reserve(packed.device(), packed.size())?;
    let mut operands = [
        gradient.part().into(),
        packed.metadata().into(),
        (&mut values.buffer).into(),
    ];
    packed.device().run(&call, &mut operands)?;
    Ok(values)
}
