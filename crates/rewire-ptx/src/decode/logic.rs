//! Logic, shifts, bit fields and counts; logic of predicates.

use super::{Decoded, Reader};
use crate::ScalarType;
use crate::alu::bits;
use crate::instruction::{Instruction, Source, Ternary, Truth};

impl Reader<'_> {
    pub(super) fn logic(&mut self) -> Decoded {
        match self.words[0] {
            "shf" => self.funnel(),
            "lop3" => self.three_way(),
            "prmt" => self.permutation(),
            "bfe" => self.extraction(),
            "bfi" => self.insertion(),
            "shl" | "shr" => self.shift(),
            "and" | "or" | "xor" => self.two_sided(),
            _ => self.one_sided(),
        }
    }

    fn two_sided(&mut self) -> Decoded {
        let name = self.words[0];
        let scalar = self.scalar()?;
        self.finish(3..=3)?;
        if scalar == ScalarType::Pred {
            return Ok(Instruction::Predicate {
                run: match name {
                    "and" => |a, b| a & b,
                    "or" => |a, b| a | b,
                    _ => |a, b| a ^ b,
                },
                to: self.truth_target(0)?,
                a: self.truth(1)?,
                b: self.truth(2)?,
            });
        }
        let known = matches!(scalar, ScalarType::B16 | ScalarType::B32 | ScalarType::B64);
        let run = bits::logic_of(name).filter(|_| known);
        Ok(Instruction::Binary {
            run: run.ok_or_else(|| self.no_such_type(scalar))?,
            to: self.target(0, scalar)?,
            a: self.source(1, scalar)?,
            b: self.source(2, scalar)?,
        })
    }

    fn one_sided(&mut self) -> Decoded {
        let name = self.words[0];
        let scalar = self.scalar()?;
        self.finish(2..=2)?;
        if scalar == ScalarType::Pred && name == "not" {
            return Ok(Instruction::Predicate {
                run: |a, _| !a,
                to: self.truth_target(0)?,
                a: self.truth(1)?,
                b: Truth::Constant(false),
            });
        }
        let result = match name {
            "popc" | "clz" => ScalarType::B32,
            _ => scalar,
        };
        Ok(Instruction::Unary {
            run: bits::unary_of(name, scalar).ok_or_else(|| self.no_such_type(scalar))?,
            to: self.target(0, result)?,
            a: self.source(1, scalar)?,
        })
    }

    fn shift(&mut self) -> Decoded {
        let scalar = self.scalar()?;
        self.finish(3..=3)?;
        let run = bits::shift_of(self.words[0], scalar);
        Ok(Instruction::Binary {
            run: run.ok_or_else(|| self.no_such_type(scalar))?,
            to: self.target(0, scalar)?,
            a: self.source(1, scalar)?,
            b: self.source(2, ScalarType::B32)?,
        })
    }

    fn funnel(&mut self) -> Decoded {
        let left = self.require_one(&["l", "r"])? == "l";
        let wraps = self.require_one(&["wrap", "clamp"])? == "wrap";
        self.require("b32")?;
        self.finish(4..=4)?;
        self.words_of_32(bits::funnel_of(left, wraps))
    }

    fn words_of_32(&self, run: Ternary) -> Decoded {
        Ok(Instruction::Ternary {
            run,
            to: self.target(0, ScalarType::B32)?,
            a: self.source(1, ScalarType::B32)?,
            b: self.source(2, ScalarType::B32)?,
            c: self.source(3, ScalarType::B32)?,
        })
    }

    fn permutation(&mut self) -> Decoded {
        self.require("b32")?;
        self.finish(4..=4)?;
        self.words_of_32(bits::PERMUTE)
    }

    fn three_way(&mut self) -> Decoded {
        self.require("b32")?;
        self.finish(5..=5)?;
        Ok(Instruction::Logic3 {
            table: self.constant(4, 255)? as u8,
            to: self.target(0, ScalarType::B32)?,
            from: [
                self.source(1, ScalarType::B32)?,
                self.source(2, ScalarType::B32)?,
                self.source(3, ScalarType::B32)?,
            ],
        })
    }

    fn extraction(&mut self) -> Decoded {
        let scalar = self.scalar()?;
        self.finish(4..=4)?;
        Ok(Instruction::Ternary {
            run: bits::extract_of(scalar).ok_or_else(|| self.no_such_type(scalar))?,
            to: self.target(0, scalar)?,
            a: self.source(1, scalar)?,
            b: self.source(2, ScalarType::B32)?,
            c: self.source(3, ScalarType::B32)?,
        })
    }

    fn insertion(&mut self) -> Decoded {
        let scalar = self.scalar()?;
        self.finish(5..=5)?;
        if !matches!(scalar, ScalarType::B32 | ScalarType::B64) {
            return Err(self.no_such_type(scalar));
        }
        let field: [Source; 2] = [
            self.source(3, ScalarType::B32)?,
            self.source(4, ScalarType::B32)?,
        ];
        Ok(Instruction::Insert {
            bits: scalar.bits(),
            to: self.target(0, scalar)?,
            a: self.source(1, scalar)?,
            b: self.source(2, scalar)?,
            field,
        })
    }
}
