//! Statements to instructions: one module per group, each reading words and operands in the order
//! in which PTX writes them.
//!
//! A word that is not read is an error, so nothing of an instruction is ever dropped in silence.

mod arithmetic;
mod compare;
mod control;
mod convert;
mod copies;
mod logic;
mod matrix;
mod memory;
mod operands;
mod transfer;
mod warp;

use crate::ScalarType;
use crate::error::{Flaw, PtxErrorKind};
use crate::instruction::{Instruction, Step};
use crate::syntax::{Body, Parameter, Statement};

/// What the instructions of a kernel refer to.
pub(crate) struct Surroundings<'a> {
    pub(crate) body: &'a Body,
    pub(crate) parameters: &'a [Parameter],
    /// 80 for sm_80.
    pub(crate) target: u32,
}

/// The steps of a kernel.
pub(crate) fn steps(around: &Surroundings<'_>) -> Result<Vec<Step>, Flaw> {
    let decode = |statement| {
        let instruction = Reader::new(around, statement).instruction()?;
        Ok(Step {
            guard: statement
                .guard
                .map(|(register, opposite)| (register.slot, opposite)),
            instruction,
            place: statement.place,
        })
    };
    around.body.statements.iter().map(decode).collect()
}

/// Reads one statement: the words of its opcode from the front, its operands by number.
struct Reader<'a> {
    around: &'a Surroundings<'a>,
    statement: &'a Statement,
    words: Vec<&'a str>,
    /// The next word.
    at: usize,
}

type Decoded = Result<Instruction, Flaw>;

impl<'a> Reader<'a> {
    fn new(around: &'a Surroundings<'a>, statement: &'a Statement) -> Self {
        Self {
            around,
            statement,
            words: statement.opcode.split('.').collect(),
            at: 1,
        }
    }

    fn instruction(mut self) -> Decoded {
        match self.words[0] {
            "add" | "sub" | "mul" | "mad" | "fma" | "div" | "rem" | "abs" | "neg" | "min"
            | "max" | "rcp" | "sqrt" | "rsqrt" | "ex2" | "lg2" | "tanh" => self.arithmetic(),
            "and" | "or" | "xor" | "not" | "cnot" | "shl" | "shr" | "shf" | "lop3" | "prmt"
            | "popc" | "clz" | "brev" | "bfe" | "bfi" => self.logic(),
            "setp" | "selp" => self.comparison(),
            "cvt" => self.conversion(),
            "mov" | "cvta" => self.transfer(),
            "ld" | "ldu" | "st" | "atom" | "red" | "prefetch" => self.memory(),
            "bra" | "ret" | "exit" | "bar" | "barrier" | "membar" | "fence" | "trap" => {
                self.control()
            }
            "shfl" | "vote" | "activemask" | "redux" => self.warp(),
            "ldmatrix" | "movmatrix" | "mma" => self.matrix(),
            "cp" => self.copies(),
            _ => Err(self.unsupported()),
        }
    }

    fn unsupported(&self) -> Flaw {
        let name = self.statement.opcode.clone();
        self.statement.place.flaw(PtxErrorKind::Instruction(name))
    }

    fn modifier_flaw(&self, what: impl Into<String>) -> Flaw {
        self.statement.place.flaw(PtxErrorKind::Modifier {
            opcode: self.statement.opcode.clone(),
            what: what.into(),
        })
    }

    /// Takes the next word if it is this one.
    fn take(&mut self, word: &str) -> bool {
        let found = self.words.get(self.at) == Some(&word);
        self.at += usize::from(found);
        found
    }

    /// Takes the next word if it is one of these and says which.
    fn take_one(&mut self, words: &[&'static str]) -> Option<&'static str> {
        words.iter().copied().find(|word| self.take(word))
    }

    fn require_one(&mut self, words: &[&'static str]) -> Result<&'static str, Flaw> {
        self.take_one(words).ok_or_else(|| {
            let found = self.words.get(self.at).copied();
            self.modifier_flaw(match found {
                Some(word) => format!("`.{word}` stands where one of {words:?} has to"),
                None => format!("one of {words:?} is missing"),
            })
        })
    }

    fn require(&mut self, word: &'static str) -> Result<(), Flaw> {
        self.require_one(&[word]).map(|_| ())
    }

    /// The type that comes next.
    fn scalar(&mut self) -> Result<ScalarType, Flaw> {
        let scalar = self
            .words
            .get(self.at)
            .copied()
            .and_then(ScalarType::from_word);
        let Some(scalar) = scalar else {
            let found = self.words.get(self.at).copied().unwrap_or("nothing");
            return Err(self.modifier_flaw(format!("`{found}` stands where a type has to")));
        };
        self.at += 1;
        Ok(scalar)
    }

    /// Checks that every word was read and that there are as many operands as `counts` allows.
    fn finish(&self, counts: std::ops::RangeInclusive<usize>) -> Result<(), Flaw> {
        if let Some(word) = self.words.get(self.at) {
            return Err(self.modifier_flaw(format!("`.{word}` is not supported here")));
        }
        let found = self.statement.operands.len();
        if counts.contains(&found) {
            return Ok(());
        }
        Err(self.statement.place.flaw(PtxErrorKind::OperandCount {
            opcode: self.statement.opcode.clone(),
            found,
        }))
    }

    /// Fails if the target of the text comes before this one.
    fn needs_target(&self, least: u32) -> Result<(), Flaw> {
        if self.around.target >= least {
            return Ok(());
        }
        let opcode = self.statement.opcode.clone();
        let kind = PtxErrorKind::Target { opcode, least };
        Err(self.statement.place.flaw(kind))
    }

    fn no_such_type(&self, scalar: ScalarType) -> Flaw {
        self.modifier_flaw(format!("the type {scalar} is not supported here"))
    }
}
