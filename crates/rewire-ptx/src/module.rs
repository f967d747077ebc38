//! A text that was read: its kernels, ready to run.

use std::sync::Arc;

use crate::decode::{Surroundings, steps};
use crate::error::{Place, PtxError, PtxErrorKind};
use crate::instruction::Step;
use crate::parse::{self, Limits};
use crate::syntax::Parameter;

/// The kernels of a PTX text.
#[derive(Clone, Debug)]
pub struct Module {
    file: String,
    entries: Vec<Entry>,
}

/// A kernel.
#[derive(Clone, Debug)]
pub struct Entry {
    name: String,
    parameters: Vec<Parameter>,
    shared_bytes: u64,
    dynamic_align: u64,
    pub(crate) file: String,
    pub(crate) place: Place,
    pub(crate) limits: Limits,
    pub(crate) steps: Vec<Step>,
    pub(crate) registers: Vec<String>,
    pub(crate) predicates: Vec<String>,
    pub(crate) constants: Arc<[u8]>,
}

impl Module {
    /// Reads `text`; errors and faults call it `file`.
    ///
    /// # Cost
    /// O(length), and a few bytes per instruction.
    ///
    /// # Errors
    /// The first [`PtxError`]: what is not PTX, and every directive, instruction and modifier
    /// outside the subset.
    pub fn parse(file: &str, text: &str) -> Result<Self, PtxError> {
        let (sources, constants) = parse::module(text).map_err(|flaw| flaw.in_file(file))?;
        let constants: Arc<[u8]> = constants.into();
        let entry = |source: parse::Source| {
            let around = Surroundings {
                body: &source.body,
                parameters: &source.parameters,
                target: source.target,
            };
            Ok(Entry {
                steps: steps(&around).map_err(|flaw| flaw.in_file(file))?,
                name: source.name,
                parameters: source.parameters,
                shared_bytes: source.body.shared_bytes,
                dynamic_align: source.dynamic_align,
                file: file.to_owned(),
                place: source.place,
                limits: source.limits,
                registers: source.body.registers,
                predicates: source.body.predicates,
                constants: Arc::clone(&constants),
            })
        };
        Ok(Self {
            file: file.to_owned(),
            entries: sources.into_iter().map(entry).collect::<Result<_, _>>()?,
        })
    }

    /// The kernels in the order of the text.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The kernel of this name.
    ///
    /// # Errors
    /// [`PtxErrorKind::NoEntry`] if there is none.
    pub fn entry(&self, name: &str) -> Result<&Entry, PtxError> {
        let found = self.entries.iter().find(|entry| entry.name == name);
        found.ok_or_else(|| PtxError {
            file: self.file.clone(),
            line: 1,
            column: 1,
            kind: PtxErrorKind::NoEntry { name: name.into() },
        })
    }
}

impl Entry {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its parameters in order.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// Bytes of shared memory that it declares itself; dynamic ones come on top.
    pub fn shared_bytes(&self) -> u64 {
        self.shared_bytes
    }

    /// How many instructions it has.
    pub fn instructions(&self) -> usize {
        self.steps.len()
    }

    /// Bytes before the dynamic part of shared memory.
    pub(crate) fn dynamic_begin(&self) -> u64 {
        let base = crate::shared::SHARED_BASE;
        (base + self.shared_bytes).next_multiple_of(self.dynamic_align) - base
    }
}
