//! Selections as bits: the scores that a cut takes, one bit each.
//!
//! A second read sets the bits of all scores from the threshold on and counts those equal to it,
//! chunk by chunk. Of equal ones only the first few belong to the selection, so that the chunks
//! behind those are marked again without them.

use rayon::prelude::*;

use super::cut::{Cut, all_finite, chunks, cut};
use super::order::Order;
use crate::MaskError;
use crate::simd::Isa;

/// What is wrong with the scores of some tensors.
#[derive(Debug)]
pub(super) enum Refusal {
    /// One is NaN or infinite.
    NonFinite {
        tensor: usize,
        index: usize,
        value: f32,
    },
    /// There are too few.
    NotEnough { wanted: usize, available: usize },
}

impl Refusal {
    /// As an error about the only tensor there is.
    pub(super) fn of_one(self) -> MaskError {
        match self {
            Self::NonFinite { index, value, .. } => MaskError::NonFinite {
                index: index as u64,
                value,
            },
            Self::NotEnough { wanted, available } => not_enough(wanted, available),
        }
    }

    /// As an error about one of several tensors.
    pub(super) fn of_many(self) -> MaskError {
        match self {
            Self::NonFinite {
                tensor,
                index,
                value,
            } => MaskError::NonFiniteIn {
                tensor,
                index: index as u64,
                value,
            },
            Self::NotEnough { wanted, available } => not_enough(wanted, available),
        }
    }
}

pub(super) fn not_enough(wanted: usize, available: usize) -> MaskError {
    MaskError::NotEnough {
        wanted: wanted as u64,
        available: available as u64,
    }
}

/// The cut that takes the `k` best of all tensors; nothing for k = 0.
pub(super) fn checked_cut(
    tensors: &[&[f32]],
    order: Order,
    k: usize,
) -> Result<Option<Cut>, Refusal> {
    let pieces: Vec<&[f32]> = tensors.iter().flat_map(|scores| chunks(scores)).collect();
    let available = tensors.iter().map(|scores| scores.len()).sum();
    let (found, stray) = if (1..=available).contains(&k) {
        let (cut, stray) = cut(&pieces, order, k);
        (Some(cut), stray)
    } else {
        let is_stray = |piece: &&[f32]| !all_finite(piece);
        (None, pieces.par_iter().position_first(is_stray))
    };
    if stray.is_some() {
        return Err(first_stray(tensors));
    }
    if k > available {
        let wanted = k;
        return Err(Refusal::NotEnough { wanted, available });
    }
    Ok(found)
}

/// The first score that is not finite, where it is known that there is one.
fn first_stray(tensors: &[&[f32]]) -> Refusal {
    let mut places = tensors.iter().enumerate().flat_map(|(tensor, scores)| {
        let stray = scores.iter().position(|score| !score.is_finite());
        stray.map(|index| (tensor, index, scores[index]))
    });
    let (tensor, index, value) = places
        .next()
        .expect("a chunk holds a score that is not finite");
    Refusal::NonFinite {
        tensor,
        index,
        value,
    }
}

/// The bits of the `k` best of all tensors, as many words for each as its scores need.
pub(super) fn marks(tensors: &[&[f32]], order: Order, k: usize) -> Result<Vec<Vec<u64>>, Refusal> {
    let cut = checked_cut(tensors, order, k)?;
    let words = |scores: &&[f32]| vec![0; scores.len().div_ceil(64)];
    let mut marks: Vec<Vec<u64>> = tensors.iter().map(words).collect();
    if let Some(cut) = cut {
        mark(tensors, order, cut, &mut marks);
    }
    Ok(marks)
}

fn mark(tensors: &[&[f32]], order: Order, cut: Cut, marks: &mut [Vec<u64>]) {
    let isa = Isa::best();
    let mut pieces: Vec<Piece<'_>> = Vec::new();
    for (scores, words) in tensors.iter().zip(marks) {
        let mut rest = &mut words[..];
        for scores in chunks(scores) {
            let (words, behind) = rest.split_at_mut(scores.len().div_ceil(64));
            rest = behind;
            pieces.push(Piece {
                scores,
                words,
                equal: 0,
            });
        }
    }
    let from = |threshold| {
        move |piece: &mut Piece<'_>| {
            piece.equal = isa.mark(piece.scores, order, threshold, piece.words);
        }
    };
    for_each(&mut pieces, from(cut.threshold));
    let mut ties = cut.ties;
    let mut surplus: Vec<(&mut Piece<'_>, usize)> = Vec::new();
    for piece in &mut pieces {
        let taken = piece.equal.min(ties);
        ties -= taken;
        if taken < piece.equal {
            surplus.push((piece, taken));
        }
    }
    for_each(&mut surplus, |(piece, taken)| {
        from(cut.threshold + 1)(piece);
        let is_tie = |score: &f32| order.key(*score) == cut.threshold;
        let ties = (0..piece.scores.len()).filter(|&index| is_tie(&piece.scores[index]));
        for index in ties.take(*taken) {
            piece.words[index / 64] |= 1 << (index % 64);
        }
    });
}

/// A chunk of scores and its words.
struct Piece<'a> {
    scores: &'a [f32],
    words: &'a mut [u64],
    /// Scores equal to the threshold of the last marking.
    equal: usize,
}

/// Does something to each item, in parallel where there are several.
fn for_each<T: Send>(items: &mut [T], act: impl Fn(&mut T) + Send + Sync) {
    match items {
        [item] => act(item),
        items => items.par_iter_mut().for_each(act),
    }
}
