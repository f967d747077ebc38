//! `shfl`, `vote`, `activemask` and `redux`.

use super::{Decoded, Reader};
use crate::ScalarType;
use crate::instruction::{Instruction, ShuffleMode, VoteMode};
use crate::syntax::Operand;

impl Reader<'_> {
    pub(super) fn warp(&mut self) -> Decoded {
        match self.words[0] {
            "shfl" => self.shuffle(),
            "vote" => self.vote(),
            "redux" => self.reduction(),
            _ => {
                self.require("b32")?;
                self.finish(1..=1)?;
                Ok(Instruction::ActiveMask {
                    to: self.target(0, ScalarType::B32)?,
                })
            }
        }
    }

    fn shuffle(&mut self) -> Decoded {
        self.require("sync")?;
        let mode = match self.require_one(&["up", "down", "bfly", "idx"])? {
            "up" => ShuffleMode::Up,
            "down" => ShuffleMode::Down,
            "bfly" => ShuffleMode::Butterfly,
            _ => ShuffleMode::Index,
        };
        self.require("b32")?;
        self.finish(5..=5)?;
        let b32 = ScalarType::B32;
        let (to, valid) = match *self.operand(0) {
            Operand::Pair(Some(value), Some(valid))
                if value.scalar.holds(b32) && valid.scalar == ScalarType::Pred =>
            {
                (value.slot, Some(valid.slot))
            }
            Operand::Pair(Some(value), None) if value.scalar.holds(b32) => (value.slot, None),
            Operand::Pair(..) => {
                return Err(self.operand_flaw(0, "a register and a predicate"));
            }
            _ => (self.target(0, b32)?, None),
        };
        Ok(Instruction::Shuffle {
            mode,
            to,
            valid,
            value: self.source(1, b32)?,
            lane: self.source(2, b32)?,
            clamp: self.source(3, b32)?,
            mask: self.lane_mask(4)?,
        })
    }

    fn vote(&mut self) -> Decoded {
        self.require("sync")?;
        let mode = match self.require_one(&["all", "any", "uni", "ballot"])? {
            "all" => VoteMode::All,
            "any" => VoteMode::Any,
            "uni" => VoteMode::Uniform,
            _ => VoteMode::Ballot,
        };
        let result = match mode {
            VoteMode::Ballot => self.require("b32").map(|()| ScalarType::B32)?,
            _ => self.require("pred").map(|()| ScalarType::Pred)?,
        };
        self.finish(3..=3)?;
        Ok(Instruction::Vote {
            mode,
            to: self.target(0, result)?,
            what: self.truth(1)?,
            mask: self.lane_mask(2)?,
        })
    }

    fn reduction(&mut self) -> Decoded {
        use ScalarType as T;
        self.require("sync")?;
        let name = self.require_one(&["add", "min", "max", "and", "or", "xor"])?;
        let scalar = self.scalar()?;
        self.finish(3..=3)?;
        let run: fn(u64, u64) -> u64 = match (name, scalar) {
            ("add", T::U32 | T::S32) => |a, b| u64::from((a as u32).wrapping_add(b as u32)),
            ("min", T::U32) => |a, b| a.min(b),
            ("max", T::U32) => |a, b| a.max(b),
            ("min", T::S32) => |a, b| (a as i32).min(b as i32) as u32 as u64,
            ("max", T::S32) => |a, b| (a as i32).max(b as i32) as u32 as u64,
            ("and", T::B32) => |a, b| a & b,
            ("or", T::B32) => |a, b| a | b,
            ("xor", T::B32) => |a, b| a ^ b,
            _ => return Err(self.no_such_type(scalar)),
        };
        Ok(Instruction::Reduce {
            run,
            to: self.target(0, scalar)?,
            value: self.source(1, scalar)?,
            mask: self.lane_mask(2)?,
        })
    }
}
