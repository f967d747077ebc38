//! Dense matrices on a device, and rectangles of them.

use std::marker::PhantomData;
use std::ops::Range;

use ndarray::{Array2, ArrayView2};
use rewire_kernels::{DenseSize, Element as Kind};

use crate::buffer::{Buffer, Part, Rows};
use crate::device::Device;
use crate::element::Element;
use crate::error::DeviceError;

/// A dense matrix of 16-bit floats on a device, row after row.
///
/// It owns its memory. Rows begin at multiples of 16 bytes; what lies between the last column and
/// the next row is never read and never written.
#[derive(Debug)]
pub struct Matrix<E, D: Device> {
    device: D,
    size: DenseSize,
    buffer: Buffer<D::Memory>,
    element: PhantomData<E>,
}

/// A rectangle of a matrix, for reading.
///
/// Kernels take those that begin at a multiple of 8 columns.
#[derive(Debug)]
pub struct MatrixView<'a, E, D: Device> {
    device: &'a D,
    size: DenseSize,
    part: Part<'a, D::Memory>,
    element: PhantomData<E>,
}

// Derived, these would ask the same of `E` and `D`.
impl<E, D: Device> Clone for MatrixView<'_, E, D> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E, D: Device> Copy for MatrixView<'_, E, D> {}

impl<E: Element, D: Device> Matrix<E, D> {
    /// A matrix of `rows × cols` that nobody has written.
    ///
    /// # Errors
    /// [`DeviceError::Size`] for no rows, no columns or more than 2³⁰ of either,
    /// [`DeviceError::OutOfMemory`] if there is no room.
    pub fn reserve(device: &D, rows: u64, cols: u64) -> Result<Self, DeviceError> {
        Self::reserve_sized(device, DenseSize::new(rows, cols)?)
    }

    /// A matrix of this size and pitch that nobody has written.
    ///
    /// # Errors
    /// [`DeviceError::OutOfMemory`] if there is no room.
    pub fn reserve_sized(device: &D, size: DenseSize) -> Result<Self, DeviceError> {
        let buffer = device.reserve(size.bytes())?;
        Ok(Self::over(device, size, buffer))
    }

    /// A copy of a matrix on the host. Waits until the values have left the host.
    ///
    /// # Errors
    /// As [`Matrix::reserve`].
    pub fn from_host(device: &D, values: ArrayView2<'_, E>) -> Result<Self, DeviceError> {
        let size = host_size(values.dim())?;
        let buffer = match values.as_slice() {
            Some(values) => device.upload(bytemuck::cast_slice(values), rows_of(size))?,
            None => {
                let values: Vec<E> = values.iter().copied().collect();
                device.upload(bytemuck::cast_slice(&values), rows_of(size))?
            }
        };
        Ok(Self::over(device, size, buffer))
    }

    /// A copy of a matrix on the host, each value rounded to the nearest; ties go to the even one.
    /// Waits until the values have left the host.
    ///
    /// # Errors
    /// As [`Matrix::reserve`].
    pub fn from_f32(device: &D, values: ArrayView2<'_, f32>) -> Result<Self, DeviceError> {
        let size = host_size(values.dim())?;
        let rounded: Vec<E> = values.iter().map(|&value| E::from_f32(value)).collect();
        let buffer = device.upload(bytemuck::cast_slice(&rounded), rows_of(size))?;
        Ok(Self::over(device, size, buffer))
    }

    /// The values. Waits for all work that is queued.
    ///
    /// # Errors
    /// Whatever went wrong on the device before.
    pub fn to_host(&self) -> Result<Array2<E>, DeviceError> {
        self.view().to_host()
    }

    /// The values, widened. Waits for all work that is queued.
    ///
    /// # Errors
    /// As [`Matrix::to_host`].
    pub fn to_f32(&self) -> Result<Array2<f32>, DeviceError> {
        Ok(self.to_host()?.mapv(E::to_f32))
    }

    fn over(device: &D, size: DenseSize, buffer: Buffer<D::Memory>) -> Self {
        Self {
            device: device.clone(),
            size,
            buffer,
            element: PhantomData,
        }
    }
}

impl<E, D: Device> Matrix<E, D> {
    /// Rows, columns and pitch.
    pub const fn size(&self) -> DenseSize {
        self.size
    }

    /// Where it lies.
    pub const fn device(&self) -> &D {
        &self.device
    }

    /// Its memory.
    pub const fn buffer(&self) -> &Buffer<D::Memory> {
        &self.buffer
    }

    /// Its memory, for a launch that writes it.
    pub const fn buffer_mut(&mut self) -> &mut Buffer<D::Memory> {
        &mut self.buffer
    }

    /// All of it.
    pub const fn view(&self) -> MatrixView<'_, E, D> {
        MatrixView {
            device: &self.device,
            size: self.size,
            part: Part::whole(&self.buffer),
            element: PhantomData,
        }
    }

    /// These rows and columns.
    ///
    /// # Errors
    /// [`DeviceError::OutOfRange`] if the matrix ends before, or for none.
    pub fn block(
        &self,
        rows: Range<u32>,
        cols: Range<u32>,
    ) -> Result<MatrixView<'_, E, D>, DeviceError> {
        let (n_rows, n_cols) = (
            length("rows", &rows, self.size.rows())?,
            length("columns", &cols, self.size.cols())?,
        );
        let pitch = u64::from(self.size.pitch());
        let before = u64::from(rows.start) * pitch + u64::from(cols.start);
        Ok(MatrixView {
            device: &self.device,
            size: DenseSize::with_pitch(n_rows.into(), n_cols.into(), pitch)?,
            part: Part::new(&self.buffer, before * Kind::BYTES),
            element: PhantomData,
        })
    }
}

impl<'a, E, D: Device> MatrixView<'a, E, D> {
    /// Rows, columns and pitch.
    pub const fn size(&self) -> DenseSize {
        self.size
    }

    /// Where it lies.
    pub const fn device(&self) -> &'a D {
        self.device
    }

    /// Its memory.
    pub const fn part(&self) -> Part<'a, D::Memory> {
        self.part
    }
}

impl<E: Element, D: Device> MatrixView<'_, E, D> {
    /// The values. Waits for all work that is queued.
    ///
    /// # Errors
    /// Whatever went wrong on the device before.
    pub fn to_host(&self) -> Result<Array2<E>, DeviceError> {
        let shape = (self.size.rows() as usize, self.size.cols() as usize);
        let mut values = vec![E::zeroed(); shape.0 * shape.1];
        let bytes = bytemuck::cast_slice_mut(&mut values);
        self.device.download(self.part, rows_of(self.size), bytes)?;
        let cols = shape.1;
        Ok(Array2::from_shape_fn(shape, |(row, col)| {
            values[row * cols + col]
        }))
    }
}

fn host_size((rows, cols): (usize, usize)) -> Result<DenseSize, DeviceError> {
    Ok(DenseSize::new(rows as u64, cols as u64)?)
}

/// The rows of a matrix as bytes.
fn rows_of(size: DenseSize) -> Rows {
    Rows {
        count: size.rows().into(),
        bytes: u64::from(size.cols()) * Kind::BYTES,
        stride: u64::from(size.pitch()) * Kind::BYTES,
    }
}

/// How many rows or columns a range has.
fn length(what: &'static str, range: &Range<u32>, size: u32) -> Result<u32, DeviceError> {
    if range.start < range.end && range.end <= size {
        return Ok(range.end - range.start);
    }
    Err(DeviceError::OutOfRange {
        what,
        range: (range.start, range.end),
        size,
    })
}
