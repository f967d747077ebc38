//! Branches, the end of a thread, barriers and fences.

use super::{Decoded, Reader};
use crate::ScalarType;
use crate::error::PtxErrorKind;
use crate::instruction::{Instruction, Source};
use crate::syntax::Operand;

/// All lanes of a warp.
const EVERYONE: u64 = 0xFFFF_FFFF;

impl Reader<'_> {
    pub(super) fn control(&mut self) -> Decoded {
        match self.words[0] {
            "bra" => {
                let uniform = self.take("uni");
                self.finish(1..=1)?;
                self.branch(uniform)
            }
            "bar" | "barrier" => self.barrier(),
            "membar" => {
                self.require_one(&["cta", "gl", "sys"])?;
                self.finish(0..=0)?;
                Ok(Instruction::Nothing)
            }
            "fence" => {
                self.take_one(&["sc", "acq_rel"]);
                self.require_one(&["cta", "gpu", "sys"])?;
                self.finish(0..=0)?;
                Ok(Instruction::Nothing)
            }
            "ret" | "exit" => {
                self.take("uni");
                self.finish(0..=0)?;
                Ok(Instruction::Exit)
            }
            _ => {
                self.finish(0..=0)?;
                Ok(Instruction::Trap)
            }
        }
    }

    /// A label of the statement's own scope or of one around it.
    fn branch(&self, uniform: bool) -> Decoded {
        let Operand::Label(name) = self.operand(0) else {
            return Err(self.operand_flaw(0, "a label"));
        };
        let body = self.around.body;
        let mut scope = self.statement.scope;
        loop {
            let here = body
                .labels
                .iter()
                .find(|label| label.scope == scope && label.name == *name);
            if let Some(label) = here {
                return Ok(Instruction::Branch {
                    target: label.target,
                    uniform,
                });
            }
            if scope == 0 {
                return Err(self
                    .statement
                    .place
                    .flaw(PtxErrorKind::Unknown { name: name.clone() }));
            }
            scope = body.parents[scope];
        }
    }

    fn barrier(&mut self) -> Decoded {
        let short = self.words[0] == "bar";
        if short && self.take("warp") {
            self.require("sync")?;
            self.finish(1..=1)?;
            return Ok(Instruction::WarpBarrier {
                mask: self.source(0, ScalarType::B32)?,
            });
        }
        self.take("cta");
        let waits = self.require_one(&["sync", "arrive"])? == "sync";
        let aligned = self.take("aligned") || short;
        // A barrier that is not waited for has to say how many threads it is for.
        self.finish(if waits { 1..=2 } else { 2..=2 })?;
        Ok(Instruction::Barrier {
            id: self.source(0, ScalarType::B32)?,
            threads: match self.n_operands() {
                2 => Some(self.source(1, ScalarType::B32)?),
                _ => None,
            },
            waits,
            aligned,
        })
    }

    /// The mask of lanes that ends a warp instruction, all if it is left out.
    pub(super) fn lane_mask(&self, index: usize) -> Result<Source, crate::error::Flaw> {
        if index >= self.n_operands() {
            return Ok(Source::Immediate(EVERYONE));
        }
        self.source(index, ScalarType::B32)
    }
}
