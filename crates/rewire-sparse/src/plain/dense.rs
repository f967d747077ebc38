//! Dense products: a library's matrix product over fixed tiles of rows.

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2, Axis, Slice};
use rayon::prelude::*;

use super::{PARALLEL_FROM, TILE_ROWS};
use crate::batch::Panel;
use crate::{Batch, GradientPair, PANEL};

/// `output = input · Wᵀ`, panel by panel: `Y[out × width] = W[out × in] · X[in × width]`.
pub(super) fn forward(weights: &[f32], input: &Batch, output: &mut Batch) {
    let (inputs, outputs) = (input.features(), output.features());
    let parallel = is_large(inputs * outputs, input);
    for (x, y) in input.panels().zip(output.panels_mut()) {
        let tile = |(index, rows): (usize, &mut [f32])| {
            let count = rows.len() / x.width;
            let first = index * TILE_ROWS;
            let w = &weights[first * inputs..][..count * inputs];
            product(
                matrix(w, count, inputs),
                matrix(x.values, inputs, x.width),
                0.0,
                matrix_mut(rows, count, x.width),
            );
        };
        for_each_tile(y.values, TILE_ROWS * x.width, parallel, tile);
    }
}

/// `input_gradient = output_gradient · W`: `dX[in × width] = Wᵀ · dY[out × width]`.
pub(super) fn input_gradient(weights: &[f32], output_gradient: &Batch, input_gradient: &mut Batch) {
    let (inputs, outputs) = (input_gradient.features(), output_gradient.features());
    let parallel = is_large(inputs * outputs, output_gradient);
    let w = matrix(weights, outputs, inputs);
    for (dy, dx) in output_gradient.panels().zip(input_gradient.panels_mut()) {
        let tile = |(index, rows): (usize, &mut [f32])| {
            let count = rows.len() / dy.width;
            let first = index * TILE_ROWS;
            product(
                w.slice_axis(Axis(1), Slice::from(first..first + count))
                    .reversed_axes(),
                matrix(dy.values, outputs, dy.width),
                0.0,
                matrix_mut(rows, count, dy.width),
            );
        };
        for_each_tile(dx.values, TILE_ROWS * dy.width, parallel, tile);
    }
}

/// Adds `output_gradientᵀ · input` to `gradient`, row tile by row tile.
pub(super) fn weight_gradient(pair: GradientPair<'_>, gradient: &mut [f32]) {
    let inputs = pair.input.features();
    let parallel = is_large(gradient.len(), pair.input);
    for_each_tile(gradient, TILE_ROWS * inputs, parallel, |(index, rows)| {
        add_gradient_tile(pair, index * TILE_ROWS, rows);
    });
}

/// Adds the rows of `output_gradientᵀ · input` from `first` on to `tile` (`rows × in`).
///
/// Growth and the dense weight gradient share this kernel, so a choice made from streamed tiles
/// equals the one made from the stored gradient.
pub(super) fn add_gradient_tile(pair: GradientPair<'_>, first: usize, tile: &mut [f32]) {
    let inputs = pair.input.features();
    let count = tile.len() / inputs;
    for (dy, x) in pair.output_gradient.panels().zip(pair.input.panels()) {
        let dy_rows = &dy.values[first * dy.width..][..count * dy.width];
        product(
            matrix(dy_rows, count, dy.width),
            panel_matrix(x, inputs).reversed_axes(),
            1.0,
            matrix_mut(tile, count, inputs),
        );
    }
}

fn for_each_tile(
    values: &mut [f32],
    tile: usize,
    parallel: bool,
    work: impl Fn((usize, &mut [f32])) + Send + Sync,
) {
    let tile = tile.max(1);
    if parallel {
        values.par_chunks_mut(tile).enumerate().for_each(work);
    } else {
        values.chunks_mut(tile).enumerate().for_each(work);
    }
}

fn is_large(weights: usize, batch: &Batch) -> bool {
    // The size of a full panel's product decides, so that a ragged last panel runs as its sisters.
    weights as u64 * batch.samples().min(PANEL) as u64 >= PARALLEL_FROM
}

fn product(
    a: ArrayView2<'_, f32>,
    b: ArrayView2<'_, f32>,
    beta: f32,
    mut c: ArrayViewMut2<'_, f32>,
) {
    general_mat_mul(1.0, &a, &b, beta, &mut c);
}

fn panel_matrix<'a>(panel: Panel<'a>, features: usize) -> ArrayView2<'a, f32> {
    matrix(panel.values, features, panel.width)
}

fn matrix(values: &[f32], rows: usize, cols: usize) -> ArrayView2<'_, f32> {
    match ArrayView2::from_shape((rows, cols), values) {
        Ok(view) => view,
        Err(_) => panic!("{} values are not a {rows}×{cols} matrix", values.len()),
    }
}

fn matrix_mut(values: &mut [f32], rows: usize, cols: usize) -> ArrayViewMut2<'_, f32> {
    let len = values.len();
    match ArrayViewMut2::from_shape((rows, cols), values) {
        Ok(view) => view,
        Err(_) => panic!("{len} values are not a {rows}×{cols} matrix"),
    }
}
