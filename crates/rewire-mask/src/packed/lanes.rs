//! 2:4 metadata in the order in which `mma.sp` and `wgmma.sp` take it for 16-bit values.
//!
//! Both read A in tiles of 16 rows by 32 columns. A lane is `4g + t` with g in 0..8 and t in 0..4;
//! its 32-bit word holds 16 columns of two rows, row g in bits 0–15 and row g + 8 in bits 16–31,
//! each as in [`Packed24::metadata`](crate::Packed24::metadata). For one tile two lanes of every
//! four supply words: t = 0 and 1 (sparsity selector 0) the first and the second 16 columns; t = 2
//! and 3 (selector 1) those of the tile 32 columns further on. One register per lane thus serves
//! 64 columns without waste. Four tiles one below the other give 64 rows to 128 threads, thread
//! `T = 32w + 4g + t` for tile w.
//!
//! In memory a thread's four words for 256 columns lie together, so that it takes one 16-byte load:
//! `[rows / 64][cols / 256][T = 0..128][4]`, rows padded to 64 and columns to 256 with pair 0x4.
//!
//! # Source
//! NVIDIA, PTX ISA 8.5, "Sparse matrix storage" of `mma.sp` and `wgmma.mma_async.sp`; the order of
//! words in memory is ours.

use super::FormFault;
use super::pair::{self, FILLER_WORD};
use super::two_four::{check_metadata, check_pair, word_count, words_per_row};
use crate::{MaskError, MatrixShape};

/// Rows of a block.
const BLOCK_ROWS: usize = 64;

/// Columns of a block.
const BLOCK_COLS: usize = 256;

/// Words of a block: one for 16 columns of two rows.
const BLOCK_WORDS: usize = BLOCK_ROWS * BLOCK_COLS / 32;

/// Words of a thread in a block, each for 64 columns.
const THREAD_WORDS: usize = 4;

/// The metadata of a [`Packed24`](crate::Packed24) matrix, ordered for the lanes of a matrix unit.
///
/// # Examples
/// ```
/// use ndarray::Array2;
/// use rewire_mask::{LaneMetadata, Mask, MatrixShape, Packed24};
///
/// // Rows 0 and 8 meet in one word: columns {2,3} of row 0, {1,2} of row 8.
/// let shape = MatrixShape::new(9, 4);
/// let kept = |row: usize, col: usize| match row {
///     0 => col >= 2,
///     8 => col == 1 || col == 2,
///     _ => false,
/// };
/// let packed = Packed24::<f32>::pack(&Mask::from_fn(shape, kept), Array2::ones((9, 4)).view())?;
/// let lanes = packed.lane_metadata()?;
/// assert_eq!(lanes.words().len(), 512); // one block of 64 × 256
/// assert_eq!(lanes.words()[0], 0x4449_444E);
/// assert_eq!(lanes.to_plain(), packed.metadata());
/// assert_eq!(LaneMetadata::from_words(shape, lanes.words().to_vec())?, lanes);
/// # Ok::<(), rewire_mask::MaskError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneMetadata {
    shape: MatrixShape,
    words: Vec<u32>,
}

impl LaneMetadata {
    /// The metadata in these words, as [`LaneMetadata::words`] gives them.
    ///
    /// # Cost
    /// O(out · in).
    ///
    /// # Errors
    /// [`FormFault::MetadataCount`] unless there are 512 · ⌈rows / 64⌉ · ⌈cols / 256⌉ words,
    /// [`FormFault::NotAPair`] for bits that are not one of the six pairs,
    /// [`FormFault::PaddingUsed`] for a group beyond the last row or column with another pair than
    /// 0x4, [`FormFault::TooManyEntries`] for a shape whose padded entries cannot be counted.
    pub fn from_words(shape: MatrixShape, words: Vec<u32>) -> Result<Self, MaskError> {
        check_metadata(words.len(), lane_word_count(shape)?, shape)?;
        word_count(shape)?;
        let lanes = Self { shape, words };
        for index in 0..lanes.words.len() {
            let (row, column_word) = place(shape, index);
            for (row, half) in [(row, 0), (row + 8, 16)] {
                let word = (lanes.words[index] >> half) as u16;
                for group in 4 * column_word..4 * column_word + 4 {
                    check_pair(shape, row, group, pair::of_group(word, group))?;
                }
            }
        }
        Ok(lanes)
    }

    /// Reorders legal plain metadata of the right length.
    pub(super) fn from_plain(shape: MatrixShape, plain: &[u16]) -> Result<Self, MaskError> {
        let per_row = words_per_row(shape);
        let word_at = |row: usize, column_word: usize| {
            let inside = row < shape.rows && column_word < per_row;
            let word = if inside {
                plain[row * per_row + column_word]
            } else {
                FILLER_WORD
            };
            u32::from(word)
        };
        let words = (0..lane_word_count(shape)?)
            .map(|index| {
                let (row, column_word) = place(shape, index);
                word_at(row, column_word) | word_at(row + 8, column_word) << 16
            })
            .collect();
        Ok(Self { shape, words })
    }

    /// The metadata in plain row-major order, as [`Packed24::metadata`](crate::Packed24::metadata). Cost: O(out · in).
    pub fn to_plain(&self) -> Vec<u16> {
        let per_row = words_per_row(self.shape);
        let mut plain = vec![FILLER_WORD; self.shape.rows * per_row];
        for (index, &word) in self.words.iter().enumerate() {
            let (row, column_word) = place(self.shape, index);
            for (row, half) in [(row, 0), (row + 8, 16)] {
                if row < self.shape.rows && column_word < per_row {
                    plain[row * per_row + column_word] = (word >> half) as u16;
                }
            }
        }
        plain
    }

    /// The words: `[rows / 64][cols / 256][128 threads][4]`, sides rounded up.
    pub fn words(&self) -> &[u32] {
        &self.words
    }

    /// The matrix, `out × in`, without padding.
    pub const fn shape(&self) -> MatrixShape {
        self.shape
    }

    /// Bytes that the words take: 2048 · ⌈rows / 64⌉ · ⌈cols / 256⌉.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.words)
    }
}

/// Words of a matrix in lane order.
fn lane_word_count(shape: MatrixShape) -> Result<usize, FormFault> {
    shape
        .rows
        .div_ceil(BLOCK_ROWS)
        .checked_mul(shape.cols.div_ceil(BLOCK_COLS))
        .and_then(|blocks| blocks.checked_mul(BLOCK_WORDS))
        .ok_or(FormFault::TooManyEntries { shape })
}

/// Where a word belongs: the lower of its two rows, and its columns as an index of plain words.
fn place(shape: MatrixShape, index: usize) -> (usize, usize) {
    let (block, within) = (index / BLOCK_WORDS, index % BLOCK_WORDS);
    let (thread, step) = (within / THREAD_WORDS, within % THREAD_WORDS);
    let blocks_per_row = shape.cols.div_ceil(BLOCK_COLS);
    let row = block / blocks_per_row * BLOCK_ROWS + thread / 32 * 16 + thread % 32 / 4;
    // 256 columns are 16 plain words, 64 columns are four of them: one for each t.
    let column_word = block % blocks_per_row * 16 + step * 4 + thread % 4;
    (row, column_word)
}
