//! Packed 2:4 matrices on a device.
//!
//! Half of the values, and four bits for every group of four columns that say which two it keeps.
//! The order of both is that of [`rewire_kernels`]: what a matrix unit reads. The plain order of
//! [`rewire_mask::Packed24`] is made from it, and into it, on the host.

use std::marker::PhantomData;

use rewire_kernels::PackedSize;
use rewire_mask::{FormFault, LaneMetadata, MaskError, MatrixShape};

use crate::buffer::{Buffer, Part, Rows};
use crate::device::Device;
use crate::element::Element;
use crate::error::DeviceError;

/// Values that [`rewire_mask::Packed24`] stores for 16 columns.
const VALUES_PER_WORD: usize = 8;

/// The values that a packed matrix keeps: two for every four columns, rows padded to 64 columns.
#[derive(Debug)]
pub struct Values24<E, D: Device> {
    pub(crate) device: D,
    pub(crate) size: PackedSize,
    pub(crate) buffer: Buffer<D::Memory>,
    pub(crate) element: PhantomData<E>,
}

/// A packed 2:4 matrix on a device. It owns its memory.
#[derive(Debug)]
pub struct Packed24<E, D: Device> {
    values: Values24<E, D>,
    metadata: Buffer<D::Memory>,
}

impl<E: Element, D: Device> Values24<E, D> {
    /// Values that nobody has written.
    pub(crate) fn reserve(device: &D, size: PackedSize) -> Result<Self, DeviceError> {
        let buffer = device.reserve(size.value_bytes())?;
        Ok(Self::over(device, size, buffer))
    }

    fn over(device: &D, size: PackedSize, buffer: Buffer<D::Memory>) -> Self {
        Self {
            device: device.clone(),
            size,
            buffer,
            element: PhantomData,
        }
    }

    /// The values, row after row, [`PackedSize::values_per_row`] of each. Waits for all work that is
    /// queued.
    ///
    /// # Errors
    /// Whatever went wrong on the device before.
    pub fn to_host(&self) -> Result<Vec<E>, DeviceError> {
        let count = self.size.rows() as usize * self.size.values_per_row() as usize;
        let mut values = vec![E::zeroed(); count];
        let rows = Rows::one(self.size.value_bytes());
        let bytes = bytemuck::cast_slice_mut(&mut values);
        self.device
            .download(Part::whole(&self.buffer), rows, bytes)?;
        Ok(values)
    }
}

impl<E, D: Device> Values24<E, D> {
    /// Rows and columns of the matrix.
    pub const fn size(&self) -> PackedSize {
        self.size
    }

    /// Their memory.
    pub const fn buffer(&self) -> &Buffer<D::Memory> {
        &self.buffer
    }
}

impl<E: Element, D: Device> Packed24<E, D> {
    /// A matrix that nobody has written.
    pub(crate) fn reserve(device: &D, size: PackedSize) -> Result<Self, DeviceError> {
        Ok(Self {
            values: Values24::reserve(device, size)?,
            metadata: device.reserve(size.metadata_bytes())?,
        })
    }

    /// A matrix from values and metadata on the host, in the order of [`Packed24::to_parts`]. Waits
    /// until they have left the host.
    ///
    /// # Cost
    /// O(rows · columns) on the host: every pair is looked at, because a matrix unit does something
    /// undefined with one that is not legal.
    ///
    /// # Errors
    /// [`DeviceError::Length`] for another number of values, and as a [`DeviceError::Form`]:
    /// [`FormFault::MetadataCount`] for another number of words, [`FormFault::NotAPair`] for four
    /// bits that are not one of the six pairs, [`FormFault::PaddingUsed`] if a column beyond the
    /// last has a value other than +0 or a group beyond the edge another pair than {0, 1}.
    /// [`DeviceError::OutOfMemory`] if there is no room.
    pub fn from_parts(
        device: &D,
        size: PackedSize,
        values: &[E],
        metadata: &[u32],
    ) -> Result<Self, DeviceError> {
        let lanes = LaneMetadata::from_words(shape_of(size), metadata.to_vec())?;
        let per_row = size.values_per_row() as usize;
        let (given, needed) = (values.len(), size.rows() as usize * per_row);
        if given != needed {
            return Err(DeviceError::Length {
                what: "values",
                given: given as u64,
                needed: needed as u64,
            });
        }
        check_padding(size, values, &lanes.to_plain())?;
        Self::upload(device, size, values, metadata)
    }

