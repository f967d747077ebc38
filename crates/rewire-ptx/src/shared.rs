//! The shared memory of a block: bytes, bounds, alignment, and the shadow that orders accesses.

use crate::clocks::Clocks;
use crate::fault::{FaultKind, MemorySpace};
use crate::shadow::{Actor, Shadow, Writing};

/// The address of the first byte. The lowest kilobyte belongs to the system, as on hardware, so
/// that a forgotten base address is out of bounds.
pub(crate) const SHARED_BASE: u64 = 1024;

/// Where shared memory lies among generic addresses.
pub(crate) const SHARED_WINDOW: u64 = 0x6_0000_0000;

/// Generic addresses from the window's beginning that belong to it.
pub(crate) const WINDOW_BYTES: u64 = 1 << 24;

/// The shared memory of one block.
#[derive(Debug)]
pub(crate) struct Shared {
    bytes: Vec<u8>,
    shadow: Shadow,
}

/// Fails unless `address` is a multiple of `bytes`.
pub(crate) fn check_alignment(
    space: MemorySpace,
    address: u64,
    bytes: usize,
) -> Result<(), FaultKind> {
    if address.is_multiple_of(bytes as u64) {
        return Ok(());
    }
    Err(FaultKind::Misaligned {
        space,
        address,
        bytes,
    })
}

impl Shared {
    pub(crate) fn new(bytes: usize) -> Self {
        Self {
            bytes: vec![0; bytes],
            shadow: Shadow::new(bytes),
        }
    }

    /// Where the bytes at an address lie.
    fn place(&self, address: u64, bytes: usize) -> Result<usize, FaultKind> {
        address
            .checked_sub(SHARED_BASE)
            .and_then(|at| usize::try_from(at).ok())
            .filter(|at| at.saturating_add(bytes) <= self.bytes.len())
            .ok_or(FaultKind::OutOfBounds {
                space: MemorySpace::Shared,
                address,
                bytes,
            })
    }

    /// Checks that an access of `bytes` at `address` is aligned and within bounds.
    pub(crate) fn check(&self, address: u64, bytes: usize) -> Result<(), FaultKind> {
        check_alignment(MemorySpace::Shared, address, bytes)?;
        self.place(address, bytes).map(|_| ())
    }

    /// The bytes at an address of which alignment was checked.
    pub(crate) fn read(
        &mut self,
        address: u64,
        bytes: usize,
        actor: Actor,
        clocks: &Clocks,
    ) -> Result<&[u8], FaultKind> {
        let at = self.place(address, bytes)?;
        self.shadow
            .read(at, bytes, actor, clocks)
            .map_err(|(at, flaw)| flaw.at(at as u64 + SHARED_BASE))?;
        Ok(&self.bytes[at..at + bytes])
    }

    /// The bytes at an address, to be written by the caller.
    pub(crate) fn write(
        &mut self,
        address: u64,
        bytes: usize,
        actor: Actor,
        clocks: &Clocks,
        writing: Writing,
    ) -> Result<&mut [u8], FaultKind> {
        let at = self.place(address, bytes)?;
        self.shadow
            .write(at, bytes, actor, clocks, writing)
            .map_err(|(at, flaw)| flaw.at(at as u64 + SHARED_BASE))?;
        Ok(&mut self.bytes[at..at + bytes])
    }

    /// Bytes that a copy delivers; its instruction has checked and claimed them.
    pub(crate) fn deliver(&mut self, address: u64, data: &[u8]) {
        let at = address.saturating_sub(SHARED_BASE) as usize;
        self.bytes[at..at + data.len()].copy_from_slice(data);
    }

    /// A copy of `thread` is waited for: its bytes are as if the thread wrote them now.
    pub(crate) fn arrive(&mut self, address: u64, bytes: usize, thread: usize, clocks: &Clocks) {
        let at = address.saturating_sub(SHARED_BASE) as usize;
        self.shadow.arrive(at, bytes, thread, clocks);
    }
}
