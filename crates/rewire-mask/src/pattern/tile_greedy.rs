//! A transposable pattern that is nearly the best, for a fraction of the time.
//!
//! Entries of a tile are taken in order of their scores as long as their row and their column have
//! room. What then is missing is filled by exchanges: if row i and column j have room but (i, j)
//! is taken already, some taken (p, q) makes way for (i, q) and (p, j).
//!
//! How far it stays behind the optimum is [`crate::KeptMagnitude`]'s to say; `docs/patterns/` has
//! the numbers for weights drawn from a normal distribution.
//!
//! Sixteen tiles are sorted side by side by a network of comparisons (Batcher's odd-even merge
//! sort), with the number of the entry in the lowest bits of its key. That costs up to ten of the
//! 32 bits of a score: two scores that agree in the others count as equal.

use ndarray::ArrayView2;

use super::lanes::{LANES, in_finite_parts, largest_bits};
use super::tiles::{Limits, SIDE, Tile, tiles_of_row, write_tile};
use super::{Edges, Pattern};
use crate::select::Order;
use crate::simd::Isa;
use crate::{Mask, MaskError, MatrixShape, Nm};

/// A mask of [`Pattern::TransposableNm`] that is good but not always the best.
///
/// `scores` is `out × in`, larger is better.
///
/// # Ties
/// Scores that agree in all but their last bits (6 for tiles of up to 8×8, 10 for larger ones)
/// count as equal and go to the lower position of the tile.
///
/// # Determinism
/// Equal bits at any number of threads and on any processor.
///
/// # Cost
/// One sort of `of²` scores per tile, tile rows in parallel.
///
/// # Errors
/// As [`Pattern::project`].
pub fn greedy_transposable(
    scores: ArrayView2<'_, f32>,
    nm: Nm,
    edges: Edges,
) -> Result<Mask, MaskError> {
    let shape = MatrixShape::new(scores.nrows(), scores.ncols());
    Pattern::TransposableNm { nm, edges }.edge_report(shape)?;
    let scores = scores.as_standard_layout();
    let values = scores.as_slice().unwrap_or_default();
    let of = usize::from(nm.of);
    let isa = Isa::best();
    in_finite_parts(shape, values, of, |values, words| {
        // A part is a matrix of its own: its rows are whole tile rows.
        let shape = MatrixShape::new(values.len() / shape.cols, shape.cols);
        let largest = largest_bits(values);
        if largest >= f32::INFINITY.to_bits() {
            return largest;
        }
        let mut keys = Vec::new();
        for row in (0..shape.rows).step_by(of) {
            let tiles: Vec<Tile> = tiles_of_row(shape, of, row).collect();
            for tiles in tiles.chunks(LANES) {
                let kept = isa.vectorize(
                    #[inline(always)]
                    || take_side_by_side(values, shape, nm, tiles, &mut keys),
                );
                for (tile, kept) in tiles.iter().zip(&kept) {
                    let is_dense = edges == Edges::Dense && tile.size != (of, of);
                    let kept = if is_dense { &[u32::MAX; SIDE] } else { kept };
                    write_tile(shape, *tile, kept, words);
                }
            }
        }
        largest
    })
}

/// The columns that each row of up to sixteen tiles of one tile row keeps; `keys` is memory for
/// their sort.
#[inline(always)]
fn take_side_by_side(
    values: &[f32],
    shape: MatrixShape,
    nm: Nm,
    tiles: &[Tile],
    keys: &mut Vec<[u32; LANES]>,
) -> [[u32; SIDE]; LANES] {
    match usize::from(nm.of) {
        0..=4 => take_sorted::<4, 16>(values, shape, nm, tiles, keys),
        5..=8 => take_sorted::<8, 64>(values, shape, nm, tiles, keys),
        9..=16 => take_sorted::<16, 256>(values, shape, nm, tiles, keys),
        _ => take_sorted::<SIDE, 1024>(values, shape, nm, tiles, keys),
    }
}

