//! From dense weights to packed 2:4 ones.

use rewire_kernels::{Prune24, Prune24Transposable};

use crate::buffer::{Buffer, Part, Rows};
use crate::device::Device;
use crate::element::Element;
use crate::error::DeviceError;
use crate::matrix::MatrixView;
use crate::packed::Packed24;

/// Weights pruned along rows.
#[derive(Debug)]
pub struct Pruned<E, D: Device> {
    /// What is kept.
    pub packed: Packed24<E, D>,
    /// Whether all weights were numbers.
    pub status: Status<D>,
}

/// Weights pruned by a transposable mask.
#[derive(Debug)]
pub struct Transposable<E, D: Device> {
    /// What is kept.
    pub packed: Packed24<E, D>,
    /// The same, transposed.
    pub transposed: Packed24<E, D>,
    /// Whether all weights were numbers.
    pub status: Status<D>,
}

/// How many of the weights that were pruned are NaN or infinite: counted on the device, so that
/// nothing waits before somebody asks.
#[derive(Debug)]
pub struct Status<D: Device> {
    device: D,
    buffer: Buffer<D::Memory>,
}

impl<D: Device> Status<D> {
    fn zero(device: &D) -> Result<Self, DeviceError> {
        Ok(Self {
            device: device.clone(),
            buffer: device.zeros(4)?,
        })
    }

    /// Checks that all weights were numbers. Waits for all work that is queued.
    ///
    /// # Errors
    /// [`DeviceError::NonFinite`] with the number of those that were not, and whatever went wrong on
    /// the device before.
    pub fn finite(&self) -> Result<(), DeviceError> {
        let mut count = [0u32];
        let bytes = bytemuck::cast_slice_mut(&mut count);
        self.device
            .download(Part::whole(&self.buffer), Rows::one(4), bytes)?;
        match count[0] {
            0 => Ok(()),
            count => Err(DeviceError::NonFinite { count }),
        }
    }
}

/// Keeps the two of every four columns with the largest magnitudes; of equal ones the lower column.
///
/// # Errors
/// [`DeviceError::Contract`] for a view that begins between multiples of 8 columns, and as
/// [`Device::run`]. Weights that are NaN or infinite show in [`Pruned::status`]; the packed matrix
/// is legal even then, but which entries of their groups it keeps is not said.
pub fn prune24<E: Element, D: Device>(
    weights: MatrixView<'_, E, D>,
) -> Result<Pruned<E, D>, DeviceError> {
    let device = weights.device();
    let prune = Prune24 {
        element: E::KIND,
        weights: weights.size(),
    };
    let call = prune.call()?;
    let mut packed = Packed24::reserve(device, prune.packed())?;
    let mut status = Status::zero(device)?;
    let (values, metadata) = packed.buffers_mut();
    let mut operands = [
        weights.part().into(),
        values.into(),
        metadata.into(),
        (&mut status.buffer).into(),
    ];
    device.run(&call, &mut operands)?;
    Ok(Pruned { packed, status })
}

/// Keeps the best of the 90 patterns of every 4 × 4 tile that have two entries in every row and
/// column, and packs the matrix and its transpose.
///
/// The choice, ties included, is that of [`rewire_mask::Pattern::TransposableNm`] for the magnitudes,
/// the matrix filled up to whole tiles with zeros that are not kept.
///
/// # Errors
/// As [`prune24`].
pub fn prune24_transposable<E: Element, D: Device>(
    weights: MatrixView<'_, E, D>,
) -> Result<Transposable<E, D>, DeviceError> {
    let device = weights.device();
    let prune = Prune24Transposable {
        element: E::KIND,
        weights: weights.size(),
    };
    let call = prune.call()?;
    let size = prune.packed();
    let mut packed = Packed24::reserve(device, size)?;
    let mut transposed = Packed24::reserve(device, size.transposed())?;
    let mut status = Status::zero(device)?;
    let (values, metadata) = packed.buffers_mut();
    let (values_t, metadata_t) = transposed.buffers_mut();
    let mut operands = [
        weights.part().into(),
        values.into(),
        metadata.into(),
        values_t.into(),
        metadata_t.into(),
        (&mut status.buffer).into(),
    ];
    device.run(&call, &mut operands)?;
    Ok(Transposable {
        packed,
        transposed,
        status,
    })
}
