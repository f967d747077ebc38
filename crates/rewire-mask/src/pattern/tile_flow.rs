//! The best transposable pattern of one tile, as a transport problem, with a proof.
//!
//! Every row of a tile sends r units to the columns, at most one to each, and every column takes
//! at most c; a unit from row i to column j is worth the score `s[i][j]`. Rows begin with their r
//! best columns, which overloads some. Columns get prices `v`, at first 0, under which every row
//! holds its best columns: `s[i][j] − v[j] ≥ s[i][k] − v[k]` for each held j and each other k.
//! As long as a column is overloaded, the cheapest chain of exchanges (row i gives j back and takes
//! k) from an overloaded column to one with room is found by Dijkstra's algorithm over the columns,
//! carried out, and the prices along it raised so that the condition holds again. At most r·c
//! chains of at most M exchanges are needed.
//!
//! **Certificate.** If no column is overloaded, all prices are ≥ 0, a price above 0 belongs to a
//! full column, and every row holds its best columns under the prices, then no other choice is
//! worth more (linear-programming duality). [`TileSolver::solve`] checks this for every tile it
//! solves and panics otherwise: a wrong answer cannot leave.
//!
//! Scores are whole numbers here, so nothing is rounded on the way: multiples of 2⁻⁵⁰ of the power
//! of two above the largest |score| of the tile. Scores within 2²⁶ of it are represented exactly.
//!
//! # Source
//! Ahuja, Magnanti & Orlin 1993, *Network Flows*, section 9.7 (successive shortest paths).

#![allow(
    clippy::needless_range_loop,
    reason = "loops over the columns of several arrays at once become vector instructions"
)]

use super::tiles::{Limits, SIDE};
use crate::Nm;

/// Bits of the largest |score| of a tile.
const SCORE_BITS: i32 = 50;

/// More than any sum of scores that can be gained in a tile.
const FORCED: i64 = 1 << 57;

/// Farther than any chain is long.
const FAR: i64 = i64::MAX / 2;

/// Solves one tile after another in the same memory.
pub(super) struct TileSolver {
    /// Scores as whole numbers, `rows × W`; columns beyond the tile are never worth taking.
    scores: [[i64; SIDE]; SIDE],
    /// The columns each row holds, as bits.
    held: [u32; SIDE],
    /// How many rows hold each column.
    load: [usize; SIDE],
    /// Price of each column.
    price: [i64; SIDE],
}

impl TileSolver {
    pub(super) fn new() -> Self {
        Self {
            scores: [[0; SIDE]; SIDE],
            held: [0; SIDE],
            load: [0; SIDE],
            price: [0; SIDE],
        }
    }

    /// The best columns of each row, as bits, for a `size.0 × size.1` tile of `score(row, col)`.
    ///
    /// An incomplete tile keeps as many entries as [`Limits`] allows.
    #[inline(always)]
    pub(super) fn solve(
        &mut self,
        size: (usize, usize),
        nm: Nm,
        score: impl Fn(usize, usize) -> f32,
    ) -> [u32; SIDE] {
        self.solve_with(size, nm, score, &[0; SIDE])
    }

    /// As [`TileSolver::solve`], among the patterns that hold every entry of `forced`.
    ///
    /// There must be one.
    #[inline(always)]
    pub(super) fn solve_with(
        &mut self,
        size: (usize, usize),
        nm: Nm,
        score: impl Fn(usize, usize) -> f32,
        forced: &[u32; SIDE],
    ) -> [u32; SIDE] {
        let limits = Limits::of(nm, size);
        if limits.rows_are_full {
            self.load_scores(size, score, |row, col| forced[row] >> col & 1 == 1);
            self.run(size, limits.row, limits.col);
            return self.held;
        }
        // All columns are full, so the columns do the choosing: the transposed tile is solved.
        let size = (size.1, size.0);
        self.load_scores(
            size,
            |col, row| score(row, col),
            |col, row| forced[row] >> col & 1 == 1,
        );
        self.run(size, limits.col, limits.row);
        let mut rows = [0; SIDE];
        for (col, held) in self.held[..size.0].iter().enumerate() {
            for (row, bits) in rows[..size.1].iter_mut().enumerate() {
                *bits |= (held >> row & 1) << col;
            }
        }
        rows
    }

