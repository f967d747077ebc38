//! One launch: everything but the memory.

use crate::{Code, SizeError};

/// The most blocks of a launch along x.
const MOST_BLOCKS: u64 = (1 << 31) - 1;

/// One launch of one kernel, with what each of its buffers has to be.
///
/// Whoever launches it passes as many buffers as there are [`Argument::Buffer`]s, in their order,
/// each on the device, at least as long and as aligned as its [`Need`] says. The kernel then
/// touches nothing else, whatever is in the buffers. Buffers that are written may not overlap any other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub(crate) code: Code,
    pub(crate) blocks: u32,
    pub(crate) threads: u32,
    pub(crate) shared_bytes: u32,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) flops: u64,
}

/// An argument of a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// The address of the next buffer.
    Buffer(Need),
    /// The address 0: an optional buffer that is not there.
    Absent,
    /// A number.
    U32(u32),
}

/// What a buffer has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// The name of the kernel's parameter.
    pub name: &'static str,
    /// The least length, in bytes.
    pub bytes: u64,
    /// Its address is a multiple of this.
    pub align: u32,
    /// What the kernel does with it.
    pub access: Access,
    /// Bytes that the kernel moves to or from it, each counted once.
    pub traffic: u64,
}

/// What a kernel does with a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reads it; what is read has to be written before.
    Read,
    /// Writes it, without reading.
    Write,
    /// Adds to what is there.
    Update,
}

impl Call {
    /// A call with so many blocks.
    ///
    /// # Errors
    /// [`SizeError::Grid`] for more than a launch can have.
    pub(crate) fn new(
        code: Code,
        blocks: u64,
        threads: u32,
        shared_bytes: u32,
        arguments: Vec<Argument>,
        flops: u64,
    ) -> Result<Self, SizeError> {
        if blocks > MOST_BLOCKS {
            let kernel = code.name;
            return Err(SizeError::Grid { kernel, blocks });
        }
        Ok(Self {
            code,
            blocks: blocks as u32,
            threads,
            shared_bytes,
            arguments,
            flops,
        })
    }

    /// The operations of a dense product of these sides: 2 for each multiply-add. No machine holds
    /// a product whose operations 64 bits cannot count; they saturate.
    pub(crate) fn flops_of(sides: [u32; 3]) -> u64 {
        let sides = sides.map(u64::from);
        sides.into_iter().fold(2, u64::saturating_mul)
    }

    /// What is launched.
    pub const fn code(&self) -> Code {
        self.code
    }

    /// Blocks along x; there is one along y and z.
    pub const fn blocks(&self) -> u32 {
        self.blocks
    }

    /// Threads of a block along x; there is one along y and z.
    pub const fn threads(&self) -> u32 {
        self.threads
    }

    /// Bytes of dynamic shared memory.
    pub const fn shared_bytes(&self) -> u32 {
        self.shared_bytes
    }

    /// The arguments in the order of the kernel's parameters.
    pub fn arguments(&self) -> &[Argument] {
        &self.arguments
    }

    /// What the buffers have to be, in the order in which they are passed.
    pub fn needs(&self) -> impl Iterator<Item = &Need> {
        self.arguments.iter().filter_map(|argument| match argument {
            Argument::Buffer(need) => Some(need),
            Argument::Absent | Argument::U32(_) => None,
        })
    }

    /// Bytes read and written, each counted once.
    pub fn bytes(&self) -> u64 {
        self.needs().map(|need| need.traffic).sum()
    }

    /// Floating-point operations of the dense product that this stands for: 2 per multiply-add; 0
    /// for kernels that multiply nothing.
    pub const fn flops(&self) -> u64 {
        self.flops
    }
}

impl Need {
    pub(crate) const fn read(name: &'static str, bytes: u64, traffic: u64) -> Argument {
        Self::buffer(name, bytes, traffic, Access::Read)
    }

    pub(crate) const fn write(name: &'static str, bytes: u64, traffic: u64) -> Argument {
        Self::buffer(name, bytes, traffic, Access::Write)
    }

    pub(crate) const fn update(name: &'static str, bytes: u64, traffic: u64) -> Argument {
        Self::buffer(name, bytes, traffic, Access::Update)
    }

    const fn buffer(name: &'static str, bytes: u64, traffic: u64, access: Access) -> Argument {
        Argument::Buffer(Self {
            name,
            bytes,
            align: 16,
            access,
            traffic,
        })
    }
}
