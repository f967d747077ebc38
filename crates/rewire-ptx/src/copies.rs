//! Asynchronous copies: under way from their instruction until their thread waits for them.
//!
//! Bytes are claimed when a copy begins and belong to it until then. When within that time the copy
//! really reads its source and writes its target is up to the schedule.

use std::collections::VecDeque;

use crate::clocks::Clocks;
use crate::fault::FaultKind;
use crate::memory::Memory;
use crate::shared::Shared;

/// The most bytes of one copy.
pub(crate) const MOST_BYTES: usize = 16;

/// One copy from global to shared memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Copy {
    pub(crate) to: u64,
    pub(crate) from: u64,
    pub(crate) bytes: usize,
    /// How many bytes are read; the others become zero.
    pub(crate) taken: usize,
    /// Whether the bytes are where they belong.
    pub(crate) delivered: bool,
}

/// The copies of one thread: those of closed groups, oldest first, and those of the open one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Copies {
    groups: VecDeque<Vec<Copy>>,
    open: Vec<Copy>,
}

impl Copy {
    /// Moves the bytes, if that has not happened yet.
    pub(crate) fn deliver(
        &mut self,
        memory: &Memory,
        shared: &mut Shared,
    ) -> Result<(), FaultKind> {
        if self.delivered {
            return Ok(());
        }
        let mut data = [0; MOST_BYTES];
        if self.taken > 0 {
            data[..self.taken].copy_from_slice(memory.read_again(self.from, self.taken)?);
        }
        shared.deliver(self.to, &data[..self.bytes]);
        self.delivered = true;
        Ok(())
    }
}

impl Copies {
    pub(crate) fn begin(&mut self, copy: Copy) {
        self.open.push(copy);
    }

    /// Closes the open group, which may be empty.
    pub(crate) fn commit(&mut self) {
        self.groups.push_back(std::mem::take(&mut self.open));
    }

    /// Waits until at most `left` groups are under way, or for every copy if `left` is `None`.
    pub(crate) fn wait(
        &mut self,
        left: Option<u64>,
        thread: usize,
        memory: &Memory,
        shared: &mut Shared,
        clocks: &Clocks,
    ) -> Result<(), FaultKind> {
        let left_groups = left.unwrap_or(0);
        while self.groups.len() as u64 > left_groups {
            for mut copy in self.groups.pop_front().unwrap_or_default() {
                copy.deliver(memory, shared)?;
                shared.arrive(copy.to, copy.bytes, thread, clocks);
            }
        }
        if left.is_none() {
            for mut copy in std::mem::take(&mut self.open) {
                copy.deliver(memory, shared)?;
                shared.arrive(copy.to, copy.bytes, thread, clocks);
            }
        }
        Ok(())
    }

    /// The copies under way.
    pub(crate) fn under_way(&mut self) -> impl Iterator<Item = &mut Copy> {
        self.groups.iter_mut().flatten().chain(&mut self.open)
    }
}