    #[inline(always)]
    fn load_scores(
        &mut self,
        (height, width): (usize, usize),
        score: impl Fn(usize, usize) -> f32,
        is_forced: impl Fn(usize, usize) -> bool,
    ) {
        let all = (0..height).flat_map(|row| (0..width).map(move |col| (row, col)));
        let largest = all
            .map(|(row, col)| score(row, col).abs())
            .fold(0.0, f32::max);
        let scale = scale_of(largest);
        for row in 0..height {
            self.scores[row] = [-FAR; SIDE];
            for col in 0..width {
                let whole = (f64::from(score(row, col)) * scale) as i64;
                let bonus = if is_forced(row, col) { FORCED } else { 0 };
                self.scores[row][col] = whole + bonus;
            }
        }
    }

    /// Chooses `of_row` columns for each of the first `height` rows, at most `of_col` rows each.
    #[inline(always)]
    fn run(&mut self, (height, width): (usize, usize), of_row: usize, of_col: usize) {
        match width {
            0..=4 => self.run_padded::<4>((height, width), of_row, of_col),
            5..=8 => self.run_padded::<8>((height, width), of_row, of_col),
            9..=16 => self.run_padded::<16>((height, width), of_row, of_col),
            _ => self.run_padded::<SIDE>((height, width), of_row, of_col),
        }
    }

    /// The tile padded to W columns, so that the inner loops have a length the compiler knows.
    #[inline(always)]
    fn run_padded<const W: usize>(
        &mut self,
        (height, width): (usize, usize),
        of_row: usize,
        of_col: usize,
    ) {
        self.price = [0; SIDE];
        self.load = [0; SIDE];
        self.held = [0; SIDE];
        for row in 0..height {
            self.held[row] = best_columns::<W>(&self.scores[row], of_row);
            for col in 0..width {
                self.load[col] += (self.held[row] >> col & 1) as usize;
            }
        }
        while self.load[..width].iter().any(|&load| load > of_col) {
            self.unload::<W>(height, width, of_col);
        }
        assert!(
            self.is_optimal::<W>(height, width, of_row, of_col),
            "the pattern of a {height}×{width} tile has no certificate"
        );
    }

    /// Moves one unit from an overloaded column to one with room, along the cheapest chain.
    #[inline(always)]
    fn unload<const W: usize>(&mut self, height: usize, width: usize, of_col: usize) {
        let mut distance = [FAR; W];
        let mut open = [FAR; W];
        // How a column was reached: row · SIDE + the column that the row gives back.
        let mut via = [-1i64; W];
        for col in 0..width {
            if self.load[col] > of_col {
                distance[col] = 0;
                open[col] = 0;
            }
        }
        // What a column is worth to a row that does not hold it.
        let mut worth = [[0i64; W]; SIDE];
        for row in 0..height {
            for col in 0..W {
                let is_held = i64::from(self.held[row] >> col & 1);
                worth[row][col] = self.scores[row][col] - self.price[col] - is_held * (FAR / 2);
            }
        }
        let target = loop {
            let mut nearest = 0;
            for col in 1..W {
                nearest = if open[col] < open[nearest] {
                    col
                } else {
                    nearest
                };
            }
            assert!(open[nearest] < FAR, "no column of a tile has room");
            if self.load[nearest] < of_col {
                break nearest;
            }
            open[nearest] = FAR;
            for row in 0..height {
                if self.held[row] >> nearest & 1 == 0 {
                    continue;
                }
                let give = distance[nearest] + self.scores[row][nearest] - self.price[nearest];
                let code = (row * SIDE + nearest) as i64;
                relax(give, code, &worth[row], &mut distance, &mut open, &mut via);
            }
        };
        let length = distance[target];
        for col in 0..width {
            // A column that is farther than the target keeps its price.
            self.price[col] += length - distance[col].min(length);
        }
        let mut col = target;
        self.load[col] += 1;
        while via[col] >= 0 {
            let (row, given) = (via[col] as usize / SIDE, via[col] as usize % SIDE);
            self.held[row] ^= 1 << col | 1 << given;
            col = given;
        }
        self.load[col] -= 1;
    }

