//! `mov` with its packing and unpacking, and `cvta`.

use super::{Decoded, Reader};
use crate::ScalarType;
use crate::alu;
use crate::instruction::{Instruction, Source};
use crate::shared::SHARED_WINDOW;
use crate::syntax::Operand;

impl Reader<'_> {
    pub(super) fn transfer(&mut self) -> Decoded {
        if self.words[0] == "cvta" {
            return self.address_conversion();
        }
        let scalar = self.scalar()?;
        self.finish(2..=2)?;
        if scalar == ScalarType::Pred {
            return Ok(Instruction::Predicate {
                run: |a, _| a,
                to: self.truth_target(0)?,
                a: self.truth(1)?,
                b: self.truth(1)?,
            });
        }
        if scalar.bits() == 8 {
            return Err(self.no_such_type(scalar));
        }
        match (self.operand(0), self.operand(1)) {
            (Operand::Vector(parts), _) => self.unpack(scalar, parts.len()),
            (_, Operand::Vector(parts)) => self.pack(scalar, parts.len()),
            (_, &Operand::Special(special)) => {
                if scalar.bits() != 32 {
                    return Err(self.no_such_type(scalar));
                }
                Ok(Instruction::Unary {
                    run: alu::SAME,
                    to: self.target(0, scalar)?,
                    a: Source::Special(special),
                })
            }
            _ => Ok(Instruction::Unary {
                run: alu::SAME,
                to: self.target(0, scalar)?,
                a: self.source(1, scalar)?,
            }),
        }
    }

    /// The type of one of `count` equal parts of a `.b16`, `.b32` or `.b64`.
    fn part(&self, scalar: ScalarType, count: usize) -> Result<ScalarType, crate::error::Flaw> {
        use ScalarType as T;
        match (scalar, count) {
            (T::B32, 2) | (T::B64, 4) => Ok(T::B16),
            (T::B64, 2) => Ok(T::B32),
            _ => Err(self.modifier_flaw(format!("{scalar} has no {count} parts"))),
        }
    }

    fn pack(&self, scalar: ScalarType, count: usize) -> Decoded {
        let part = self.part(scalar, count)?;
        Ok(Instruction::Pack {
            to: self.target(0, scalar)?,
            parts: self.sources(1, count, part)?,
            bits: part.bits(),
        })
    }

    fn unpack(&self, scalar: ScalarType, count: usize) -> Decoded {
        let part = self.part(scalar, count)?;
        let slot = |element: &Operand| match element {
            Operand::Sink => Ok(None),
            _ => self.wide_target(element, 0, part).and_then(|register| {
                if register.scalar.holds(part) {
                    Ok(Some(register.slot))
                } else {
                    Err(self.operand_flaw(0, format!("a vector of {part} registers")))
                }
            }),
        };
        Ok(Instruction::Unpack {
            to: self
                .elements(0, count)?
                .iter()
                .map(slot)
                .collect::<Result<_, _>>()?,
            a: self.source(1, scalar)?,
            bits: part.bits(),
        })
    }

    /// Generic addresses of global memory are its own; those of shared memory lie in a window.
    fn address_conversion(&mut self) -> Decoded {
        let to_space = self.take("to");
        let space = self.require_one(&["global", "shared::cta", "shared", "const"])?;
        let scalar = self.scalar()?;
        self.finish(2..=2)?;
        if scalar != ScalarType::U64 {
            return Err(self.no_such_type(scalar));
        }
        let (to, a) = (self.target(0, scalar)?, self.source(1, scalar)?);
        Ok(match (space, to_space) {
            ("global", _) => Instruction::Unary {
                run: alu::SAME,
                to,
                a,
            },
            ("const", _) => return Err(self.modifier_flaw("constants have no generic address")),
            (_, to_space) => Instruction::Binary {
                run: if to_space {
                    alu::integer::SUBTRACT_64
                } else {
                    alu::integer::ADD_64
                },
                to,
                a,
                b: Source::Immediate(SHARED_WINDOW),
            },
        })
    }
}
