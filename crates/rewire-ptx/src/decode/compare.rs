//! `setp` and `selp`.

use super::{Decoded, Reader};
use crate::ScalarType;
use crate::alu::{float, integer};
use crate::instruction::{Instruction, Join, Truth};
use crate::scalar_type::Family;
use crate::syntax::Operand;

const COMPARISONS: [&str; 18] = [
    "eq", "ne", "lt", "le", "gt", "ge", "lo", "ls", "hi", "hs", "equ", "neu", "ltu", "leu", "gtu",
    "geu", "num", "nan",
];

impl Reader<'_> {
    pub(super) fn comparison(&mut self) -> Decoded {
        if self.words[0] == "selp" {
            return self.selection();
        }
        let name = self.require_one(&COMPARISONS)?;
        let join = self.take_one(&["and", "or", "xor"]);
        // Subnormals compare as themselves; flushing them is left to arithmetic.
        let flushes = self.take("ftz");
        let scalar = self.scalar()?;
        let (count, float) = (
            3 + usize::from(join.is_some()),
            scalar.family() == Family::Float,
        );
        self.finish(count..=count)?;
        if scalar == ScalarType::Bf16 {
            self.needs_target(90)?;
        }
        let run = if float {
            float::compare(name, scalar).filter(|_| !flushes)
        } else {
            integer::compare(name, scalar).filter(|_| !flushes)
        };
        let (to, opposite) = match *self.operand(0) {
            Operand::Pair(first, second) => {
                let predicate = |side: Option<crate::syntax::Register>| match side {
                    Some(register) if register.scalar != ScalarType::Pred => {
                        Err(self.operand_flaw(0, "a pair of predicates"))
                    }
                    side => Ok(side.map(|register| register.slot)),
                };
                (predicate(first)?, predicate(second)?)
            }
            _ => (Some(self.truth_target(0)?), None),
        };
        let join: Option<(Join, Truth)> = match join {
            None => None,
            Some("and") => Some((|a, b| a & b, self.truth(3)?)),
            Some("or") => Some((|a, b| a | b, self.truth(3)?)),
            Some(_) => Some((|a, b| a ^ b, self.truth(3)?)),
        };
        Ok(Instruction::Compare {
            run: run.ok_or_else(|| self.no_such_type(scalar))?,
            join,
            to,
            opposite,
            a: self.source(1, scalar)?,
            b: self.source(2, scalar)?,
        })
    }

    fn selection(&mut self) -> Decoded {
        let scalar = self.scalar()?;
        self.finish(4..=4)?;
        if matches!(scalar.bits(), 0 | 8) {
            return Err(self.no_such_type(scalar));
        }
        Ok(Instruction::Select {
            to: self.target(0, scalar)?,
            a: self.source(1, scalar)?,
            b: self.source(2, scalar)?,
            which: self.truth(3)?,
        })
    }
}
