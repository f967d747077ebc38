//! What is remembered of each byte of shared memory: who wrote it last, who has read it since.
//!
//! An access is a fault if nothing orders it after an earlier one of another thread and one of the
//! two writes. Bytes are the grain, because neighbouring 16-bit values of one word may belong to
//! different threads. A copy that is under way owns its bytes: whoever touches them, its own thread
//! included, is not ordered after it until that thread has waited.

use crate::clocks::{Clocks, lanes_of};
use crate::fault::{Access, FaultKind, MemorySpace};
use crate::instruction::LANES;

/// Groups of readers from which on those that are ordered before a new one are forgotten.
const MOST_READERS: usize = 32;

/// How a byte is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writing {
    Plain,
    /// By an atomic operation, which others of its kind need no order with.
    Atomic,
    /// By a copy that goes on after its instruction.
    Copy,
}

/// Who accesses: a thread at an instruction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Actor {
    pub(crate) thread: usize,
    pub(crate) line: u32,
}

/// Threads of one warp that read a byte at one value of their clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Readers {
    warp: u32,
    clock: u32,
    lanes: u32,
    line: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Unwritten,
    Written,
    ByAtomic,
    UnderWay,
}

#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    state: State,
    writer: u32,
    clock: u32,
    line: u32,
    readers: Readers,
    /// One more than the place of further readers in the list of lists, 0 if there are none.
    further: u32,
}

/// The cells of a block's shared memory.
#[derive(Debug, Default)]
pub(crate) struct Shadow {
    cells: Vec<Cell>,
    further: Vec<Vec<Readers>>,
}

/// What is wrong with an access, and at which byte.
pub(crate) type Conflict = (usize, Flaw);

/// What is wrong with an access.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Flaw {
    Unwritten,
    Race { writes: bool, earlier: Access },
    UnderWay(Access),
}

impl Flaw {
    pub(crate) fn at(self, address: u64) -> FaultKind {
        match self {
            Self::Unwritten => FaultKind::Unwritten {
                space: MemorySpace::Shared,
                address,
            },
            Self::Race { writes, earlier } => FaultKind::Race {
                space: MemorySpace::Shared,
                address,
                writes,
                earlier,
            },
            Self::UnderWay(copy) => FaultKind::CopyUnderWay { address, copy },
        }
    }
}

impl Readers {
    fn access(&self, lane: usize) -> Access {
        Access {
            thread: self.warp * LANES as u32 + lane as u32,
            writes: false,
            line: self.line,
        }
    }

    /// The first of the readers that nothing orders before `thread`.
    fn unordered(&self, thread: usize, clocks: &Clocks) -> Option<Access> {
        lanes_of(self.lanes)
            .find(|&lane| {
                let reader = self.warp as usize * LANES + lane;
                !clocks.orders(reader, self.clock, thread)
            })
            .map(|lane| self.access(lane))
    }
}

impl Cell {
    fn written(&self) -> Access {
        Access {
            thread: self.writer,
            writes: true,
            line: self.line,
        }
    }
}

impl Shadow {
    pub(crate) fn new(bytes: usize) -> Self {
        Self {
            cells: vec![Cell::default(); bytes],
            further: Vec::new(),
        }
    }

    /// Notes that a thread reads the bytes from `at` on.
    pub(crate) fn read(
        &mut self,
        at: usize,
        bytes: usize,
        actor: Actor,
        clocks: &Clocks,
    ) -> Result<(), Conflict> {
        for index in at..at + bytes {
            let cell = &self.cells[index];
            match cell.state {
                State::Unwritten => return Err((index, Flaw::Unwritten)),
                State::UnderWay => return Err((index, Flaw::UnderWay(cell.written()))),
                State::Written | State::ByAtomic => {}
            }
            if !clocks.orders(cell.writer as usize, cell.clock, actor.thread) {
                let earlier = cell.written();
                let flaw = Flaw::Race {
                    writes: false,
                    earlier,
                };
                return Err((index, flaw));
            }
            self.note_reader(index, actor, clocks);
        }
        Ok(())
    }