/// As [`take_side_by_side`], for tiles of up to W × W = ENTRIES entries.
#[inline(always)]
fn take_sorted<const W: usize, const ENTRIES: usize>(
    values: &[f32],
    shape: MatrixShape,
    nm: Nm,
    tiles: &[Tile],
    keys: &mut Vec<[u32; LANES]>,
) -> [[u32; SIDE]; LANES] {
    let number = ENTRIES as u32 - 1;
    // A key of 0 belongs to no entry: those of real scores have higher bits.
    keys.clear();
    keys.resize(ENTRIES, [0; LANES]);
    let of = usize::from(nm.of);
    let mut ordered = [0u32; SIDE * LANES];
    let (first, last) = (tiles[0], tiles[tiles.len() - 1]);
    let width = last.col + last.size.1 - first.col;
    for row in 0..first.size.0 {
        let from = shape.position(first.row + row, first.col) as usize;
        for (key, &value) in ordered.iter_mut().zip(&values[from..from + width]) {
            // Flipping the sign bit makes the order of integers that of unsigned ones.
            *key = (Order::Value.key(value) as u32 ^ 1 << 31) & !number;
        }
        let keys = &mut keys[row * W..(row + 1) * W];
        let number = number - (row * W) as u32;
        if of == W {
            for (lane, tile) in ordered[..width - width % W]
                .as_chunks::<W>()
                .0
                .iter()
                .enumerate()
            {
                for col in 0..W {
                    keys[col][lane] = tile[col] | (number - col as u32);
                }
            }
        }
        let done = if of == W { width / W } else { 0 };
        for (lane, tile) in ordered[..width].chunks(of).enumerate().skip(done) {
            for (col, &key) in tile.iter().enumerate() {
                keys[col][lane] = key | (number - col as u32);
            }
        }
    }
    sort_descending(keys);
    let sizes: [(usize, usize); LANES] =
        std::array::from_fn(|lane| tiles.get(lane).map_or((0, 0), |tile| tile.size));
    let mut kept = if W <= 8 {
        take_small::<W>(keys, nm, &sizes)
    } else {
        take_large::<W>(keys, nm, &sizes)
    };
    for (tile, rows) in tiles.iter().zip(&mut kept) {
        let (height, width) = tile.size;
        let n_active: u32 = rows[..height].iter().map(|row| row.count_ones()).sum();
        if (n_active as usize) < Limits::of(nm, tile.size).total {
            let mut scores = [[0.0; W]; W];
            for (row, scores) in scores[..height].iter_mut().enumerate() {
                let from = shape.position(tile.row + row, tile.col) as usize;
                scores[..width].copy_from_slice(&values[from..from + width]);
            }
            let mut taken = Taken::of(nm, tile.size, *rows);
            taken.complete(&scores);
            *rows = taken.rows;
        }
    }
    kept
}

/// Takes entries in the order of their keys, for tiles of up to 8 × 8.
///
/// The counts of eight rows fit in the nibbles of a word, so that sixteen tiles go side by side.
#[inline(always)]
fn take_small<const W: usize>(
    keys: &[[u32; LANES]],
    nm: Nm,
    sizes: &[(usize, usize); LANES],
) -> [[u32; SIDE]; LANES] {
    let number = keys.len() as u32 - 1;
    let limits = sizes.map(|size| Limits::of(nm, size));
    let most_in_row = limits.map(|limits| limits.row as u32);
    let most_in_col = limits.map(|limits| limits.col as u32);
    let (mut in_row, mut in_col) = ([0u32; LANES], [0u32; LANES]);
    let (mut upper, mut lower) = ([0u32; LANES], [0u32; LANES]);
    for keys in keys {
        for lane in 0..LANES {
            let entry = number - (keys[lane] & number);
            let (row, col) = (entry / W as u32, entry % W as u32);
            let has_row = (in_row[lane] >> (4 * row) & 0xF) < most_in_row[lane];
            let has_col = (in_col[lane] >> (4 * col) & 0xF) < most_in_col[lane];
            let one = u32::from(has_row) & u32::from(has_col) & u32::from(keys[lane] > number);
            in_row[lane] += one << (4 * row);
            in_col[lane] += one << (4 * col);
            let bit = one << (8 * (row & 3) + col);
            upper[lane] |= if row < 4 { bit } else { 0 };
            lower[lane] |= if row < 4 { 0 } else { bit };
        }
    }
    let mut kept = [[0; SIDE]; LANES];
    for (lane, kept) in kept.iter_mut().enumerate() {
        for row in 0..4 {
            kept[row] = upper[lane] >> (8 * row) & 0xFF;
            kept[row + 4] = lower[lane] >> (8 * row) & 0xFF;
        }
    }
    kept
}

