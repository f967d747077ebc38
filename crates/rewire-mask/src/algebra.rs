//! Operations on whole masks: unions, differences, distances, transposition, rewirings.
//!
//! All of them go word by word over the bits, 64 entries at a time, and need masks of one shape.
//! There are no operators for them, because an operator could only panic where shapes differ.

use crate::{Mask, MaskError, MatrixShape, Rewiring};

impl Mask {
    /// The entries active in either mask (or).
    ///
    /// # Errors
    /// [`MaskError::ShapeMismatch`] for masks of different shapes.
    pub fn union(&self, other: &Self) -> Result<Self, MaskError> {
        self.zip_words(other, |a, b| a | b)
    }

    /// The entries active in both masks (and).
    ///
    /// # Errors
    /// [`MaskError::ShapeMismatch`] for masks of different shapes.
    pub fn intersection(&self, other: &Self) -> Result<Self, MaskError> {
        self.zip_words(other, |a, b| a & b)
    }

    /// The entries active in this mask and not in `other` (and not).
    ///
    /// # Errors
    /// [`MaskError::ShapeMismatch`] for masks of different shapes.
    pub fn difference(&self, other: &Self) -> Result<Self, MaskError> {
        self.zip_words(other, |a, b| a & !b)
    }

    /// The entries active in exactly one of the masks (exclusive or).
    ///
    /// # Errors
    /// [`MaskError::ShapeMismatch`] for masks of different shapes.
    pub fn symmetric_difference(&self, other: &Self) -> Result<Self, MaskError> {
        self.zip_words(other, |a, b| a ^ b)
    }

    /// The entries that are not active here (not).
    pub fn complement(&self) -> Self {
        let mut words: Vec<u64> = self.words().iter().map(|word| !word).collect();
        if let Some(last) = words.last_mut() {
            *last &= self.last_word_bits();
        }
        self.with_words(words)
    }

    /// Whether every entry active here is active in `other`.
    ///
    /// # Errors
    /// [`MaskError::ShapeMismatch`] for masks of different shapes.
    pub fn is_subset_of(&self, other: &Self) -> Result<bool, MaskError> {
        self.same_shape(other)?;
        let mut pairs = self.words().iter().zip(other.words());
        Ok(pairs.all(|(a, b)| a & !b == 0))
    }

    /// Number of entries in which the masks differ.
    ///
    /// # Errors
    /// [`MaskError::ShapeMismatch`] for masks of different shapes.
    ///
    /// # Examples
    /// ```
    /// use rewire_mask::{Mask, MatrixShape};
    ///
    /// let shape = MatrixShape::new(1, 4);
    /// let (a, b) = (Mask::from_positions(shape, [0, 1])?, Mask::from_positions(shape, [1, 2])?);
    /// assert_eq!(a.hamming_distance(&b)?, 2);
    /// assert_eq!(a.jaccard_distance(&b)?, 1.0 - 1.0 / 3.0);
    /// # Ok::<(), rewire_mask::MaskError>(())
    /// ```
    pub fn hamming_distance(&self, other: &Self) -> Result<u64, MaskError> {
        self.count_pairs(other, |a, b| a ^ b)
    }

    /// 1 − |both| / |either|: 0 for equal masks, 1 for disjoint ones; 0 for two empty masks.
    ///
    /// # Errors
    /// [`MaskError::ShapeMismatch`] for masks of different shapes.
    pub fn jaccard_distance(&self, other: &Self) -> Result<f64, MaskError> {
        let both = self.count_pairs(other, |a, b| a & b)?;
        let either = self.count_pairs(other, |a, b| a | b)?;
        Ok(if either == 0 {
            0.0
        } else {
            1.0 - both as f64 / either as f64
        })
    }

    /// The mask of the transposed matrix. Cost: O(n_active + words).
    pub fn transposed(&self) -> Self {
        let MatrixShape { rows, cols } = self.shape();
        let shape = MatrixShape::new(cols, rows);
        let mut transposed = Self::empty(shape);
        for position in self.positions() {
            let (row, col) = self.shape().row_col(position);
            transposed.insert(shape.position(col, row));
        }
        transposed
    }

    /// The mask after a rewiring; the inverse of [`Rewiring::between_masks`].
    ///
    /// # Errors
    /// [`MaskError::OutOfRange`] for a position beyond the last entry, [`MaskError::NotActive`] for
    /// a dropped one that is inactive, [`MaskError::AlreadyActive`] for a grown one that is active.
    ///
    /// # Examples
    /// ```
    /// use rewire_mask::{Mask, MatrixShape, Rewiring};
    ///
    /// let shape = MatrixShape::new(1, 4);
    /// let (a, b) = (Mask::from_positions(shape, [0, 1])?, Mask::from_positions(shape, [1, 2])?);
    /// assert_eq!(a.apply(&Rewiring::between_masks(&a, &b)?)?, b);
    /// # Ok::<(), rewire_mask::MaskError>(())
    /// ```
    pub fn apply(&self, rewiring: &Rewiring) -> Result<Self, MaskError> {
        let shape = self.shape();
        let mut after = self.clone();
        for (position, is_grown) in rewiring.changes() {
            if position >= shape.len() {
                return Err(MaskError::OutOfRange { position, shape });
            }
            match (self.contains(position), is_grown) {
                (true, false) => after.remove(position),
                (false, true) => after.insert(position),
                (false, false) => return Err(MaskError::NotActive { position }),
                (true, true) => return Err(MaskError::AlreadyActive { position }),
            }
        }
        Ok(after)
    }

    fn same_shape(&self, other: &Self) -> Result<(), MaskError> {
        if self.shape() == other.shape() {
            Ok(())
        } else {
            Err(MaskError::ShapeMismatch {
                left: self.shape(),
                right: other.shape(),
            })
        }
    }

    /// Combines two masks word by word; `combine(0, 0)` must be 0 to keep the padding bits.
    fn zip_words(&self, other: &Self, combine: fn(u64, u64) -> u64) -> Result<Self, MaskError> {
        self.same_shape(other)?;
        let pairs = self.words().iter().zip(other.words());
        Ok(self.with_words(pairs.map(|(&a, &b)| combine(a, b)).collect()))
    }

    /// Number of entries for which `combine` gives 1; `combine(0, 0)` must be 0.
    fn count_pairs(&self, other: &Self, combine: fn(u64, u64) -> u64) -> Result<u64, MaskError> {
        self.same_shape(other)?;
        let pairs = self.words().iter().zip(other.words());
        Ok(pairs
            .map(|(&a, &b)| u64::from(combine(a, b).count_ones()))
            .sum())
    }
}
