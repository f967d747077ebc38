//! What can be wrong with densities, positions, scores and budgets.
//!
//! Every message carries the numbers that decide the case, so that a caller can print it as it is.

use std::fmt;

use crate::{FormFault, MatrixShape, Part};

/// The ways in which input to this crate can be wrong.
///
/// Positions are flat and row-major. A mistake that only the calling code can make (an index
/// beyond a slice, a buffer of the wrong length) panics with both numbers instead.
#[derive(Clone, Debug, PartialEq)]
pub enum MaskError {
    /// A density is not a number in `[0, 1]`.
    DensityOutOfRange {
        /// The value given.
        value: f64,
    },
    /// A sparsity is not a number in `[0, 1)`.
    SparsityOutOfRange {
        /// The value given.
        value: f64,
    },
    /// A position lies beyond the last entry of its matrix.
    OutOfRange {
        /// The flat position.
        position: u64,
        /// The matrix it should lie in.
        shape: MatrixShape,
    },
    /// A list of positions that must ascend does not.
    NotAscending {
        /// The earlier entry.
        previous: u64,
        /// The entry after it, not larger.
        position: u64,
    },
    /// A position occurs twice in a list that is a set.
    Duplicate {
        /// The flat position.
        position: u64,
    },
    /// A rewiring both drops and grows a position.
    DroppedAndGrown {
        /// The flat position.
        position: u64,
    },
    /// A position that must be active is not.
    NotActive {
        /// The flat position.
        position: u64,
    },
    /// A position that must be inactive is active.
    AlreadyActive {
        /// The flat position.
        position: u64,
    },
    /// Two sets belong to matrices of different shapes.
    ShapeMismatch {
        /// Shape of the first operand.
        left: MatrixShape,
        /// Shape of the second operand.
        right: MatrixShape,
    },
    /// A mask was given the wrong number of 64-bit words.
    WordCount {
        /// Words given.
        found: usize,
        /// Words the shape needs.
        expected: usize,
        /// Shape of the mask.
        shape: MatrixShape,
    },
    /// A mask has set bits beyond its last entry.
    PaddingBits {
        /// The offending word.
        word: u64,
        /// Shape of the mask.
        shape: MatrixShape,
    },
    /// A topology cannot hold columns that do not fit in 32 bits.
    TooManyColumns {
        /// Shape asked for.
        shape: MatrixShape,
    },
    /// A topology was given the wrong number of row offsets.
    OffsetCount {
        /// Offsets given.
        found: usize,
        /// Offsets the shape needs: rows + 1.
        expected: usize,
        /// Shape of the topology.
        shape: MatrixShape,
    },
    /// Row offsets do not cut the columns into consecutive rows.
    Offsets {
        /// The first row that is wrong.
        row: usize,
        /// Its first entry.
        start: usize,
        /// One past its last entry.
        end: usize,
        /// Number of columns given.
        n_active: usize,
    },
    /// A column index lies beyond the last column.
    ColumnOutOfRange {
        /// Row of the entry.
        row: usize,
        /// The column given.
        column: u32,
        /// Shape of the topology.
        shape: MatrixShape,
    },
    /// More positions were asked for than there are to choose from.
    NotEnough {
        /// Positions asked for.
        wanted: u64,
        /// Positions there are.
        available: u64,
    },
    /// A score is NaN or infinite.
    NonFinite {
        /// Where: the index in the slice, or the position that was offered.
        index: u64,
        /// The value found.
        value: f32,
    },
    /// A score of one of several tensors is NaN or infinite.
    NonFiniteIn {
        /// Which tensor, from 0.
        tensor: usize,
        /// The index in the tensor.
        index: u64,
        /// The value found.
        value: f32,
    },
    /// An N:M pattern does not satisfy `1 <= keep <= of <= 32`.
    NotAPattern {
        /// Entries kept per group.
        keep: u8,
        /// Entries of a group.
        of: u8,
    },
    /// One of the sets of latent storage leaves the set that must contain it.
    NotNested {
        /// Name of the set that should be the smaller one.
        inner: &'static str,
        /// Name of the set that should contain it.
        outer: &'static str,
    },
    /// A layer's share of the budget is zero weights.
    EmptyLayer {
        /// Sparsity asked for over all layers.
        sparsity: f64,
        /// Name of the layer.
        layer: String,
        /// Weights the layer has when dense.
        n: u64,
    },
    /// The weights of the layers cannot be counted in 64 bits.
    TooManyWeights {
        /// Name of the layer at which the count overflows.
        layer: String,
    },
    /// An allocation rule has no such name.
    UnknownAllocation {
        /// The word given.
        word: String,
    },
    /// A view that should be seen as a matrix does not lie in row-major order.
    NotRowMajor {
        /// Its dimensions.
        dims: Vec<usize>,
    },
    /// The columns of a matrix are not whole kernels of a convolution.
    Taps {
        /// Entries of a kernel.
        taps: usize,
        /// The matrix.
        shape: MatrixShape,
    },
    /// A block has no rows or no columns.
    NotABlock {
        /// Rows of the block.
        rows: usize,
        /// Columns of the block.
        cols: usize,
    },
    /// A matrix does not consist of whole groups, tiles or blocks.
    Ragged {
        /// The matrix.
        shape: MatrixShape,
        /// The group, tile or block.
        unit: MatrixShape,
        /// Entries outside complete units.
        ragged: u64,
    },
    /// A mask does not have the pattern asked for.
    NotAdmitted {
        /// The part that is wrong.
        part: Part,
        /// Its active entries.
        found: u64,
        /// The active entries it should have.
        expected: u64,
    },
    /// A rewiring inside a pattern gives up only a part of what lives and dies together.
    PartialUnit {
        /// First position of the block.
        position: u64,
        /// Its entries that are given up.
        released: u64,
        /// Its entries.
        entries: u64,
    },
    /// A rewiring inside a pattern gives up an entry that an edge leaves dense.
    DenseEdge {
        /// The flat position.
        position: u64,
    },
    /// The candidates do not answer the request of the pattern.
    WrongCandidates {
        /// What the pattern asked for.
        expected: &'static str,
    },
    /// There are fewer candidates than places to refill.
    NoRoom {
        /// The part that lacks candidates.
        part: Part,
        /// Places to refill.
        wanted: u64,
        /// Candidates for them.
        available: u64,
    },
    /// A compressed form or a file of them is not one.
    Form(FormFault),
}