    /// Whether prices and choice prove each other best.
    #[inline(always)]
    fn is_optimal<const W: usize>(
        &self,
        height: usize,
        width: usize,
        of_row: usize,
        of_col: usize,
    ) -> bool {
        let mut holds = true;
        let mut load = [0usize; SIDE];
        for row in 0..height {
            let (mut worst_held, mut best_other) = (FAR, -FAR);
            for col in 0..W {
                let net = self.scores[row][col] - self.price[col];
                let is_held = self.held[row] >> col & 1 == 1;
                worst_held = if is_held {
                    worst_held.min(net)
                } else {
                    worst_held
                };
                best_other = if is_held {
                    best_other
                } else {
                    best_other.max(net)
                };
                load[col] += usize::from(is_held);
            }
            holds &= worst_held >= best_other;
            holds &= self.held[row].count_ones() as usize == of_row;
        }
        for col in 0..width {
            let is_free = load[col] < of_col;
            holds &= load[col] <= of_col && self.price[col] >= 0;
            holds &= !(is_free && self.price[col] > 0);
        }
        holds
    }
}

/// Notes every column that is nearer by way of a row that gives a column back.
#[inline(always)]
fn relax<const W: usize>(
    give: i64,
    code: i64,
    worth: &[i64; W],
    distance: &mut [i64; W],
    open: &mut [i64; W],
    via: &mut [i64; W],
) {
    for col in 0..W {
        let there = give - worth[col];
        let is_nearer = there < distance[col];
        distance[col] = if is_nearer { there } else { distance[col] };
        open[col] = if is_nearer { there } else { open[col] };
        via[col] = if is_nearer { code } else { via[col] };
    }
}

/// The `count` largest of the first W scores, as bits; of equal ones the first.
#[inline(always)]
fn best_columns<const W: usize>(scores: &[i64; SIDE], count: usize) -> u32 {
    let mut beaten = [0i64; W];
    for (other, &rival) in scores[..W].iter().enumerate() {
        for col in 0..W {
            let wins = rival > scores[col] || (rival == scores[col] && other < col);
            beaten[col] += i64::from(wins);
        }
    }
    let mut best = 0;
    for (col, &beaten) in beaten.iter().enumerate() {
        best |= u32::from(beaten < count as i64) << col;
    }
    best
}

