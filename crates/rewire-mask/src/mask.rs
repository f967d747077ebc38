//! A set of matrix entries as bits.
//!
//! Bit `p mod 64` of word `p / 64` says whether flat position p is in the set. Rows follow each
//! other without padding, so that a mask is a plain bit string over positions; the bits of the
//! last word beyond the last entry stay 0, which makes counting and comparing word-wise. One bit
//! per entry is stored whatever the density: a sparse layer of a very large shape is a
//! [`Topology`](crate::Topology), not a mask.

use ndarray::{Array2, ArrayView2};

use crate::{MaskError, MatrixShape};

/// Which entries of a matrix are active, one bit each.
///
/// # Examples
/// ```
/// use rewire_mask::{Mask, MatrixShape};
///
/// let shape = MatrixShape::new(2, 3);
/// let diagonal = Mask::from_fn(shape, |row, col| row == col);
/// let corner = Mask::from_positions(shape, [0, 5])?;
/// assert_eq!(diagonal.union(&corner)?.positions().collect::<Vec<_>>(), [0, 4, 5]);
/// assert_eq!(diagonal.row_counts(), [1, 1]);
/// # Ok::<(), rewire_mask::MaskError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    shape: MatrixShape,
    words: Vec<u64>,
}

impl Mask {
    /// The mask without active entries.
    pub fn empty(shape: MatrixShape) -> Self {
        Self {
            shape,
            words: vec![0; word_count(shape)],
        }
    }

    /// The mask with every entry active.
    pub fn full(shape: MatrixShape) -> Self {
        let mut words = vec![u64::MAX; word_count(shape)];
        if let Some(last) = words.last_mut() {
            *last &= last_word_bits(shape);
        }
        Self { shape, words }
    }

    /// The mask of the entries for which `active(row, col)` holds; asked once per entry, row by
    /// row.
    pub fn from_fn(shape: MatrixShape, mut active: impl FnMut(usize, usize) -> bool) -> Self {
        let mut mask = Self::empty(shape);
        for row in 0..shape.rows {
            for col in 0..shape.cols {
                if active(row, col) {
                    mask.insert(shape.position(row, col));
                }
            }
        }
        mask
    }

    /// The mask of an array of flags, in whatever memory order it is.
    pub fn from_array(array: ArrayView2<'_, bool>) -> Self {
        let (rows, cols) = array.dim();
        Self::from_fn(MatrixShape::new(rows, cols), |row, col| array[[row, col]])
    }

    /// The mask as an array of flags.
    pub fn to_array(&self) -> Array2<bool> {
        Array2::from_shape_fn((self.shape.rows, self.shape.cols), |(row, col)| {
            self.get(row, col)
        })
    }

    /// The mask of these positions, in any order; a repeated position counts once.
    ///
    /// # Errors
    /// [`MaskError::OutOfRange`] for a position beyond the last entry.
    pub fn from_positions(
        shape: MatrixShape,
        positions: impl IntoIterator<Item = u64>,
    ) -> Result<Self, MaskError> {
        let mut mask = Self::empty(shape);
        let len = shape.len();
        for position in positions {
            if position >= len {
                return Err(MaskError::OutOfRange { position, shape });
            }
            mask.insert(position);
        }
        Ok(mask)
    }

    /// The mask with these words, as [`Mask::words`] gives them.
    ///
    /// # Errors
    /// [`MaskError::WordCount`] if their number does not fit the shape,
    /// [`MaskError::PaddingBits`] if bits beyond the last entry are set.
    pub fn from_words(shape: MatrixShape, words: Vec<u64>) -> Result<Self, MaskError> {
        let (found, expected) = (words.len(), word_count(shape));
        if found != expected {
            return Err(MaskError::WordCount {
                found,
                expected,
                shape,
            });
        }
        match words.last() {
            Some(&word) if word & !last_word_bits(shape) != 0 => {
                Err(MaskError::PaddingBits { word, shape })
            }
            _ => Ok(Self { shape, words }),
        }
    }

    /// The bits: position p is bit `p mod 64` of word `p / 64`; bits beyond the last entry are 0.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// The matrix this is a mask of.
    pub const fn shape(&self) -> MatrixShape {
        self.shape
    }

