//! What can be wrong with a compressed form or with a file of them.

use std::fmt;

use crate::{MaskError, MatrixShape};

/// The ways in which a compressed form can be wrong; part of [`MaskError`].
///
/// A group is four consecutive columns of a row, or four consecutive rows of a column, counted
/// from 0.
#[derive(Clone, Debug, PartialEq)]
pub enum FormFault {
    /// The weights to be packed are not those of the mask.
    WeightsShape {
        /// Shape of the weights.
        weights: MatrixShape,
        /// Shape of the mask or topology.
        shape: MatrixShape,
    },
    /// A group of four has more than two active entries.
    GroupFull {
        /// Along what the group lies: `"row"` or `"column"`.
        along: &'static str,
        /// Index of that row or column.
        line: usize,
        /// Index of the group in it.
        group: usize,
        /// Active entries of the group.
        active: u32,
    },
    /// Four bits of metadata do not name two ascending columns of a group.
    NotAPair {
        /// Row of the group.
        row: usize,
        /// Index of the group in the row.
        group: usize,
        /// The four bits.
        bits: u8,
    },
    /// Padding beyond the edge of a matrix holds something else than +0 and the pair 0x4.
    PaddingUsed {
        /// Row of the padding.
        row: usize,
        /// Column of the padding, or the first one of its group.
        col: usize,
        /// Shape of the matrix.
        shape: MatrixShape,
    },
    /// The number of stored values is not what the positions need.
    ValueCount {
        /// Values given.
        found: usize,
        /// Values needed, padding included.
        expected: usize,
        /// Shape of the matrix.
        shape: MatrixShape,
    },
    /// The number of words of 2:4 metadata is not what the shape needs.
    MetadataCount {
        /// Words given.
        found: usize,
        /// Words needed, padding included.
        expected: usize,
        /// Shape of the matrix.
        shape: MatrixShape,
    },
    /// The entries of a matrix, with the padding of the form, cannot be counted.
    TooManyEntries {
        /// Shape asked for.
        shape: MatrixShape,
    },
    /// A side of a block is 0.
    EmptyBlock {
        /// Rows and columns of the block.
        block: MatrixShape,
    },
    /// A topology of blocks does not cover its matrix.
    BlockGrid {
        /// Rows and columns of the topology, in blocks.
        found: MatrixShape,
        /// Rows and columns needed, in blocks.
        expected: MatrixShape,
        /// Shape of the matrix.
        shape: MatrixShape,
    },
    /// Bytes are not a safetensors file of this crate.
    File {
        /// What is wrong.
        what: String,
    },
    /// A tensor of a file is missing, or not what its matrix needs.
    Tensor {
        /// Name of the tensor.
        name: String,
        /// What is wrong.
        what: String,
    },
    /// A matrix of a file breaks a rule of its form.
    Matrix {
        /// Name of the matrix.
        name: String,
        /// The rule.
        fault: Box<MaskError>,
    },
}

impl fmt::Display for FormFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WeightsShape { weights, shape } => write!(
                formatter,
                "{weights} weights do not fit positions of a {shape} matrix"
            ),
            Self::GroupFull {
                along,
                line,
                group,
                active,
            } => write!(
                formatter,
                "group {group} of {along} {line} has {active} active entries: 2:4 allows two"
            ),
            Self::NotAPair { row, group, bits } => write!(
                formatter,
                "metadata {bits:#x} of row {row}, group {group} is none of the pairs \
                 0x4, 0x8, 0xc, 0x9, 0xd, 0xe"
            ),
            Self::PaddingUsed { row, col, shape } => write!(
                formatter,
                "the padding of a {shape} matrix is used at row {row}, column {col}"
            ),
            Self::ValueCount {
                found,
                expected,
                shape,
            } => write!(
                formatter,
                "{found} values for a {shape} matrix, whose positions need {expected}"
            ),
            Self::MetadataCount {
                found,
                expected,
                shape,
            } => write!(
                formatter,
                "{found} words of 2:4 metadata for a {shape} matrix, which needs {expected}"
            ),
            Self::TooManyEntries { shape } => write!(
                formatter,
                "the stored entries of a {shape} matrix cannot be counted"
            ),
            Self::EmptyBlock { block } => write!(formatter, "a {block} block has no entries"),
            Self::BlockGrid {
                found,
                expected,
                shape,
            } => write!(
                formatter,
                "{found} blocks do not cover a {shape} matrix, which has {expected} of them"
            ),
            Self::File { what } => write!(formatter, "not a file of compressed forms: {what}"),
            Self::Tensor { name, what } => write!(formatter, "tensor `{name}` {what}"),
            Self::Matrix { name, fault } => write!(formatter, "matrix `{name}`: {fault}"),
        }
    }
}

impl std::error::Error for FormFault {}
