//! Instructions as they are executed: names resolved, types folded into functions over 32 lanes.
//!
//! A register holds its bits in the low end of a `u64` per lane, zeros above its width. Functions
//! over lanes keep that: what they return fits the register it goes to.

use crate::alu::convert::Conversion;
use crate::error::Place;
use crate::matrix::{DenseShape, HalfFormat, SparseShape};
use crate::syntax::Special;

/// Lanes of a warp.
pub(crate) const LANES: usize = 32;

/// One register of a warp.
pub(crate) type Lanes = [u64; LANES];

pub(crate) type Unary = fn(&Lanes) -> Lanes;
pub(crate) type Binary = fn(&Lanes, &Lanes) -> Lanes;
pub(crate) type Ternary = fn(&Lanes, &Lanes, &Lanes) -> Lanes;
/// One bit per lane.
pub(crate) type Comparison = fn(&Lanes, &Lanes) -> u32;
/// Two predicates to one, a bit per lane.
pub(crate) type Join = fn(u32, u32) -> u32;
/// Old value and operand to new value; the second operand is that of `cas`.
pub(crate) type Update = fn(u64, u64, u64) -> u64;

/// Where a value comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    Register(u32),
    Immediate(u64),
    Special(Special),
}

/// Where a predicate comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Truth {
    Register { slot: u32, opposite: bool },
    Constant(bool),
}

/// Where an address points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Space {
    Global,
    Shared,
    Constant,
    Parameter,
    /// Decided by the address.
    Generic,
}

/// A register, if any, and an offset.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Address {
    pub(crate) register: Option<u32>,
    pub(crate) offset: u64,
    /// The bits an address of this register may have.
    pub(crate) mask: u64,
}

/// How `shfl` finds the lane it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShuffleMode {
    Up,
    Down,
    Butterfly,
    Index,
}

/// What `vote` asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VoteMode {
    All,
    Any,
    Uniform,
    Ballot,
}

/// One instruction.
#[derive(Clone, Debug)]
pub(crate) enum Instruction {
    Nothing,
    Unary {
        run: Unary,
        to: u32,
        a: Source,
    },
    Binary {
        run: Binary,
        to: u32,
        a: Source,
        b: Source,
    },
    Ternary {
        run: Ternary,
        to: u32,
        a: Source,
        b: Source,
        c: Source,
    },
    /// `lop3`: a truth table beside three operands.
    Logic3 {
        table: u8,
        to: u32,
        from: [Source; 3],
    },
    /// `bfi`: the place and the length of the field beside two operands.
    Insert {
        bits: u32,
        to: u32,
        a: Source,
        b: Source,
        field: [Source; 2],
    },
    Convert {
        conversion: Conversion,
        to: u32,
        a: Source,
    },
    /// Two singles become a pair of halves, the first in the upper half.
    ConvertPair {
        format: HalfFormat,
        rectifies: bool,
        to: u32,
        upper: Source,
        lower: Source,
    },
    Compare {
        run: Comparison,
        /// The comparison is joined with this predicate.
        join: Option<(Join, Truth)>,
        to: Option<u32>,
        opposite: Option<u32>,
        a: Source,
        b: Source,
    },
    Select {
        to: u32,
        a: Source,
        b: Source,
        which: Truth,
    },
    Predicate {
        run: Join,
        to: u32,
        a: Truth,
        b: Truth,
    },
    Pack {
        to: u32,
        parts: Vec<Source>,
        bits: u32,
    },
    Unpack {
        to: Vec<Option<u32>>,
        a: Source,
        bits: u32,
    },
    Load {
        space: Space,
        bytes: usize,
        /// Widens a value to its register.
        widen: fn(u64) -> u64,
        to: Vec<Option<u32>>,
        address: Address,
    },
    Store {
        space: Space,
        bytes: usize,
        from: Vec<Source>,
        address: Address,
    },
    Atomic {
        space: Space,
        bytes: usize,
        update: Update,
        to: Option<u32>,
        address: Address,
        a: Source,
        b: Source,
    },
    Branch {
        target: u32,
        /// All lanes that are here have to go the same way.
        uniform: bool,
    },
    Exit,
    /// A fault that the kernel asks for.
    Trap,
    Barrier {
        id: Source,
        threads: Option<Source>,
        /// `bar.arrive` goes on without waiting.
        waits: bool,
        aligned: bool,
    },
    WarpBarrier {
        mask: Source,
    },
    Shuffle {
        mode: ShuffleMode,
        to: u32,
        valid: Option<u32>,
        value: Source,
        lane: Source,
        clamp: Source,
        mask: Source,
    },
    Vote {
        mode: VoteMode,
        /// A register for `ballot`, a predicate otherwise.
        to: u32,
        what: Truth,
        mask: Source,
    },
    ActiveMask {
        to: u32,
    },
    Reduce {
        run: fn(u64, u64) -> u64,
        to: u32,
        value: Source,
        mask: Source,
    },
    LoadMatrix {
        to: Vec<u32>,
        transposed: bool,
        address: Address,
    },
    /// `movmatrix`: an 8 × 8 matrix in registers becomes its transpose.
    Transpose {
        to: u32,
        a: Source,
    },
    Multiply {
        shape: DenseShape,
        format: HalfFormat,
        to: [u32; 4],
        a: Vec<Source>,
        b: Vec<Source>,
        c: [Source; 4],
    },
    MultiplySparse {
        shape: SparseShape,
        format: HalfFormat,
        to: [u32; 4],
        a: Vec<Source>,
        b: Vec<Source>,
        c: [Source; 4],
        metadata: Source,
        selector: usize,
    },
    Copy {
        to: Address,
        from: Address,
        bytes: usize,
        /// How many bytes are read; the others become zero.
        taken: Option<Source>,
        /// Nothing is read where this holds.
        ignored: Option<Truth>,
    },
    CommitCopies,
    /// Waits until at most this many groups are under way; `None` waits for every copy.
    WaitCopies {
        groups: Option<u64>,
    },
}

/// An instruction with its guard and its place in the text.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) guard: Option<(u32, bool)>,
    pub(crate) instruction: Instruction,
    pub(crate) place: Place,
}
