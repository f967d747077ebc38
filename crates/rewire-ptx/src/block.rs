//! One block: its warps take turns until all threads have ended or none can go on.

use crate::barrier::{Arrival, Barriers};
use crate::clocks::lanes_of;
use crate::execute::{Execution, Surroundings};
use crate::fault::{Fault, FaultKind, Mishap, Waiting};
use crate::instruction::{Instruction, LANES, Source, Step, Truth};
use crate::registers::EVERYONE;
use crate::warp::{State, Warp};

/// A block while it runs.
pub(crate) struct Block<'a> {
    pub(crate) steps: &'a [Step],
    pub(crate) file: &'a str,
    pub(crate) warps: Vec<Warp>,
    pub(crate) around: Surroundings<'a>,
    pub(crate) barriers: Barriers,
    /// Steps the launch may still take, of so many.
    pub(crate) steps_left: u64,
    pub(crate) step_limit: u64,
}

/// Which lanes an instruction needs together.
enum Need {
    Nobody,
    /// All 32 lanes.
    Warp,
    /// All lanes that have not ended.
    Alive,
    /// Those of a mask.
    Mask(Source),
}

fn need(instruction: &Instruction) -> Need {
    match *instruction {
        Instruction::LoadMatrix { .. }
        | Instruction::Transpose { .. }
        | Instruction::Multiply { .. }
        | Instruction::MultiplySparse { .. } => Need::Warp,
        Instruction::Barrier { aligned: true, .. } => Need::Alive,
        Instruction::WarpBarrier { mask }
        | Instruction::Shuffle { mask, .. }
        | Instruction::Vote { mask, .. }
        | Instruction::Reduce { mask, .. } => Need::Mask(mask),
        _ => Need::Nobody,
    }
}

