//! Two of every four columns: half of the values, and four bits that say which two.
//!
//! Values and metadata lie row after row in the order of the columns. A row is padded to a multiple
//! of 16 columns, so that each 16-bit word of metadata belongs to one row: it holds the pairs of
//! four groups, the lowest group in the lowest four bits, beside eight values.
//!
//! ```text
//! columns    0  1  2  3 | 4  5  6  7 | 8  9 10 11 | 12 13 14 15
//! row        .  a  .  b | c  d  .  . | .  .  e  f |  .  .  .  g
//! values     a  b  c  d  e  f  0  g
//! pairs        {1,3}=D      {0,1}=4      {2,3}=E       {0,3}=C      word 0xCE4D
//! ```
//!
//! A group with fewer than two active entries is filled up with its lowest inactive ones, whose
//! value is +0. Groups beyond the last column hold the pair {0,1} and +0.

use ndarray::{Array2, ArrayView2};

use super::pair::{self, COLUMNS_PER_WORD, FILLER, FILLER_WORD, GROUPS_PER_WORD, VALUES_PER_WORD};
use super::{Element, FormFault, LaneMetadata, check_values, check_weights};
use crate::{Mask, MaskError, MatrixShape};

/// A matrix of which at most two of every four consecutive columns are active.
///
/// Equality is that of the values as numbers: −0 equals 0 and NaN differs from itself.
///
/// # Examples
/// ```
/// use ndarray::array;
/// use rewire_mask::{Mask, Packed24};
///
/// let weights = array![[0.5f32, -1.0, 0.25, -0.0, 3.0]];
/// let mask = Mask::from_array(array![[false, true, false, true, true]].view());
/// let packed = Packed24::<f32>::pack(&mask, weights.view())?;
/// assert_eq!(packed.metadata(), [0x444D]); // {1,3}, {0,1}, and two groups of padding
/// assert_eq!(packed.values(), [-1.0, -0.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
/// assert_eq!(packed.expand(), array![[0.0, -1.0, 0.0, -0.0, 3.0]]);
/// # Ok::<(), rewire_mask::MaskError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Packed24<T> {
    shape: MatrixShape,
    values: Vec<T>,
    metadata: Vec<u16>,
}

impl<T: Element> Packed24<T> {
    /// The active weights of a matrix whose mask is 2:4 along rows.
    ///
    /// `weights` is `out × in`, in any memory order. Each group of four columns may have two active
    /// entries or fewer; the last group may be narrower. A group that is not full is filled up
    /// with its lowest inactive entries, which hold +0.
    ///
    /// # Cost
    /// O(out · in).
    ///
    /// # Errors
    /// [`FormFault::GroupFull`] for the first group, row by row, with more than two active entries,
    /// [`FormFault::WeightsShape`] for weights of another shape.
    ///
    /// # Source
    /// Mishra et al. 2021, "Accelerating Sparse Deep Neural Networks", section 3.
    pub fn pack(mask: &Mask, weights: ArrayView2<'_, f32>) -> Result<Self, MaskError> {
        let shape = mask.shape();
        check_weights(weights, shape)?;
        let mut packed = Self::blank(shape)?;
        for row in 0..shape.rows {
            for (group, first) in (0..shape.cols).step_by(4).enumerate() {
                let width = (shape.cols - first).min(4);
                let active = four_bits(mask, shape.position(row, first), width);
                packed
                    .store(row, group, active, |entry| weights[[row, first + entry]])
                    .map_err(|active| FormFault::GroupFull {
                        along: "row",
                        line: row,
                        group,
                        active,
                    })?;
            }
        }
        Ok(packed)
    }

    /// The active weights of a matrix and those of its transpose, from one mask that is 2:4 along
    /// rows and along columns.
    ///
    /// The first serves `Y = X·Wᵀ`, the second, whose rows are the columns of `weights`,
    /// `dX = dY·W`.
    ///
    /// # Cost
    /// O(out · in), twice.
    ///
    /// # Errors
    /// [`FormFault::GroupFull`] for the first group with more than two active entries: of all rows
    /// as in [`Packed24::pack`], then along columns in the order of groups, lower columns first
    /// within one. [`FormFault::WeightsShape`] for weights of another shape.
    ///
    /// # Source
    /// Hubara et al. 2021, "Accelerated Sparse Neural Training: A Provable and Efficient Method to
    /// Find N:M Transposable Masks", section 3.
    pub fn pack_both(mask: &Mask, weights: ArrayView2<'_, f32>) -> Result<(Self, Self), MaskError> {
        let plain = Self::pack(mask, weights)?;
        let shape = mask.shape();
        let mut transposed = Self::blank(MatrixShape::new(shape.cols, shape.rows))?;
        // Walking W row by row keeps its reads together; the writes are strided instead.
        for (group, first) in (0..shape.rows).step_by(4).enumerate() {
            let height = (shape.rows - first).min(4);
            for col in 0..shape.cols {
                let active = (0..height)
                    .map(|entry| u8::from(mask.get(first + entry, col)) << entry)
                    .sum();
                transposed
                    .store(col, group, active, |entry| weights[[first + entry, col]])
                    .map_err(|active| FormFault::GroupFull {
                        along: "column",
                        line: col,
                        group,
                        active,
                    })?;
            }
        }
        Ok((plain, transposed))
    }

