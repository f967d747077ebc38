//! What runs kernels: a GPU, or the emulator.

use std::fmt::Debug;

use rewire_kernels::Call;

use crate::buffer::{Buffer, DeviceId, Operand, Part, Rows};
use crate::error::DeviceError;

/// Something that holds buffers and runs kernels on them, one after the other.
///
/// A clone is another handle of the same device. Work is queued and done in the order in which it
/// was queued, also when several threads queue it; a call returns as soon as its work is queued,
/// unless it says that it waits. The two devices are [`Gpu`](crate::Gpu) and, with the feature
/// `emulator`, [`Emulator`](crate::Emulator), which does all work at once.
pub trait Device: Clone + Debug + Send + Sync {
    /// What holds the memory of a buffer.
    type Memory: Debug + Send + Sync;

    /// Which device this is; the same for all clones.
    fn id(&self) -> DeviceId;

    /// A buffer of so many bytes that nobody has written.
    ///
    /// # Errors
    /// [`DeviceError::OutOfMemory`] if there is no room, [`DeviceError::Length`] for 0 bytes.
    fn reserve(&self, bytes: u64) -> Result<Buffer<Self::Memory>, DeviceError>;

    /// A buffer of so many zeros.
    ///
    /// # Errors
    /// As [`Device::reserve`].
    fn zeros(&self, bytes: u64) -> Result<Buffer<Self::Memory>, DeviceError>;

    /// A buffer with these rows; what lies between them stays unwritten. Waits until the bytes have
    /// left the host, not for other work.
    ///
    /// # Errors
    /// [`DeviceError::Length`] unless there are as many bytes as the rows have, and as
    /// [`Device::reserve`].
    fn upload(&self, bytes: &[u8], rows: Rows) -> Result<Buffer<Self::Memory>, DeviceError>;

    /// Puts rows of a buffer, one directly after the other, into `bytes`. Waits for all work that is
    /// queued.
    ///
    /// # Errors
    /// [`DeviceError::Length`] unless `bytes` is as long as the rows and the part holds them,
    /// [`DeviceError::Foreign`] for a buffer of another device, [`DeviceError::Unwritten`] for one
    /// that nobody has written, and whatever went wrong on the device before.
    fn download(
        &self,
        part: Part<'_, Self::Memory>,
        rows: Rows,
        bytes: &mut [u8],
    ) -> Result<(), DeviceError>;

    /// Queues a launch on these buffers, in the order in which the kernel takes them.
    ///
    /// # Errors
    /// [`DeviceError::Contract`] if the buffers are not what the call needs, and
    /// [`DeviceError::Compile`], [`DeviceError::SharedMemory`], [`DeviceError::Call`] or
    /// [`DeviceError::Fault`] if the device cannot run it.
    fn run(
        &self,
        call: &Call,
        operands: &mut [Operand<'_, Self::Memory>],
    ) -> Result<(), DeviceError>;

    /// Waits for all work that is queued.
    ///
    /// # Errors
    /// Whatever went wrong on the device before.
    fn synchronize(&self) -> Result<(), DeviceError>;
}

/// Checks that a buffer has any bytes.
pub(crate) const fn check_bytes(bytes: u64) -> Result<(), DeviceError> {
    if bytes > 0 {
        return Ok(());
    }
    Err(DeviceError::Length {
        what: "bytes of a buffer",
        given: 0,
        needed: 1,
    })
}

/// Checks that a copy has as many bytes on the host as it has rows.
pub(crate) fn check_host(given: usize, rows: Rows) -> Result<(), DeviceError> {
    let (given, needed) = (given as u64, rows.packed());
    if given == needed && rows.stride >= rows.bytes {
        return Ok(());
    }
    Err(DeviceError::Length {
        what: "bytes",
        given,
        needed,
    })
}

/// Checks that a copy stays within the part of a buffer, that the buffer is this device's, and that
/// somebody has written it.
pub(crate) fn check_part<M>(
    device: DeviceId,
    part: Part<'_, M>,
    rows: Rows,
) -> Result<(), DeviceError> {
    if part.buffer().device() != device {
        return Err(DeviceError::Foreign);
    }
    let (given, needed) = (
        part.buffer().bytes().saturating_sub(part.offset()),
        rows.extent(),
    );
    if given < needed {
        return Err(DeviceError::Length {
            what: "bytes of the buffer",
            given,
            needed,
        });
    }
    if !part.buffer().is_written() {
        return Err(DeviceError::Unwritten);
    }
    Ok(())
}
