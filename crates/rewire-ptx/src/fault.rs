//! What a kernel can do wrong while it runs, each with the place in the text and the thread.

use std::fmt;

/// A run that ended because the kernel, or its launch, is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// What is wrong.
    pub kind: FaultKind,
    /// The name the text was given.
    pub file: String,
    /// The line of the instruction, from 1; that of `.entry` for a fault of the launch.
    pub line: u32,
    /// The block whose thread ran into it.
    pub block: [u32; 3],
    /// The warp of the block.
    pub warp: u32,
    /// The lane of the warp, where one is at fault alone.
    pub lane: Option<u32>,
}

/// The ways in which a kernel can be wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum FaultKind {
    /// The launch does not fit the kernel.
    Launch(String),
    /// A register is read that this thread has not written.
    UnwrittenRegister {
        /// Its name.
        name: String,
    },
    /// An access beyond what is allocated.
    OutOfBounds {
        /// Which memory.
        space: MemorySpace,
        /// The address.
        address: u64,
        /// Bytes of the access.
        bytes: usize,
    },
    /// An address that is not a multiple of what is accessed there.
    Misaligned {
        /// Which memory.
        space: MemorySpace,
        /// The address.
        address: u64,
        /// What it has to be a multiple of.
        bytes: usize,
    },
    /// Bytes are read that nobody has written.
    Unwritten {
        /// Which memory.
        space: MemorySpace,
        /// The first such byte.
        address: u64,
    },
    /// Two threads of a block access a byte, one of them writes, and nothing orders them.
    Race {
        /// Which memory.
        space: MemorySpace,
        /// The byte.
        address: u64,
        /// Whether the access that completes the race is a write.
        writes: bool,
        /// The access before it.
        earlier: Access,
    },
    /// A byte is accessed while an asynchronous copy to it may still be under way.
    CopyUnderWay {
        /// The byte.
        address: u64,
        /// The thread that copies.
        copy: Access,
    },
    /// A block reads or writes a byte of global memory that another one wrote in the same launch, not
    /// by atomic operations.
    BlockRace {
        /// The byte.
        address: u64,
        /// The number of the other block.
        other: u32,
    },
    /// An instruction needs lanes that are elsewhere.
    Divergence {
        /// The lanes it needs, one bit each.
        needed: u32,
        /// The lanes that are there.
        present: u32,
    },
    /// A lane executes a warp instruction whose mask leaves it out, or lanes give unequal masks.
    LaneMask {
        /// The mask of the lane.
        mask: u32,
    },
    /// No thread can go on.
    Deadlock {
        /// Where each warp waits.
        waiting: Vec<Waiting>,
    },
    /// A barrier is used in a way that PTX leaves undefined.
    Barrier {
        /// Its number.
        id: u64,
        /// What is wrong.
        what: String,
    },
    /// Metadata that name no two columns in ascending order.
    Metadata {
        /// The word.
        word: u32,
        /// Which four bits, from the lowest.
        place: u32,
    },
    /// `cp.async` is told to read more bytes than it copies.
    CopySize {
        /// What it is told.
        taken: u64,
        /// What it copies.
        bytes: usize,
    },
    /// The kernel took more steps than the launch allows.
    StepLimit {
        /// The limit.
        steps: u64,
    },
    /// The kernel executed `trap`.
    Trap,
}

/// A memory that addresses point into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemorySpace {
    /// Buffers that all blocks see.
    Global,
    /// Memory of a block.
    Shared,
    /// Constants of the module.
    Constant,
    /// Parameters of the kernel.
    Parameter,
}

/// An access that another one conflicts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// The thread of the block, counted along x, then y, then z.
    pub thread: u32,
    /// Whether it wrote.
    pub writes: bool,
    /// The line of its instruction.
    pub line: u32,
}

