//! Transposable N:M: tiles whose rows and columns all keep N of M.
//!
//! A mask that is N:M along rows serves `Y = X·Wᵀ`, one that is N:M along columns serves
//! `dX = dY·W`; a transposable one serves both. Tiles are `M×M` blocks of W itself (cutting up the
//! flattened weights instead gives masks that are not N:M along any column).
//!
//! **2:4.** A tile has exactly 90 such patterns. Give the six pairs of columns a row can keep the
//! signs `±x`, `±y`, `±z`, where x keeps columns {0, 1}, y {0, 2}, z {0, 3}, and − keeps the other
//! two. As vectors of ±1 over the columns, x, y and z are orthogonal, so the columns of a tile are
//! balanced exactly if on each of the three axes as many rows have + as −. Twice the score of a
//! tile is then a constant plus the sum of ± the rows' coordinates, for instance
//! `x = a + b − c − d`. Balanced rows fall into two pairs of opposite sign on a common axis, and
//! for a given pair (i, j) the best is `max(|xᵢ−xⱼ|, |yᵢ−yⱼ|, |zᵢ−zⱼ|)`. All 90 patterns are thus
//! compared by `max over the three ways to pair four rows`, with 18 differences.
//!
//! **Other N:M.** Each tile is a transport problem, solved exactly by [`super::tile_flow`].
//!
//! Ties of 2:4 are decided in this order: pairing {01, 23}, then {02, 13}, then {03, 12}; in a
//! pair axis x, then y, then z; + for the lower row.

use super::Edges;
use super::lanes::{LANES, Lane, in_finite_parts, largest_bits, or_bits};
use super::tile_flow::TileSolver;
use super::tiles::{SIDE, tiles_of_row, write_tile};
use super::two_of_four::pack;
use crate::select::Order;
use crate::simd::Isa;
use crate::{Mask, MaskError, MatrixShape, Nm};

/// Columns of sixteen tiles side by side.
const STEP: usize = 4 * LANES;

/// Scores up to this bound can be added and subtracted in `f32` without overflow.
const SAFE: f32 = f32::MAX / 32.0;

pub(super) fn project(
    shape: MatrixShape,
    values: &[f32],
    order: Order,
    nm: Nm,
    edges: Edges,
) -> Result<Mask, MaskError> {
    let isa = Isa::best();
    let decide = |values: &[f32], words: &mut [u64]| match order {
        Order::Value => decide::<false>(isa, values, shape.cols, nm, edges, words),
        Order::Magnitude => decide::<true>(isa, values, shape.cols, nm, edges, words),
    };
    in_finite_parts(shape, values, usize::from(nm.of), decide)
}

/// Decides some rows of tiles; returns the largest |score| as bits. If that is not finite nothing
/// else need be right.
fn decide<const MAGNITUDE: bool>(
    isa: Isa,
    values: &[f32],
    cols: usize,
    nm: Nm,
    edges: Edges,
    words: &mut [u64],
) -> u32 {
    // A part is a matrix of its own: its rows are whole rows of tiles.
    let shape = MatrixShape::new(values.len() / cols, cols);
    let of = usize::from(nm.of);
    let is_2_4 = (nm.keep, nm.of) == (2, 4);
    let largest = if is_2_4 {
        let complete = (shape.rows - shape.rows % of) * cols;
        let below = largest_bits(&values[complete..]);
        below.max(decide_2_4::<MAGNITUDE>(
            isa,
            &values[..complete],
            cols,
            words,
        ))
    } else {
        isa.vectorize(
            #[inline(always)]
            || largest_bits(values),
        )
    };
    if largest >= f32::INFINITY.to_bits() {
        return largest;
    }
    let mut solver = None;
    for row in (0..shape.rows).step_by(of) {
        let is_complete = row + of <= shape.rows;
        let done = if is_2_4 && is_complete { cols / of } else { 0 };
        for tile in tiles_of_row(shape, of, row).skip(done) {
            let kept = if edges == Edges::Dense && tile.size != (of, of) {
                [u32::MAX; SIDE]
            } else {
                let solver = solver.get_or_insert_with(TileSolver::new);
                isa.vectorize(
                    #[inline(always)]
                    || {
                        solver.solve(tile.size, nm, |row, col| {
                            let value = values[(tile.row + row) * cols + tile.col + col];
                            if MAGNITUDE { value.abs() } else { value }
                        })
                    },
                )
            };
            write_tile(shape, tile, &kept, words);
        }
    }
    largest
}