impl fmt::Display for MaskError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DensityOutOfRange { value } => {
                write!(formatter, "density {value} is outside [0, 1]")
            }
            Self::SparsityOutOfRange { value } => {
                write!(formatter, "sparsity {value} is outside [0, 1)")
            }
            Self::OutOfRange { position, shape } => {
                write!(formatter, "position {position} is outside a {shape} matrix")
            }
            Self::NotAscending { previous, position } => write!(
                formatter,
                "position {position} follows {previous}: positions must ascend"
            ),
            Self::Duplicate { position } => {
                write!(formatter, "position {position} is listed twice")
            }
            Self::DroppedAndGrown { position } => {
                write!(formatter, "position {position} is both dropped and grown")
            }
            Self::NotActive { position } => write!(formatter, "position {position} is not active"),
            Self::AlreadyActive { position } => {
                write!(formatter, "position {position} is already active")
            }
            Self::ShapeMismatch { left, right } => write!(
                formatter,
                "sets over {left} and {right} matrices do not combine"
            ),
            Self::WordCount {
                found,
                expected,
                shape,
            } => write!(
                formatter,
                "{found} words for a {shape} mask, which has {expected}"
            ),
            Self::PaddingBits { word, shape } => write!(
                formatter,
                "the last word {word:#018x} of a {shape} mask has bits beyond the last entry"
            ),
            Self::TooManyColumns { shape } => {
                write!(formatter, "a {shape} topology needs columns beyond 32 bits")
            }
            Self::OffsetCount {
                found,
                expected,
                shape,
            } => write!(
                formatter,
                "{found} row offsets for a {shape} topology, which has {expected}"
            ),
            Self::Offsets {
                row,
                start,
                end,
                n_active,
            } => write!(
                formatter,
                "row {row} claims entries {start}..{end} of {n_active}"
            ),
            Self::ColumnOutOfRange { row, column, shape } => write!(
                formatter,
                "row {row} names column {column} of a {shape} topology"
            ),
            Self::NotEnough { wanted, available } => {
                write!(formatter, "cannot choose {wanted} of {available} positions")
            }
            Self::NonFinite { index, value } => {
                write!(formatter, "score {value} at position {index} is not finite")
            }
            Self::NonFiniteIn {
                tensor,
                index,
                value,
            } => write!(
                formatter,
                "score {value} at position {index} of tensor {tensor} is not finite"
            ),
            Self::NotAPattern { keep, of } => write!(
                formatter,
                "{keep}:{of} is not a pattern: 1 <= keep <= of <= 32 must hold"
            ),
            Self::NotNested { inner, outer } => {
                write!(formatter, "the {inner} set is not inside the {outer} set")
            }
            Self::EmptyLayer { sparsity, layer, n } => write!(
                formatter,
                "sparsity {sparsity} leaves layer `{layer}` without weights ({n} dense)"
            ),
            Self::TooManyWeights { layer } => write!(
                formatter,
                "layer `{layer}` brings the number of weights beyond 64 bits"
            ),
            Self::UnknownAllocation { word } => write!(
                formatter,
                "unknown allocation `{word}`: use uniform, er or erk"
            ),
            Self::NotRowMajor { dims } => write!(
                formatter,
                "a {dims:?} view that is not in row-major order has to be copied to be a matrix"
            ),
            Self::Taps { taps, shape } => {
                write!(
                    formatter,
                    "the columns of a {shape} matrix are not kernels of {taps} entries"
                )
            }
            Self::NotABlock { rows, cols } => {
                write!(formatter, "a {rows}×{cols} block has no entries")
            }
            Self::Ragged {
                shape,
                unit,
                ragged,
            } => write!(
                formatter,
                "a {shape} matrix does not consist of whole {unit} units: {ragged} entries are left over"
            ),
            Self::NotAdmitted {
                part: Part::Entry(position),
                ..
            } => write!(
                formatter,
                "position {position} lies in an edge that stays dense and is not active"
            ),
            Self::NotAdmitted {
                part,
                found,
                expected,
            } => {
                let noun = match (part, found) {
                    (Part::Blocks, 1) => "block",
                    (Part::Blocks, _) => "blocks",
                    (_, 1) => "entry",
                    (_, _) => "entries",
                };
                write!(
                    formatter,
                    "{part} has {found} active {noun}, not {expected}"
                )
            }
            Self::PartialUnit {
                position,
                released,
                entries,
            } => write!(
                formatter,
                "only {released} of the {entries} entries of the block at position {position} are given up"
            ),
            Self::DenseEdge { position } => write!(
                formatter,
                "position {position} lies in an edge that stays dense and cannot be given up"
            ),
            Self::WrongCandidates { expected } => {
                write!(
                    formatter,
                    "the candidates are not {expected}, which the pattern asked for"
                )
            }
            Self::NoRoom {
                part,
                wanted,
                available,
            } => {
                let candidates = if *available == 1 {
                    "candidate"
                } else {
                    "candidates"
                };
                let places = if *wanted == 1 { "place" } else { "places" };
                write!(
                    formatter,
                    "{part} has {available} {candidates} for {wanted} {places}"
                )
            }
            Self::Form(fault) => fault.fmt(formatter),
        }
    }
}

impl std::error::Error for MaskError {}

impl From<FormFault> for MaskError {
    fn from(fault: FormFault) -> Self {
        Self::Form(fault)
    }
}
