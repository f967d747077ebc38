//! Fast dense products: a library's matrix product over fixed tiles.
//!
//! Rows of the result are cut into tiles, each the work of one task in which the library runs on
//! one thread; so the number of threads changes no bit, and a tile of the weight gradient has the
//! same bits wherever it is written. Weights that are not stored densely are spread into tiles of
//! zeros first: at high densities that is faster than walking their positions.

use std::cell::RefCell;
use std::ops::Range;

use rayon::prelude::*;
use rewire_mask::{Mask, Topology, WeightView};

use crate::pool::{ChunkRows, for_each_chunk};
use crate::simd::gemm::{Matrix, multiply};
use crate::{Batch, GradientPair, PANEL};

/// Outputs that one task computes, or rows of the weight gradient.
const TILE_ROWS: usize = 128;

/// Inputs whose gradient one task computes, and rows of W that it copies at a time, so that the
/// library reads its columns from the cache: in place they lie a whole row apart.
const TILE_INPUTS: usize = 512;
const BLOCK: usize = 256;

/// Entries of a tile of the weight gradient, unless it has the least of rows: 2 MB.
const TILE_ENTRIES: usize = 1 << 19;

/// Below this many multiply-adds a product runs on the calling thread.
const PARALLEL_FROM: u64 = 1 << 21;

thread_local! {
    /// Weights of one tile, or its gradient.
    static TILE: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Runs `work` with room for `len` values, whatever they are.
fn with_tile(len: usize, work: impl FnOnce(&mut [f32])) {
    TILE.with_borrow_mut(|tile| {
        if tile.len() < len {
            tile.resize(len, 0.0);
        }
        work(&mut tile[..len]);
    });
}

/// `output = input · Wᵀ`, panel by panel: `Y[out × width] = W[out × in] · X[in × width]`.
pub(crate) fn forward(weights: WeightView<'_>, input: &Batch, output: &mut Batch) {
    let inputs = input.features();
    if inputs == 0 {
        output.values_mut().fill(0.0);
        return;
    }
    let parallel = is_large(inputs * output.features(), input.samples().min(PANEL));
    for_each_chunk(output, TILE_ROWS, parallel, |tile, mut rows| {
        let first = tile * TILE_ROWS;
        let range = first..first + rows.count();
        let product = |w: &[f32], rows: &mut ChunkRows<'_>| {
            for (index, x) in input.panels().enumerate() {
                let (w, x) = (Matrix::rows(w, inputs), Matrix::rows(x.values, x.width));
                multiply(w, x, rows.panel(index), false);
            }
        };
        if let WeightView::Dense { values, .. } = weights {
            product(&values[range.start * inputs..range.end * inputs], &mut rows);
            return;
        }
        with_tile(range.len() * inputs, |w| {
            spread(weights, range, 0..inputs, w);
            product(w, &mut rows);
        });
    });
}

/// `input_gradient = output_gradient · W`: `dX[in × width] = Wᵀ · dY[out × width]`.
pub(crate) fn input_gradient(
    weights: WeightView<'_>,
    output_gradient: &Batch,
    input_gradient: &mut Batch,
) {
    let outputs = output_gradient.features();
    if outputs == 0 {
        input_gradient.values_mut().fill(0.0);
        return;
    }
    let samples = output_gradient.samples().min(PANEL);
    let parallel = is_large(outputs * input_gradient.features(), samples);
    for_each_chunk(input_gradient, TILE_INPUTS, parallel, |tile, mut rows| {
        let first = tile * TILE_INPUTS;
        let count = rows.count();
        with_tile(count * BLOCK.min(outputs), |tile| {
            for from in (0..outputs).step_by(BLOCK) {
                let depth = BLOCK.min(outputs - from);
                let w = &mut tile[..count * depth];
                spread(weights, from..from + depth, first..first + count, w);
                let w = Matrix::rows(w, count).transposed();
                for (index, dy) in output_gradient.panels().enumerate() {
                    let dy = &dy.values[from * dy.width..][..depth * dy.width];
                    let dx = rows.panel(index);
                    multiply(w, Matrix::rows(dy, dx.len() / count), dx, from > 0);
                }
            }
        });
    });
}

/// Adds `output_gradientᵀ · input` to `gradient` (`out × in`), tile by tile.
pub(crate) fn weight_gradient(pair: GradientPair<'_>, gradient: &mut [f32]) {
    let inputs = pair.input.features();
    let rows = tile_rows(inputs);
    let work = |(index, tile): (usize, &mut [f32])| add_gradient_tile(pair, index * rows, tile);
    let len = (rows * inputs).max(1);
    if is_large(gradient.len(), pair.input.samples()) {
        gradient.par_chunks_mut(len).enumerate().for_each(work);
    } else {
        gradient.chunks_mut(len).enumerate().for_each(work);
    }
}

