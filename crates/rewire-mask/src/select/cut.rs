//! The exact cut: which key the k-th best score has, in about one read of the scores.
//!
//! A sample of n^(2/3) / 2 scores says, up to its own noise, where the k-th best lies. Two keys of the
//! sample, four standard deviations to either side, bracket it. One pass counts the scores above
//! the bracket and copies the few inside; the k-th best of all is then a certain one of those, and
//! is found among them in the same way. The counts prove the bracket right. Where they do not, a
//! second pass takes a wider one, and after that everything is partitioned: the sample decides how
//! long it takes, never what comes out.
//!
//! The sample consists of whole cache lines, one at a random place of each of equally long
//! stretches. Neighbours may resemble each other, so the noise is taken from how much the counts of
//! successive lines differ, not from the formula for independent draws. Equal scores in any number
//! stay harmless because the ends of a bracket are keys of the sample and not part of its inside:
//! a value that a large part of the scores has is an end.

use rayon::prelude::*;

use super::order::{INFINITE, Order};
use crate::simd::{Bracket, Isa, SLACK, Tally};

/// Scores that one task reads at a time. The chunks do not depend on the number of threads.
pub(super) const CHUNK: usize = 1 << 17;

/// Up to this many scores are partitioned at once.
const FEW: usize = 1 << 12;

/// Scores of one sampled cache line.
const LINE: usize = 16;

/// Where a list of scores is cut so that exactly k lie above, walking it from the front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// Key of the k-th best score; every larger one is taken.
    pub(super) threshold: i32,
    /// How many of the scores equal to it are taken, the first ones.
    pub(super) ties: usize,
}

/// The cut that takes `k` scores, from 1 to all of them, and the index of the first chunk that
/// holds a score which is not finite.
pub(super) fn cut(chunks: &[&[f32]], order: Order, k: usize) -> (Cut, Option<usize>) {
    let n: usize = chunks.iter().map(|chunk| chunk.len()).sum();
    debug_assert!((1..=n).contains(&k), "{k} of {n} scores");
    if n <= FEW {
        let stray = chunks.iter().position(|chunk| !all_finite(chunk));
        return (partition(chunks, order, k), stray);
    }
    let sample = Sample::draw(chunks, n, order, k);
    let (bracket, is_tied) = sample.bracket(4.0);
    let first = Split::new(chunks, order, bracket, is_tied);
    let stray = first
        .parts
        .iter()
        .position(|part| part.tally.largest >= INFINITE);
    let cut = first.cut(order, k).or_else(|| {
        let (bracket, _) = sample.bracket(40.0);
        Split::new(chunks, order, bracket, true).cut(order, k)
    });
    (cut.unwrap_or_else(|| partition(chunks, order, k)), stray)
}

/// Consecutive pieces of a list, as [`cut`] takes them.
pub(super) fn chunks(scores: &[f32]) -> impl Iterator<Item = &[f32]> {
    scores.chunks(CHUNK)
}

pub(super) fn all_finite(scores: &[f32]) -> bool {
    let magnitudes = scores.iter().map(|score| score.to_bits() & 0x7fff_ffff);
    magnitudes.fold(0, u32::max) < INFINITE
}

/// The cut by partitioning all keys, linear for any scores but a dozen times the cost of a pass.
fn partition(chunks: &[&[f32]], order: Order, k: usize) -> Cut {
    let scores = chunks.iter().copied().flatten();
    let mut keys: Vec<i32> = scores.map(|&score| order.key(score)).collect();
    let (above, &mut threshold, _) =
        keys.select_nth_unstable_by(k - 1, |left, right| right.cmp(left));
    let larger = above.iter().filter(|&&key| key > threshold).count();
    let ties = k - larger;
    Cut { threshold, ties }
}

/// Some of the scores, by which the place of the k-th best is estimated.
struct Sample {
    lines: Vec<[f32; LINE]>,
    order: Order,
    /// The rank of the k-th best of all scores among these, from 0 to their number.
    rank: f64,
    /// The key at that rank.
    centre: i32,
    /// Standard deviation of the rank.
    deviation: f64,
}

