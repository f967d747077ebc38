//! Operands: registers, numbers, addresses, vectors and names.

use super::Parser;
use crate::error::{Flaw, PtxErrorKind};
use crate::lexer::TokenKind;
use crate::scope::Named;
use crate::syntax::{Base, Operand, Register, Special};

/// The most elements of a vector operand: the 128 accumulators of a wide matrix instruction.
const MOST_ELEMENTS: usize = 128;

impl Parser<'_> {
    pub(super) fn operand(&mut self) -> Result<Operand, Flaw> {
        match self.peek() {
            TokenKind::Mark('{') => self.vector(),
            TokenKind::Mark('[') => self.address(),
            TokenKind::Mark('!') => {
                self.at += 1;
                let register = self.register()?;
                Ok(Operand::NotRegister(register))
            }
            TokenKind::Word(_) => self.named(),
            _ => Ok(match self.number()? {
                TokenKind::Single(bits) => Operand::Single(bits),
                TokenKind::Double(bits) => Operand::Double(bits),
                TokenKind::Integer(value) => Operand::Integer(value),
                _ => return self.unexpected("an operand"),
            }),
        }
    }

    fn vector(&mut self) -> Result<Operand, Flaw> {
        let place = self.place();
        self.mark('{', "`{`")?;
        let mut elements = Vec::new();
        loop {
            if let TokenKind::Mark('{' | '[') = self.peek() {
                return self.unexpected("an element of a vector");
            }
            if elements.len() == MOST_ELEMENTS {
                return Err(place.flaw(PtxErrorKind::TooLarge {
                    what: "elements of a vector",
                    limit: MOST_ELEMENTS as u64,
                }));
            }
            elements.push(self.operand()?);
            if self.take_mark('}') {
                return Ok(Operand::Vector(elements));
            }
            self.mark(',', "`,` or `}`")?;
        }
    }

    fn address(&mut self) -> Result<Operand, Flaw> {
        self.mark('[', "`[`")?;
        let place = self.place();
        let base = match self.peek() {
            TokenKind::Word(name) => {
                self.at += 1;
                match self.scopes.find(name, place)? {
                    Some(Named::Register(register)) => Base::Register(register),
                    Some(Named::Variable(space)) => Base::Variable(space),
                    Some(Named::Parameter(index)) => Base::Parameter(index),
                    None => return Err(place.flaw(PtxErrorKind::Unknown { name: name.into() })),
                }
            }
            _ => return self.unexpected("a register or a variable"),
        };
        let offset = self.offset()?;
        self.mark(']', "`]`, or `+` and a number")?;
        Ok(Operand::Address { base, offset })
    }

    /// `+16`, `+-16` or `-16`; 0 if there is none.
    fn offset(&mut self) -> Result<i64, Flaw> {
        match self.peek() {
            TokenKind::Mark('+') => {
                self.at += 1;
                self.signed_integer()
            }
            TokenKind::Mark('-') => self.signed_integer(),
            _ => Ok(0),
        }
    }

    fn signed_integer(&mut self) -> Result<i64, Flaw> {
        match self.peek() {
            TokenKind::Integer(_) | TokenKind::Mark('-') => {}
            _ => return self.unexpected("a whole number"),
        }
        match self.number()? {
            TokenKind::Integer(value) => Ok(value as i64),
            _ => {
                self.at -= 1;
                self.unexpected("a whole number")
            }
        }
    }

    fn register(&mut self) -> Result<Register, Flaw> {
        let place = self.place();
        let name = self.word("a register")?;
        match self.scopes.find(name, place)? {
            Some(Named::Register(register)) => Ok(register),
            Some(_) => Err(place.flaw(PtxErrorKind::Unexpected {
                found: format!("`{name}`"),
                expected: "a register",
            })),
            None => Err(place.flaw(PtxErrorKind::Unknown { name: name.into() })),
        }
    }

    /// A side of `%p|%q`.
    fn side(&mut self) -> Result<Option<Register>, Flaw> {
        if self.take_word("_") {
            return Ok(None);
        }
        self.register().map(Some)
    }

    fn named(&mut self) -> Result<Operand, Flaw> {
        if self.peek_second() == TokenKind::Mark('|') {
            let first = self.side()?;
            self.mark('|', "`|`")?;
            return Ok(Operand::Pair(first, self.side()?));
        }
        let place = self.place();
        let name = self.word("an operand")?;
        if name == "_" {
            return Ok(Operand::Sink);
        }
        match self.scopes.find(name, place)? {
            Some(Named::Register(register)) => Ok(Operand::Register(register)),
            Some(Named::Variable(space)) => Ok(Operand::Variable {
                space,
                offset: self.offset()?,
            }),
            Some(Named::Parameter(_)) => Err(place.flaw(PtxErrorKind::Unexpected {
                found: format!("the parameter `{name}`"),
                expected: "a register; parameters are read by ld.param",
            })),
            None => match Special::from_word(name) {
                Some(special) => Ok(Operand::Special(special)),
                None if name.starts_with(['%', '.']) => {
                    Err(place.flaw(PtxErrorKind::Unknown { name: name.into() }))
                }
                None => Ok(Operand::Label(name.to_owned())),
            },
        }
    }
}
