//! Exact selection of the best scores, with ties decided once for the whole workspace.
//!
//! The order is total: a higher score comes first, and of equal scores the lower position. −0 and
//! 0 are equal scores. Scores must be finite; NaN has no place in an order and an infinite score
//! means that something diverged, so both are errors that say where.
//!
//! A finite score is mapped to an integer of the same order. The k-th largest integer is found in
//! little more than one read of the scores, and a second read takes everything above it and, of
//! those equal to it, the first ones.
//!
//! Scores are ranked as they are ([`top_k`], [`lowest`], [`top_bits`], [`global_top_k`]) or by
//! magnitude ([`kth_magnitude`], [`lowest_magnitudes`], [`top_magnitudes`],
//! [`global_top_magnitudes`]). Large inputs are read on the threads of the current rayon pool; the
//! results do not depend on their number.

mod cut;
mod marks;
mod order;
mod ordered;
mod stream;

use crate::MaskError;
use crate::bits::ones;
use marks::{Refusal, checked_cut, marks, not_enough};

pub(crate) use order::Order;
pub use ordered::OrderedTopK;
pub use stream::TopK;

/// The magnitude of the `k`-th largest value by magnitude, counted from 1: of all |x| exactly
/// `k − 1` precede it when equal ones are counted one by one.
///
/// # Determinism and ties
/// Exact: an element of the input without its sign, at any number of threads.
///
/// # Cost
/// About 1.2 reads of the values; one more where they mislead a sample, and in the worst case
/// the time and memory of a partition of all of them, which is linear too. Memory for about 2 %
/// of the values otherwise.
///
/// # Errors
/// [`MaskError::NonFinite`] with the first index whose value is NaN or infinite;
/// [`MaskError::NotEnough`] if there are fewer than `k` values.
///
/// # Panics
/// If `k` is 0.
///
/// # Examples
/// ```
/// use rewire_mask::kth_magnitude;
///
/// assert_eq!(kth_magnitude(&[0.5, -2.0, 0.5, -1.0], 2)?, 1.0);
/// # Ok::<(), rewire_mask::MaskError>(())
/// ```
pub fn kth_magnitude(values: &[f32], k: usize) -> Result<f32, MaskError> {
    assert!(k > 0, "magnitudes are counted from 1");
    let cut = checked_cut(&[values], Order::Magnitude, k).map_err(Refusal::of_one)?;
    let magnitude = |key: i32| f32::from_bits(key as u32);
    Ok(cut.map_or(f32::INFINITY, |cut| magnitude(cut.threshold)))
}

/// The indices of the `k` best scores, ascending.
///
/// # Ties
/// Equal scores (−0 and 0 included) go to the lower index.
///
/// # Cost
/// Two reads of the scores; memory for a bit per score and for the result.
///
/// # Errors
/// [`MaskError::NonFinite`] with the first index whose score is NaN or infinite, whatever `k`;
/// [`MaskError::NotEnough`] if there are fewer than `k` scores.
///
/// # Examples
/// ```
/// use rewire_mask::{lowest, top_k};
///
/// let scores = [0.5, 2.0, 0.5, -1.0];
/// assert_eq!(top_k(&scores, 2)?, [0, 1]);
/// assert_eq!(lowest(&scores, 2)?, [2, 3]);
/// # Ok::<(), rewire_mask::MaskError>(())
/// ```
pub fn top_k(scores: &[f32], k: usize) -> Result<Vec<usize>, MaskError> {
    let words = marks_of_one(scores, Order::Value, k)?;
    Ok(indices(&words, k))
}

/// The indices of the `k` worst scores, ascending: those that [`top_k`] leaves when it keeps the
/// others. Of equal scores the higher index goes first.
///
/// # Cost
/// As for [`top_k`].
///
/// # Errors
/// As for [`top_k`].
pub fn lowest(scores: &[f32], k: usize) -> Result<Vec<usize>, MaskError> {
    rest_of_best(scores, Order::Value, k)
}

/// The indices of the `k` smallest magnitudes, ascending: [`lowest`] of |x|, without a list of
/// the magnitudes.
///
/// # Cost
/// As for [`top_k`].
///
/// # Errors
/// As for [`top_k`].
///
/// # Examples
/// ```
/// assert_eq!(rewire_mask::lowest_magnitudes(&[0.5, -2.0, -0.5, 1.0], 1)?, [2]);
/// # Ok::<(), rewire_mask::MaskError>(())
/// ```
pub fn lowest_magnitudes(values: &[f32], k: usize) -> Result<Vec<usize>, MaskError> {
    rest_of_best(values, Order::Magnitude, k)
}

