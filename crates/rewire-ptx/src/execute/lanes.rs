//! Exchange between the lanes of a warp.
//!
//! Shuffles and votes move values but order no memory accesses; `bar.warp.sync` does.

use super::{Done, Execution};
use crate::clocks::{Pool, lanes_of};
use crate::fault::FaultKind;
use crate::instruction::{Instruction, LANES, Lanes, ShuffleMode, Source, VoteMode};

impl Execution<'_, '_> {
    pub(super) fn exchange(&mut self, instruction: &Instruction) -> Done {
        match *instruction {
            Instruction::Shuffle {
                mode,
                to,
                valid,
                value,
                lane,
                clamp,
                ..
            } => self.shuffle(mode, [Some(to), valid], value, lane, clamp),
            Instruction::Vote { mode, to, what, .. } => {
                let held = self.truth(what)? & self.active;
                let answer = match mode {
                    VoteMode::All => held == self.active,
                    VoteMode::Any => held != 0,
                    VoteMode::Uniform => held == self.active || held == 0,
                    VoteMode::Ballot => {
                        self.write(to, &[u64::from(held); LANES]);
                        return Ok(());
                    }
                };
                let everywhere = if answer { u32::MAX } else { 0 };
                self.warp.registers.write_truth(to, self.active, everywhere);
                Ok(())
            }
            Instruction::Reduce { run, to, value, .. } => {
                let values = self.value(value)?;
                let result = lanes_of(self.active).map(|lane| values[lane]).reduce(run);
                self.write(to, &[result.unwrap_or(0); LANES]);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn shuffle(
        &mut self,
        mode: ShuffleMode,
        [to, valid]: [Option<u32>; 2],
        value: Source,
        lane: Source,
        clamp: Source,
    ) -> Done {
        let values = self.value(value)?;
        let (distance, clamp) = (self.value(lane)?, self.value(clamp)?);
        let mut result: Lanes = [0; LANES];
        let mut held = 0;
        for lane in self.active_lanes() {
            let by = (distance[lane] & 31) as usize;
            let (bound, segment) = (
                (clamp[lane] & 31) as usize,
                (clamp[lane] >> 8 & 31) as usize,
            );
            let last = lane & segment | bound & !segment;
            let (from, fits) = match mode {
                ShuffleMode::Up => {
                    // For `up` the bound is the lowest lane.
                    let fits = lane >= by + last;
                    (lane.wrapping_sub(by), fits)
                }
                ShuffleMode::Down => (lane + by, lane + by <= last),
                ShuffleMode::Butterfly => (lane ^ by, lane ^ by <= last),
                ShuffleMode::Index => {
                    let from = lane & segment | by & !segment;
                    (from, from <= last)
                }
            };
            let from = if fits { from } else { lane };
            if self.active >> from & 1 == 0 {
                return Err(FaultKind::Divergence {
                    needed: 1 << from,
                    present: self.active,
                }
                .of_lane(lane));
            }
            result[lane] = values[from];
            held |= u32::from(fits) << lane;
        }
        if let Some(to) = to {
            self.write(to, &result);
        }
        if let Some(valid) = valid {
            self.warp.registers.write_truth(valid, self.active, held);
        }
        Ok(())
    }

    /// The lanes learn of each other's accesses.
    pub(super) fn order_lanes(&mut self) {
        let mut pool = Pool::new();
        let clocks = &mut self.around.clocks;
        clocks.release(self.warp.index, self.active, &mut pool);
        clocks.acquire(self.warp.index, self.active, &pool.into());
    }
}
