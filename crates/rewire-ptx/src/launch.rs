//! A launch: a kernel, the shape of its grid, its arguments, and how its freedom is used.

use crate::barrier::Barriers;
use crate::block::Block;
use crate::clocks::Clocks;
use crate::copies::Copies;
use crate::execute::Surroundings;
use crate::fault::{Fault, FaultKind};
use crate::instruction::LANES;
use crate::memory::{Element, Memory};
use crate::module::Entry;
use crate::registers::{Names, Registers};
use crate::schedule::{Choices, Schedule};
use crate::shared::Shared;
use crate::warp::Warp;
use crate::writers::Writers;

/// The most shared memory of a block, as on the largest GPU of the kind.
const MOST_SHARED: u64 = 227 * 1024;

/// The most threads of a block.
const MOST_THREADS: u64 = 1024;

/// Steps after which a launch is taken for endless, unless it says otherwise.
const STEP_LIMIT: u64 = 1 << 30;

/// The bytes of one argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument(Vec<u8>);

impl<T: Element> From<T> for Argument {
    fn from(value: T) -> Self {
        let mut bytes = Vec::with_capacity(T::BYTES);
        value.append_to(&mut bytes);
        Self(bytes)
    }
}

impl Argument {
    /// An argument that is passed by value as these bytes.
    pub fn bytes(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

/// How a kernel is launched.
#[derive(Clone, Debug)]
pub struct Launch {
    /// Blocks along x, y and z.
    pub grid: [u32; 3],
    /// Threads of a block along x, y and z; up to 1024 in all.
    pub block: [u32; 3],
    /// Bytes of shared memory beyond what the kernel declares.
    pub dynamic_shared: u32,
    /// One for each parameter, of its size.
    pub arguments: Vec<Argument>,
    /// How the freedom of the hardware is used.
    pub schedule: Schedule,
    /// The steps of all warps together after which the launch is taken for endless.
    pub step_limit: u64,
}

/// What a launch did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Instructions that warps executed, one for all lanes that are together.
    pub steps: u64,
}

impl Launch {
    /// A launch with [`Schedule::Early`], no dynamic shared memory and a limit of 2³⁰ steps.
    pub fn new(grid: [u32; 3], block: [u32; 3], arguments: Vec<Argument>) -> Self {
        Self {
            grid,
            block,
            dynamic_shared: 0,
            arguments,
            schedule: Schedule::default(),
            step_limit: STEP_LIMIT,
        }
    }

    /// The launch with so many bytes of dynamic shared memory.
    pub fn with_shared(self, dynamic_shared: u32) -> Self {
        Self {
            dynamic_shared,
            ..self
        }
    }

    /// The launch under another schedule.
    pub fn with_schedule(self, schedule: Schedule) -> Self {
        Self { schedule, ..self }
    }

    /// Runs `entry` on `memory`.
    ///
    /// Blocks run one after the other, x fastest, so a block that waits for a later one never ends.
    /// The bits are a function of the text, the launch and the memory. After a fault the memory
    /// holds what was written until then.
    ///
    /// # Errors
    /// The first [`Fault`] of the kernel, or [`FaultKind::Launch`] if arguments or extents do not
    /// fit it.
    pub fn run(&self, entry: &Entry, memory: &mut Memory) -> Result<Report, Fault> {
        let arguments = self.checked_arguments(entry).map_err(|what| Fault {
            kind: FaultKind::Launch(what),
            file: entry.file.clone(),
            line: entry.place.line,
            block: [0; 3],
            warp: 0,
            lane: None,
        })?;
        let mut steps_left = self.step_limit;
        let mut number = 0;
        let [width, height, depth] = self.grid;
        for z in 0..depth {
            for y in 0..height {
                for x in 0..width {
                    let mut block =
                        self.block(entry, memory, &arguments, [x, y, z], number, steps_left);
                    let ended = block.run();
                    steps_left = block.steps_left;
                    if let Err(fault) = ended {
                        memory.settle();
                        return Err(fault);
                    }
                    number += 1;
                }
            }
        }
        memory.settle();
        Ok(Report {
            steps: self.step_limit - steps_left,
        })
    }

    /// The bytes of the parameter space.
    fn checked_arguments(&self, entry: &Entry) -> Result<Vec<u8>, String> {
        let n_threads: u64 = self.block.iter().map(|&n| u64::from(n)).product();
        if !(1..=MOST_THREADS).contains(&n_threads) {
            return Err(format!(
                "a block of {n_threads} threads, 1 to {MOST_THREADS} are possible"
            ));
        }
        let n_blocks: u128 = self.grid.iter().map(|&n| u128::from(n)).product();
        if n_blocks == 0 || n_blocks > u128::from(u32::MAX / 2) {
            return Err(format!("a grid of {n_blocks} blocks"));
        }
        if let Some(most) = entry.limits.most_threads.filter(|&most| n_threads > most) {
            return Err(format!(
                "a block of {n_threads} threads, .maxntid allows {most}"
            ));
        }
        if let Some(block) = entry.limits.block.filter(|&block| block != self.block) {
            return Err(format!(
                "a block of {:?}, .reqntid asks for {block:?}",
                self.block
            ));
        }
        let shared = entry.shared_bytes() + u64::from(self.dynamic_shared);
        if shared > MOST_SHARED {
            return Err(format!(
                "{shared} bytes of shared memory, a block has {MOST_SHARED}"
            ));
        }
        if self.arguments.len() != entry.parameters().len() {
            let (given, wanted) = (self.arguments.len(), entry.parameters().len());
            return Err(format!("{given} arguments for {wanted} parameters"));
        }
        let mut bytes = Vec::new();
        for (parameter, Argument(argument)) in entry.parameters().iter().zip(&self.arguments) {
            if argument.len() != parameter.bytes() {
                return Err(format!(
                    "an argument of {} bytes for the parameter `{}` of {}",
                    argument.len(),
                    parameter.name,
                    parameter.bytes()
                ));
            }
            bytes.resize(parameter.offset, 0);
            bytes.extend_from_slice(argument);
        }
        Ok(bytes)
    }

    fn block<'a>(
        &self,
        entry: &'a Entry,
        memory: &'a mut Memory,
        arguments: &'a [u8],
        index: [u32; 3],
        number: u32,
        steps_left: u64,
    ) -> Block<'a> {
        let n_threads = self.block.iter().product::<u32>() as usize;
        let n_warps = n_threads.div_ceil(LANES);
        let registers = || Registers::new(entry.registers.len(), entry.predicates.len());
        // The bytes between the static part and the aligned beginning of the dynamic one are real.
        let shared = entry.dynamic_begin() + u64::from(self.dynamic_shared);
        Block {
            steps: &entry.steps,
            file: &entry.file,
            warps: (0..n_warps)
                .map(|warp| Warp::new(warp, self.block, registers()))
                .collect(),
            around: Surroundings {
                memory,
                shared: Shared::new(shared as usize),
                // Lanes beyond the last thread never run; counting them keeps places simple.
                clocks: Clocks::new(n_warps * LANES),
                writers: Writers::default(),
                copies: vec![Copies::default(); n_warps * LANES],
                choices: Choices::new(self.schedule, number),
                grid: self.grid,
                block: self.block,
                index,
                number,
                dynamic_shared: self.dynamic_shared,
                arguments,
                constants: &entry.constants,
                names: Names {
                    registers: &entry.registers,
                    predicates: &entry.predicates,
                },
            },
            barriers: Barriers::default(),
            steps_left,
            step_limit: self.step_limit,
        }
    }
}
