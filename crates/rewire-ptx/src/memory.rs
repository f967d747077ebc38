//! Global memory: buffers far apart, each with its own bounds.
//!
//! Between two buffers lie addresses that belong to nobody, so an index that leaves one buffer
//! never lands in another. Addresses of a buffer that was given back are never used again. Each byte
//! remembers whether it was ever written, and which block wrote it in the launch at hand.

use std::fmt;

use crate::fault::{FaultKind, MemorySpace};

/// The address of the first buffer.
const FIRST: u64 = 0x7_0000_0000;

/// Addresses between two buffers that belong to nobody, at least.
const GUARD: u64 = 1 << 20;

/// What the beginning of a buffer is a multiple of, as for device allocations.
const ALIGNMENT: u64 = 256;

/// What a byte remembers: nothing yet, a value from before the launch, one by an atomic operation,
/// or one by a block, counted from [`BY_BLOCK`].
const UNWRITTEN: u32 = 0;
const SETTLED: u32 = 1;
const BY_ATOMIC: u32 = 2;
const BY_BLOCK: u32 = 3;

/// The buffers that kernels read and write.
///
/// # Examples
/// ```
/// use rewire_ptx::Memory;
///
/// let mut memory = Memory::default();
/// let address = memory.upload(&[1.0f32, 2.0]);
/// assert_eq!(memory.download::<f32>(address + 4, 1)?, [2.0]);
/// assert!(memory.download::<f32>(address + 4, 2).is_err());
/// # Ok::<(), rewire_ptx::MemoryError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Memory {
    /// In ascending order of their addresses.
    buffers: Vec<Buffer>,
    /// The address of the next buffer.
    next: u64,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            buffers: Vec::new(),
            next: FIRST,
        }
    }
}

#[derive(Clone, Debug)]
struct Buffer {
    base: u64,
    bytes: Vec<u8>,
    history: Vec<u32>,
}

/// A request that the memory cannot serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryError {
    /// No buffer begins at this address.
    NoBuffer {
        /// The address.
        address: u64,
    },
    /// The bytes do not lie within one buffer.
    OutOfBounds {
        /// The first byte.
        address: u64,
        /// How many.
        bytes: usize,
    },
    /// A byte that nobody has written.
    Unwritten {
        /// The byte.
        address: u64,
    },
}

impl fmt::Display for MemoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoBuffer { address } => write!(f, "no buffer begins at {address:#x}"),
            Self::OutOfBounds { address, bytes } => {
                write!(f, "{bytes} bytes at {address:#x} do not lie in one buffer")
            }
            Self::Unwritten { address } => write!(f, "the byte at {address:#x} was never written"),
        }
    }
}

impl std::error::Error for MemoryError {}

/// A number as it lies in memory, lowest byte first.
pub trait Element: Copy + private::Sealed {
    /// Bytes of a value.
    const BYTES: usize;
    /// Appends the bytes.
    fn append_to(self, bytes: &mut Vec<u8>);
    /// The value of [`Element::BYTES`] bytes.
    fn from_slice(bytes: &[u8]) -> Self;
}

mod private {
    /// Keeps [`super::Element`] to the types of this crate.
    pub trait Sealed {}
}

macro_rules! element {
    ($($number:ty),*) => {$(
        impl private::Sealed for $number {}
        impl Element for $number {
            const BYTES: usize = size_of::<$number>();
            fn append_to(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }
            fn from_slice(bytes: &[u8]) -> Self {
                let mut own = [0; size_of::<$number>()];
                own.copy_from_slice(bytes);
                <$number>::from_le_bytes(own)
            }
        }
    )*};
}

element!(u8, u16, u32, u64, i8, i16, i32, i64, f32, f64);

impl Memory {
    /// A buffer that holds `values`; gives its address, a multiple of 256.
    pub fn upload<T: Element>(&mut self, values: &[T]) -> u64 {
        let mut bytes = Vec::with_capacity(values.len() * T::BYTES);
        for value in values {
            value.append_to(&mut bytes);
        }
        let history = vec![SETTLED; bytes.len()];
        self.place(bytes, history)
    }

    /// A buffer of so many bytes, none of which may be read before it is written; gives its
    /// address, a multiple of 256.
    pub fn reserve(&mut self, bytes: usize) -> u64 {
        self.place(vec![0; bytes], vec![UNWRITTEN; bytes])
    }

    fn place(&mut self, bytes: Vec<u8>, history: Vec<u32>) -> u64 {
        let base = self.next;
        self.next = (base + bytes.len() as u64 + GUARD).next_multiple_of(ALIGNMENT);
        self.buffers.push(Buffer {
            base,
            bytes,
            history,
        });
        base
    }

    /// Gives back the buffer that begins at `address`; nobody may touch it afterwards.
    ///
    /// # Errors
    /// [`MemoryError::NoBuffer`] if none begins there.
    pub fn release(&mut self, address: u64) -> Result<(), MemoryError> {
        let found = self
            .buffers
            .binary_search_by_key(&address, |buffer| buffer.base);
        let index = found.map_err(|_| MemoryError::NoBuffer { address })?;
        self.buffers.remove(index);
        Ok(())
    }

