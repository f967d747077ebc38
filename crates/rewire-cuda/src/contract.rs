//! Whether the buffers at hand are what a kernel's contract asks for.
//!
//! Every launch on every device passes through [`check`], and a launch takes its addresses from the
//! [`Checked`] that only this module makes. With [`Call`] it is the whole of the argument for why a
//! launch is safe: the call says what the kernel touches, and here that is held against what is there.

use std::error::Error;
use std::fmt;

use rewire_kernels::{Access, Argument, Call, Need};

use crate::buffer::{Buffer, DeviceId, Operand};

/// A launch that a kernel's contract forbids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractError {
    /// The kernel.
    pub kernel: &'static str,
    /// What is wrong.
    pub fault: ContractFault,
}

/// The ways in which a launch can break a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContractFault {
    /// More or fewer buffers than the kernel takes.
    Count {
        /// How many there are.
        given: usize,
        /// How many it takes.
        needed: usize,
    },
    /// A buffer lies on another device, or belongs to another stream of this one.
    Foreign {
        /// The name of the kernel's parameter.
        name: &'static str,
    },
    /// A buffer ends too early.
    Short {
        /// The name of the kernel's parameter.
        name: &'static str,
        /// Bytes from its first to its end.
        given: u64,
        /// Bytes that the kernel touches.
        needed: u64,
    },
    /// A buffer, or the part of it that is meant, begins at the wrong place.
    Misaligned {
        /// The name of the kernel's parameter.
        name: &'static str,
        /// Where it begins.
        address: u64,
        /// What that has to be a multiple of.
        align: u32,
    },
    /// A buffer is lent for reading and would be written, or the other way round.
    Access {
        /// The name of the kernel's parameter.
        name: &'static str,
        /// What the kernel does with it.
        needed: Access,
    },
    /// A buffer would be read that nobody has written.
    Unwritten {
        /// The name of the kernel's parameter.
        name: &'static str,
    },
    /// The text of the kernel has other parameters than its contract.
    Parameters {
        /// Bytes of each parameter of the text.
        text: Vec<usize>,
        /// Bytes of each argument of the contract.
        contract: Vec<usize>,
    },
}

impl fmt::Display for ContractError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.kernel)?;
        match &self.fault {
            ContractFault::Count { given, needed } => {
                write!(f, "{given} buffers for a kernel that takes {needed}")
            }
            ContractFault::Foreign { name } => {
                write!(f, "`{name}` lies on another device or stream")
            }
            ContractFault::Short {
                name,
                given,
                needed,
            } => write!(f, "`{name}` has {given} bytes, {needed} are needed"),
            ContractFault::Misaligned {
                name,
                address,
                align,
            } => write!(
                f,
                "`{name}` begins at {address:#x}, which is no multiple of {align}"
            ),
            ContractFault::Access { name, needed } => {
                let (lent, does) = match needed {
                    Access::Read => ("writing", "reads"),
                    Access::Write => ("reading", "writes"),
                    Access::Update => ("reading", "updates"),
                };
                write!(f, "`{name}` is lent for {lent}, the kernel {does} it")
            }
            ContractFault::Unwritten { name } => {
                write!(f, "`{name}` would be read before anybody has written it")
            }
            ContractFault::Parameters { text, contract } => write!(
                f,
                "its text has parameters of {text:?} bytes, its contract {contract:?}"
            ),
        }
    }
}

impl Error for ContractError {}

/// A value that a kernel gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// An address, or 0 for a buffer that is not there.
    Address(u64),
    /// A number.
    Number(u32),
}

impl Value {
    /// Bytes that it takes.
    pub(crate) const fn bytes(self) -> usize {
        match self {
            Self::Address(_) => 8,
            Self::Number(_) => 4,
        }
    }
}

/// A call whose buffers fit it. As long as it lives, they are lent.
#[derive(Debug)]
pub(crate) struct Checked<'a> {
    call: &'a Call,
    values: Vec<Value>,
}

impl Checked<'_> {
    /// What is launched.
    pub(crate) const fn call(&self) -> &Call {
        self.call
    }

    /// The arguments in the order of the kernel's parameters.
    pub(crate) fn values(&self) -> &[Value] {
        &self.values
    }

    /// Checks the parameters of a compiled text, given the bytes of each, against the arguments.
    pub(crate) fn check_parameters(&self, text: &[usize]) -> Result<(), ContractError> {
        let bytes = self.values.iter().map(|value| value.bytes());
        if bytes.clone().eq(text.iter().copied()) {
            return Ok(());
        }
        Err(ContractError {
            kernel: self.call.code().entry(),
            fault: ContractFault::Parameters {
                text: text.to_vec(),
                contract: bytes.collect(),
            },
        })
    }
}

/// Holds the buffers against what the call needs.
///
/// That no buffer which is written overlaps another is not checked: an [`Operand`] that is written
/// borrows its buffer alone.
pub(crate) fn check<'a, M>(
    call: &'a Call,
    device: DeviceId,
    operands: &'a [Operand<'_, M>],
) -> Result<Checked<'a>, ContractError> {
    let refuse = |fault| {
        let kernel = call.code().entry();
        Err(ContractError { kernel, fault })
    };
    let needed = call.needs().count();
    if operands.len() != needed {
        let given = operands.len();
        return refuse(ContractFault::Count { given, needed });
    }
    let mut left = operands.iter();
    let mut values = Vec::with_capacity(call.arguments().len());
    for argument in call.arguments() {
        values.push(match argument {
            Argument::Buffer(need) => match left.next().map(|operand| fit(need, device, operand)) {
                Some(Ok(address)) => Value::Address(address),
                Some(Err(fault)) => return refuse(fault),
                None => {
                    let given = operands.len();
                    return refuse(ContractFault::Count { given, needed });
                }
            },
            Argument::Absent => Value::Address(0),
            Argument::U32(number) => Value::Number(*number),
        });
    }
    Ok(Checked { call, values })
}

/// The address of an operand that is what is needed.
fn fit<M>(need: &Need, device: DeviceId, operand: &Operand<'_, M>) -> Result<u64, ContractFault> {
    let name = need.name;
    let (buffer, offset): (&Buffer<M>, u64) = match operand {
        Operand::Read(part) => (part.buffer(), part.offset()),
        Operand::Write(buffer) => (buffer, 0),
    };
    if buffer.device() != device {
        return Err(ContractFault::Foreign { name });
    }
    let writes = matches!(need.access, Access::Write | Access::Update);
    if writes != matches!(operand, Operand::Write(_)) {
        let needed = need.access;
        return Err(ContractFault::Access { name, needed });
    }
    let (given, needed) = (buffer.bytes().saturating_sub(offset), need.bytes);
    if given < needed {
        return Err(ContractFault::Short {
            name,
            given,
            needed,
        });
    }
    let (address, align) = (buffer.address() + offset, need.align);
    if !address.is_multiple_of(u64::from(align)) {
        return Err(ContractFault::Misaligned {
            name,
            address,
            align,
        });
    }
    if !buffer.is_written() && need.access != Access::Write {
        return Err(ContractFault::Unwritten { name });
    }
    Ok(address)
}

/// Notes, after a launch, which buffers have been written.
pub(crate) fn note_writes<M>(operands: &mut [Operand<'_, M>]) {
    for operand in operands {
        if let Operand::Write(buffer) = operand {
            buffer.note_write();
        }
    }
}

#[cfg(test)]
mod tests;
