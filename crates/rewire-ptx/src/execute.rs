//! Instructions that concern the lanes of one warp: what they read, compute and write.

mod lanes;
mod matrices;
mod traffic;

use crate::alu::bits;
use crate::clocks::{Clocks, lanes_of};
use crate::copies::Copies;
use crate::fault::Mishap;
use crate::instruction::{Comparison, Instruction, Join, LANES, Lanes, Source, Truth};
use crate::memory::Memory;
use crate::registers::Names;
use crate::schedule::Choices;
use crate::shared::Shared;
use crate::syntax::Special;
use crate::warp::Warp;
use crate::writers::Writers;

/// What the warps of a block share.
pub(crate) struct Surroundings<'a> {
    pub(crate) memory: &'a mut Memory,
    pub(crate) shared: Shared,
    pub(crate) clocks: Clocks,
    pub(crate) writers: Writers,
    /// Per thread.
    pub(crate) copies: Vec<Copies>,
    pub(crate) choices: Choices,
    pub(crate) grid: [u32; 3],
    pub(crate) block: [u32; 3],
    pub(crate) index: [u32; 3],
    /// The number of the block in the grid.
    pub(crate) number: u32,
    pub(crate) dynamic_shared: u32,
    pub(crate) arguments: &'a [u8],
    pub(crate) constants: &'a [u8],
    pub(crate) names: Names<'a>,
}

/// The lanes of a warp that execute an instruction.
pub(crate) struct Execution<'w, 'a> {
    pub(crate) warp: &'w mut Warp,
    pub(crate) around: &'w mut Surroundings<'a>,
    pub(crate) active: u32,
    pub(crate) line: u32,
}

type Done = Result<(), Mishap>;

impl Execution<'_, '_> {
    pub(crate) fn run(&mut self, instruction: &Instruction) -> Done {
        match instruction {
            &Instruction::Unary { run, to, a } => {
                let a = self.value(a)?;
                self.write(to, &run(&a));
            }
            &Instruction::Binary { run, to, a, b } => {
                let (a, b) = (self.value(a)?, self.value(b)?);
                self.write(to, &run(&a, &b));
            }
            &Instruction::Ternary { run, to, a, b, c } => {
                let (a, b, c) = (self.value(a)?, self.value(b)?, self.value(c)?);
                self.write(to, &run(&a, &b, &c));
            }
            &Instruction::Logic3 { table, to, from } => {
                let [a, b, c] = self.values(from)?;
                let one = |lane: usize| bits::three_way(table, a[lane], b[lane], c[lane]);
                self.write(to, &std::array::from_fn(one));
            }
            &Instruction::Insert {
                bits: width,
                to,
                a,
                b,
                field,
            } => {
                let (a, b) = (self.value(a)?, self.value(b)?);
                let [at, length] = self.values(field)?;
                let one = |i: usize| bits::insert(a[i], b[i], at[i], length[i], width);
                self.write(to, &std::array::from_fn(one));
            }
            Instruction::Convert { conversion, to, a } => {
                let a = self.value(*a)?;
                self.write(*to, &a.map(|bits| conversion.run(bits)));
            }
            &Instruction::ConvertPair {
                format,
                rectifies,
                to,
                upper,
                lower,
            } => {
                let (upper, lower) = (self.value(upper)?, self.value(lower)?);
                let half = |bits: u64| {
                    let value = f32::from_bits(bits as u32);
                    let value = if rectifies && value <= 0.0 {
                        0.0
                    } else {
                        value
                    };
                    u64::from(format.round(value))
                };
                let one = |lane: usize| half(upper[lane]) << 16 | half(lower[lane]);
                self.write(to, &std::array::from_fn(one));
            }
            &Instruction::Compare {
                run,
                join,
                to,
                opposite,
                a,
                b,
            } => self.compare(run, join, [to, opposite], a, b)?,
            &Instruction::Select { to, a, b, which } => {
                let (a, b, which) = (self.value(a)?, self.value(b)?, self.truth(which)?);
                let one = |lane: usize| {
                    if which >> lane & 1 == 1 {
                        a[lane]
                    } else {
                        b[lane]
                    }
                };
                self.write(to, &std::array::from_fn(one));
            }
            &Instruction::Predicate { run, to, a, b } => {
                let held = run(self.truth(a)?, self.truth(b)?);
                self.warp.registers.write_truth(to, self.active, held);
            }
            Instruction::Pack { to, parts, bits } => {
                let mut whole = [0; LANES];
                for (place, &part) in parts.iter().enumerate() {
                    let part = self.value(part)?;
                    for (whole, part) in whole.iter_mut().zip(part) {
                        *whole |= part << (place as u32 * bits);
                    }
                }
                self.write(*to, &whole);
            }
            Instruction::Unpack { to, a, bits } => {
                let whole = self.value(*a)?;
                for (place, slot) in to.iter().enumerate() {
                    if let &Some(slot) = slot {
                        let part = |whole| whole >> (place as u32 * bits) & ((1 << bits) - 1);
                        self.write(slot, &whole.map(part));
                    }
                }
            }
            Instruction::ActiveMask { to } => {
                self.write(*to, &[u64::from(self.active); LANES]);
            }
            Instruction::Shuffle { .. } | Instruction::Vote { .. } | Instruction::Reduce { .. } => {
                self.exchange(instruction)?
            }
            Instruction::WarpBarrier { .. } => self.order_lanes(),
            Instruction::LoadMatrix { .. }
            | Instruction::Transpose { .. }
            | Instruction::Multiply { .. }
            | Instruction::MultiplySparse { .. } => self.matrices(instruction)?,
            Instruction::Load { .. }
            | Instruction::Store { .. }
            | Instruction::Atomic { .. }
            | Instruction::Copy { .. }
            | Instruction::CommitCopies
            | Instruction::WaitCopies { .. } => self.traffic(instruction)?,
            // These move lanes, which is the block's affair.
            Instruction::Nothing
            | Instruction::Branch { .. }
            | Instruction::Exit
            | Instruction::Trap
            | Instruction::Barrier { .. } => {}
        }
        Ok(())
    }