    /// A matrix that was packed on the host, each value rounded to the nearest; ties go to the even
    /// one, and bfloat16 stays as it is. Waits until it has left the host.
    ///
    /// # Cost
    /// O(rows · columns).
    ///
    /// # Errors
    /// [`DeviceError::Size`] for more than 2³⁰ rows or columns or none, [`DeviceError::OutOfMemory`]
    /// if there is no room.
    pub fn from_packed<T>(
        device: &D,
        packed: &rewire_mask::Packed24<T>,
    ) -> Result<Self, DeviceError>
    where
        T: rewire_mask::Element + Into<f32>,
    {
        let shape = packed.shape();
        let size = PackedSize::new(shape.rows as u64, shape.cols as u64)?;
        let (from, to) = (packed.values_per_row(), size.values_per_row() as usize);
        let mut values = vec![E::zeroed(); shape.rows * to];
        let rows = packed.values().chunks(from).zip(values.chunks_mut(to));
        for (plain, padded) in rows {
            for (&value, place) in plain.iter().zip(padded) {
                *place = E::from_f32(value.into());
            }
        }
        let lanes = packed.lane_metadata()?;
        Self::upload(device, size, &values, lanes.words())
    }

    fn upload(
        device: &D,
        size: PackedSize,
        values: &[E],
        metadata: &[u32],
    ) -> Result<Self, DeviceError> {
        let put = |bytes: &[u8]| device.upload(bytes, Rows::one(bytes.len() as u64));
        Ok(Self {
            values: Values24::over(device, size, put(bytemuck::cast_slice(values))?),
            metadata: put(bytemuck::cast_slice(metadata))?,
        })
    }

    /// Values, [`PackedSize::values_per_row`] for each row, and metadata in the order of
    /// [`LaneMetadata`]. Waits for all work that is queued.
    ///
    /// # Errors
    /// Whatever went wrong on the device before.
    pub fn to_parts(&self) -> Result<(Vec<E>, Vec<u32>), DeviceError> {
        let values = self.values.to_host()?;
        let mut metadata = vec![0u32; self.size().metadata_words() as usize];
        let rows = Rows::one(self.size().metadata_bytes());
        let bytes = bytemuck::cast_slice_mut(&mut metadata);
        self.device()
            .download(Part::whole(&self.metadata), rows, bytes)?;
        Ok((values, metadata))
    }

    /// The matrix in plain order, its values widened. Waits for all work that is queued.
    ///
    /// # Errors
    /// As [`Packed24::to_parts`], and [`DeviceError::Form`] if what the device holds is not a packed
    /// matrix.
    pub fn to_packed(&self) -> Result<rewire_mask::Packed24<f32>, DeviceError> {
        let (values, metadata) = self.to_parts()?;
        let shape = shape_of(self.size());
        let plain = LaneMetadata::from_words(shape, metadata)?.to_plain();
        check_padding(self.size(), &values, &plain)?;
        let wanted = shape.cols.div_ceil(16) * VALUES_PER_WORD;
        let kept = values
            .chunks(self.size().values_per_row() as usize)
            .flat_map(|row| row.iter().take(wanted))
            .map(|value| value.to_f32())
            .collect();
        Ok(rewire_mask::Packed24::from_parts(shape, kept, plain)?)
    }
}

impl<E, D: Device> Packed24<E, D> {
    /// Rows and columns.
    pub const fn size(&self) -> PackedSize {
        self.values.size
    }

    /// Where it lies.
    pub const fn device(&self) -> &D {
        &self.values.device
    }

    /// The values.
    pub const fn values(&self) -> &Values24<E, D> {
        &self.values
    }

    /// The memory of the metadata.
    pub const fn metadata(&self) -> &Buffer<D::Memory> {
        &self.metadata
    }

    /// The memory of values and metadata, for a launch that writes them.
    pub(crate) const fn buffers_mut(&mut self) -> (&mut Buffer<D::Memory>, &mut Buffer<D::Memory>) {
        (&mut self.values.buffer, &mut self.metadata)
    }
}

/// Checks that columns beyond the last have the value +0: they are multiplied by zeros, of which ∞
/// and NaN would make NaN.
fn check_padding<E: Element>(
    size: PackedSize,
    values: &[E],
    plain: &[u16],
) -> Result<(), DeviceError> {
    let shape = shape_of(size);
    let words = shape.cols.div_ceil(16);
    let per_row = size.values_per_row() as usize;
    // Groups before this one lie inside the matrix with all four columns.
    let first = shape.cols / 4;
    for row in 0..shape.rows {
        for group in first..per_row / 2 {
            // Beyond the plain words every group holds {0, 1}.
            let word = plain.get(row * words + group / 4).copied();
            let word = word.filter(|_| group < 4 * words).unwrap_or(0x4444);
            let pair = usize::from(word >> (4 * (group % 4)) & 0xF);
            for (slot, entry) in [pair & 3, pair >> 2].into_iter().enumerate() {
                let col = 4 * group + entry;
                let value = values[row * per_row + 2 * group + slot];
                if col >= shape.cols && !value.is_positive_zero() {
                    let fault = FormFault::PaddingUsed { row, col, shape };
                    return Err(MaskError::from(fault).into());
                }
            }
        }
    }
    Ok(())
}

fn shape_of(size: PackedSize) -> MatrixShape {
    MatrixShape::new(size.rows() as usize, size.cols() as usize)
}