    fn note_reader(&mut self, index: usize, actor: Actor, clocks: &Clocks) {
        let reader = Readers {
            warp: (actor.thread / LANES) as u32,
            clock: clocks.now(actor.thread),
            lanes: 1 << (actor.thread % LANES),
            line: actor.line,
        };
        let cell = &mut self.cells[index];
        let joins = |other: &Readers| other.warp == reader.warp && other.clock == reader.clock;
        if cell.readers.lanes != 0 && joins(&cell.readers) {
            cell.readers.lanes |= reader.lanes;
            cell.readers.line = reader.line;
            return;
        }
        // Readers that are ordered before this one need not be remembered beside it.
        if cell.further == 0 && cell.readers.unordered(actor.thread, clocks).is_none() {
            cell.readers = reader;
            return;
        }
        if cell.further == 0 {
            self.further.push(Vec::new());
            cell.further = self.further.len() as u32;
        }
        let further = &mut self.further[cell.further as usize - 1];
        if further.len() >= MOST_READERS {
            further.retain(|other| other.unordered(actor.thread, clocks).is_some());
        }
        match further.iter_mut().find(|other| joins(other)) {
            Some(other) => other.lanes |= reader.lanes,
            None => further.push(reader),
        }
    }

    /// Notes that a thread writes the bytes from `at` on.
    pub(crate) fn write(
        &mut self,
        at: usize,
        bytes: usize,
        actor: Actor,
        clocks: &Clocks,
        writing: Writing,
    ) -> Result<(), Conflict> {
        for index in at..at + bytes {
            let cell = &self.cells[index];
            let free = match cell.state {
                State::Unwritten if writing == Writing::Atomic => {
                    return Err((index, Flaw::Unwritten));
                }
                State::Unwritten => true,
                State::UnderWay => return Err((index, Flaw::UnderWay(cell.written()))),
                State::ByAtomic if writing == Writing::Atomic => true,
                State::ByAtomic | State::Written => {
                    clocks.orders(cell.writer as usize, cell.clock, actor.thread)
                }
            };
            let earlier = match free {
                false => Some(cell.written()),
                true => self.unordered_reader(cell, actor.thread, clocks),
            };
            if let Some(earlier) = earlier {
                let flaw = Flaw::Race {
                    writes: true,
                    earlier,
                };
                return Err((index, flaw));
            }
            self.note_writer(index, actor, clocks, writing);
        }
        Ok(())
    }

    fn unordered_reader(&self, cell: &Cell, thread: usize, clocks: &Clocks) -> Option<Access> {
        let further = match cell.further {
            0 => &[][..],
            list => &self.further[list as usize - 1],
        };
        std::iter::once(&cell.readers)
            .chain(further)
            .find_map(|readers| readers.unordered(thread, clocks))
    }

    fn note_writer(&mut self, index: usize, actor: Actor, clocks: &Clocks, writing: Writing) {
        let cell = &mut self.cells[index];
        if cell.further != 0 {
            self.further[cell.further as usize - 1].clear();
        }
        *cell = Cell {
            state: match writing {
                Writing::Plain => State::Written,
                Writing::Atomic => State::ByAtomic,
                Writing::Copy => State::UnderWay,
            },
            writer: actor.thread as u32,
            clock: clocks.now(actor.thread),
            line: actor.line,
            readers: Readers::default(),
            further: cell.further,
        };
    }

    /// A copy of `thread` has arrived: its bytes become a write that the thread makes now.
    pub(crate) fn arrive(&mut self, at: usize, bytes: usize, thread: usize, clocks: &Clocks) {
        for cell in &mut self.cells[at..at + bytes] {
            cell.state = State::Written;
            cell.clock = clocks.now(thread);
        }
    }
}
