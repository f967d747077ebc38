//! What can go wrong on a device, each with the numbers that decide the case.

use std::error::Error;
use std::fmt;

use rewire_kernels::SizeError;
use rewire_mask::MaskError;

use crate::contract::ContractError;

/// Why there is no device, or why it did not do what it was asked.
///
/// Making, printing and comparing one calls no driver, so it also works where none is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum DeviceError {
    /// The machine has no CUDA driver, or a stub in its place.
    NoDriver,
    /// The driver knows no device of this number.
    NoDevice {
        /// The number asked for, from 0.
        ordinal: u32,
        /// How many devices there are.
        found: u32,
    },
    /// Driver or device cannot run the kernels.
    TooOld {
        /// What is too old: "the driver" or "the device".
        what: &'static str,
        /// Its version: that of CUDA for a driver, the compute capability for a device.
        found: (u32, u32),
        /// The least version that will do.
        least: (u32, u32),
    },
    /// The device, or the way it is shared, lacks something.
    Lacks {
        /// What it lacks.
        what: &'static str,
    },
    /// A library that is loaded at run time is not on the machine.
    NoLibrary {
        /// Its name.
        library: &'static str,
    },
    /// A call of the driver or of a library failed. Work is asynchronous: the fault may lie in
    /// an earlier launch.
    Call {
        /// The name of the function.
        call: &'static str,
        /// What it returned.
        code: u32,
        /// The name of that number.
        name: String,
    },
    /// There is no room for a buffer. What was allocated before is untouched.
    OutOfMemory {
        /// Bytes of the buffer.
        bytes: u64,
    },
    /// The text of a kernel does not compile.
    Compile {
        /// The name of its file.
        file: String,
        /// What the driver returned; 0 for the emulator.
        code: u32,
        /// What the compiler said.
        log: String,
    },
    /// A launch needs more shared memory than a block can have.
    SharedMemory {
        /// The kernel.
        kernel: &'static str,
        /// Bytes that it needs beside what it declares.
        bytes: u32,
        /// Bytes that there are beside what it declares.
        most: u32,
    },
    /// A buffer lies on another device, or belongs to another stream of this one.
    Foreign,
    /// A copy of what nobody has written.
    Unwritten,
    /// A launch that the contract of its kernel forbids.
    Contract(ContractError),
    /// Sizes that no kernel takes, or that do not fit each other.
    Size(SizeError),
    /// A packed matrix from outside that is none.
    Form(MaskError),
    /// Another number of values than the size asks for.
    Length {
        /// Of what.
        what: &'static str,
        /// How many there are.
        given: u64,
        /// How many are needed.
        needed: u64,
    },
    /// Rows or columns beyond the end of a matrix, or none at all.
    OutOfRange {
        /// Rows or columns.
        what: &'static str,
        /// The first and the one after the last.
        range: (u32, u32),
        /// How many the matrix has.
        size: u32,
    },
    /// Weights to be pruned are NaN or infinite.
    NonFinite {
        /// How many.
        count: u32,
    },
    /// The emulator found a fault in a kernel.
    Fault {
        /// Where and what.
        text: String,
    },
}

impl fmt::Display for DeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDriver => f.write_str("there is no CUDA driver on this machine"),
            Self::NoDevice { ordinal, found } => {
                write!(f, "there is no device {ordinal}; the driver knows {found}")
            }
            Self::TooOld { what, found, least } => write!(
                f,
                "{what} has version {}.{}; at least {}.{} is needed",
                found.0, found.1, least.0, least.1
            ),
            Self::Lacks { what } => write!(f, "the device has no {what}"),
            Self::NoLibrary { library } => write!(f, "{library} is not on this machine"),
            Self::Call { call, code, name } => write!(f, "{call} returned {code} ({name})"),
            Self::OutOfMemory { bytes } => {
                write!(f, "no room for {bytes} bytes on the device")
            }
            Self::Compile { file, code, log } => {
                write!(f, "{file} does not compile (error {code}): {log}")
            }
            Self::SharedMemory {
                kernel,
                bytes,
                most,
            } => write!(
                f,
                "{kernel} needs {bytes} bytes of dynamic shared memory, a block can have {most}"
            ),
            Self::Foreign => f.write_str("the buffer lies on another device or stream"),
            Self::Unwritten => f.write_str("nobody has written the buffer"),
            Self::Contract(error) => error.fmt(f),
            Self::Size(error) => error.fmt(f),
            Self::Form(error) => error.fmt(f),
            Self::Length {
                what,
                given,
                needed,
            } => write!(f, "{given} {what} where {needed} are needed"),
            Self::OutOfRange {
                what,
                range: (first, end),
                size,
            } => write!(f, "{what} {first}..{end} of a matrix that has {size}"),
            Self::NonFinite { count } => write!(f, "{count} weights are NaN or infinite"),
            Self::Fault { text } => f.write_str(text),
        }
    }
}

impl Error for DeviceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Contract(error) => Some(error),
            Self::Size(error) => Some(error),
            Self::Form(error) => Some(error),
            _ => None,
        }
    }
}

impl From<ContractError> for DeviceError {
    fn from(error: ContractError) -> Self {
        Self::Contract(error)
    }
}

impl From<SizeError> for DeviceError {
    fn from(error: SizeError) -> Self {
        Self::Size(error)
    }
}

impl From<MaskError> for DeviceError {
    fn from(error: MaskError) -> Self {
        Self::Form(error)
    }
}

/// Checks that two numbers of rows or columns are equal.
pub(crate) const fn check_equal(
    of: &'static str,
    what: &'static str,
    left: u32,
    right: u32,
) -> Result<(), DeviceError> {
    if left == right {
        return Ok(());
    }
    Err(DeviceError::Size(SizeError::Mismatch {
        kernel: of,
        what,
        found: (left, right),
    }))
}
