//! The sixteen barriers of a block.
//!
//! A barrier without a number of threads is for all threads of the block that have not ended. With
//! one, a warp that arrives together counts as 32 threads even if it has fewer, as on hardware.

use std::rc::Rc;

use crate::clocks::{Clocks, Pool};
use crate::fault::{FaultKind, Mishap};
use crate::instruction::LANES;

/// Barriers of a block.
const COUNT: usize = 16;

/// The state of all barriers.
#[derive(Debug, Default)]
pub(crate) struct Barriers {
    slots: [Slot; COUNT],
}

#[derive(Debug, Default)]
struct Slot {
    /// The number of threads that those who arrived gave.
    threads: Option<u32>,
    /// Threads that arrived, and the same with whole warps counted as 32.
    arrived: u32,
    counted: u32,
    waiting: Vec<(usize, u32)>,
    /// What those who arrived know.
    pool: Pool,
}

/// Lanes of a warp at a barrier.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) warp: usize,
    pub(crate) lanes: u32,
    pub(crate) threads: Option<u32>,
    pub(crate) aligned: bool,
    pub(crate) waits: bool,
}

/// Whom a completed barrier lets go, and what they learn.
pub(crate) struct Release {
    pub(crate) waiting: Vec<(usize, u32)>,
    pub(crate) pool: Rc<[u32]>,
}

impl Barriers {
    pub(crate) fn arrive(
        &mut self,
        id: u64,
        arrival: Arrival,
        clocks: &mut Clocks,
    ) -> Result<(), Mishap> {
        let misuse = |what: String| FaultKind::Barrier { id, what }.of_warp();
        let slot = usize::try_from(id)
            .ok()
            .and_then(|id| self.slots.get_mut(id))
            .ok_or_else(|| misuse(format!("a block has {COUNT}")))?;
        if arrival
            .threads
            .is_some_and(|n| n == 0 || !n.is_multiple_of(LANES as u32))
        {
            let n = arrival.threads.unwrap_or(0);
            return Err(misuse(format!(
                "{n} threads are not a number of whole warps"
            )));
        }
        if slot.counted > 0 && slot.threads != arrival.threads {
            let name = |threads: Option<u32>| threads.map_or("all".into(), |n| n.to_string());
            return Err(misuse(format!(
                "for {} threads here, for {} where others arrived",
                name(arrival.threads),
                name(slot.threads)
            )));
        }
        slot.threads = arrival.threads;
        slot.arrived += arrival.lanes.count_ones();
        slot.counted += match arrival.aligned {
            true => LANES as u32,
            false => arrival.lanes.count_ones(),
        };
        if let Some(threads) = arrival.threads.filter(|&threads| slot.counted > threads) {
            return Err(misuse(format!(
                "{} threads arrived where {threads} are awaited",
                slot.counted
            )));
        }
        clocks.release(arrival.warp, arrival.lanes, &mut slot.pool);
        if arrival.waits {
            slot.waiting.push((arrival.warp, arrival.lanes));
        }
        Ok(())
    }

    /// How many threads are at a barrier and how many it waits for, of `alive` in the block.
    pub(crate) fn count(&self, id: u64, alive: u32) -> (u32, u32) {
        match self.slots.get(id as usize) {
            Some(slot) => match slot.threads {
                Some(threads) => (slot.counted, threads),
                None => (slot.arrived, alive),
            },
            None => (0, 0),
        }
    }

    /// Opens a barrier at which all have arrived.
    pub(crate) fn release(&mut self, id: u64, alive: u32) -> Option<Release> {
        let (arrived, expected) = self.count(id, alive);
        if arrived == 0 || arrived < expected {
            return None;
        }
        let slot = std::mem::take(self.slots.get_mut(id as usize)?);
        Some(Release {
            waiting: slot.waiting,
            pool: slot.pool.into(),
        })
    }

    /// The numbers of all barriers.
    pub(crate) fn ids() -> std::ops::Range<u64> {
        0..COUNT as u64
    }
}
