//! Operands of a statement, checked against the type that the instruction gives them.

use super::Reader;
use crate::ScalarType;
use crate::error::{Flaw, PtxErrorKind};
use crate::instruction::{Address, Source, Space, Truth};
use crate::scalar_type::Family;
use crate::shared::SHARED_BASE;
use crate::syntax::{Base, Operand, Register, VariableSpace};

impl Reader<'_> {
    pub(super) fn operand(&self, index: usize) -> &Operand {
        self.statement.operands.get(index).unwrap_or(&Operand::Sink)
    }

    pub(super) fn n_operands(&self) -> usize {
        self.statement.operands.len()
    }

    /// Operand `index`, from 0, is not what it has to be.
    pub(super) fn operand_flaw(&self, index: usize, expected: impl Into<String>) -> Flaw {
        self.statement.place.flaw(PtxErrorKind::Operand {
            opcode: self.statement.opcode.clone(),
            index: index + 1,
            expected: expected.into(),
        })
    }

    fn misfit(&self, index: usize, found: ScalarType, wanted: ScalarType) -> Flaw {
        self.statement.place.flaw(PtxErrorKind::RegisterType {
            opcode: self.statement.opcode.clone(),
            index: index + 1,
            found,
            wanted,
        })
    }

    /// A value of exactly this type.
    pub(super) fn source(&self, index: usize, scalar: ScalarType) -> Result<Source, Flaw> {
        self.value(self.operand(index), index, scalar, ScalarType::holds)
    }

    /// A value whose register may be wider than the type.
    pub(super) fn wide_source(&self, index: usize, scalar: ScalarType) -> Result<Source, Flaw> {
        self.value(
            self.operand(index),
            index,
            scalar,
            ScalarType::holds_or_exceeds,
        )
    }

    pub(super) fn value(
        &self,
        operand: &Operand,
        index: usize,
        scalar: ScalarType,
        fits: fn(ScalarType, ScalarType) -> bool,
    ) -> Result<Source, Flaw> {
        let family = scalar.family();
        match *operand {
            Operand::Register(register) if fits(register.scalar, scalar) => {
                Ok(Source::Register(register.slot))
            }
            Operand::Register(register) => Err(self.misfit(index, register.scalar, scalar)),
            Operand::Integer(value) if family != Family::Float => {
                let least = i64::MIN >> (64 - scalar.bits().clamp(1, 64));
                let fits = value <= scalar.mask() || (least..0).contains(&(value as i64));
                if !fits {
                    let expected = format!("a number of {} bits", scalar.bits());
                    return Err(self.operand_flaw(index, expected));
                }
                Ok(Source::Immediate(value & scalar.mask()))
            }
            Operand::Single(bits) if family != Family::Integer && scalar.bits() == 32 => {
                Ok(Source::Immediate(u64::from(bits)))
            }
            Operand::Double(bits) if scalar == ScalarType::F32 => {
                let single = f64::from_bits(bits) as f32;
                Ok(Source::Immediate(u64::from(single.to_bits())))
            }
            Operand::Double(bits) if family != Family::Integer && scalar.bits() == 64 => {
                Ok(Source::Immediate(bits))
            }
            Operand::Variable { space, offset } => {
                let address = self.variable_address(space).wrapping_add(offset as u64);
                Ok(Source::Immediate(address & scalar.mask()))
            }
            Operand::Label(ref name) => Err(self
                .statement
                .place
                .flaw(PtxErrorKind::Unknown { name: name.clone() })),
            Operand::Special(_) => Err(self.operand_flaw(
                index,
                format!("a {scalar} register; special registers are read by mov"),
            )),
            _ => Err(self.operand_flaw(index, format!("a {scalar} register or a number"))),
        }
    }

    /// The register that receives a value of exactly this type.
    pub(super) fn target(&self, index: usize, scalar: ScalarType) -> Result<u32, Flaw> {
        match *self.operand(index) {
            Operand::Register(register) if register.scalar.holds(scalar) => Ok(register.slot),
            Operand::Register(register) => Err(self.misfit(index, register.scalar, scalar)),
            _ => Err(self.operand_flaw(index, format!("a {scalar} register"))),
        }
    }

    /// The register, of this type or wider, that receives a value.
    pub(super) fn wide_target(
        &self,
        operand: &Operand,
        index: usize,
        scalar: ScalarType,
    ) -> Result<Register, Flaw> {
        match *operand {
            Operand::Register(register) if register.scalar.holds_or_exceeds(scalar) => Ok(register),
            Operand::Register(register) => Err(self.misfit(index, register.scalar, scalar)),
            _ => Err(self.operand_flaw(index, format!("a {scalar} register"))),
        }
    }

    /// The predicate that receives a truth.
    pub(super) fn truth_target(&self, index: usize) -> Result<u32, Flaw> {
        self.target(index, ScalarType::Pred)
    }

    /// A predicate, its opposite or a constant.
    pub(super) fn truth(&self, index: usize) -> Result<Truth, Flaw> {
        match *self.operand(index) {
            Operand::Register(Register {
                slot,
                scalar: ScalarType::Pred,
            }) => Ok(Truth::Register {
                slot,
                opposite: false,
            }),
            Operand::NotRegister(Register {
                slot,
                scalar: ScalarType::Pred,
            }) => Ok(Truth::Register {
                slot,
                opposite: true,
            }),
            Operand::Integer(value) => Ok(Truth::Constant(value != 0)),
            _ => Err(self.operand_flaw(index, "a predicate")),
        }
    }

    /// A number that the text gives.
    pub(super) fn constant(&self, index: usize, most: u64) -> Result<u64, Flaw> {
        match *self.operand(index) {
            Operand::Integer(value) if value <= most => Ok(value),
            _ => Err(self.operand_flaw(index, format!("a number from 0 to {most}"))),
        }
    }

    /// The elements of a vector of `count`, in braces even if it is one.
    pub(super) fn elements(&self, index: usize, count: usize) -> Result<&[Operand], Flaw> {
        match self.operand(index) {
            Operand::Vector(elements) if elements.len() == count => Ok(elements),
            _ => Err(self.operand_flaw(index, format!("a vector of {count}"))),
        }
    }

    /// The elements of a vector of `count`; one may stand alone.
    pub(super) fn elements_or_one(&self, index: usize, count: usize) -> Result<&[Operand], Flaw> {
        match self.operand(index) {
            Operand::Vector(_) => self.elements(index, count),
            other if count == 1 => Ok(std::slice::from_ref(other)),
            _ => self.elements(index, count),
        }
    }

    /// Registers of a vector that hold values of exactly this type.
    pub(super) fn sources(
        &self,
        index: usize,
        count: usize,
        scalar: ScalarType,
    ) -> Result<Vec<Source>, Flaw> {
        self.elements(index, count)?
            .iter()
            .map(|element| self.value(element, index, scalar, ScalarType::holds))
            .collect()
    }

    /// Registers of a vector that receive values of exactly this type.
    pub(super) fn targets(
        &self,
        index: usize,
        count: usize,
        scalar: ScalarType,
    ) -> Result<Vec<u32>, Flaw> {
        let slot = |element: &Operand| match *element {
            Operand::Register(register) if register.scalar.holds(scalar) => Ok(register.slot),
            Operand::Register(register) => Err(self.misfit(index, register.scalar, scalar)),
            _ => Err(self.operand_flaw(index, format!("a vector of {scalar} registers"))),
        };
        self.elements(index, count)?.iter().map(slot).collect()
    }

    /// An address in `space`.
    pub(super) fn address(&self, index: usize, space: Space) -> Result<Address, Flaw> {
        let Operand::Address { base, offset } = *self.operand(index) else {
            return Err(self.operand_flaw(index, "an address in brackets"));
        };
        let offset = offset as u64;
        let fixed = |start: u64| Address {
            register: None,
            offset: start.wrapping_add(offset),
            mask: u64::MAX,
        };
        match base {
            Base::Parameter(number) if space == Space::Parameter => {
                Ok(fixed(self.around.parameters[number].offset as u64))
            }
            Base::Variable(variable) if space_of(variable) == space => {
                Ok(fixed(self.variable_address(variable)))
            }
            Base::Register(register) => {
                let narrow = matches!(space, Space::Shared | Space::Constant);
                let fits = |scalar: ScalarType| register.scalar.holds(scalar);
                if !(fits(ScalarType::B64) || narrow && fits(ScalarType::B32))
                    || space == Space::Parameter
                {
                    return Err(self.misfit(index, register.scalar, ScalarType::B64));
                }
                Ok(Address {
                    register: Some(register.slot),
                    offset,
                    mask: register.scalar.mask(),
                })
            }
            _ => Err(self.operand_flaw(index, "an address of the instruction's state space")),
        }
    }

    fn variable_address(&self, space: VariableSpace) -> u64 {
        match space {
            VariableSpace::Shared(offset) => SHARED_BASE + offset,
            VariableSpace::Dynamic(align) => {
                (SHARED_BASE + self.around.body.shared_bytes).next_multiple_of(align)
            }
            VariableSpace::Constant(offset) => offset,
        }
    }
}

fn space_of(variable: VariableSpace) -> Space {
    match variable {
        VariableSpace::Shared(_) | VariableSpace::Dynamic(_) => Space::Shared,
        VariableSpace::Constant(_) => Space::Constant,
    }
}