impl Sample {
    /// Draws one line from each of n^(2/3) / 32 stretches of equal length.
    fn draw(chunks: &[&[f32]], n: usize, order: Order, k: usize) -> Self {
        let lines = ((n as f64).powf(2.0 / 3.0) as usize).div_ceil(2 * LINE);
        let stretch = n / lines;
        let places = (stretch / LINE) as u64;
        let mut chunks = chunks.iter().copied();
        let (mut chunk, mut start) = (chunks.next().unwrap_or(&[]), 0);
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        let mut sample = vec![[0.0; LINE]; lines];
        for (index, line) in sample.iter_mut().enumerate() {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let place = ((random >> 32) * places) >> 32;
            let from = index * stretch + place as usize * LINE;
            while start + chunk.len() <= from {
                start += chunk.len();
                chunk = chunks.next().unwrap_or(&[]);
            }
            // Copies of a fixed size leave room to wait for several lines at once.
            if let Some(whole) = chunk[from - start..].first_chunk() {
                *line = *whole;
                continue;
            }
            let mut filled = 0;
            while filled < LINE {
                let rest = &chunk[from + filled - start..];
                let n = rest.len().min(LINE - filled);
                line[filled..filled + n].copy_from_slice(&rest[..n]);
                filled += n;
                if filled < LINE {
                    start += chunk.len();
                    chunk = chunks.next().unwrap_or(&[]);
                }
            }
        }
        let scores = sample.as_flattened();
        let rank = k as f64 / n as f64 * scores.len() as f64;
        let nearest = (rank as usize).clamp(1, scores.len());
        let (Cut { threshold, .. }, _) = cut(&[scores], order, nearest);
        let deviation = rank_deviation(&sample, |score| order.key(score) > threshold);
        Self {
            lines: sample,
            order,
            rank,
            centre: threshold,
            deviation,
        }
    }

    /// Two keys so many standard deviations to either side of the k-th best, and whether it may
    /// well be equal to one of them.
    fn bracket(&self, deviations: f64) -> (Bracket, bool) {
        // The few ranks beyond the deviations are for its own noise, where hardly a line differs.
        let margin = deviations * self.deviation + 24.0;
        let scores = self.lines.as_flattened();
        let key_at = |rank: f64| cut(&[scores], self.order, rank as usize).0.threshold;
        let (best, worst) = (self.rank - margin, self.rank + margin);
        let high = if best < 1.0 { i32::MAX } else { key_at(best) };
        let is_last = worst >= scores.len() as f64;
        let low = if is_last { i32::MIN } else { key_at(worst) };
        let is_tied = self.centre == low || self.centre == high;
        (Bracket { low, high }, is_tied)
    }
}

/// Standard deviation of how many scores of a sample are `better`, from the differences between
/// successive lines.
fn rank_deviation(lines: &[[f32; LINE]], better: impl Fn(f32) -> bool) -> f64 {
    let count = |line: &[f32]| line.iter().filter(|&&score| better(score)).count() as f64;
    let (mut squares, mut previous) = (0.0, None);
    for line in lines {
        let count = count(line);
        squares += previous.map_or(0.0, |previous: f64| (count - previous).powi(2) / 2.0);
        previous = Some(count);
    }
    squares.sqrt()
}

/// All scores, divided by a bracket.
struct Split {
    bracket: Bracket,
    tally: Tally,
    /// One for each chunk.
    parts: Vec<Part>,
}

struct Part {
    /// Scores of the chunk.
    n: usize,
    tally: Tally,
    inside: Vec<f32>,
}

impl Split {
    fn new(chunks: &[&[f32]], order: Order, bracket: Bracket, ends: bool) -> Self {
        let isa = Isa::best();
        let longest = chunks.iter().map(|chunk| chunk.len()).max().unwrap_or(0);
        let room = || vec![0.0; longest + SLACK];
        let part = |room: &mut Vec<f32>, chunk: &&[f32]| {
            let tally = isa.split(chunk, order, bracket, ends, room);
            let inside = room[..tally.inside].to_vec();
            let n = chunk.len();
            Part { n, tally, inside }
        };
        let parts: Vec<Part> = match chunks {
            [chunk] => vec![part(&mut room(), chunk)],
            _ => chunks.par_iter().map_init(room, part).collect(),
        };
        let tallies = parts.iter().map(|part| part.tally);
        Self {
            bracket,
            tally: tallies.fold(Tally::default(), Tally::and),
            parts,
        }
    }

    /// The cut that takes `k` of the scores, if the bracket holds the k-th best.
    fn cut(&self, order: Order, k: usize) -> Option<Cut> {
        let Bracket { low, high } = self.bracket;
        let tally = self.tally;
        let from_inside = tally.from_high + tally.inside;
        let at = |threshold, better| Cut {
            threshold,
            ties: k - better,
        };
        if k <= tally.above {
            None
        } else if k <= tally.from_high {
            Some(at(high, tally.above))
        } else if k <= from_inside {
            Some(self.cut_inside(order, k - tally.from_high))
        } else if k <= tally.from_low {
            Some(at(low, from_inside))
        } else {
            None
        }
    }

