//! Who knows of whose deeds: a vector clock per thread of a block.
//!
//! A thread's own clock counts the points at which it told others of its deeds. An access carries
//! the clock of its thread; another thread is ordered after it if it has learnt of that clock, or
//! of a later one. Threads learn at barriers, where all that arrive pool what they know.
//!
//! Every thread that left the same barrier shares one pool, so a barrier of a block of n threads
//! costs O(n), not O(n²). Objects that order threads in other ways, such as an mbarrier, fit the
//! same two halves: [`Clocks::release`] into a pool, [`Clocks::acquire`] from it.

use std::rc::Rc;

use crate::instruction::LANES;

/// What is known at some point: the latest clock of each thread.
pub(crate) type Pool = Vec<u32>;

/// The clocks of a block.
#[derive(Debug)]
pub(crate) struct Clocks {
    own: Vec<u32>,
    known: Vec<Rc<[u32]>>,
}

impl Clocks {
    pub(crate) fn new(n_threads: usize) -> Self {
        let nothing: Rc<[u32]> = vec![0; n_threads].into();
        Self {
            own: vec![1; n_threads],
            known: vec![nothing; n_threads],
        }
    }

    /// The clock that accesses of `thread` carry.
    pub(crate) fn now(&self, thread: usize) -> u32 {
        self.own[thread]
    }

    /// Whether what `other` did at its clock `then` comes before what `thread` does.
    pub(crate) fn orders(&self, other: usize, then: u32, thread: usize) -> bool {
        thread == other || self.known[thread][other] >= then
    }

    /// Puts what the lanes of a warp did and know into `pool`; what they do next is not in it.
    pub(crate) fn release(&mut self, warp: usize, lanes: u32, pool: &mut Pool) {
        pool.resize(self.own.len(), 0);
        let mut last: Option<Rc<[u32]>> = None;
        for thread in threads(warp, lanes) {
            let known = &self.known[thread];
            if !last.as_ref().is_some_and(|last| Rc::ptr_eq(last, known)) {
                for (pooled, &clock) in pool.iter_mut().zip(known.iter()) {
                    *pooled = (*pooled).max(clock);
                }
                last = Some(Rc::clone(known));
            }
            pool[thread] = self.own[thread];
            self.own[thread] += 1;
        }
    }

    /// The lanes of a warp learn what `pool` holds, in which they released before.
    pub(crate) fn acquire(&mut self, warp: usize, lanes: u32, pool: &Rc<[u32]>) {
        for thread in threads(warp, lanes) {
            self.known[thread] = Rc::clone(pool);
        }
    }
}

/// The threads of a warp's lanes.
pub(crate) fn threads(warp: usize, lanes: u32) -> impl Iterator<Item = usize> {
    lanes_of(lanes).map(move |lane| warp * LANES + lane)
}

/// The lanes of a mask.
pub(crate) fn lanes_of(mut mask: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lane = mask.trailing_zeros() as usize;
        mask &= mask.wrapping_sub(1);
        (lane < LANES).then_some(lane)
    })
}