/// Bits of a row that keeps columns {0, 1}, {0, 2} or {0, 3} of a pair of rows: the first row in
/// the low nibble, the second row, which keeps the other columns, in the high one.
const PAIRS: [u32; 3] = [0xC3, 0xA5, 0x69];

/// Decides the complete tiles of some rows, whose number is a multiple of 4; returns the largest
/// |score| as bits, incomplete tiles included.
fn decide_2_4<const MAGNITUDE: bool>(
    isa: Isa,
    values: &[f32],
    cols: usize,
    words: &mut [u64],
) -> u32 {
    let steps = cols / STEP;
    let width = cols % STEP;
    let mut kept = vec![[0; 4]; steps];
    let mut largest = 0;
    for first in (0..values.len()).step_by(4 * cols) {
        let row = |row: usize| &values[first + row * cols..first + row * cols + steps * STEP];
        let rows = [row(0), row(1), row(2), row(3)];
        largest = largest.max(isa.tiles_of_2_4::<MAGNITUDE>(rows, &mut kept));
        for (step, kept) in kept.iter().enumerate() {
            for (row, &bits) in kept.iter().enumerate() {
                or_bits(words, first + row * cols + step * STEP, bits, STEP);
            }
        }
        if width > 0 {
            let mut padded = [[0.0; STEP]; 4];
            for (row, padded) in padded.iter_mut().enumerate() {
                let from = first + row * cols + steps * STEP;
                padded[..width].copy_from_slice(&values[from..from + width]);
            }
            let mut kept = [[0; 4]];
            let rows = padded.each_ref().map(<[f32; STEP]>::as_slice);
            largest = largest.max(isa.tiles_of_2_4::<MAGNITUDE>(rows, &mut kept));
            let complete = width - width % 4;
            for (row, &bits) in kept[0].iter().enumerate() {
                let at = first + row * cols + steps * STEP;
                or_bits(words, at, bits & ((1 << complete) - 1), width);
            }
        }
    }
    largest
}

impl Isa {
    /// The best pattern of every tile of four rows: bit i of `kept[s][r]` is that of
    /// `rows[r][64·s + i]`. Returns the largest |score| as bits.
    fn tiles_of_2_4<const MAGNITUDE: bool>(self, rows: [&[f32]; 4], kept: &mut [[u64; 4]]) -> u32 {
        let largest = match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(proof) => proof.tiles_of_2_4::<MAGNITUDE>(rows, kept),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => self.vectorize(
                #[inline(always)]
                || portable::<MAGNITUDE>(rows, kept),
            ),
            Self::Portable => portable::<MAGNITUDE>(rows, kept),
        };
        if largest > SAFE.to_bits() {
            scaled::<MAGNITUDE>(rows, kept);
        }
        largest
    }
}

#[inline(always)]
fn portable<const MAGNITUDE: bool>(rows: [&[f32]; 4], kept: &mut [[u64; 4]]) -> u32 {
    let mut largest = 0;
    for (step, kept) in kept.iter_mut().enumerate() {
        let rows = rows.map(|row| &row[step * STEP..(step + 1) * STEP]);
        *kept = best_of_90::<MAGNITUDE>(rows, |_| 1.0).map(|nibbles| pack(&nibbles));
        largest = rows
            .iter()
            .fold(largest, |all, row| all.max(largest_bits(row)));
    }
    largest
}

/// As [`portable`], with the scores of a tile whose sums may overflow compared at 1/32 of their
/// size.
///
/// That is exact but for scores below 2⁻¹²¹ in a tile with one above 2¹²², which are lost in any
/// sum with it.
fn scaled<const MAGNITUDE: bool>(rows: [&[f32]; 4], kept: &mut [[u64; 4]]) {
    for (step, kept) in kept.iter_mut().enumerate() {
        let rows = rows.map(|row| &row[step * STEP..(step + 1) * STEP]);
        let scale = |lane: usize| {
            let of_row = |row: &[f32]| largest_bits(&row[4 * lane..4 * (lane + 1)]);
            let is_safe = rows.iter().all(|row| of_row(row) <= SAFE.to_bits());
            if is_safe { 1.0 } else { 1.0 / 32.0 }
        };
        let scales: Lane = std::array::from_fn(scale);
        *kept = best_of_90::<MAGNITUDE>(rows, |lane| scales[lane]).map(|nibbles| pack(&nibbles));
    }
}

