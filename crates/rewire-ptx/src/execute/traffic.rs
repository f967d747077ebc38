//! Loads, stores, atomic operations and asynchronous copies.

use super::{Done, Execution, Surroundings};
use crate::copies::Copy;
use crate::fault::{FaultKind, MemorySpace, Mishap};
use crate::instruction::{Address, Instruction, LANES, Lanes, Source, Space, Truth};
use crate::shadow::{Actor, Writing};
use crate::shared::{SHARED_WINDOW, WINDOW_BYTES, check_alignment};

/// The most bytes of one access of a thread.
const WIDEST: usize = 16;

/// The bytes of global memory that a thread may read: written, and by nobody whom nothing orders before.
fn read_global<'m>(
    around: &'m Surroundings<'_>,
    address: u64,
    bytes: usize,
    actor: Actor,
) -> Result<&'m [u8], FaultKind> {
    let (read, is_own) = around.memory.read(address, bytes, around.number)?;
    if is_own {
        let clocks = &around.clocks;
        around.writers.check(address, bytes, actor, clocks, false)?;
    }
    Ok(read)
}

impl Execution<'_, '_> {
    pub(super) fn traffic(&mut self, instruction: &Instruction) -> Done {
        match instruction {
            Instruction::Load {
                space,
                bytes,
                widen,
                to,
                address,
            } => {
                let mut values = [[0; LANES]; 4];
                let addresses = self.addresses(*address, self.active)?;
                for lane in self.active_lanes() {
                    let data = self
                        .fetch(*space, addresses[lane], bytes * to.len(), lane)
                        .map_err(|kind| kind.of_lane(lane))?;
                    for (index, value) in values.iter_mut().enumerate().take(to.len()) {
                        value[lane] = widen(number(&data[index * bytes..(index + 1) * bytes]));
                    }
                }
                for (slot, values) in to.iter().zip(&values) {
                    if let Some(slot) = *slot {
                        self.write(slot, values);
                    }
                }
                Ok(())
            }
            Instruction::Store {
                space,
                bytes,
                from,
                address,
            } => self.store(*space, *bytes, from, *address),
            Instruction::Atomic { .. } => self.atomic(instruction),
            &Instruction::Copy {
                to,
                from,
                bytes,
                taken,
                ignored,
            } => self.begin_copies(to, from, bytes, taken, ignored),
            Instruction::CommitCopies => {
                for lane in self.active_lanes() {
                    let thread = self.thread(lane);
                    self.around.copies[thread].commit();
                }
                Ok(())
            }
            &Instruction::WaitCopies { groups } => {
                for lane in self.active_lanes() {
                    let thread = self.thread(lane);
                    let around = &mut *self.around;
                    around.copies[thread]
                        .wait(
                            groups,
                            thread,
                            around.memory,
                            &mut around.shared,
                            &around.clocks,
                        )
                        .map_err(|kind| kind.of_lane(lane))?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The address of each of some lanes.
    pub(super) fn addresses(&self, address: Address, lanes: u32) -> Result<Lanes, Mishap> {
        let base = match address.register {
            Some(slot) => self.value_in(Source::Register(slot), lanes)?,
            None => [0; LANES],
        };
        Ok(base.map(|base| base.wrapping_add(address.offset) & address.mask))
    }

    fn actor(&self, lane: usize) -> Actor {
        Actor {
            thread: self.thread(lane),
            line: self.line,
        }
    }

    fn fetch(
        &mut self,
        space: Space,
        address: u64,
        bytes: usize,
        lane: usize,
    ) -> Result<[u8; WIDEST], FaultKind> {
        let actor = self.actor(lane);
        let around = &mut *self.around;
        let (space, address) = resolved(space, address);
        let read = match space {
            MemorySpace::Global => {
                check_alignment(space, address, bytes)?;
                read_global(around, address, bytes, actor)?
            }
            MemorySpace::Shared => {
                check_alignment(space, address, bytes)?;
                around.shared.read(address, bytes, actor, &around.clocks)?
            }
            MemorySpace::Constant => fixed(space, around.constants, address, bytes)?,
            MemorySpace::Parameter => fixed(space, around.arguments, address, bytes)?,
        };
        let mut data = [0; WIDEST];
        data[..bytes].copy_from_slice(read);
        Ok(data)
    }

    /// The bytes that a lane may write at an address.
    fn target(
        &mut self,
        space: Space,
        address: u64,
        bytes: usize,
        lane: usize,
        writing: Writing,
    ) -> Result<&mut [u8], FaultKind> {
        let actor = self.actor(lane);
        let around = &mut *self.around;
        let (space, address) = resolved(space, address);
        check_alignment(space, address, bytes)?;
        match space {
            MemorySpace::Shared => {
                around
                    .shared
                    .write(address, bytes, actor, &around.clocks, writing)
            }
            _ => {
                let (clocks, is_atomic) = (&around.clocks, writing == Writing::Atomic);
                let target = around
                    .memory
                    .write(address, bytes, around.number, is_atomic)?;
                around.writers.check(address, bytes, actor, clocks, true)?;
                if !is_atomic {
                    around.writers.note(address, bytes, actor, clocks);
                }
                Ok(target)
            }
        }
    }

    fn store(&mut self, space: Space, bytes: usize, from: &[Source], address: Address) -> Done {
        let mut values = [[0; LANES]; 4];
        for (value, &source) in values.iter_mut().zip(from) {
            *value = self.value(source)?;
        }
        let addresses = self.addresses(address, self.active)?;
        for lane in self.active_lanes() {
            let total = bytes * from.len();
            let target = self
                .target(space, addresses[lane], total, lane, Writing::Plain)
                .map_err(|kind| kind.of_lane(lane))?;
            for (part, value) in target.chunks_exact_mut(bytes).zip(&values) {
                part.copy_from_slice(&value[lane].to_le_bytes()[..bytes]);
            }
        }
        Ok(())
    }

    /// Lanes update one after the other, in ascending order.
    fn atomic(&mut self, instruction: &Instruction) -> Done {
        let Instruction::Atomic {
            space,
            bytes,
            update,
            to,
            address,
            a,
            b,
        } = *instruction
        else {
            return Ok(());
        };
        let (a, b) = (self.value(a)?, self.value(b)?);
        let addresses = self.addresses(address, self.active)?;
        let mut before = [0; LANES];
        for lane in self.active_lanes() {
            let target = self
                .target(space, addresses[lane], bytes, lane, Writing::Atomic)
                .map_err(|kind| kind.of_lane(lane))?;
            before[lane] = number(target);
            let after = update(before[lane], a[lane], b[lane]);
            target.copy_from_slice(&after.to_le_bytes()[..bytes]);
        }
        if let Some(to) = to {
            self.write(to, &before);
        }
        Ok(())
    }

    fn begin_copies(
        &mut self,
        to: Address,
        from: Address,
        bytes: usize,
        taken: Option<Source>,
        ignored: Option<Truth>,
    ) -> Done {
        let taken = match taken {
            Some(source) => self.value(source)?,
            None => [bytes as u64; LANES],
        };
        let ignored = match ignored {
            Some(truth) => self.truth(truth)?,
            None => 0,
        };
        let (to, from) = (
            self.addresses(to, self.active)?,
            self.addresses(from, self.active)?,
        );
        for lane in self.active_lanes() {
            let taken = if ignored >> lane & 1 == 1 {
                0
            } else {
                taken[lane]
            };
            self.begin_copy(to[lane], from[lane], bytes, taken, lane)
                .map_err(|kind| kind.of_lane(lane))?;
        }
        Ok(())
    }

    fn begin_copy(
        &mut self,
        to: u64,
        from: u64,
        bytes: usize,
        taken: u64,
        lane: usize,
    ) -> Result<(), FaultKind> {
        if taken > bytes as u64 {
            return Err(FaultKind::CopySize { taken, bytes });
        }
        let actor = self.actor(lane);
        let around = &mut *self.around;
        check_alignment(MemorySpace::Global, from, bytes)?;
        if taken > 0 {
            read_global(around, from, taken as usize, actor)?;
        }
        around.shared.check(to, bytes)?;
        around
            .shared
            .write(to, bytes, actor, &around.clocks, Writing::Copy)?;
        let mut copy = Copy {
            to,
            from,
            bytes,
            taken: taken as usize,
            delivered: false,
        };
        if around.choices.copies_at_once() {
            copy.deliver(around.memory, &mut around.shared)?;
        }
        around.copies[actor.thread].begin(copy);
        Ok(())
    }
}

/// Which memory a generic address means, and the address there.
fn resolved(space: Space, address: u64) -> (MemorySpace, u64) {
    match space {
        Space::Global => (MemorySpace::Global, address),
        Space::Shared => (MemorySpace::Shared, address),
        Space::Constant => (MemorySpace::Constant, address),
        Space::Parameter => (MemorySpace::Parameter, address),
        Space::Generic => match address.checked_sub(SHARED_WINDOW) {
            Some(within) if within < WINDOW_BYTES => (MemorySpace::Shared, within),
            _ => (MemorySpace::Global, address),
        },
    }
}

/// Bytes that no thread writes.
fn fixed(space: MemorySpace, held: &[u8], address: u64, bytes: usize) -> Result<&[u8], FaultKind> {
    check_alignment(space, address, bytes)?;
    usize::try_from(address)
        .ok()
        .and_then(|at| held.get(at..at.checked_add(bytes)?))
        .ok_or(FaultKind::OutOfBounds {
            space,
            address,
            bytes,
        })
}

/// The number that bytes hold, lowest first.
fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |value, &byte| value << 8 | u64::from(byte))
}
