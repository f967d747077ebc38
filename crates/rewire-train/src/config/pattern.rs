//! The shapes of mask that a configuration can ask for.

use std::fmt;
use std::str::FromStr;

use rewire_autograd::mask::{Block, BlockNorm, Density, Edges, Lines, MaskError, Nm, Pattern};
use serde::{Deserialize, Serialize};

/// What the masks of the layers that share the budget keep to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum PatternKind {
    /// Any positions: `unstructured`.
    #[default]
    Unstructured,
    /// N of every M consecutive inputs of an output: `nm:2:4`.
    Nm(Nm),
    /// N of every M along rows and columns at once: `transposable:2:4`.
    Transposable(Nm),
    /// Whole blocks of rows × columns: `block:4x4`.
    Block(Block),
}

impl PatternKind {
    /// The largest side of a block that is accepted.
    const SIDE_LIMIT: usize = 1024;

    pub(super) const LEGAL: &str = "`unstructured`, `nm:N:M` or `transposable:N:M` with 1 ≤ N ≤ M \
                                    ≤ 32, or `block:RxC` with sides from 1 to 1024";

    /// The sparsity that the pattern itself decides.
    pub fn sparsity(self) -> Option<f64> {
        match self {
            Self::Unstructured | Self::Block(_) => None,
            Self::Nm(nm) | Self::Transposable(nm) => {
                Some(1.0 - f64::from(nm.keep) / f64::from(nm.of))
            }
        }
    }

    /// The pattern of a layer of this sparsity; none where any positions will do. What fits into no
    /// whole group, tile or block stays dense.
    ///
    /// # Errors
    /// [`MaskError`] for a sparsity that is no share.
    pub(crate) fn of_layer(self, sparsity: f64) -> Result<Option<Pattern>, MaskError> {
        let edges = Edges::Dense;
        Ok(match self {
            Self::Unstructured => None,
            Self::Nm(nm) => Some(Pattern::Nm {
                nm,
                along: Lines::Inputs,
                edges,
            }),
            Self::Transposable(nm) => Some(Pattern::TransposableNm { nm, edges }),
            Self::Block(block) => Some(Pattern::Blocks {
                block,
                norm: BlockNorm::L1,
                density: Density::from_sparsity(sparsity)?,
                edges,
            }),
        })
    }
}

impl FromStr for PatternKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || format!("a pattern is {}", Self::LEGAL);
        let nm = |text: &str| {
            let (keep, of) = text.split_once(':')?;
            Nm::new(keep.parse().ok()?, of.parse().ok()?).ok()
        };
        let side = |text: &str| {
            let side = text.parse().ok()?;
            (1..=Self::SIDE_LIMIT).contains(&side).then_some(side)
        };
        let block = |text: &str| {
            let (rows, cols) = text.split_once('x')?;
            Some(Block {
                rows: side(rows)?,
                cols: side(cols)?,
            })
        };
        match text.split_once(':') {
            None if text == "unstructured" => Ok(Self::Unstructured),
            Some(("nm", rest)) => nm(rest).map(Self::Nm).ok_or_else(refuse),
            Some(("transposable", rest)) => nm(rest).map(Self::Transposable).ok_or_else(refuse),
            Some(("block", rest)) => block(rest).map(Self::Block).ok_or_else(refuse),
            _ => Err(refuse()),
        }
    }
}

impl TryFrom<String> for PatternKind {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<PatternKind> for String {
    fn from(kind: PatternKind) -> Self {
        kind.to_string()
    }
}

impl fmt::Display for PatternKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unstructured => out.write_str("unstructured"),
            Self::Nm(Nm { keep, of }) => write!(out, "nm:{keep}:{of}"),
            Self::Transposable(Nm { keep, of }) => write!(out, "transposable:{keep}:{of}"),
            Self::Block(Block { rows, cols }) => write!(out, "block:{rows}x{cols}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_read_as_it_is_written() {
        for text in [
            "unstructured",
            "nm:1:32",
            "transposable:2:4",
            "block:4x1",
            "block:1x1024",
        ] {
            let kind: PatternKind = text.parse().unwrap();
            assert_eq!(kind.to_string(), text);
        }
    }

    #[test]
    fn anything_else_is_no_pattern() {
        let rows = [
            "",
            "nm",
            "nm:",
            "nm:2",
            "nm:0:4",
            "nm:5:4",
            "nm:2:33",
            "nm:2:4:8",
            "2:4",
            "transposable:2x4",
            "block:4",
            "block:0x4",
            "block:4x1025",
            "block:4x4x4",
            "unstructured:",
            "nm: 2:4",
            "nm:-2:4",
        ];
        for text in rows {
            let error = text.parse::<PatternKind>().unwrap_err();
            assert!(error.contains("block:RxC"), "{text}: {error}");
        }
    }
}
