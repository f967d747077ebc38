//! Memory of a device, who owns it, and how it is lent to a launch.

use std::sync::atomic::{AtomicU64, Ordering};

use rewire_kernels::{Access, Call, Need};

/// A device, or one stream of work on it: buffers of one are of no use to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeviceId(u64);

impl DeviceId {
    /// One that no other device has.
    pub(crate) fn unique() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// Bytes on a device; dropping it gives them back, after all work that was queued before.
///
/// `M` is what holds the memory and is private to the device.
#[derive(Debug)]
pub struct Buffer<M> {
    device: DeviceId,
    address: u64,
    bytes: u64,
    is_written: bool,
    memory: M,
}

impl<M> Buffer<M> {
    /// A buffer over memory that begins at `address` and that `memory` gives back when dropped.
    pub(crate) const fn new(device: DeviceId, address: u64, bytes: u64, memory: M) -> Self {
        Self {
            device,
            address,
            bytes,
            is_written: false,
            memory,
        }
    }

    /// The buffer, after bytes were put there.
    pub(crate) fn written(self) -> Self {
        Self {
            is_written: true,
            ..self
        }
    }

    pub(crate) const fn note_write(&mut self) {
        self.is_written = true;
    }

    /// Where it lies.
    pub const fn device(&self) -> DeviceId {
        self.device
    }

    /// Its address on the device.
    pub const fn address(&self) -> u64 {
        self.address
    }

    /// Its length.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether an upload or a launch has written it. Gaps between rows do not count.
    pub const fn is_written(&self) -> bool {
        self.is_written
    }

    /// What holds the memory.
    pub(crate) const fn memory(&self) -> &M {
        &self.memory
    }
}

/// A buffer from some byte on, for reading.
#[derive(Debug)]
pub struct Part<'a, M> {
    buffer: &'a Buffer<M>,
    offset: u64,
}

// Derived, these would ask the same of `M`.
impl<M> Clone for Part<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Part<'_, M> {}

impl<'a, M> Part<'a, M> {
    /// The buffer from byte `offset` on.
    pub const fn new(buffer: &'a Buffer<M>, offset: u64) -> Self {
        Self { buffer, offset }
    }

    /// The whole buffer.
    pub const fn whole(buffer: &'a Buffer<M>) -> Self {
        Self::new(buffer, 0)
    }

    /// The buffer.
    pub const fn buffer(&self) -> &'a Buffer<M> {
        self.buffer
    }

    /// Bytes of the buffer before the part.
    pub const fn offset(&self) -> u64 {
        self.offset
    }
}

/// A buffer lent to a launch: shared for reading, alone for writing.
#[derive(Debug)]
pub enum Operand<'a, M> {
    /// Read by the kernel.
    Read(Part<'a, M>),
    /// Written or updated by the kernel.
    Write(&'a mut Buffer<M>),
}

impl<'a, M> Operand<'a, M> {
    /// Lends each buffer as the need of a call in its place asks, of which there are as many; too few make a
    /// launch that is refused.
    pub fn for_call(call: &Call, buffers: &'a mut [Buffer<M>]) -> Vec<Self> {
        let lend = |(buffer, need): (&'a mut Buffer<M>, &Need)| match need.access {
            Access::Read => Self::from(&*buffer),
            Access::Write | Access::Update => Self::from(buffer),
        };
        buffers.iter_mut().zip(call.needs()).map(lend).collect()
    }
}

impl<'a, M> From<&'a Buffer<M>> for Operand<'a, M> {
    fn from(buffer: &'a Buffer<M>) -> Self {
        Self::Read(Part::whole(buffer))
    }
}

impl<'a, M> From<Part<'a, M>> for Operand<'a, M> {
    fn from(part: Part<'a, M>) -> Self {
        Self::Read(part)
    }
}

impl<'a, M> From<&'a mut Buffer<M>> for Operand<'a, M> {
    fn from(buffer: &'a mut Buffer<M>) -> Self {
        Self::Write(buffer)
    }
}

/// Rows of bytes with gaps between them, as they lie on a device; on the host they have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rows {
    /// How many rows.
    pub count: u64,
    /// Bytes of a row.
    pub bytes: u64,
    /// Bytes from the beginning of a row to that of the next, not below `bytes`.
    pub stride: u64,
}

impl Rows {
    /// So many bytes without gaps.
    pub const fn one(bytes: u64) -> Self {
        Self {
            count: 1,
            bytes,
            stride: bytes,
        }
    }

    /// Bytes from the first to the last.
    pub const fn extent(self) -> u64 {
        let before = self.count.saturating_sub(1).saturating_mul(self.stride);
        before.saturating_add(self.bytes)
    }

    /// Bytes of the rows alone.
    pub const fn packed(self) -> u64 {
        self.count.saturating_mul(self.bytes)
    }
}