    /// `count` values from `address` on.
    ///
    /// # Errors
    /// [`MemoryError::OutOfBounds`] unless they lie in one buffer, [`MemoryError::Unwritten`] for the
    /// first byte that neither an upload nor a kernel wrote.
    pub fn download<T: Element>(&self, address: u64, count: usize) -> Result<Vec<T>, MemoryError> {
        let bytes = count.saturating_mul(T::BYTES);
        let (buffer, at) = self
            .find(address, bytes)
            .ok_or(MemoryError::OutOfBounds { address, bytes })?;
        let buffer = &self.buffers[buffer];
        if let Some(gap) = buffer.first_unwritten(at, bytes) {
            let address = buffer.base + gap as u64;
            return Err(MemoryError::Unwritten { address });
        }
        let values = buffer.bytes[at..at + bytes].chunks_exact(T::BYTES);
        Ok(values.map(T::from_slice).collect())
    }

    /// Puts `values` in place of what lies at `address`.
    ///
    /// # Errors
    /// [`MemoryError::OutOfBounds`] unless they fit into one buffer.
    pub fn overwrite<T: Element>(&mut self, address: u64, values: &[T]) -> Result<(), MemoryError> {
        let mut bytes = Vec::with_capacity(values.len() * T::BYTES);
        for value in values {
            value.append_to(&mut bytes);
        }
        let (index, at) = self
            .find(address, bytes.len())
            .ok_or(MemoryError::OutOfBounds {
                address,
                bytes: bytes.len(),
            })?;
        let buffer = &mut self.buffers[index];
        buffer.bytes[at..at + bytes.len()].copy_from_slice(&bytes);
        buffer.history[at..at + bytes.len()].fill(SETTLED);
        Ok(())
    }

    /// The buffer that holds all of these bytes and where in it they begin.
    fn find(&self, address: u64, bytes: usize) -> Option<(usize, usize)> {
        let after = self
            .buffers
            .partition_point(|buffer| buffer.base <= address);
        let index = after.checked_sub(1)?;
        let buffer = &self.buffers[index];
        let at = usize::try_from(address - buffer.base).ok()?;
        (at.checked_add(bytes)? <= buffer.bytes.len()).then_some((index, at))
    }

    fn find_or_fault(&self, address: u64, bytes: usize) -> Result<(usize, usize), FaultKind> {
        self.find(address, bytes).ok_or(FaultKind::OutOfBounds {
            space: MemorySpace::Global,
            address,
            bytes,
        })
    }

    /// The bytes at an address of which alignment was checked, for block number `block`, and whether it
    /// has written any of them itself.
    pub(crate) fn read(
        &self,
        address: u64,
        bytes: usize,
        block: u32,
    ) -> Result<(&[u8], bool), FaultKind> {
        let (index, at) = self.find_or_fault(address, bytes)?;
        let mut is_own = false;
        for (offset, &history) in self.buffers[index].history[at..at + bytes]
            .iter()
            .enumerate()
        {
            let address = address + offset as u64;
            match history {
                UNWRITTEN => {
                    let space = MemorySpace::Global;
                    return Err(FaultKind::Unwritten { space, address });
                }
                SETTLED | BY_ATOMIC => {}
                writer if writer - BY_BLOCK == block => is_own = true,
                writer => {
                    let other = writer - BY_BLOCK;
                    return Err(FaultKind::BlockRace { address, other });
                }
            }
        }
        Ok((&self.buffers[index].bytes[at..at + bytes], is_own))
    }

    /// The bytes at an address that was read before, when they are fetched.
    pub(crate) fn read_again(&self, address: u64, bytes: usize) -> Result<&[u8], FaultKind> {
        let (index, at) = self.find_or_fault(address, bytes)?;
        Ok(&self.buffers[index].bytes[at..at + bytes])
    }

    /// The bytes at an address, to be written by the caller for block number `block`.
    pub(crate) fn write(
        &mut self,
        address: u64,
        bytes: usize,
        block: u32,
        atomic: bool,
    ) -> Result<&mut [u8], FaultKind> {
        let (index, at) = self.find_or_fault(address, bytes)?;
        let buffer = &mut self.buffers[index];
        if let Some(gap) = buffer.first_unwritten(at, bytes).filter(|_| atomic) {
            return Err(FaultKind::Unwritten {
                space: MemorySpace::Global,
                address: buffer.base + gap as u64,
            });
        }
        for (offset, history) in buffer.history[at..at + bytes].iter_mut().enumerate() {
            if *history >= BY_BLOCK && *history != BY_BLOCK + block {
                return Err(FaultKind::BlockRace {
                    address: address + offset as u64,
                    other: *history - BY_BLOCK,
                });
            }
            *history = if atomic { BY_ATOMIC } else { BY_BLOCK + block };
        }
        Ok(&mut buffer.bytes[at..at + bytes])
    }

    /// Ends a launch: what was written belongs to no block any more.
    pub(crate) fn settle(&mut self) {
        for buffer in &mut self.buffers {
            for history in &mut buffer.history {
                *history = (*history).min(SETTLED);
            }
        }
    }
}

impl Buffer {
    fn first_unwritten(&self, at: usize, bytes: usize) -> Option<usize> {
        self.history[at..at + bytes]
            .iter()
            .position(|&history| history == UNWRITTEN)
            .map(|offset| at + offset)
    }
}
