//! A warp: its registers, and where each of its lanes is.
//!
//! Lanes at the same instruction form a group and execute it together. Of several groups the one
//! furthest back in the text runs, until it meets another and joins it; structured code therefore
//! comes together again right behind a branch or a loop.

use crate::instruction::{LANES, Lanes};
use crate::registers::Registers;

/// What a group of lanes does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Ready,
    /// Waits for other lanes of the warp to come to its instruction.
    Gathering,
    /// Waits at a barrier of the block.
    AtBarrier(u64),
}

/// Lanes that are at the same instruction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group {
    pub(crate) at: u32,
    pub(crate) lanes: u32,
    pub(crate) state: State,
}

/// One warp of a block.
#[derive(Debug)]
pub(crate) struct Warp {
    pub(crate) index: usize,
    pub(crate) registers: Registers,
    pub(crate) groups: Vec<Group>,
    /// x, y and z of each lane's thread.
    pub(crate) threads: [Lanes; 3],
}

impl Warp {
    /// Warp `index` of a block of this shape.
    pub(crate) fn new(index: usize, block: [u32; 3], registers: Registers) -> Self {
        let n_threads = block.iter().product::<u32>() as usize;
        let n_lanes = n_threads.saturating_sub(index * LANES).min(LANES);
        let [width, height, _] = block.map(|extent| extent as usize);
        let axis = |axis: usize| {
            std::array::from_fn(|lane| {
                let thread = index * LANES + lane;
                let place = [
                    thread % width,
                    thread / width % height,
                    thread / width / height,
                ];
                place[axis] as u64
            })
        };
        Self {
            index,
            registers,
            groups: vec![Group {
                at: 0,
                lanes: u32::MAX.checked_shr((LANES - n_lanes) as u32).unwrap_or(0),
                state: State::Ready,
            }],
            threads: [axis(0), axis(1), axis(2)],
        }
    }

    /// The lanes that have not ended.
    pub(crate) fn alive(&self) -> u32 {
        self.groups
            .iter()
            .fold(0, |lanes, group| lanes | group.lanes)
    }

    /// The group that runs next.
    pub(crate) fn ready(&self) -> Option<usize> {
        if let [group] = self.groups.as_slice() {
            return (group.state == State::Ready).then_some(0);
        }
        (0..self.groups.len())
            .filter(|&index| self.groups[index].state == State::Ready)
            .min_by_key(|&index| self.groups[index].at)
    }

    /// Moves a group; it joins others that are where it arrives.
    pub(crate) fn go(&mut self, group: usize, at: u32) {
        self.groups[group].at = at;
        self.groups[group].state = State::Ready;
        if self.groups.len() > 1 {
            self.join(at);
        }
    }

    /// Moves some lanes of a group, not all, and leaves the others where they are.
    pub(crate) fn split(&mut self, group: usize, lanes: u32, at: u32) {
        self.groups[group].lanes &= !lanes;
        self.groups.push(Group {
            at,
            lanes,
            state: State::Ready,
        });
        self.join(at);
    }

    /// Makes one group of all that are ready for the same instruction or wait for others at it.
    pub(crate) fn join(&mut self, at: u32) {
        let meets = |group: &Group| {
            group.at == at && matches!(group.state, State::Ready | State::Gathering)
        };
        let lanes = self
            .groups
            .iter()
            .filter(|group| meets(group))
            .fold(0, |lanes, group| lanes | group.lanes);
        if lanes == 0 {
            return;
        }
        self.groups.retain(|group| !meets(group));
        self.groups.push(Group {
            at,
            lanes,
            state: State::Ready,
        });
    }

    /// Ends some lanes.
    pub(crate) fn end(&mut self, lanes: u32) {
        for group in &mut self.groups {
            group.lanes &= !lanes;
        }
        self.groups.retain(|group| group.lanes != 0);
    }

    /// Lets lanes go on that waited at a barrier.
    pub(crate) fn leave(&mut self, id: u64, lanes: u32) {
        let here = |group: &Group| group.state == State::AtBarrier(id) && group.lanes == lanes;
        if let Some(index) = self.groups.iter().position(here) {
            self.go(index, self.groups[index].at + 1);
        }
    }
}
