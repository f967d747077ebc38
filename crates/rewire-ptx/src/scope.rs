//! Names of a text and the scopes in which they hold.
//!
//! A range such as `%r<10000>` costs nothing: a register gets its slot when it is first named.

use std::collections::HashMap;

use crate::ScalarType;
use crate::error::{Flaw, Place, PtxErrorKind};
use crate::syntax::{Register, VariableSpace};

/// The most registers a kernel may name; hardware has 255 per thread.
const MOST_REGISTERS: usize = 8192;

/// What a name stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Named {
    Register(Register),
    Variable(VariableSpace),
    Parameter(usize),
}

/// The scopes of one kernel, outermost first.
#[derive(Debug, Default)]
pub(crate) struct Scopes {
    /// Those that are open, from the module's inwards.
    open: Vec<Scope>,
    /// The names of the registers, by slot.
    pub(crate) registers: Vec<String>,
    /// The names of the predicates, by slot.
    pub(crate) predicates: Vec<String>,
}

#[derive(Debug, Default)]
struct Scope {
    names: HashMap<String, Named>,
    /// `%r<10>`: how many registers of which type there are behind a prefix.
    ranges: HashMap<String, (ScalarType, u64)>,
}

impl Scopes {
    pub(crate) fn push(&mut self) {
        self.open.push(Scope::default());
    }

    /// Leaves the innermost scope; `false` if it is the last.
    pub(crate) fn pop(&mut self) -> bool {
        self.open.pop();
        !self.open.is_empty()
    }

    pub(crate) fn declare(&mut self, name: &str, named: Named, at: Place) -> Result<(), Flaw> {
        if self.open.is_empty() {
            self.push();
        }
        let last = self.open.len() - 1;
        match self.open[last].names.insert(name.to_owned(), named) {
            None => Ok(()),
            Some(_) => Err(at.flaw(PtxErrorKind::Redeclared { name: name.into() })),
        }
    }

    pub(crate) fn declare_register(
        &mut self,
        name: &str,
        scalar: ScalarType,
        at: Place,
    ) -> Result<(), Flaw> {
        let register = self.allocate(name, scalar, at)?;
        self.declare(name, Named::Register(register), at)
    }

    pub(crate) fn declare_range(
        &mut self,
        prefix: &str,
        scalar: ScalarType,
        count: u64,
        at: Place,
    ) -> Result<(), Flaw> {
        if self.open.is_empty() {
            self.push();
        }
        let last = self.open.len() - 1;
        let ranges = &mut self.open[last].ranges;
        match ranges.insert(prefix.to_owned(), (scalar, count)) {
            None => Ok(()),
            Some(_) => Err(at.flaw(PtxErrorKind::Redeclared {
                name: prefix.into(),
            })),
        }
    }

    fn allocate(&mut self, name: &str, scalar: ScalarType, at: Place) -> Result<Register, Flaw> {
        let names = match scalar {
            ScalarType::Pred => &mut self.predicates,
            _ => &mut self.registers,
        };
        if names.len() == MOST_REGISTERS {
            return Err(at.flaw(PtxErrorKind::TooLarge {
                what: "registers of one kernel",
                limit: MOST_REGISTERS as u64,
            }));
        }
        let slot = names.len() as u32;
        names.push(name.to_owned());
        Ok(Register { slot, scalar })
    }

    /// What `name` stands for, the innermost scope first.
    pub(crate) fn find(&mut self, name: &str, at: Place) -> Result<Option<Named>, Flaw> {
        for index in (0..self.open.len()).rev() {
            if let Some(&named) = self.open[index].names.get(name) {
                return Ok(Some(named));
            }
            if let Some(scalar) = self.open[index].member_of_range(name) {
                let register = self.allocate(name, scalar, at)?;
                let named = Named::Register(register);
                self.open[index].names.insert(name.to_owned(), named);
                return Ok(Some(named));
            }
        }
        Ok(None)
    }
}

impl Scope {
    /// The type of `%r7` if a range `%r<n>` with n > 7 is declared here.
    fn member_of_range(&self, name: &str) -> Option<ScalarType> {
        let digits = name.len() - name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        // The prefix itself may end in digits, as in `%a1_<4>` or `%f2<8>`.
        (1..=digits).find_map(|length| {
            let (prefix, number) = name.split_at(name.len() - length);
            let canonical = number == "0" || !number.starts_with('0');
            let &(scalar, count) = self.ranges.get(prefix)?;
            (canonical && number.parse::<u64>().ok()? < count).then_some(scalar)
        })
    }
}
