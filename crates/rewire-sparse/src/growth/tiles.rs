//! The dense gradient as a stream of tiles, each with the bits of its eligible entries.

use rayon::prelude::*;
use rewire_mask::{MaskError, MatrixShape, WeightView};

use super::{eligible, finite};
use crate::{Buffer, GradientPair};

/// Below this many multiply-adds all tiles are computed on the calling thread.
const PARALLEL_FROM: u64 = 1 << 21;

/// Stripes of a sample, and rows of each.
const STRIPES: usize = 8;
const STRIPE_ROWS: usize = 8;

/// What a sample of the gradient suggests.
pub(super) struct Sample {
    /// A magnitude that more than the best k probably reach.
    pub(super) floor: f32,
    /// Entries of the gradient that were computed for it.
    pub(super) computed: u64,
}

/// The tiles of a layer's gradient, before they are computed.
pub(super) struct Tiles<'a, A> {
    pub(super) weights: WeightView<'a>,
    pub(super) pairs: &'a [GradientPair<'a>],
    /// Active positions that are eligible as well, ascending.
    pub(super) readmitted: &'a [u64],
    /// Rows of a tile; the last one may have fewer.
    pub(super) rows: usize,
    /// Adds the rows of a pair's gradient from some row on.
    pub(super) add: A,
}

/// Consecutive rows of the gradient.
#[derive(Default)]
pub(super) struct Tile {
    first_row: usize,
    cols: usize,
    gradient: Buffer,
    eligible: Vec<u64>,
}

/// A tile in the making, with what one task finds in it.
struct Slot<S> {
    tile: Tile,
    own: S,
    outcome: Result<(), MaskError>,
}

