//! What can be wrong with a text, each with the place where it is.

use std::fmt;

use crate::ScalarType;

/// A text that is not PTX, or not of the subset that this crate runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PtxError {
    /// The name the text was given.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// What is wrong there.
    pub kind: PtxErrorKind,
}

/// The ways in which a text can be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PtxErrorKind {
    /// A character that no token begins with.
    Character(char),
    /// A comment or a string that does not end.
    Unterminated(&'static str),
    /// A number that is not one, or that 64 bits do not hold.
    Number(String),
    /// Another token than the grammar allows here.
    Unexpected {
        /// The token.
        found: String,
        /// What may stand here.
        expected: &'static str,
    },
    /// A directive outside the subset.
    Directive(String),
    /// An instruction outside the subset.
    Instruction(String),
    /// A modifier that the instruction does not have here, or one that is missing.
    Modifier {
        /// The whole instruction word.
        opcode: String,
        /// What the emulator cannot follow.
        what: String,
    },
    /// An instruction that the target of the text does not have.
    Target {
        /// The whole instruction word.
        opcode: String,
        /// The least target that has it, 90 for sm_90.
        least: u32,
    },
    /// An operand of another kind than the instruction takes.
    Operand {
        /// The whole instruction word.
        opcode: String,
        /// Which operand, from 1.
        index: usize,
        /// What it has to be.
        expected: String,
    },
    /// More or fewer operands than the instruction takes.
    OperandCount {
        /// The whole instruction word.
        opcode: String,
        /// How many there are.
        found: usize,
    },
    /// A register whose type does not fit the instruction.
    RegisterType {
        /// The whole instruction word.
        opcode: String,
        /// Which operand, from 1.
        index: usize,
        /// The register's type.
        found: ScalarType,
        /// The instruction's.
        wanted: ScalarType,
    },
    /// A name that is not declared.
    Unknown {
        /// The name.
        name: String,
    },
    /// A name that is declared twice in one scope.
    Redeclared {
        /// The name.
        name: String,
    },
    /// A kernel that declares more than the emulator holds.
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// The most that is held.
        limit: u64,
    },
    /// No kernel has this name.
    NoEntry {
        /// The name.
        name: String,
    },
}

impl fmt::Display for PtxErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Character(c) => write!(f, "no token begins with {c:?}"),
            Self::Unterminated(what) => write!(f, "this {what} does not end"),
            Self::Number(text) => write!(f, "`{text}` is not a number of at most 64 bits"),
            Self::Unexpected { found, expected } => {
                write!(f, "found {found} where {expected} has to stand")
            }
            Self::Directive(name) => write!(f, "the directive `{name}` is not supported"),
            Self::Instruction(name) => write!(f, "the instruction `{name}` is not supported"),
            Self::Modifier { opcode, what } => write!(f, "`{opcode}`: {what}"),
            Self::Target { opcode, least } => write!(f, "`{opcode}` needs .target sm_{least}"),
            Self::Operand {
                opcode,
                index,
                expected,
            } => write!(f, "`{opcode}`: operand {index} has to be {expected}"),
            Self::OperandCount { opcode, found } => {
                write!(f, "`{opcode}` does not take {found} operands")
            }
            Self::RegisterType {
                opcode,
                index,
                found,
                wanted,
            } => write!(
                f,
                "`{opcode}`: operand {index} is a {found} register, {wanted} is needed"
            ),
            Self::Unknown { name } => write!(f, "`{name}` is not declared"),
            Self::Redeclared { name } => write!(f, "`{name}` is declared twice"),
            Self::TooLarge { what, limit } => write!(f, "more than {limit} {what}"),
            Self::NoEntry { name } => write!(f, "there is no kernel `{name}`"),
        }
    }
}

impl fmt::Display for PtxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            column,
            kind,
        } = self;
        write!(f, "{file}:{line}:{column}: {kind}")
    }
}

impl std::error::Error for PtxError {}

/// An error before the name of the file is known.
#[derive(Clone, Debug)]
pub(crate) struct Flaw {
    pub(crate) place: Place,
    pub(crate) kind: PtxErrorKind,
}

/// Line and column, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl Place {
    pub(crate) fn flaw(self, kind: PtxErrorKind) -> Flaw {
        Flaw { place: self, kind }
    }
}

impl Flaw {
    pub(crate) fn in_file(self, file: &str) -> PtxError {
        PtxError {
            file: file.to_owned(),
            line: self.place.line,
            column: self.place.column,
            kind: self.kind,
        }
    }
}
