//! What a GPU is, and what its compiler makes of a kernel.

/// What the driver says of a GPU; sizes and clocks that it keeps to itself are 0.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
    /// Its name.
    pub name: String,
    /// Its compute capability.
    pub capability: (u32, u32),
    /// The version of CUDA that the driver belongs to.
    pub driver: (u32, u32),
    /// Its streaming multiprocessors.
    pub multiprocessors: u32,
    /// Bytes of its memory.
    pub memory_bytes: u64,
    /// Bytes of its second-level cache.
    pub l2_bytes: u32,
    /// The most shared memory that a block can have, in bytes.
    pub shared_bytes: u32,
    /// The highest clock of the multiprocessors, in kHz.
    pub clock_khz: u32,
    /// The highest clock of the memory, in kHz.
    pub memory_clock_khz: u32,
    /// Bits of the memory's bus.
    pub memory_bits: u32,
}

/// What the driver's compiler made of a kernel for one GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Footprint {
    /// 32-bit registers of a thread.
    pub registers: u32,
    /// Bytes of a thread that found no register.
    pub spilled_bytes: u32,
    /// Bytes of shared memory of a block, dynamic ones not counted.
    pub shared_bytes: u32,
    /// The most threads that a block can have.
    pub threads: u32,
}
