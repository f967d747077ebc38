//! Texts to modules: directives, kernels with their parameters, variables.

mod body;
mod literal;
mod operand;
mod variable;

use crate::ScalarType;
use crate::error::{Flaw, Place, PtxErrorKind};
use crate::lexer::{Token, TokenKind, tokens};
use crate::scope::{Named, Scopes};
use crate::syntax::{Body, Parameter};

/// A kernel as it is written.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) limits: Limits,
    pub(crate) place: Place,
    /// The number of its target: 80 for sm_80.
    pub(crate) target: u32,
    /// What the dynamic part of shared memory is aligned to.
    pub(crate) dynamic_align: u64,
    pub(crate) body: Body,
}

/// What the directives of a kernel say about its blocks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limits {
    /// `.maxntid`: the most threads of a block.
    pub(crate) most_threads: Option<u64>,
    /// `.reqntid`: the shape a block must have.
    pub(crate) block: Option<[u32; 3]>,
}

/// The kernels and the constants of a text.
pub(crate) fn module(text: &str) -> Result<(Vec<Source>, Vec<u8>), Flaw> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
        scopes: Scopes::default(),
        constants: Vec::new(),
        target: 0,
        module_shared: 0,
        shared: 0,
        dynamic_align: 1,
        parameters: Vec::new(),
        body: Body::default(),
    };
    let kernels = parser.module()?;
    Ok((kernels, parser.constants))
}

struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
    scopes: Scopes,
    constants: Vec<u8>,
    /// 80 for sm_80.
    target: u32,
    /// Bytes of static shared memory declared outside kernels.
    module_shared: u64,
    /// The same, with those of the kernel at hand.
    shared: u64,
    /// The strictest alignment of what is dynamic there.
    dynamic_align: u64,
    parameters: Vec<Parameter>,
    body: Body,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> TokenKind<'a> {
        self.tokens[self.at].kind
    }

    /// The token after the next one.
    fn peek_second(&self) -> TokenKind<'a> {
        self.tokens
            .get(self.at + 1)
            .map_or(TokenKind::End, |token| token.kind)
    }

    fn place(&self) -> Place {
        self.tokens[self.at].place
    }

    fn next(&mut self) -> TokenKind<'a> {
        let kind = self.peek();
        if kind != TokenKind::End {
            self.at += 1;
        }
        kind
    }

    fn unexpected<T>(&self, expected: &'static str) -> Result<T, Flaw> {
        Err(self.place().flaw(PtxErrorKind::Unexpected {
            found: self.peek().describe(),
            expected,
        }))
    }

    fn take_mark(&mut self, mark: char) -> bool {
        let found = self.peek() == TokenKind::Mark(mark);
        if found {
            self.at += 1;
        }
        found
    }

    fn mark(&mut self, mark: char, expected: &'static str) -> Result<(), Flaw> {
        if self.take_mark(mark) {
            return Ok(());
        }
        self.unexpected(expected)
    }

    fn word(&mut self, expected: &'static str) -> Result<&'a str, Flaw> {
        match self.peek() {
            TokenKind::Word(word) => {
                self.at += 1;
                Ok(word)
            }
            _ => self.unexpected(expected),
        }
    }

    fn integer(&mut self, expected: &'static str) -> Result<u64, Flaw> {
        match self.peek() {
            TokenKind::Integer(value) => {
                self.at += 1;
                Ok(value)
            }
            _ => self.unexpected(expected),
        }
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.peek() == TokenKind::Word(word);
        if found {
            self.at += 1;
        }
        found
    }

    fn module(&mut self) -> Result<Vec<Source>, Flaw> {
        self.scopes.push();
        if !self.take_word(".version") {
            return self.unexpected("`.version`");
        }
        match self.next() {
            TokenKind::Double(_) => {}
            _ => {
                self.at -= 1;
                return self.unexpected("a version such as 8.5");
            }
        }
        if !self.take_word(".target") {
            return self.unexpected("`.target`");
        }
        let place = self.place();
        let target = self.word("a target such as sm_80")?;
        self.target = target
            .strip_prefix("sm_")
            .and_then(|number| number.trim_end_matches('a').parse().ok())
            .ok_or_else(|| {
                place.flaw(PtxErrorKind::Unexpected {
                    found: format!("`{target}`"),
                    expected: "a target such as sm_80",
                })
            })?;
        while self.take_mark(',') {
            self.word("a target")?;
        }
        let mut kernels: Vec<Source> = Vec::new();
        while self.peek() != TokenKind::End {
            let place = self.place();
            match self.word("a directive")? {
                ".address_size" => {
                    if self.integer("64")? != 64 {
                        return Err(place.flaw(PtxErrorKind::Directive(".address_size 32".into())));
                    }
                }
                ".visible" | ".weak" | ".extern" => {}
                ".entry" => {
                    let kernel = self.entry()?;
                    if kernels.iter().any(|other| other.name == kernel.name) {
                        let name = kernel.name;
                        return Err(place.flaw(PtxErrorKind::Redeclared { name }));
                    }
                    kernels.push(kernel);
                }
                ".shared" => {
                    self.shared_variable()?;
                    self.module_shared = self.shared;
                }
                ".const" => self.constant()?,
                ".file" | ".loc" | ".pragma" => self.skip_note(),
                other => return Err(place.flaw(PtxErrorKind::Directive(other.into()))),
            }
        }
        Ok(kernels)
    }

    /// Passes over what tells only debuggers and compilers something.
    fn skip_note(&mut self) {
        while let TokenKind::Integer(_) | TokenKind::Text(_) | TokenKind::Mark(',' | ';') =
            self.peek()
        {
            self.at += 1;
        }
    }

    fn entry(&mut self) -> Result<Source, Flaw> {
        let place = self.place();
        let name = self.word("the name of a kernel")?.to_owned();
        self.shared = self.module_shared;
        self.body = Body::default();
        self.parameters.clear();
        self.scopes.push();
        if self.take_mark('(') && !self.take_mark(')') {
            loop {
                self.parameter()?;
                if self.take_mark(')') {
                    break;
                }
                self.mark(',', "`,` or `)`")?;
            }
        }
        let limits = self.limits()?;
        self.mark('{', "`{`")?;
        self.body()?;
        self.scopes.pop();
        self.body.registers = std::mem::take(&mut self.scopes.registers);
        self.body.predicates = std::mem::take(&mut self.scopes.predicates);
        self.body.shared_bytes = self.shared;
        Ok(Source {
            name,
            parameters: std::mem::take(&mut self.parameters),
            limits,
            place,
            target: self.target,
            dynamic_align: self.dynamic_align,
            body: std::mem::take(&mut self.body),
        })
    }

    fn limits(&mut self) -> Result<Limits, Flaw> {
        let mut limits = Limits::default();
        while let TokenKind::Word(word) = self.peek() {
            let place = self.place();
            self.at += 1;
            match word {
                ".maxntid" => {
                    limits.most_threads =
                        Some(self.extents()?.iter().map(|&n| u64::from(n)).product());
                }
                ".reqntid" => limits.block = Some(self.extents()?),
                ".minnctapersm" | ".maxnctapersm" | ".maxnreg" => {
                    self.integer("a count")?;
                }
                other => return Err(place.flaw(PtxErrorKind::Directive(other.into()))),
            }
        }
        Ok(limits)
    }

    /// One to three extents; those left out are 1.
    fn extents(&mut self) -> Result<[u32; 3], Flaw> {
        let mut extents = [1; 3];
        for (axis, extent) in extents.iter_mut().enumerate() {
            if axis > 0 && !self.take_mark(',') {
                break;
            }
            let place = self.place();
            let value = self.integer("an extent")?;
            *extent = u32::try_from(value)
                .ok()
                .filter(|extent| (1..=1024).contains(extent))
                .ok_or_else(|| {
                    place.flaw(PtxErrorKind::TooLarge {
                        what: "threads along an axis",
                        limit: 1024,
                    })
                })?;
        }
        Ok(extents)
    }

    fn parameter(&mut self) -> Result<(), Flaw> {
        if !self.take_word(".param") {
            return self.unexpected("`.param`");
        }
        let mut align = self.alignment()?;
        let scalar = self.scalar()?;
        // `.ptr .global .align 16` describes what the parameter points to.
        if self.take_word(".ptr") {
            while let TokenKind::Word(".global" | ".shared" | ".const" | ".local") = self.peek() {
                self.at += 1;
            }
            self.alignment()?;
        }
        let place = self.place();
        let name = self.word("the name of a parameter")?.to_owned();
        let count = self.extent()?.unwrap_or(1);
        let bytes = scalar.bytes() as u64;
        let taken = self
            .parameters
            .last()
            .map_or(0, |last| last.offset + last.bytes());
        align = align.max(bytes);
        if count.saturating_mul(bytes) > 4096 || taken > 4096 {
            return Err(place.flaw(PtxErrorKind::TooLarge {
                what: "bytes of parameters",
                limit: 4096,
            }));
        }
        let index = self.parameters.len();
        self.scopes.declare(&name, Named::Parameter(index), place)?;
        self.parameters.push(Parameter {
            name,
            scalar,
            count: count as usize,
            offset: taken.next_multiple_of(align as usize),
        });
        Ok(())
    }

    /// `.align 16`, a power of two; 1 if there is none.
    fn alignment(&mut self) -> Result<u64, Flaw> {
        if !self.take_word(".align") {
            return Ok(1);
        }
        let place = self.place();
        let align = self.integer("an alignment")?;
        if align.is_power_of_two() && align <= 4096 {
            return Ok(align);
        }
        Err(place.flaw(PtxErrorKind::Unexpected {
            found: align.to_string(),
            expected: "a power of two up to 4096",
        }))
    }

    fn scalar(&mut self) -> Result<ScalarType, Flaw> {
        let place = self.place();
        let word = self.word("a type such as .b32")?;
        word.strip_prefix('.')
            .and_then(ScalarType::from_word)
            .ok_or_else(|| {
                place.flaw(PtxErrorKind::Unexpected {
                    found: format!("`{word}`"),
                    expected: "a type such as .b32",
                })
            })
    }

    /// `[16]` after a name; `Some(0)` for `[]`.
    fn extent(&mut self) -> Result<Option<u64>, Flaw> {
        if !self.take_mark('[') {
            return Ok(None);
        }
        if self.take_mark(']') {
            return Ok(Some(0));
        }
        let count = self.integer("a number of elements")?;
        self.mark(']', "`]`")?;
        Ok(Some(count))
    }
}