    fn compare(
        &mut self,
        run: Comparison,
        join: Option<(Join, Truth)>,
        [to, opposite]: [Option<u32>; 2],
        a: Source,
        b: Source,
    ) -> Done {
        let holds = run(&self.value(a)?, &self.value(b)?);
        let (mut first, mut second) = (holds, !holds);
        if let Some((join, with)) = join {
            let with = self.truth(with)?;
            (first, second) = (join(first, with), join(second, with));
        }
        for (slot, held) in [(to, first), (opposite, second)] {
            if let Some(slot) = slot {
                self.warp.registers.write_truth(slot, self.active, held);
            }
        }
        Ok(())
    }

    /// The bits of a source in every lane; those of inactive lanes mean nothing.
    pub(crate) fn value(&self, source: Source) -> Result<Lanes, Mishap> {
        self.value_in(source, self.active)
    }

    fn value_in(&self, source: Source, active: u32) -> Result<Lanes, Mishap> {
        match source {
            Source::Register(slot) => {
                let read = self.warp.registers.read(slot, active, self.around.names)?;
                Ok(*read)
            }
            Source::Immediate(bits) => Ok([bits; LANES]),
            Source::Special(special) => Ok(self.special(special)),
        }
    }

    fn values<const N: usize>(&self, sources: [Source; N]) -> Result<[Lanes; N], Mishap> {
        let mut values = [[0; LANES]; N];
        for (value, source) in values.iter_mut().zip(sources) {
            *value = self.value(source)?;
        }
        Ok(values)
    }

    fn truth(&self, truth: Truth) -> Result<u32, Mishap> {
        self.warp
            .registers
            .truth(truth, self.active, self.around.names)
    }

    fn write(&mut self, slot: u32, values: &Lanes) {
        self.warp.registers.write(slot, self.active, values);
    }

    fn special(&self, special: Special) -> Lanes {
        let around = &*self.around;
        let everywhere = |value: u32| [u64::from(value); LANES];
        match special {
            Special::Thread(axis) => self.warp.threads[axis],
            Special::BlockSize(axis) => everywhere(around.block[axis]),
            Special::Block(axis) => everywhere(around.index[axis]),
            Special::GridSize(axis) => everywhere(around.grid[axis]),
            Special::Lane => std::array::from_fn(|lane| lane as u64),
            Special::Warp => everywhere(self.warp.index as u32),
            Special::WarpCount => {
                everywhere(around.block.iter().product::<u32>().div_ceil(LANES as u32))
            }
            Special::LaneMaskLess => std::array::from_fn(|lane| (1 << lane) - 1),
            Special::LaneMaskEqual => std::array::from_fn(|lane| 1 << lane),
            Special::SharedSize => everywhere(around.dynamic_shared),
        }
    }

    /// The thread of the block in a lane.
    fn thread(&self, lane: usize) -> usize {
        self.warp.index * LANES + lane
    }

    fn active_lanes(&self) -> impl Iterator<Item = usize> + use<> {
        lanes_of(self.active)
    }
}
