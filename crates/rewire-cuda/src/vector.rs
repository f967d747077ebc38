//! Vectors of 32-bit floats on a device: biases.

use crate::buffer::{Buffer, Part, Rows};
use crate::device::Device;
use crate::error::DeviceError;

/// 32-bit floats on a device. It owns its memory.
#[derive(Debug)]
pub struct Vector<D: Device> {
    device: D,
    length: u32,
    buffer: Buffer<D::Memory>,
}

impl<D: Device> Vector<D> {
    /// A copy of numbers on the host. Waits until they have left the host.
    ///
    /// # Errors
    /// [`DeviceError::Length`] for none or more than 2³² − 1, [`DeviceError::OutOfMemory`] if there
    /// is no room.
    pub fn from_host(device: &D, values: &[f32]) -> Result<Self, DeviceError> {
        let given = values.len() as u64;
        let length = u32::try_from(given).map_err(|_| DeviceError::Length {
            what: "numbers of a vector",
            given,
            needed: u32::MAX.into(),
        })?;
        let bytes: &[u8] = bytemuck::cast_slice(values);
        Ok(Self {
            device: device.clone(),
            length,
            buffer: device.upload(bytes, Rows::one(bytes.len() as u64))?,
        })
    }

    /// The numbers. Waits for all work that is queued.
    ///
    /// # Errors
    /// Whatever went wrong on the device before.
    pub fn to_host(&self) -> Result<Vec<f32>, DeviceError> {
        let mut values = vec![0.0; self.length as usize];
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut values);
        let rows = Rows::one(bytes.len() as u64);
        self.device
            .download(Part::whole(&self.buffer), rows, bytes)?;
        Ok(values)
    }

    /// How many numbers there are.
    pub const fn length(&self) -> u32 {
        self.length
    }

    /// Their memory.
    pub const fn buffer(&self) -> &Buffer<D::Memory> {
        &self.buffer
    }
}