/// Adds the entries of `output_gradientᵀ · input` at active positions to `gradient`, in their
/// order: whole tiles are computed, the rest of which is left.
pub(crate) fn active_weight_gradient(
    topology: &Topology,
    pair: GradientPair<'_>,
    gradient: &mut [f32],
) {
    let shape = topology.shape();
    let parallel = is_large(shape.rows * shape.cols, pair.input.samples());
    add_active_rows(topology, 0..shape.rows, pair, gradient, parallel);
}

/// The same for some rows, which begin with a tile and which `gradient` is for; the two halves side
/// by side if `parallel`.
fn add_active_rows(
    topology: &Topology,
    rows: Range<usize>,
    pair: GradientPair<'_>,
    gradient: &mut [f32],
    parallel: bool,
) {
    let cols = topology.shape().cols;
    let size = tile_rows(cols);
    let tiles = rows.len().div_ceil(size);
    let offsets = topology.row_offsets();
    let start = offsets[rows.start];
    if parallel && tiles > 1 {
        let middle = rows.start + tiles / 2 * size;
        let (first, second) = gradient.split_at_mut(offsets[middle] - start);
        rayon::join(
            || add_active_rows(topology, rows.start..middle, pair, first, true),
            || add_active_rows(topology, middle..rows.end, pair, second, true),
        );
        return;
    }
    for first in rows.clone().step_by(size) {
        let count = size.min(rows.end - first);
        with_tile(count * cols, |tile| {
            tile.fill(0.0);
            if cols > 0 {
                add_gradient_tile(pair, first, tile);
            }
            for (index, values) in tile.chunks(cols.max(1)).enumerate() {
                let row = first + index;
                let own = &mut gradient[offsets[row] - start..offsets[row + 1] - start];
                for (sum, &column) in own.iter_mut().zip(topology.row(row)) {
                    *sum += values[column as usize];
                }
            }
        });
    }
}

/// Adds the rows of `output_gradientᵀ · input` from `first` on to `tile` (`rows × in`): the kernel
/// that growth shares with the weight gradient.
pub(crate) fn add_gradient_tile(pair: GradientPair<'_>, first: usize, tile: &mut [f32]) {
    let count = tile.len() / pair.input.features();
    for (dy, x) in pair.output_gradient.panels().zip(pair.input.panels()) {
        let dy_rows = &dy.values[first * dy.width..][..count * dy.width];
        let x = Matrix::rows(x.values, x.width).transposed();
        multiply(Matrix::rows(dy_rows, dy.width), x, tile, true);
    }
}

/// Rows of a tile of the weight gradient. The library's bits may depend on a tile's shape, so growth
/// and the weight gradient both ask here.
pub(crate) fn tile_rows(inputs: usize) -> usize {
    (TILE_ENTRIES / inputs.max(1)).clamp(8, TILE_ROWS)
}

/// Writes a part of the matrix, 0 where no weight is active.
fn spread(weights: WeightView<'_>, rows: Range<usize>, cols: Range<usize>, part: &mut [f32]) {
    let width = weights.shape().cols;
    for (row, part) in rows.zip(part.chunks_exact_mut(cols.len().max(1))) {
        match weights {
            WeightView::Dense { values, .. } => {
                part.copy_from_slice(&values[row * width..][cols.clone()]);
            }
            WeightView::Active { topology, values } => {
                let columns = topology.row(row);
                let values = &values[topology.row_range(row)];
                if columns.len() == width {
                    part.copy_from_slice(&values[cols.clone()]);
                    continue;
                }
                part.fill(0.0);
                let before =
                    |limit: usize| columns.partition_point(|&column| (column as usize) < limit);
                let own = before(cols.start)..before(cols.end);
                for (&column, &value) in columns[own.clone()].iter().zip(&values[own]) {
                    part[column as usize - cols.start] = value;
                }
            }
            WeightView::Latent {
                values, forward, ..
            } => {
                let position = row * width + cols.start;
                keep(
                    forward,
                    position,
                    &values[position..position + part.len()],
                    part,
                );
            }
        }
    }
}

/// Copies the values from some position on whose entries a mask holds, 0 in place of the others.
fn keep(mask: &Mask, position: usize, values: &[f32], kept: &mut [f32]) {
    let words = mask.words();
    for (index, (kept, &value)) in (position..).zip(kept.iter_mut().zip(values)) {
        let is_active = words[index / 64] >> (index % 64) & 1 == 1;
        *kept = if is_active { value } else { 0.0 };
    }
}

fn is_large(weights: usize, samples: usize) -> bool {
    (weights as u64).saturating_mul(samples as u64) >= PARALLEL_FROM
}

#[cfg(test)]
mod tests;