/// Lanes of a warp that wait at a barrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The warp.
    pub warp: u32,
    /// Its lanes, one bit each.
    pub lanes: u32,
    /// The barrier.
    pub barrier: u64,
    /// The line of its instruction.
    pub line: u32,
    /// Threads that have arrived at the barrier.
    pub arrived: u32,
    /// Threads that it waits for.
    pub expected: u32,
}

impl fmt::Display for MemorySpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Global => "global",
            Self::Shared => "shared",
            Self::Constant => "constant",
            Self::Parameter => "parameter",
        })
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.writes { "write" } else { "read" };
        write!(f, "{what} of thread {} in line {}", self.thread, self.line)
    }
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            warp,
            lanes,
            barrier,
            line,
            arrived,
            expected,
        } = self;
        write!(
            f,
            "warp {warp} (lanes {lanes:#010x}) at barrier {barrier} in line {line}, \
             {arrived} of {expected} threads there"
        )
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Launch(what) => f.write_str(what),
            Self::UnwrittenRegister { name } => write!(f, "`{name}` is read before it is written"),
            Self::OutOfBounds {
                space,
                address,
                bytes,
            } => write!(
                f,
                "{bytes} bytes at {address:#x} lie outside of {space} memory"
            ),
            Self::Misaligned {
                space,
                address,
                bytes,
            } => write!(
                f,
                "{space} address {address:#x} is not a multiple of {bytes}"
            ),
            Self::Unwritten { space, address } => write!(
                f,
                "the {space} byte at {address:#x} is read and was never written"
            ),
            Self::Race {
                space,
                address,
                writes,
                earlier,
            } => {
                let what = if *writes { "write" } else { "read" };
                write!(
                    f,
                    "race on {space} byte {address:#x}: nothing orders this {what} after the {earlier}"
                )
            }
            Self::CopyUnderWay { address, copy } => write!(
                f,
                "shared byte {address:#x} is used while the asynchronous {copy} may be under way"
            ),
            Self::BlockRace { address, other } => write!(
                f,
                "global byte {address:#x} was written by block number {other} in the same launch"
            ),
            Self::Divergence { needed, present } => write!(
                f,
                "needs the lanes {needed:#010x} together, only {present:#010x} are here"
            ),
            Self::LaneMask { mask } => write!(
                f,
                "the mask {mask:#010x} leaves this lane out or differs from that of another"
            ),
            Self::Deadlock { waiting } => {
                f.write_str("deadlock:")?;
                for (index, place) in waiting.iter().enumerate() {
                    write!(f, "{} {place}", if index == 0 { "" } else { ";" })?;
                }
                Ok(())
            }
            Self::Barrier { id, what } => write!(f, "barrier {id}: {what}"),
            Self::Metadata { word, place } => write!(
                f,
                "nibble {place} of the metadata {word:#010x} names no two ascending columns"
            ),
            Self::CopySize { taken, bytes } => {
                write!(f, "reads {taken} bytes for a copy of {bytes}")
            }
            Self::StepLimit { steps } => write!(f, "took more than {steps} steps"),
            Self::Trap => f.write_str("trap"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [x, y, z] = self.block;
        write!(f, "{}:{}: block ({x}, {y}, {z})", self.file, self.line)?;
        write!(f, ", warp {}", self.warp)?;
        if let Some(lane) = self.lane {
            write!(f, ", lane {lane}")?;
        }
        write!(f, ": {}", self.kind)
    }
}

impl std::error::Error for Fault {}

/// A fault before its place is known.
#[derive(Clone, Debug)]
pub(crate) struct Mishap {
    pub(crate) kind: FaultKind,
    pub(crate) lane: Option<u32>,
}

impl FaultKind {
    pub(crate) fn of_lane(self, lane: usize) -> Mishap {
        Mishap {
            kind: self,
            lane: Some(lane as u32),
        }
    }

    pub(crate) fn of_warp(self) -> Mishap {
        Mishap {
            kind: self,
            lane: None,
        }
    }
}