    /// The matrix with these values and this metadata, as [`Packed24::values`] and
    /// [`Packed24::metadata`] give them.
    ///
    /// Inside the matrix any legal pair is accepted for a group that is not full, not only the one
    /// that [`Packed24::pack`] chooses.
    ///
    /// # Cost
    /// O(out · in).
    ///
    /// # Errors
    /// [`FormFault::MetadataCount`] unless there are rows · ⌈cols / 16⌉ words,
    /// [`FormFault::ValueCount`] unless there are eight values for each,
    /// [`FormFault::NotAPair`] for metadata that is not one of the six pairs,
    /// [`FormFault::PaddingUsed`] if a column beyond the last one has a value other than +0 or a
    /// group beyond it another pair than 0x4, [`FormFault::TooManyEntries`] for a shape whose
    /// padded entries cannot be counted.
    pub fn from_parts(
        shape: MatrixShape,
        values: Vec<T>,
        metadata: Vec<u16>,
    ) -> Result<Self, MaskError> {
        let n_words = word_count(shape)?;
        check_metadata(metadata.len(), n_words, shape)?;
        check_values(values.len(), n_words * VALUES_PER_WORD, shape)?;
        let packed = Self {
            shape,
            values,
            metadata,
        };
        for (row, group, pair) in packed.pairs() {
            check_pair(shape, row, group, pair)?;
            let beyond =
                |&(col, value): &(usize, T)| col >= shape.cols && !value.is_positive_zero();
            if let Some((col, _)) = packed.entries(row, group, pair).into_iter().find(beyond) {
                return Err(FormFault::PaddingUsed { row, col, shape }.into());
            }
        }
        Ok(packed)
    }

    /// The matrix, `out × in`, without padding.
    pub const fn shape(&self) -> MatrixShape {
        self.shape
    }

    /// The kept values, row-major: [`Packed24::values_per_row`] for each row, two for each group.
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// The pairs of kept columns, row-major: one word for 16 columns, the pair of the lowest group
    /// in its lowest four bits, the lower index of a pair in its lower two.
    pub fn metadata(&self) -> &[u16] {
        &self.metadata
    }

    /// Values stored for each row, padding included: 8 · ⌈cols / 16⌉.
    pub const fn values_per_row(&self) -> usize {
        VALUES_PER_WORD * words_per_row(self.shape)
    }