impl<A: Fn(GradientPair<'_>, usize, &mut [f32]) + Sync> Tiles<'_, A> {
    /// Computes the tiles in rounds of one per thread. In a round `work(state, tile, own)` sees each
    /// tile in parallel, then `take(state, tile, own)` sees each in order; `own` is made by `new`
    /// and used again in later rounds.
    ///
    /// The rounds depend on the number of threads, so what `work` finds may only depend on the
    /// state as far as `take` does not care.
    ///
    /// # Errors
    /// Of all tiles, the error of the first one that has one.
    pub(super) fn for_each<T: Sync, S: Send>(
        &self,
        state: &mut T,
        new: impl Fn() -> S,
        work: impl Fn(&T, &mut Tile, &mut S) -> Result<(), MaskError> + Sync,
        mut take: impl FnMut(&mut T, &Tile, &mut S) -> Result<(), MaskError>,
    ) -> Result<(), MaskError> {
        let MatrixShape { rows, cols } = self.weights.shape();
        if cols == 0 {
            return Ok(());
        }
        let tiles = rows.div_ceil(self.rows);
        let threads = if self.is_large() {
            rayon::current_num_threads()
        } else {
            1
        };
        let slot = || Slot {
            tile: Tile::default(),
            own: new(),
            outcome: Ok(()),
        };
        let mut slots: Vec<Slot<S>> = (0..threads.min(tiles)).map(|_| slot()).collect();
        for round in (0..tiles).step_by(slots.len().max(1)) {
            let n = slots.len().min(tiles - round);
            let slots = &mut slots[..n];
            let before = &*state;
            let act = |(index, slot): (usize, &mut Slot<S>)| {
                self.fill(&mut slot.tile, (round + index) * self.rows);
                slot.outcome = work(before, &mut slot.tile, &mut slot.own);
            };
            match &mut *slots {
                [slot] => act((0, slot)),
                slots => slots.par_iter_mut().enumerate().for_each(act),
            }
            for slot in slots {
                std::mem::replace(&mut slot.outcome, Ok(()))?;
                take(state, &slot.tile, &mut slot.own)?;
            }
        }
        Ok(())
    }

    /// The whole gradient.
    pub(super) fn stored(&self) -> Result<Vec<f32>, MaskError> {
        let shape = self.weights.shape();
        let mut whole = vec![0.0; shape.rows * shape.cols];
        let act = |(index, tile): (usize, &mut [f32])| {
            for pair in self.pairs {
                (self.add)(*pair, index * self.rows, tile);
            }
        };
        let len = (self.rows * shape.cols).max(1);
        if self.is_large() {
            whole.par_chunks_mut(len).enumerate().for_each(act);
        } else {
            whole.chunks_mut(len).enumerate().for_each(act);
        }
        for (part, first) in whole.chunks(len).zip((0..).step_by(len)) {
            if !all_finite(part) {
                for (&value, position) in part.iter().zip(first..) {
                    finite(value, position)?;
                }
            }
        }
        Ok(whole)
    }

    /// A magnitude that about 1.25·k of the eligible entries exceed, judged by stripes of rows from
    /// all over the matrix; none if there are too few rows for that, or if one is not finite, whose
    /// position is then for others to find.
    pub(super) fn sample(&self, k: usize) -> Option<Sample> {
        let MatrixShape { rows, cols } = self.weights.shape();
        if rows < 16 * STRIPES * STRIPE_ROWS || cols == 0 {
            return None;
        }
        let (mut tile, mut magnitudes) = (Tile::default(), Vec::new());
        for stripe in 0..STRIPES {
            self.fill_rows(&mut tile, stripe * (rows / STRIPES), STRIPE_ROWS);
            let collect = |_, _, value: f32| {
                magnitudes.push(value.abs());
                Ok(())
            };
            tile.for_each_eligible(collect).ok()?;
        }
        if !all_finite(&magnitudes) {
            return None;
        }
        let active = self.weights.n_active() - self.readmitted.len() as u64;
        let eligible = self.weights.shape().len() - active;
        let share = k as f64 / eligible as f64;
        let expected = share * magnitudes.len() as f64;
        let rank = (1.25 * expected + 4.0 * expected.sqrt()) as usize + 1;
        if rank >= magnitudes.len() {
            return None;
        }
        let (_, floor, _) = magnitudes.select_nth_unstable_by(rank, |a, b| b.total_cmp(a));
        Some(Sample {
            floor: *floor,
            computed: (STRIPES * STRIPE_ROWS * cols) as u64,
        })
    }

    fn fill(&self, tile: &mut Tile, first_row: usize) {
        let count = self.rows.min(self.weights.shape().rows - first_row);
        self.fill_rows(tile, first_row, count);
    }

    fn fill_rows(&self, tile: &mut Tile, first_row: usize, count: usize) {
        let cols = self.weights.shape().cols;
        tile.first_row = first_row;
        tile.cols = cols;
        tile.gradient.reset(count * cols);
        for pair in self.pairs {
            (self.add)(*pair, first_row, tile.gradient.host_mut());
        }
        let rows = first_row..first_row + count;
        eligible::mark(self.weights, self.readmitted, rows, &mut tile.eligible);
    }

    fn is_large(&self) -> bool {
        let samples: u64 = self
            .pairs
            .iter()
            .map(|pair| pair.input.samples() as u64)
            .sum();
        self.weights.shape().len().saturating_mul(samples) >= PARALLEL_FROM
    }
}

impl Tile {
    /// The gradient row by row, without gaps.
    pub(super) fn gradient(&self) -> &[f32] {
        self.gradient.host()
    }

    /// Each row with its index in the matrix.
    pub(super) fn gradient_rows(&self) -> impl Iterator<Item = (usize, &[f32])> {
        (self.first_row..).zip(self.gradient().chunks_exact(self.cols))
    }

    /// One bit per entry of the gradient, the first entry's being the lowest.
    pub(super) fn eligible(&self) -> &[u64] {
        &self.eligible
    }

    /// The flat position of the first entry.
    pub(super) fn position(&self) -> u64 {
        self.first_row as u64 * self.cols as u64
    }

    /// Calls `visit(row, column, value)` for every eligible entry by ascending position.
    pub(super) fn for_each_eligible(
        &self,
        mut visit: impl FnMut(usize, usize, f32) -> Result<(), MaskError>,
    ) -> Result<(), MaskError> {
        let gradient = self.gradient();
        for (index, &word) in self.eligible.iter().enumerate() {
            let mut rest = word;
            while rest != 0 {
                let entry = 64 * index + rest.trailing_zeros() as usize;
                rest &= rest - 1;
                let (row, column) = (entry / self.cols, entry % self.cols);
                visit(self.first_row + row, column, gradient[entry])?;
            }
        }
        Ok(())
    }

    /// Replaces every entry by its magnitude, 0 where it is not eligible.
    ///
    /// # Errors
    /// [`MaskError::NonFinite`] for the first eligible entry that is not finite.
    pub(super) fn keep_eligible_magnitudes(&mut self) -> Result<(), MaskError> {
        let first = self.position();
        let words = self.gradient.host_mut().chunks_mut(64).zip(&self.eligible);
        for ((values, &word), first) in words.zip((first..).step_by(64)) {
            for (bit, value) in values.iter_mut().enumerate() {
                let is_eligible = word >> bit & 1 == 1;
                *value = if is_eligible { value.abs() } else { 0.0 };
            }
            if !all_finite(values) {
                for (&value, position) in values.iter().zip(first..) {
                    finite(value, position)?;
                }
            }
        }
        Ok(())
    }
}

fn all_finite(values: &[f32]) -> bool {
    let magnitudes = values.iter().map(|value| value.to_bits() & 0x7fff_ffff);
    magnitudes.fold(0, u32::max) < f32::INFINITY.to_bits()
}
