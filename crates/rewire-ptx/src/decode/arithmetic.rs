//! `add` to `tanh`: arithmetic of integers, singles, doubles and pairs of halves.

use super::{Decoded, Reader};
use crate::ScalarType;
use crate::alu::{float, half, integer};
use crate::error::Flaw;
use crate::instruction::{Binary, Instruction, Ternary, Unary};
use crate::scalar_type::Family;

impl Reader<'_> {
    pub(super) fn arithmetic(&mut self) -> Decoded {
        match self.words[0] {
            "abs" | "neg" => self.sign(),
            "rcp" | "sqrt" | "rsqrt" | "ex2" | "lg2" | "tanh" => self.function(),
            "mad" => self.multiply_add(),
            "fma" => self.fused(),
            _ => self.two_operands(),
        }
    }

    fn one_operand(&self, run: Option<Unary>, scalar: ScalarType) -> Decoded {
        self.finish(2..=2)?;
        Ok(Instruction::Unary {
            run: run.ok_or_else(|| self.no_such_type(scalar))?,
            to: self.target(0, scalar)?,
            a: self.source(1, scalar)?,
        })
    }

    fn sign(&mut self) -> Decoded {
        let flushes = self.take("ftz");
        let scalar = self.scalar()?;
        let name = self.words[0];
        let run = match scalar {
            ScalarType::F32 | ScalarType::F64 => float::unary_of(name, scalar, flushes),
            _ if flushes => None,
            _ => integer::unary_of(name, scalar).or_else(|| half::unary_of(name, scalar)),
        };
        self.one_operand(run, scalar)
    }

    /// `rcp.approx.ftz.f32` and its like.
    fn function(&mut self) -> Decoded {
        let name = self.words[0];
        let exact = matches!(name, "rcp" | "sqrt") && self.take("rn");
        if !exact {
            self.require("approx")?;
        }
        let flushes = name != "tanh" && self.take("ftz");
        let scalar = self.scalar()?;
        let run = match scalar {
            ScalarType::F32 => float::unary_of(name, scalar, flushes),
            ScalarType::F64 if exact && !flushes => float::unary_of(name, scalar, false),
            _ => None,
        };
        self.one_operand(run, scalar)
    }

    fn two_operands(&mut self) -> Decoded {
        let name = self.words[0];
        // Words that only integers or only floats have; the type comes last and decides.
        let part = match name {
            "mul" => self.take_one(&["lo", "hi", "wide"]),
            _ => None,
        };
        let rounds = match name {
            "add" | "sub" | "mul" => self.take("rn"),
            "div" => self.take_one(&["rn", "approx", "full"]).is_some(),
            _ => false,
        };
        let flushes = self.take("ftz");
        let propagates = matches!(name, "min" | "max") && self.take("NaN");
        let scalar = self.scalar()?;
        self.finish(3..=3)?;
        if scalar.family() == Family::Float {
            let bf16 = matches!(scalar, ScalarType::Bf16 | ScalarType::Bf16x2);
            if bf16 && matches!(name, "add" | "sub" | "mul") {
                self.needs_target(90)?;
            }
            let name = match (name, propagates) {
                ("min", true) => "min.NaN",
                ("max", true) => "max.NaN",
                _ => name,
            };
            let run = if part.is_some() || (name == "div" && !rounds) {
                None
            } else if matches!(scalar, ScalarType::F32 | ScalarType::F64) {
                float::binary_of(name, scalar, flushes)
            } else if flushes {
                None
            } else {
                half::binary_of(name, scalar)
            };
            return self.binary(run, scalar, scalar);
        }
        if rounds || flushes || propagates {
            return Err(self.no_such_type(scalar));
        }
        match part {
            Some("wide") => self.binary(integer::wide_product(scalar), scalar, self.wide(scalar)?),
            Some(part) => {
                let name = if part == "hi" { "mul.hi" } else { "mul.lo" };
                self.binary(integer::binary_of(name, scalar), scalar, scalar)
            }
            None => self.binary(integer::binary_of(name, scalar), scalar, scalar),
        }
    }

    fn binary(&self, run: Option<Binary>, scalar: ScalarType, result: ScalarType) -> Decoded {
        Ok(Instruction::Binary {
            run: run.ok_or_else(|| self.no_such_type(scalar))?,
            to: self.target(0, result)?,
            a: self.source(1, scalar)?,
            b: self.source(2, scalar)?,
        })
    }

    /// The type of twice the width.
    fn wide(&self, scalar: ScalarType) -> Result<ScalarType, Flaw> {
        use ScalarType as T;
        match scalar {
            T::U16 => Ok(T::U32),
            T::S16 => Ok(T::S32),
            T::U32 => Ok(T::U64),
            T::S32 => Ok(T::S64),
            _ => Err(self.no_such_type(scalar)),
        }
    }

    fn multiply_add(&mut self) -> Decoded {
        let part = self.require_one(&["lo", "hi", "wide"])?;
        let scalar = self.scalar()?;
        self.finish(4..=4)?;
        let (run, result) = match part {
            "wide" => (integer::wide_multiply_add(scalar), self.wide(scalar)?),
            "hi" => (integer::multiply_add("mad.hi", scalar), scalar),
            _ => (integer::multiply_add("mad.lo", scalar), scalar),
        };
        self.ternary(run, scalar, result)
    }

    fn fused(&mut self) -> Decoded {
        self.require("rn")?;
        let flushes = self.take("ftz");
        let scalar = self.scalar()?;
        self.finish(4..=4)?;
        let run = match scalar {
            ScalarType::F32 | ScalarType::F64 => float::fused(scalar, flushes),
            _ if flushes => None,
            _ => half::fused_of(scalar),
        };
        self.ternary(run, scalar, scalar)
    }

    fn ternary(&self, run: Option<Ternary>, scalar: ScalarType, result: ScalarType) -> Decoded {
        Ok(Instruction::Ternary {
            run: run.ok_or_else(|| self.no_such_type(scalar))?,
            to: self.target(0, result)?,
            a: self.source(1, scalar)?,
            b: self.source(2, scalar)?,
            c: self.source(3, result)?,
        })
    }
}
