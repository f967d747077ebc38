//! What one machine answered to the probes, as the text of a file.
//!
//! ```text
//! machine NVIDIA H200, driver CUDA 13.0
//! mma_sp_m16n8k32_bf16_selector1_whole 0123456789abcdef 41200000 c0800000 …
//! ```
//!
//! A line per probe: its name, a mark of its text and input, and the words it left. An answer whose
//! mark is not that of the probe belongs to another probe of the same name.

use std::error::Error;
use std::fmt;

use super::Probe;

/// The answers of one machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// Which machine it was.
    pub machine: String,
    /// Name, mark and words, in the order in which they were recorded.
    lines: Vec<(String, u64, Vec<u32>)>,
}

/// Why a text is not a file of answers, or an answer not the one that was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerError {
    /// A line that cannot be read.
    Line {
        /// Its number, from 1.
        line: usize,
        /// What it should have been.
        expected: &'static str,
    },
    /// The probe has changed since its answer was recorded, or never was recorded.
    Unknown {
        /// The probe's name.
        probe: String,
    },
    /// Another answer than the recorded one.
    Different {
        /// The probe's name.
        probe: String,
        /// The first word that differs.
        word: usize,
        /// What was recorded.
        recorded: u32,
        /// What was found.
        found: u32,
    },
}

impl Answers {
    /// No answers yet.
    pub fn of(machine: impl Into<String>) -> Self {
        Self {
            machine: machine.into(),
            lines: Vec::new(),
        }
    }

    /// Adds what a probe left.
    pub fn push(&mut self, probe: &Probe, words: Vec<u32>) {
        self.lines
            .push((probe.name().to_owned(), mark(probe), words));
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// [`AnswerError::Line`] for the first line that is not as stated.
    pub fn parse(text: &str) -> Result<Self, AnswerError> {
        let mut answers = Self::default();
        for (index, line) in text.lines().enumerate() {
            let wrong = |expected| AnswerError::Line {
                line: index + 1,
                expected,
            };
            if index == 0 {
                let machine = line.strip_prefix("machine ");
                machine
                    .ok_or(wrong("`machine` and its name"))?
                    .clone_into(&mut answers.machine);
                continue;
            }
            let mut parts = line.split(' ');
            let (Some(name), Some(mark)) = (parts.next(), parts.next()) else {
                return Err(wrong("a name, a mark and words"));
            };
            let mark = u64::from_str_radix(mark, 16).map_err(|_| wrong("a mark of 16 digits"))?;
            let words: Result<Vec<u32>, _> =
                parts.map(|part| u32::from_str_radix(part, 16)).collect();
            let words = words.map_err(|_| wrong("words of 8 digits"))?;
            answers.lines.push((name.to_owned(), mark, words));
        }
        Ok(answers)
    }

    /// Compares what a probe left with what was recorded.
    ///
    /// # Errors
    /// [`AnswerError::Unknown`] if there is no answer for this text and input,
    /// [`AnswerError::Different`] for the first word that differs more than the probe allows.
    pub fn check(&self, probe: &Probe, found: &[u32]) -> Result<(), AnswerError> {
        let mark = mark(probe);
        let known = |line: &&(String, u64, Vec<u32>)| {
            line.0 == probe.name() && line.1 == mark && line.2.len() == found.len()
        };
        let Some((_, _, recorded)) = self.lines.iter().find(known) else {
            return Err(AnswerError::Unknown {
                probe: probe.name().to_owned(),
            });
        };
        match probe.difference(recorded, found) {
            None => Ok(()),
            Some((word, recorded, found)) => Err(AnswerError::Different {
                probe: probe.name().to_owned(),
                word,
                recorded,
                found,
            }),
        }
    }
}

/// FNV-1a of text and input.
fn mark(probe: &Probe) -> u64 {
    let words = probe.input().iter().flat_map(|word| word.to_le_bytes());
    probe
        .text()
        .bytes()
        .chain(words)
        .fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
        })
}

impl fmt::Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "machine {}", self.machine)?;
        for (name, mark, words) in &self.lines {
            write!(f, "{name} {mark:016x}")?;
            for word in words {
                write!(f, " {word:08x}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { line, expected } => write!(f, "line {line}: {expected} expected"),
            Self::Unknown { probe } => write!(f, "{probe}: no answer was recorded for it as it is"),
            Self::Different {
                probe,
                word,
                recorded,
                found,
            } => write!(
                f,
                "{probe}: word {word} is {found:#010x}, recorded was {recorded:#010x}"
            ),
        }
    }
}

impl Error for AnswerError {}