/// Takes entries in the order of their keys, tile by tile.
#[inline(always)]
fn take_large<const W: usize>(
    keys: &[[u32; LANES]],
    nm: Nm,
    sizes: &[(usize, usize); LANES],
) -> [[u32; SIDE]; LANES] {
    let number = keys.len() as u32 - 1;
    let mut taken = sizes.map(|size| Taken::of(nm, size, [0; SIDE]));
    for keys in keys {
        for (taken, &key) in taken.iter_mut().zip(keys) {
            if key > number {
                let entry = (number - (key & number)) as usize;
                taken.offer(entry / W, entry % W);
            }
        }
    }
    taken.map(|taken| taken.rows)
}

/// Sorts every lane, largest first, by Batcher's odd-even merge sort; the length is a power of 2.
#[inline(always)]
fn sort_descending(keys: &mut [[u32; LANES]]) {
    let len = keys.len();
    let mut run = 1;
    while run < len {
        // Two sorted runs are merged: first the k-th of one with the k-th of the other, then ever
        // nearer neighbours.
        for pair in keys.chunks_exact_mut(2 * run) {
            let (first, second) = pair.split_at_mut(run);
            exchange(first, second);
            let mut gap = run / 2;
            while gap > 0 {
                for both in pair[gap..2 * run - gap].chunks_exact_mut(2 * gap) {
                    let (first, second) = both.split_at_mut(gap);
                    exchange(first, second);
                }
                gap /= 2;
            }
        }
        run *= 2;
    }
}

/// Puts the larger of each two keys into `first`.
#[inline(always)]
fn exchange(first: &mut [[u32; LANES]], second: &mut [[u32; LANES]]) {
    let pairs = first
        .as_flattened_mut()
        .iter_mut()
        .zip(second.as_flattened_mut());
    for (first, second) in pairs {
        (*first, *second) = ((*first).max(*second), (*first).min(*second));
    }
}

/// The entries of a tile taken so far.
struct Taken {
    limits: Limits,
    size: (usize, usize),
    rows: [u32; SIDE],
    in_row: [u8; SIDE],
    in_col: [u8; SIDE],
    total: usize,
}

impl Taken {
    #[inline(always)]
    fn of(nm: Nm, size: (usize, usize), rows: [u32; SIDE]) -> Self {
        let mut in_row = [0; SIDE];
        let mut in_col = [0; SIDE];
        for (row, &bits) in rows[..size.0].iter().enumerate() {
            in_row[row] = bits.count_ones() as u8;
            for (col, count) in in_col[..size.1].iter_mut().enumerate() {
                *count += (bits >> col & 1) as u8;
            }
        }
        Self {
            limits: Limits::of(nm, size),
            size,
            rows,
            in_row,
            in_col,
            total: in_row.iter().map(|&count| usize::from(count)).sum(),
        }
    }