    /// Whether the entry is active.
    ///
    /// # Panics
    /// If it lies outside the matrix.
    pub fn get(&self, row: usize, col: usize) -> bool {
        assert!(
            row < self.shape.rows && col < self.shape.cols,
            "entry ({row}, {col}) of a {} mask",
            self.shape
        );
        self.contains(self.shape.position(row, col))
    }

    /// Whether the position is active; false beyond the last entry.
    pub fn contains(&self, position: u64) -> bool {
        self.words
            .get((position / 64) as usize)
            .is_some_and(|word| word >> (position % 64) & 1 == 1)
    }

    /// Number of active entries. Cost: one pass over the words.
    pub fn n_active(&self) -> u64 {
        self.words.iter().map(|w| u64::from(w.count_ones())).sum()
    }

    /// The active fraction; 0 for a matrix without entries.
    pub fn density(&self) -> f64 {
        fraction(self.n_active(), self.shape)
    }

    /// The active positions, ascending. Cost: one pass over the words.
    pub fn positions(&self) -> impl Iterator<Item = u64> + '_ {
        self.words
            .iter()
            .zip(0u64..)
            .flat_map(|(&word, index)| set_bits(word).map(move |bit| index * 64 + u64::from(bit)))
    }

    /// Number of active entries of each row.
    pub fn row_counts(&self) -> Vec<u64> {
        (0..self.shape.rows)
            .map(|row| self.count_in(self.shape.position(row, 0), self.shape.position(row + 1, 0)))
            .collect()
    }

    /// Number of active entries of each column. Cost: O(n_active + words).
    pub fn col_counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.shape.cols];
        for position in self.positions() {
            counts[self.shape.row_col(position).1] += 1;
        }
        counts
    }

    /// As [`Mask::from_words`] of the same shape, for words whose padding bits are known to be 0.
    pub(crate) fn with_words(&self, words: Vec<u64>) -> Self {
        debug_assert_eq!(words.len(), self.words.len());
        let shape = self.shape;
        Self { shape, words }
    }

    /// The bits of the last word that stand for entries.
    pub(crate) fn last_word_bits(&self) -> u64 {
        last_word_bits(self.shape)
    }

    /// Makes a position inactive that the caller knows to lie inside the matrix.
    pub(crate) fn remove(&mut self, position: u64) {
        debug_assert!(position < self.shape.len());
        self.words[(position / 64) as usize] &= !(1 << (position % 64));
    }

    /// Makes a position active that the caller knows to lie inside the matrix.
    pub(crate) fn insert(&mut self, position: u64) {
        debug_assert!(position < self.shape.len());
        self.words[(position / 64) as usize] |= 1 << (position % 64);
    }

    /// Number of active positions in `start..end`.
    fn count_in(&self, start: u64, end: u64) -> u64 {
        if start == end {
            return 0;
        }
        let (first, last) = ((start / 64) as usize, ((end - 1) / 64) as usize);
        let from_start = u64::MAX << (start % 64);
        let to_end = u64::MAX >> (63 - (end - 1) % 64);
        let ones = |word: u64| u64::from(word.count_ones());
        if first == last {
            return ones(self.words[first] & from_start & to_end);
        }
        let between: u64 = self.words[first + 1..last].iter().map(|&w| ones(w)).sum();
        ones(self.words[first] & from_start) + between + ones(self.words[last] & to_end)
    }
}

/// `count` as a fraction of all entries of a matrix; 0 where there are none.
pub(crate) fn fraction(count: u64, shape: MatrixShape) -> f64 {
    if shape.is_empty() {
        0.0
    } else {
        count as f64 / shape.len() as f64
    }
}

/// Indices of the set bits of a word, ascending.
fn set_bits(word: u64) -> impl Iterator<Item = u32> {
    let nonzero = |word: u64| (word != 0).then_some(word);
    std::iter::successors(nonzero(word), move |&rest| nonzero(rest & (rest - 1)))
        .map(u64::trailing_zeros)
}

fn word_count(shape: MatrixShape) -> usize {
    usize::try_from(shape.len().div_ceil(64))
        .unwrap_or_else(|_| panic!("a {shape} mask does not fit in the address space"))
}

/// The bits of the last word that stand for entries.
fn last_word_bits(shape: MatrixShape) -> u64 {
    match shape.len() % 64 {
        0 => u64::MAX,
        used => (1 << used) - 1,
    }
}
