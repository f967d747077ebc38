//! The body of a kernel: scopes, declarations, labels and instructions.

use super::Parser;
use crate::ScalarType;
use crate::error::{Flaw, PtxErrorKind};
use crate::lexer::TokenKind;
use crate::scope::Named;
use crate::syntax::{Label, Statement};

/// The most instructions of a kernel.
const MOST_STATEMENTS: usize = 1 << 20;

impl Parser<'_> {
    /// What follows the opening brace of a kernel, with its closing one.
    pub(super) fn body(&mut self) -> Result<(), Flaw> {
        self.body.parents.push(0);
        let mut open = vec![0];
        loop {
            let scope = open.last().copied().unwrap_or(0);
            if self.take_mark('{') {
                open.push(self.body.parents.len());
                self.body.parents.push(scope);
                self.scopes.push();
            } else if self.take_mark('}') {
                open.pop();
                if open.is_empty() {
                    return Ok(());
                }
                self.scopes.pop();
            } else {
                self.line(scope)?;
            }
        }
    }

    fn line(&mut self, scope: usize) -> Result<(), Flaw> {
        match (self.peek(), self.peek_second()) {
            (TokenKind::Mark(';'), _) => self.at += 1,
            (TokenKind::Mark('@'), _) => self.instruction(scope)?,
            (TokenKind::Word(name), TokenKind::Mark(':')) => self.label(name, scope)?,
            (TokenKind::Word(word), _) if word.starts_with('.') => self.directive(word)?,
            (TokenKind::Word(_), _) => self.instruction(scope)?,
            _ => return self.unexpected("an instruction, a directive or `}`"),
        }
        Ok(())
    }

    fn label(&mut self, name: &str, scope: usize) -> Result<(), Flaw> {
        let same = |label: &Label| label.scope == scope && label.name == name;
        if self.body.labels.iter().any(same) {
            let name = name.to_owned();
            return Err(self.place().flaw(PtxErrorKind::Redeclared { name }));
        }
        self.at += 2;
        self.body.labels.push(Label {
            name: name.to_owned(),
            scope,
            target: self.body.statements.len() as u32,
        });
        Ok(())
    }

    fn directive(&mut self, word: &str) -> Result<(), Flaw> {
        let place = self.place();
        self.at += 1;
        match word {
            ".reg" => self.registers(),
            ".shared" => self.shared_variable(),
            ".loc" | ".file" | ".pragma" => {
                self.skip_note();
                Ok(())
            }
            other => Err(place.flaw(PtxErrorKind::Directive(other.into()))),
        }
    }

    /// What follows `.reg`: a type, and names or ranges of them.
    fn registers(&mut self) -> Result<(), Flaw> {
        let scalar = self.scalar()?;
        loop {
            let place = self.place();
            let name = self.word("the name of a register")?;
            if self.take_mark('<') {
                let count = self.integer("a number of registers")?;
                self.mark('>', "`>`")?;
                self.scopes.declare_range(name, scalar, count, place)?;
            } else {
                self.scopes.declare_register(name, scalar, place)?;
            }
            if !self.take_mark(',') {
                return self.mark(';', "`;` or `,`");
            }
        }
    }

    fn instruction(&mut self, scope: usize) -> Result<(), Flaw> {
        let mut place = self.place();
        let mut guard = None;
        if self.take_mark('@') {
            let opposite = self.take_mark('!');
            let named = self.place();
            let name = self.word("a predicate")?;
            match self.scopes.find(name, named)? {
                Some(Named::Register(register)) if register.scalar == ScalarType::Pred => {
                    guard = Some((register, opposite));
                }
                Some(_) => {
                    return Err(named.flaw(PtxErrorKind::Unexpected {
                        found: format!("`{name}`"),
                        expected: "a predicate",
                    }));
                }
                None => return Err(named.flaw(PtxErrorKind::Unknown { name: name.into() })),
            }
            place = self.place();
        }
        let opcode = self.word("an instruction")?.to_owned();
        let mut operands = Vec::new();
        if !self.take_mark(';') {
            loop {
                operands.push(self.operand()?);
                if self.take_mark(';') {
                    break;
                }
                self.mark(',', "`,` or `;`")?;
            }
        }
        if self.body.statements.len() == MOST_STATEMENTS {
            return Err(place.flaw(PtxErrorKind::TooLarge {
                what: "instructions",
                limit: MOST_STATEMENTS as u64,
            }));
        }
        self.body.statements.push(Statement {
            place,
            guard,
            opcode,
            operands,
            scope,
        });
        Ok(())
    }
}