/// The `k` best scores as bits: score i has bit `i mod 64` of word `i / 64`, and bits beyond the
/// last score are 0, as [`Mask::from_words`](crate::Mask::from_words) takes them.
///
/// # Ties
/// As for [`top_k`].
///
/// # Cost
/// Two reads of the scores; memory for a bit per score.
///
/// # Errors
/// As for [`top_k`].
pub fn top_bits(scores: &[f32], k: usize) -> Result<Vec<u64>, MaskError> {
    marks_of_one(scores, Order::Value, k)
}

/// The `k` largest magnitudes as bits, as [`top_bits`] gives them.
///
/// # Ties
/// Equal magnitudes go to the lower index.
///
/// # Cost
/// As for [`top_bits`].
///
/// # Errors
/// As for [`top_k`].
///
/// # Examples
/// ```
/// use rewire_mask::{Mask, MatrixShape, top_magnitudes};
///
/// let weights = [0.5, -2.0, -0.5, 1.0, 0.0, -0.5];
/// let mask = Mask::from_words(MatrixShape::new(2, 3), top_magnitudes(&weights, 3)?)?;
/// assert_eq!(mask.positions().collect::<Vec<_>>(), [0, 1, 3]);
/// # Ok::<(), rewire_mask::MaskError>(())
/// ```
pub fn top_magnitudes(values: &[f32], k: usize) -> Result<Vec<u64>, MaskError> {
    marks_of_one(values, Order::Magnitude, k)
}

/// The `k` best scores of several tensors taken together, as one list of words for each tensor in
/// the form of [`top_bits`].
///
/// # Ties
/// Equal scores go to the earlier tensor, and within it to the lower index.
///
/// # Cost
/// Two reads of all scores; memory for a bit per score.
///
/// # Errors
/// [`MaskError::NonFiniteIn`] with the first tensor and index whose score is NaN or infinite,
/// whatever `k`; [`MaskError::NotEnough`] if all tensors together have fewer than `k` scores.
///
/// # Examples
/// ```
/// use rewire_mask::global_top_k;
///
/// let words = global_top_k(&[&[0.1, 0.9], &[0.5], &[0.5, 0.7]], 3)?;
/// assert_eq!(words, [[0b10], [0b1], [0b10]]);
/// # Ok::<(), rewire_mask::MaskError>(())
/// ```
pub fn global_top_k(tensors: &[&[f32]], k: usize) -> Result<Vec<Vec<u64>>, MaskError> {
    marks(tensors, Order::Value, k).map_err(Refusal::of_many)
}

/// The `k` largest magnitudes of several tensors taken together, as [`global_top_k`] gives them.
///
/// # Ties
/// As for [`global_top_k`].
///
/// # Cost
/// As for [`global_top_k`].
///
/// # Errors
/// As for [`global_top_k`].
pub fn global_top_magnitudes(tensors: &[&[f32]], k: usize) -> Result<Vec<Vec<u64>>, MaskError> {
    marks(tensors, Order::Magnitude, k).map_err(Refusal::of_many)
}

fn marks_of_one(scores: &[f32], order: Order, k: usize) -> Result<Vec<u64>, MaskError> {
    let mut words = marks(&[scores], order, k).map_err(Refusal::of_one)?;
    Ok(words.pop().unwrap_or_default())
}

/// The indices of all scores but the best, `k` of them.
fn rest_of_best(scores: &[f32], order: Order, k: usize) -> Result<Vec<usize>, MaskError> {
    let n = scores.len();
    let kept = n.checked_sub(k).ok_or_else(|| not_enough(k, n))?;
    let mut words = marks_of_one(scores, order, kept)?;
    words.iter_mut().for_each(|word| *word = !*word);
    if let Some(last) = words.last_mut().filter(|_| !n.is_multiple_of(64)) {
        *last &= (1 << (n % 64)) - 1;
    }
    Ok(indices(&words, k))
}

fn indices(words: &[u64], count: usize) -> Vec<usize> {
    ones(words, count)
        .into_iter()
        .map(|index| index as usize)
        .collect()
}