    /// Takes an entry, which was not offered before, if its row and column have room.
    #[inline(always)]
    fn offer(&mut self, row: usize, col: usize) {
        let has_room = usize::from(self.in_row[row]) < self.limits.row
            && usize::from(self.in_col[col]) < self.limits.col;
        // Arithmetic instead of a branch: which entries fit is as good as random.
        let one = u8::from(has_room);
        self.rows[row] |= u32::from(one) << col;
        self.in_row[row] += one;
        self.in_col[col] += one;
        self.total += usize::from(one);
    }

    /// Fills what is missing, each time by the best exchange for the first row and column with
    /// room.
    ///
    /// There is one: a row p that does not hold the column is full, else (p, col) would have been
    /// taken, and it holds more columns than `row` has beside `col`.
    #[inline(always)]
    fn complete<const W: usize>(&mut self, scores: &[[f32; W]; W]) {
        let score = |row: usize, col: usize| f64::from(scores[row][col]);
        while self.total < self.limits.total {
            let (mut row, mut col) = (0, 0);
            while usize::from(self.in_row[row]) >= self.limits.row {
                row += 1;
            }
            while usize::from(self.in_col[col]) >= self.limits.col {
                col += 1;
            }
            let mut best = (f64::NEG_INFINITY, 0, 0);
            for p in (0..self.size.0).filter(|&p| self.rows[p] >> col & 1 == 0) {
                let mut movable = self.rows[p] & !self.rows[row];
                while movable != 0 {
                    let q = movable.trailing_zeros() as usize;
                    movable &= movable - 1;
                    let gain = score(row, q) + score(p, col) - score(p, q);
                    if gain > best.0 {
                        best = (gain, p, q);
                    }
                }
            }
            let (_, p, q) = best;
            self.rows[p] = self.rows[p] & !(1 << q) | 1 << col;
            self.rows[row] |= 1 << q;
            self.in_row[row] += 1;
            self.in_col[col] += 1;
            self.total += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_core::{RngCore, SeedableRng};

    use super::*;

    #[test]
    fn the_network_sorts_every_power_of_two() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let lens = [1, 2, 4, 8, 16, 64, 256, 1024];
        for len in lens.into_iter().take(if cfg!(miri) { 5 } else { 8 }) {
            let few = 1 + rng.next_u32() % 9;
            let mut keys = vec![[0; LANES]; len];
            for lanes in &mut keys {
                lanes.fill_with(|| rng.next_u32() % few);
            }
            let mut expected = keys.clone();
            for lane in 0..LANES {
                let mut column: Vec<u32> = keys.iter().map(|lanes| lanes[lane]).collect();
                column.sort_unstable_by_key(|&key| std::cmp::Reverse(key));
                for (lanes, key) in expected.iter_mut().zip(column) {
                    lanes[lane] = key;
                }
            }
            sort_descending(&mut keys);
            assert_eq!(keys, expected);
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri has the portable instructions alone")]
    fn every_instruction_set_gives_the_same_bits() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        for (of, cols) in [
            (1u8, 5),
            (3, 20),
            (4, 66),
            (7, 50),
            (8, 130),
            (16, 70),
            (32, 64),
        ] {
            for keep in [1, of.div_ceil(2), of] {
                let nm = Nm::new(keep, of).unwrap();
                let shape = MatrixShape::new(of.into(), cols);
                let few = 2 + rng.next_u32() % 1000;
                let number = |bits: u32| (bits % few) as f32 - 1.0;
                let len = shape.len() as usize;
                let values: Vec<f32> = (0..len).map(|_| number(rng.next_u32())).collect();
                let tiles: Vec<Tile> = tiles_of_row(shape, of.into(), 0).collect();
                for tiles in tiles.chunks(LANES) {
                    let taken = |isa: Isa| {
                        isa.vectorize(
                            #[inline(always)]
                            || take_side_by_side(&values, shape, nm, tiles, &mut Vec::new()),
                        )
                    };
                    let expected = taken(Isa::Portable);
                    for isa in Isa::all() {
                        assert_eq!(taken(isa), expected, "{isa:?} {nm:?}");
                    }
                }
            }
        }
    }
}