/// The power of two that brings numbers up to `largest` just below 2^SCORE_BITS.
fn scale_of(largest: f32) -> f64 {
    if largest == 0.0 {
        return 1.0;
    }
    // The exponent of the f64 is that of the f32, subnormal ones included.
    let exponent = (f64::from(largest).to_bits() >> 52 & 0x7FF) as i32 - 1023;
    f64::from_bits(((SCORE_BITS - 1 - exponent + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_core::{RngCore, SeedableRng};

    use super::*;
    use crate::simd::Isa;

    /// Ties, ordinary numbers, and numbers of every size with a sign.
    fn scores(rng: &mut ChaCha8Rng) -> [[f32; SIDE]; SIDE] {
        let kind = rng.next_u32() % 3;
        let mut scores = [[0.0; SIDE]; SIDE];
        let score = |bits: u32| match kind {
            0 => (bits % 3) as f32 - 1.0,
            1 => bits as f32 / u32::MAX as f32 - 0.5,
            _ => f32::from_bits(bits & 0xFF7F_FFFF),
        };
        for row in &mut scores {
            row.fill_with(|| score(rng.next_u32()));
        }
        scores
    }

    fn some_size(rng: &mut ChaCha8Rng) -> (Nm, (usize, usize)) {
        let of = 1 + rng.next_u32() as usize % [4, 8, 16, 32][rng.next_u32() as usize % 4];
        let nm = Nm::new(1 + (rng.next_u32() as usize % of) as u8, of as u8).unwrap();
        let mut side = || match rng.next_u32() % 2 {
            0 => of,
            _ => 1 + rng.next_u32() as usize % of,
        };
        (nm, (side(), side()))
    }

    /// What the choice is worth and what the prices say nothing can exceed, in integers that do
    /// not overflow: every row buys its best columns at their prices, and the columns sell all
    /// they have.
    fn primal_and_dual(solver: &TileSolver, nm: Nm, size: (usize, usize)) -> (i128, i128) {
        let limits = Limits::of(nm, size);
        let (height, width, of_row, of_col) = if limits.rows_are_full {
            (size.0, size.1, limits.row, limits.col)
        } else {
            (size.1, size.0, limits.col, limits.row)
        };
        let (mut primal, mut dual) = (0, 0);
        for row in 0..height {
            let score = |col: usize| i128::from(solver.scores[row][col]);
            let held = (0..width).filter(|col| solver.held[row] >> col & 1 == 1);
            primal += held.map(score).sum::<i128>();
            let net = |col: usize| score(col) - i128::from(solver.price[col]);
            let mut nets: Vec<i128> = (0..width).map(net).collect();
            nets.sort_unstable_by_key(|&net| std::cmp::Reverse(net));
            dual += nets[..of_row].iter().sum::<i128>();
        }
        let prices = solver.price[..width].iter();
        dual += prices.map(|&price| i128::from(price)).sum::<i128>() * of_col as i128;
        assert!(solver.price[..width].iter().all(|&price| price >= 0));
        (primal, dual)
    }

    #[test]
    fn every_solution_is_worth_what_its_prices_allow() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let mut solver = TileSolver::new();
        for _ in 0..if cfg!(miri) { 2 } else { 3000 } {
            let (nm, size) = some_size(&mut rng);
            let scores = scores(&mut rng);
            let first = solver.solve(size, nm, |row, col| scores[row][col]);
            let (primal, dual) = primal_and_dual(&solver, nm, size);
            assert_eq!(primal, dual, "{nm:?} {size:?}");
            // Some of the solution forced, under other scores, which are magnitudes as in growth.
            let gradients = scores.map(|row| row.map(|score| -score));
            let forced = first.map(|row| row & rng.next_u32());
            let magnitude = |row: usize, col: usize| {
                let is_forced = forced[row] >> col & 1 == 1;
                if is_forced {
                    0.0
                } else {
                    gradients[row][col].abs()
                }
            };
            let second = solver.solve_with(size, nm, magnitude, &forced);
            let (primal, dual) = primal_and_dual(&solver, nm, size);
            assert_eq!(primal, dual, "{nm:?} {size:?}, forced");
            for (forced, held) in forced.iter().zip(&second).take(size.0) {
                assert_eq!(forced & !held & ((1u64 << size.1) - 1) as u32, 0);
            }
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri has the portable instructions alone")]
    fn every_instruction_set_gives_the_same_bits() {
        let mut rng = ChaCha8Rng::seed_from_u64(6);
        for _ in 0..400 {
            let (nm, size) = some_size(&mut rng);
            let scores = scores(&mut rng);
            let solved = |isa: Isa| {
                let mut solver = TileSolver::new();
                let score = |row: usize, col: usize| scores[row][col];
                isa.vectorize(
                    #[inline(always)]
                    || solver.solve(size, nm, score),
                )
            };
            let expected = solved(Isa::Portable);
            for isa in Isa::all() {
                assert_eq!(solved(isa), expected, "{isa:?} {nm:?} {size:?}");
            }
        }
    }

    /// The largest score comes to lie in the top half of the range, whatever its size.
    #[test]
    fn scores_of_every_size_are_scaled_below_the_bound() {
        let bound = (1_u64 << SCORE_BITS) as f64;
        // The powers of two, subnormal ones first.
        let powers = (0..23)
            .map(|bit| 1 << bit)
            .chain((1..255).map(|exponent| exponent << 23));
        for bits in powers {
            let least = f32::from_bits(bits);
            let most = f32::from_bits((least * 2.0).to_bits() - 1).min(f32::MAX);
            for largest in [least, most] {
                let whole = f64::from(largest) * scale_of(largest);
                assert!((bound / 2.0..bound).contains(&whole));
            }
        }
        assert_eq!(scale_of(0.0), 1.0);
    }
}
