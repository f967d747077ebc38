//! A text after parsing and before decoding: statements whose names are resolved, whose meaning is
//! not.

use crate::ScalarType;
use crate::error::Place;

/// A register of a kernel. Predicates are numbered apart from all others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Register {
    pub(crate) slot: u32,
    pub(crate) scalar: ScalarType,
}

/// A register that the hardware sets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Special {
    Thread(usize),
    BlockSize(usize),
    Block(usize),
    GridSize(usize),
    Lane,
    Warp,
    WarpCount,
    LaneMaskLess,
    LaneMaskEqual,
    SharedSize,
}

impl Special {
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        let (stem, axis) = match word.rsplit_once('.') {
            Some((stem, "x")) => (stem, 0),
            Some((stem, "y")) => (stem, 1),
            Some((stem, "z")) => (stem, 2),
            _ => (word, 3),
        };
        Some(match (stem, axis) {
            ("%tid", 0..3) => Self::Thread(axis),
            ("%ntid", 0..3) => Self::BlockSize(axis),
            ("%ctaid", 0..3) => Self::Block(axis),
            ("%nctaid", 0..3) => Self::GridSize(axis),
            ("%laneid", 3) => Self::Lane,
            ("%warpid", 3) => Self::Warp,
            ("%nwarpid", 3) => Self::WarpCount,
            ("%lanemask_lt", 3) => Self::LaneMaskLess,
            ("%lanemask_eq", 3) => Self::LaneMaskEqual,
            ("%dynamic_smem_size", 3) => Self::SharedSize,
            _ => return None,
        })
    }
}

/// Where a variable of a text lives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum VariableSpace {
    /// In shared memory, at this offset from its beginning.
    Shared(u64),
    /// In shared memory behind all that is static; aligned to this.
    Dynamic(u64),
    /// In the module's constants, at this offset.
    Constant(u64),
}

/// What an address counts from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Base {
    Register(Register),
    Variable(VariableSpace),
    Parameter(usize),
}

/// One operand as it is written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Operand {
    Register(Register),
    NotRegister(Register),
    Integer(u64),
    Single(u32),
    Double(u64),
    Special(Special),
    Variable {
        space: VariableSpace,
        offset: i64,
    },
    Address {
        base: Base,
        offset: i64,
    },
    Vector(Vec<Operand>),
    /// `%p|%q`; a side that is `_` is `None`.
    Pair(Option<Register>, Option<Register>),
    Label(String),
    Sink,
}

/// One instruction as it is written.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(crate) place: Place,
    /// The predicate before it, and whether it stands for its opposite.
    pub(crate) guard: Option<(Register, bool)>,
    pub(crate) opcode: String,
    pub(crate) operands: Vec<Operand>,
    /// The scope in which its labels are looked up.
    pub(crate) scope: usize,
}

/// A parameter of a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name in the text.
    pub name: String,
    /// The type of its elements.
    pub scalar: ScalarType,
    /// How many elements it has: 1 unless it is an array.
    pub count: usize,
    /// Where it begins in the parameter space, in bytes.
    pub offset: usize,
}

impl Parameter {
    /// Bytes of the parameter.
    pub fn bytes(&self) -> usize {
        self.scalar.bytes() * self.count
    }
}

/// The body of a kernel: its statements and where labels lead.
#[derive(Debug, Default)]
pub(crate) struct Body {
    pub(crate) statements: Vec<Statement>,
    pub(crate) labels: Vec<Label>,
    /// The scope around each scope; the outermost is its own.
    pub(crate) parents: Vec<usize>,
    /// The names of its registers, by slot.
    pub(crate) registers: Vec<String>,
    /// The names of its predicates, by slot.
    pub(crate) predicates: Vec<String>,
    /// Bytes of shared memory that the kernel declares itself.
    pub(crate) shared_bytes: u64,
}

/// A label of a body.
#[derive(Debug)]
pub(crate) struct Label {
    pub(crate) name: String,
    pub(crate) scope: usize,
    /// The statement it stands before.
    pub(crate) target: u32,
}
