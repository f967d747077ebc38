//! Which thread of a block wrote which byte of global memory.
//!
//! Global memory is large and blocks are many, so this is kept for the bytes that the block at hand has
//! written and for nothing else: a read or a write of one of them needs an order after the write. Who
//! reads a byte is not kept; a write that nothing orders after an earlier read is not found.

use std::collections::HashMap;

use crate::clocks::Clocks;
use crate::fault::{Access, FaultKind, MemorySpace};
use crate::shadow::Actor;

/// Bytes that lie together: no access is longer or lies across two such lines, because an access begins
/// at a multiple of its length.
const LINE: u64 = 16;

/// The last write of every byte that the block has written, line by line; atomic ones are left out.
#[derive(Debug, Default)]
pub(crate) struct Writers(HashMap<u64, [Option<Write>; LINE as usize]>);

/// A write of a thread.
#[derive(Clone, Copy, Debug)]
struct Write {
    thread: u32,
    clock: u32,
    line: u32,
}

impl Writers {
    /// Checks that a thread may access these bytes: something orders it after each of their writes.
    pub(crate) fn check(
        &self,
        address: u64,
        bytes: usize,
        actor: Actor,
        clocks: &Clocks,
        writes: bool,
    ) -> Result<(), FaultKind> {
        let Some(line) = self.0.get(&(address / LINE)) else {
            return Ok(());
        };
        let writers = line.iter().skip((address % LINE) as usize).take(bytes);
        for (address, last) in (address..).zip(writers) {
            let Some(last) = last else {
                continue;
            };
            if !clocks.orders(last.thread as usize, last.clock, actor.thread) {
                return Err(FaultKind::Race {
                    space: MemorySpace::Global,
                    address,
                    writes,
                    earlier: Access {
                        thread: last.thread,
                        writes: true,
                        line: last.line,
                    },
                });
            }
        }
        Ok(())
    }

    /// Takes note of a write that was checked.
    pub(crate) fn note(&mut self, address: u64, bytes: usize, actor: Actor, clocks: &Clocks) {
        let write = Write {
            thread: actor.thread as u32,
            clock: clocks.now(actor.thread),
            line: actor.line,
        };
        let line = self.0.entry(address / LINE).or_default();
        let writers = line.iter_mut().skip((address % LINE) as usize).take(bytes);
        writers.for_each(|last| *last = Some(write));
    }
}
