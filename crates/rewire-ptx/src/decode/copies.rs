//! `cp.async` and its groups.

use super::{Decoded, Reader};
use crate::ScalarType;
use crate::instruction::{Instruction, Space};
use crate::syntax::{Operand, Register};

impl Reader<'_> {
    pub(super) fn copies(&mut self) -> Decoded {
        if !self.take("async") || self.words.get(self.at) == Some(&"bulk") {
            return Err(self.unsupported());
        }
        match self.take_one(&["commit_group", "wait_group", "wait_all", "ca", "cg"]) {
            Some("commit_group") => {
                self.finish(0..=0)?;
                Ok(Instruction::CommitCopies)
            }
            Some("wait_group") => {
                self.finish(1..=1)?;
                let groups = Some(self.constant(0, u64::from(u32::MAX))?);
                Ok(Instruction::WaitCopies { groups })
            }
            Some("wait_all") => {
                self.finish(0..=0)?;
                Ok(Instruction::WaitCopies { groups: None })
            }
            Some(cache) => self.copy(cache == "cg"),
            None => Err(self.unsupported()),
        }
    }

    fn copy(&mut self, past_l1: bool) -> Decoded {
        self.require_one(&["shared::cta", "shared"])?;
        self.require("global")?;
        self.take_one(&["L2::64B", "L2::128B", "L2::256B"]);
        self.finish(3..=4)?;
        let bytes = self.constant(2, 16)? as usize;
        let sizes: &[usize] = if past_l1 { &[16] } else { &[4, 8, 16] };
        if !sizes.contains(&bytes) {
            return Err(self.operand_flaw(2, format!("one of {sizes:?}")));
        }
        let is_truth = matches!(
            self.operand(3),
            Operand::NotRegister(_)
                | Operand::Register(Register {
                    scalar: ScalarType::Pred,
                    ..
                })
        );
        let (taken, ignored) = match self.n_operands() {
            3 => (None, None),
            _ if is_truth => (None, Some(self.truth(3)?)),
            _ => (Some(self.source(3, ScalarType::U32)?), None),
        };
        Ok(Instruction::Copy {
            to: self.address(0, Space::Shared)?,
            from: self.address(1, Space::Global)?,
            bytes,
            taken,
            ignored,
        })
    }
}