    /// The cut that takes `k` of the scores inside.
    fn cut_inside(&self, order: Order, k: usize) -> Cut {
        let inside = self.parts.iter().map(|part| &part.inside[..]);
        let inside: Vec<&[f32]> = inside.filter(|part| !part.is_empty()).collect();
        let n: usize = self.parts.iter().map(|part| part.n).sum();
        // A bracket that leaves most scores inside has told too little to go on like that.
        if self.tally.inside > n / 2 {
            partition(&inside, order, k)
        } else {
            cut(&inside, order, k).0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers without a pattern, each different.
    fn scattered(n: usize) -> Vec<f32> {
        (0..n)
            .map(|i| (i * 7_368_787 % 16_777_213) as f32)
            .collect()
    }

    fn cut_of(scores: &[f32], k: usize) -> Cut {
        let chunks: Vec<&[f32]> = chunks(scores).collect();
        cut(&chunks, Order::Value, k).0
    }

    /// A sample is a fixed function of the number of scores, so that the values at its places can
    /// be chosen to mislead.
    #[test]
    #[cfg_attr(miri, ignore = "so many scores take hours under Miri")]
    fn a_sample_that_misleads_costs_time_and_nothing_else() {
        let n = 300_000;
        let places: Vec<f32> = (0..n).map(|i| i as f32).collect();
        let all: Vec<&[f32]> = chunks(&places).collect();
        let sample = Sample::draw(&all, n, Order::Value, n / 2);
        assert!(sample.lines.len() > 60, "{} lines", sample.lines.len());
        let sampled = sample.lines.as_flattened();
        for factor in [-1e9, 1e9] {
            let mut scores = scattered(n);
            for &place in sampled {
                scores[place as usize] += factor;
            }
            let misled: Vec<&[f32]> = chunks(&scores).collect();
            for k in [1, 100, n / 2, n - 100, n] {
                let expected = partition(&misled, Order::Value, k);
                assert_eq!(cut_of(&scores, k), expected, "k = {k}");
            }
        }
    }

    #[test]
    fn a_bracket_beside_the_answer_is_seen_to_be_wrong() {
        let n = if cfg!(miri) { 300 } else { 5000 };
        let scores = scattered(n);
        let all: Vec<&[f32]> = chunks(&scores).collect();
        let k = n * 2 / 5;
        let expected = partition(&all, Order::Value, k);
        let key = expected.threshold;
        let found = |low, high, ends| {
            Split::new(&all, Order::Value, Bracket { low, high }, ends).cut(Order::Value, k)
        };
        for ends in [false, true] {
            assert_eq!(found(key - 1, key + 1, ends), Some(expected));
            assert_eq!(found(i32::MIN, i32::MAX, ends), Some(expected));
            assert_eq!(found(key + 1, key + 100, ends), None);
            assert_eq!(found(key - 100, key - 1, ends), None);
        }
        // At an end the answer is told from what lies beyond only by counting what equals the end.
        assert_eq!(found(key, key + 100, true), Some(expected));
        assert_eq!(found(key - 100, key, true), Some(expected));
        assert_eq!(found(key, key, true), Some(expected));
        assert_eq!(found(key, key + 100, false), None);
    }

    /// Lines drawn across the borders of chunks, and from chunks shorter than a line.
    #[test]
    fn a_sample_has_whole_lines_from_every_stretch() {
        let n = if cfg!(miri) { 1000 } else { 10_000 };
        let scores: Vec<f32> = (0..n).map(|i| i as f32).collect();
        for length in [1, 5, 16, 17, 1000, n] {
            let pieces: Vec<&[f32]> = scores.chunks(length).collect();
            let sample = Sample::draw(&pieces, n, Order::Value, n / 2);
            let stretch = n / sample.lines.len();
            for (index, line) in sample.lines.iter().enumerate() {
                let stretch = (index * stretch) as f32..((index + 1) * stretch) as f32;
                assert!(stretch.contains(&line[0]) && stretch.contains(&line[LINE - 1]));
                assert!(
                    line.windows(2).all(|pair| pair[1] == pair[0] + 1.0),
                    "{line:?}"
                );
            }
            assert_eq!(
                cut_of(&scores, 7).threshold,
                Order::Value.key((n - 7) as f32)
            );
        }
    }
}