/// The best pattern of sixteen tiles side by side, row by row, one nibble per tile; the scores of
/// a tile are multiplied by `scale(lane)`, a power of two.
#[inline(always)]
fn best_of_90<const MAGNITUDE: bool>(
    rows: [&[f32]; 4],
    scale: impl Fn(usize) -> f32,
) -> [[u32; LANES]; 4] {
    let mut axes = [[[0.0; LANES]; 3]; 4];
    for (axes, row) in axes.iter_mut().zip(rows) {
        for lane in 0..LANES {
            let score = |entry: usize| {
                let value = row[4 * lane + entry] * scale(lane);
                if MAGNITUDE { value.abs() } else { value }
            };
            let (a, b, c, d) = (score(0), score(1), score(2), score(3));
            let (ab, cd) = (a + b, c + d);
            let (a_b, c_d) = (a - b, c - d);
            axes[0][lane] = ab - cd;
            axes[1][lane] = a_b + c_d;
            axes[2][lane] = a_b - c_d;
        }
    }
    let pair = |i: usize, j: usize| best_of_pair(&axes[i], &axes[j]);
    let pairings = [
        (pair(0, 1), pair(2, 3)),
        (pair(0, 2), pair(1, 3)),
        (pair(0, 3), pair(1, 2)),
    ];
    let mut kept = [[0; LANES]; 4];
    for lane in 0..LANES {
        let sum = |index: usize| pairings[index].0.0[lane] + pairings[index].1.0[lane];
        let place = |index: usize| {
            let (first, second) = (pairings[index].0.1[lane], pairings[index].1.1[lane]);
            let (first_low, first_high) = (first & 0xF, first & 0xF0);
            let (second_low, second_high) = (second & 0xF, second & 0xF0);
            match index {
                0 => first | second << 8,
                1 => first_low | second_low << 4 | first_high << 4 | second_high << 8,
                _ => first_low | second << 4 | first_high << 8,
            }
        };
        let (mut best, mut tile) = (sum(0), place(0));
        for index in 1..3 {
            let challenger = sum(index);
            let wins = challenger > best;
            best = if wins { challenger } else { best };
            tile = if wins { place(index) } else { tile };
        }
        for (row, kept) in kept.iter_mut().enumerate() {
            kept[lane] = tile >> (4 * row) & 0xF;
        }
    }
    kept
}

/// The best balanced choice of two rows: twice its gain, and which columns it keeps.
#[inline(always)]
fn best_of_pair(upper: &[Lane; 3], lower: &[Lane; 3]) -> (Lane, [u32; LANES]) {
    let (mut gains, mut codes) = ([0.0; LANES], [0; LANES]);
    for lane in 0..LANES {
        let mut difference = upper[0][lane] - lower[0][lane];
        let (mut gain, mut code) = (difference.abs(), PAIRS[0]);
        for axis in 1..3 {
            let challenger = upper[axis][lane] - lower[axis][lane];
            let wins = challenger.abs() > gain;
            difference = if wins { challenger } else { difference };
            gain = if wins { challenger.abs() } else { gain };
            code = if wins { PAIRS[axis] } else { code };
        }
        gains[lane] = gain;
        codes[lane] = if difference < 0.0 { code ^ 0xFF } else { code };
    }
    (gains, codes)
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_core::{RngCore, SeedableRng};

    use super::*;

    /// Scores with many ties, scores of all sizes, and plain ones.
    fn scores(rng: &mut ChaCha8Rng, len: usize) -> Vec<f32> {
        let kind = rng.next_u32() % 4;
        let score = |bits: u32| match kind {
            0 => (bits % 3) as f32 - 1.0,
            1 => f32::from_bits(bits & 0xFEFF_FFFF),
            2 => f32::from_bits(bits & 0xFF7F_FFFF),
            _ => (bits as f32 / u32::MAX as f32) - 0.5,
        };
        let finite = |score: f32| if score.is_finite() { score } else { 0.0 };
        (0..len).map(|_| finite(score(rng.next_u32()))).collect()
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri has the portable instructions alone")]
    fn every_instruction_set_gives_the_same_bits() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        for steps in [0, 1, 2, 3, 7].repeat(40) {
            let values = scores(&mut rng, 4 * steps * STEP);
            let row = |row: usize| &values[row * steps * STEP..(row + 1) * steps * STEP];
            let rows = [row(0), row(1), row(2), row(3)];
            let decide = |isa: Isa| {
                let (mut scored, mut ranked) = (vec![[0; 4]; steps], vec![[0; 4]; steps]);
                let largest = isa.tiles_of_2_4::<false>(rows, &mut scored);
                assert_eq!(isa.tiles_of_2_4::<true>(rows, &mut ranked), largest);
                (scored, ranked, largest)
            };
            let expected = decide(Isa::Portable);
            for isa in Isa::all() {
                assert_eq!(decide(isa), expected, "{isa:?}");
            }
        }
    }
}