impl Block<'_> {
    /// Runs until every thread has ended.
    pub(crate) fn run(&mut self) -> Result<(), Fault> {
        let mut last = self.warps.len();
        loop {
            let ready: Vec<usize> = (0..self.warps.len())
                .filter(|&warp| self.warps[warp].ready().is_some())
                .collect();
            if ready.is_empty() {
                return self.end();
            }
            last = self.around.choices.warp(&ready, last);
            for _ in 0..self.around.choices.turn() {
                let Some(group) = self.warps[last].ready() else {
                    break;
                };
                let at = self.warps[last].groups[group].at;
                self.step(last, group)
                    .map_err(|mishap| self.fault(mishap, last, at))?;
            }
            self.deliver_some(last)?;
        }
    }

    fn fault(&self, mishap: Mishap, warp: usize, at: u32) -> Fault {
        Fault {
            kind: mishap.kind,
            file: self.file.to_owned(),
            line: self.line(at),
            block: self.around.index,
            warp: warp as u32,
            lane: mishap.lane,
        }
    }

    fn line(&self, at: u32) -> u32 {
        let step = self.steps.get(at as usize).or(self.steps.last());
        step.map_or(0, |step| step.place.line)
    }

    /// Some copies of a random schedule happen between two turns.
    fn deliver_some(&mut self, warp: usize) -> Result<(), Fault> {
        if !self.around.choices.is_random() {
            return Ok(());
        }
        let around = &mut self.around;
        let mut failed = None;
        for copies in &mut around.copies {
            for copy in copies.under_way() {
                if !copy.delivered && around.choices.copies_between_turns() {
                    failed = failed.or(copy.deliver(around.memory, &mut around.shared).err());
                }
            }
        }
        match failed {
            Some(kind) => Err(self.fault(kind.of_warp(), warp, 0)),
            None => Ok(()),
        }
    }

    fn step(&mut self, warp: usize, group: usize) -> Result<(), Mishap> {
        let steps = self.step_limit;
        self.steps_left = self
            .steps_left
            .checked_sub(1)
            .ok_or_else(|| FaultKind::StepLimit { steps }.of_warp())?;
        let (at, lanes) = {
            let group = self.warps[warp].groups[group];
            (group.at, group.lanes)
        };
        let Some(step) = self.steps.get(at as usize) else {
            self.end_lanes(warp, lanes);
            return Ok(());
        };
        let active = match step.guard {
            None => lanes,
            Some((slot, opposite)) => {
                let truth = Truth::Register { slot, opposite };
                let registers = &self.warps[warp].registers;
                lanes & registers.truth(truth, lanes, self.around.names)?
            }
        };
        if active == 0 {
            self.warps[warp].go(group, at + 1);
            return Ok(());
        }
        match &step.instruction {
            &Instruction::Branch { target, uniform } => {
                if uniform && active != lanes {
                    return Err(FaultKind::Divergence {
                        needed: lanes,
                        present: active,
                    }
                    .of_warp());
                }
                let warp = &mut self.warps[warp];
                if active == lanes {
                    warp.go(group, target);
                    return Ok(());
                }
                warp.groups[group].at = at + 1;
                warp.split(group, active, target);
                warp.join(at + 1);
                return Ok(());
            }
            Instruction::Exit => {
                if active != lanes {
                    self.warps[warp].split(group, lanes & !active, at + 1);
                }
                self.end_lanes(warp, active);
                return Ok(());
            }
            Instruction::Trap => return Err(FaultKind::Trap.of_warp()),
            _ => {}
        }
        if !self.gathered(warp, active, &need(&step.instruction))? {
            let warp = &mut self.warps[warp];
            warp.groups[group].state = State::Gathering;
            if active != lanes {
                warp.split(group, lanes & !active, at + 1);
            }
            return Ok(());
        }
        if let Instruction::Barrier { .. } = step.instruction {
            return self.barrier(warp, group, active, &step.instruction);
        }
        Execution {
            warp: &mut self.warps[warp],
            around: &mut self.around,
            active,
            line: step.place.line,
        }
        .run(&step.instruction)?;
        self.warps[warp].go(group, at + 1);
        Ok(())
    }

    /// Whether the lanes that an instruction needs are there; `false` if they may still come.
    fn gathered(&self, warp: usize, active: u32, need: &Need) -> Result<bool, Mishap> {
        let alive = self.warps[warp].alive();
        let needed = match *need {
            Need::Nobody => return Ok(true),
            Need::Warp => EVERYONE,
            Need::Alive => alive,
            Need::Mask(mask) => match self.mask(warp, active, mask)? {
                needed if needed & !active == 0 => return Ok(true),
                needed if needed & !alive == 0 => return Ok(false),
                needed => needed,
            },
        };
        if needed == active {
            return Ok(true);
        }
        Err(FaultKind::Divergence {
            needed,
            present: active,
        }
        .of_warp())
    }

    /// The lanes that those of a warp instruction have to be executed with.
    fn mask(&self, warp: usize, active: u32, mask: Source) -> Result<u32, Mishap> {
        let registers = &self.warps[warp].registers;
        let masks = match mask {
            Source::Register(slot) => *registers.read(slot, active, self.around.names)?,
            Source::Immediate(mask) => [mask; LANES],
            Source::Special(_) => [0; LANES],
        };
        // Members of one mask must agree on it; several masks side by side are several exchanges.
        let mut needed = 0;
        for lane in lanes_of(active) {
            let own = masks[lane] as u32;
            let agree = lanes_of(own & active).all(|other| masks[other] as u32 == own);
            if own >> lane & 1 == 0 || !agree {
                return Err(FaultKind::LaneMask { mask: own }.of_lane(lane));
            }
            needed |= own;
        }
        Ok(needed)
    }

    fn barrier(
        &mut self,
        warp: usize,
        group: usize,
        active: u32,
        instruction: &Instruction,
    ) -> Result<(), Mishap> {
        let &Instruction::Barrier {
            id,
            threads,
            waits,
            aligned,
        } = instruction
        else {
            return Ok(());
        };
        let id = self.uniform(warp, active, id)?;
        let threads = match threads {
            Some(threads) => Some(self.uniform(warp, active, threads)? as u32),
            None => None,
        };
        let arrival = Arrival {
            warp,
            lanes: active,
            threads,
            aligned,
            waits,
        };
        self.barriers.arrive(id, arrival, &mut self.around.clocks)?;
        let here = &mut self.warps[warp];
        let (at, lanes) = (here.groups[group].at, here.groups[group].lanes);
        if waits {
            here.groups[group].state = State::AtBarrier(id);
            if active != lanes {
                here.split(group, lanes & !active, at + 1);
            }
        } else {
            here.go(group, at + 1);
        }
        self.open(id);
        Ok(())
    }

    /// The value of a source that all lanes have to agree on.
    fn uniform(&self, warp: usize, active: u32, source: Source) -> Result<u64, Mishap> {
        let values = match source {
            Source::Register(slot) => {
                let registers = &self.warps[warp].registers;
                *registers.read(slot, active, self.around.names)?
            }
            Source::Immediate(value) => return Ok(value),
            Source::Special(_) => [0; LANES],
        };
        let mut found = lanes_of(active).map(|lane| values[lane]);
        let first = found.next().unwrap_or(0);
        if found.all(|value| value == first) {
            return Ok(first);
        }
        let what = "the lanes of a warp name different barriers".into();
        Err(FaultKind::Barrier { id: first, what }.of_warp())
    }

    fn alive(&self) -> u32 {
        self.warps
            .iter()
            .map(|warp| warp.alive().count_ones())
            .sum()
    }

    /// Lets those go on whose barrier is complete.
    fn open(&mut self, id: u64) {
        let alive = self.alive();
        let Some(release) = self.barriers.release(id, alive) else {
            return;
        };
        for (warp, lanes) in release.waiting {
            self.around.clocks.acquire(warp, lanes, &release.pool);
            self.warps[warp].leave(id, lanes);
        }
    }

    /// Ends lanes; barriers that waited for them alone open.
    fn end_lanes(&mut self, warp: usize, lanes: u32) {
        self.warps[warp].end(lanes);
        for id in Barriers::ids() {
            self.open(id);
        }
    }

    /// No warp can run: either all threads have ended, or they wait for what will not happen.
    fn end(&self) -> Result<(), Fault> {
        let mut waiting = Vec::new();
        let alive = self.alive();
        for warp in &self.warps {
            for group in &warp.groups {
                match group.state {
                    State::AtBarrier(barrier) => {
                        let (arrived, expected) = self.barriers.count(barrier, alive);
                        waiting.push(Waiting {
                            warp: warp.index as u32,
                            lanes: group.lanes,
                            barrier,
                            line: self.line(group.at),
                            arrived,
                            expected,
                        });
                    }
                    State::Gathering | State::Ready => {
                        let kind = FaultKind::Divergence {
                            needed: self.needed(warp, group.at, group.lanes),
                            present: group.lanes,
                        };
                        return Err(self.fault(kind.of_warp(), warp.index, group.at));
                    }
                }
            }
        }
        let Some(&first) = waiting.first() else {
            return Ok(());
        };
        Err(Fault {
            kind: FaultKind::Deadlock { waiting },
            file: self.file.to_owned(),
            line: first.line,
            block: self.around.index,
            warp: first.warp,
            lane: None,
        })
    }

    fn needed(&self, warp: &Warp, at: u32, lanes: u32) -> u32 {
        let step = self.steps.get(at as usize);
        match step.map(|step| need(&step.instruction)) {
            Some(Need::Mask(mask)) => self.mask(warp.index, lanes, mask).unwrap_or(EVERYONE),
            _ => EVERYONE,
        }
    }
}