    /// Bytes that values and metadata take: (8 · size of a value + 2) · rows · ⌈cols / 16⌉.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.values) + size_of_val(&*self.metadata)
    }

    /// The matrix with every entry, +0 where nothing is active. Cost: O(out · in).
    ///
    /// # Panics
    /// If such a matrix does not fit in memory.
    pub fn expand(&self) -> Array2<T> {
        let mut dense = Array2::from_elem((self.shape.rows, self.shape.cols), T::ZERO);
        for (row, group, pair) in self.pairs() {
            for (col, value) in self.entries(row, group, pair) {
                if col < self.shape.cols {
                    dense[[row, col]] = value;
                }
            }
        }
        dense
    }

    /// The entries that the pairs name: all that were active, and the fillers of groups with fewer
    /// than two. Where every group was full this is the mask that was packed. Cost: O(out · in).
    pub fn mask(&self) -> Mask {
        let mut mask = Mask::empty(self.shape);
        for (row, group, pair) in self.pairs() {
            for (col, _) in self.entries(row, group, pair) {
                if col < self.shape.cols {
                    mask.insert(self.shape.position(row, col));
                }
            }
        }
        mask
    }

    /// The metadata in the order in which the lanes of a matrix unit read it. Cost: O(out · in).
    ///
    /// # Errors
    /// [`FormFault::TooManyEntries`] for a shape whose padded entries cannot be counted.
    pub fn lane_metadata(&self) -> Result<LaneMetadata, MaskError> {
        LaneMetadata::from_plain(self.shape, &self.metadata)
    }

    /// A matrix with nothing active.
    fn blank(shape: MatrixShape) -> Result<Self, FormFault> {
        let n_words = word_count(shape)?;
        Ok(Self {
            shape,
            values: vec![T::ZERO; n_words * VALUES_PER_WORD],
            metadata: vec![FILLER_WORD; n_words],
        })
    }

    /// Fills one blank group with its active entries (bit i is entry i), or returns their number
    /// if there are more than two.
    fn store(
        &mut self,
        row: usize,
        group: usize,
        active: u8,
        weight: impl Fn(usize) -> f32,
    ) -> Result<(), u32> {
        let pair = pair::covering(active).ok_or(active.count_ones())?;
        let word = row * words_per_row(self.shape) + group / GROUPS_PER_WORD;
        self.metadata[word] ^= u16::from(FILLER ^ pair) << (4 * (group % GROUPS_PER_WORD));
        let first = row * self.values_per_row() + 2 * group;
        for (slot, entry) in pair::indices(pair).into_iter().enumerate() {
            if active >> entry & 1 == 1 {
                self.values[first + slot] = T::from_f32(weight(entry));
            }
        }
        Ok(())
    }

    /// Row, group and pair of every group, those of the padding included.
    fn pairs(&self) -> impl Iterator<Item = (usize, usize, u8)> + '_ {
        pairs_of(self.shape, &self.metadata)
    }

    /// Column and value of the two entries that a group stores.
    fn entries(&self, row: usize, group: usize, pair: u8) -> [(usize, T); 2] {
        let first = row * self.values_per_row() + 2 * group;
        let [low, high] = pair::indices(pair);
        [
            (4 * group + low, self.values[first]),
            (4 * group + high, self.values[first + 1]),
        ]
    }
}

/// Words of metadata in a row.
pub(super) const fn words_per_row(shape: MatrixShape) -> usize {
    shape.cols.div_ceil(COLUMNS_PER_WORD)
}

/// Words of metadata in a matrix whose padded entries can be counted.
pub(super) fn word_count(shape: MatrixShape) -> Result<usize, FormFault> {
    shape
        .rows
        .checked_mul(words_per_row(shape))
        .filter(|words| words.checked_mul(COLUMNS_PER_WORD).is_some())
        .ok_or(FormFault::TooManyEntries { shape })
}

/// Row, group and pair of every group of plain metadata, those of the padding included.
pub(super) fn pairs_of(
    shape: MatrixShape,
    metadata: &[u16],
) -> impl Iterator<Item = (usize, usize, u8)> + '_ {
    // A matrix without columns has no words, so there is nothing to divide by 0.
    let per_row = words_per_row(shape);
    metadata.iter().enumerate().flat_map(move |(index, &word)| {
        let first = index % per_row * GROUPS_PER_WORD;
        (first..first + GROUPS_PER_WORD)
            .map(move |group| (index / per_row, group, pair::of_group(word, group)))
    })
}

/// Checks the number of words of metadata.
pub(super) fn check_metadata(
    found: usize,
    expected: usize,
    shape: MatrixShape,
) -> Result<(), FormFault> {
    if found == expected {
        Ok(())
    } else {
        Err(FormFault::MetadataCount {
            found,
            expected,
            shape,
        })
    }
}

/// Checks that a pair is legal, and that of nothing where the group lies beyond the matrix.
pub(super) fn check_pair(
    shape: MatrixShape,
    row: usize,
    group: usize,
    bits: u8,
) -> Result<(), FormFault> {
    let col = 4 * group;
    if !pair::is_legal(bits) {
        Err(FormFault::NotAPair { row, group, bits })
    } else if (row >= shape.rows || col >= shape.cols) && bits != FILLER {
        Err(FormFault::PaddingUsed { row, col, shape })
    } else {
        Ok(())
    }
}

/// The mask's `width` bits from this position on, which lie in one or two words.
fn four_bits(mask: &Mask, position: u64, width: usize) -> u8 {
    let (word, shift) = ((position / 64) as usize, position % 64);
    let words = mask.words();
    let mut bits = words[word] >> shift;
    if shift + width as u64 > 64 {
        bits |= words[word + 1] << (64 - shift);
    }
    (bits & ((1 << width) - 1)) as u8
}
