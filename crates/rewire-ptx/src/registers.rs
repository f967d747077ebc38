//! The registers of a warp, lane beside lane, and which of them were written.

use crate::fault::{FaultKind, Mishap};
use crate::instruction::{LANES, Lanes, Truth};

/// All lanes.
pub(crate) const EVERYONE: u32 = u32::MAX;

/// The registers and predicates of a warp.
#[derive(Debug)]
pub(crate) struct Registers {
    values: Vec<Lanes>,
    /// Per register, the lanes that have written it.
    written: Vec<u32>,
    truths: Vec<u32>,
    truths_written: Vec<u32>,
}

/// Which register was read too early, before its name is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names<'a> {
    pub(crate) registers: &'a [String],
    pub(crate) predicates: &'a [String],
}

fn check(written: u32, active: u32, slot: u32, names: &[String]) -> Result<(), Mishap> {
    let missing = active & !written;
    if missing == 0 {
        return Ok(());
    }
    let name = names.get(slot as usize).cloned().unwrap_or_default();
    Err(FaultKind::UnwrittenRegister { name }.of_lane(missing.trailing_zeros() as usize))
}

impl Registers {
    pub(crate) fn new(n_registers: usize, n_predicates: usize) -> Self {
        Self {
            values: vec![[0; LANES]; n_registers],
            written: vec![0; n_registers],
            truths: vec![0; n_predicates],
            truths_written: vec![0; n_predicates],
        }
    }

    pub(crate) fn read(&self, slot: u32, active: u32, names: Names<'_>) -> Result<&Lanes, Mishap> {
        check(self.written[slot as usize], active, slot, names.registers)?;
        Ok(&self.values[slot as usize])
    }

    pub(crate) fn write(&mut self, slot: u32, active: u32, values: &Lanes) {
        let register = &mut self.values[slot as usize];
        if active == EVERYONE {
            *register = *values;
        } else {
            for lane in 0..LANES {
                if active >> lane & 1 == 1 {
                    register[lane] = values[lane];
                }
            }
        }
        self.written[slot as usize] |= active;
    }

    /// The lanes in which a predicate holds.
    pub(crate) fn truth(&self, truth: Truth, active: u32, names: Names<'_>) -> Result<u32, Mishap> {
        match truth {
            Truth::Constant(true) => Ok(EVERYONE),
            Truth::Constant(false) => Ok(0),
            Truth::Register { slot, opposite } => {
                let written = self.truths_written[slot as usize];
                check(written, active, slot, names.predicates)?;
                let held = self.truths[slot as usize];
                Ok(if opposite { !held } else { held })
            }
        }
    }

    pub(crate) fn write_truth(&mut self, slot: u32, active: u32, values: u32) {
        let truth = &mut self.truths[slot as usize];
        *truth = *truth & !active | values & active;
        self.truths_written[slot as usize] |= active;
    }
}
