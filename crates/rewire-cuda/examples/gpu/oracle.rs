//! What the kernels should leave, computed plainly.

use anyhow::Result;
use ndarray::ArrayView2;
use rewire_cuda::kernels::{Activation, Element};
use rewire_cuda::mask::{Edges, Lines, Mask, Nm, Packed24, Pattern};

use super::host::{Matrix, rounded};

/// A·Bᵀ of whole numbers, exact in single precision, then rounded once.
pub(super) fn product(
    element: Element,
    a: &Matrix,
    b: &Matrix,
    bias: Option<&[f32]>,
    activation: Activation,
) -> Matrix {
    let mut values = Vec::with_capacity(a.rows * b.rows);
    for a in a.values.chunks(a.cols) {
        for (out, b) in b.values.chunks(b.cols).enumerate() {
            let sum: f32 = a.iter().zip(b).map(|(a, b)| a * b).sum();
            let sum = sum + bias.map_or(0.0, |bias| bias[out]);
            let value = match activation {
                Activation::Identity => sum,
                Activation::Relu => sum.max(0.0),
                Activation::Gelu => gelu(sum),
            };
            values.push(rounded(element, value));
        }
    }
    Matrix {
        rows: a.rows,
        cols: b.rows,
        values,
    }
}

fn gelu(x: f32) -> f32 {
    let x = f64::from(x);
    let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3));
    (x / 2.0 * (1.0 + inner.tanh())) as f32
}

pub(super) fn transposed(matrix: &Matrix) -> Matrix {
    let at = |index: usize| matrix.at(index % matrix.rows, index / matrix.rows);
    Matrix {
        rows: matrix.cols,
        cols: matrix.rows,
        values: (0..matrix.values.len()).map(at).collect(),
    }
}

fn view(matrix: &Matrix) -> Result<ArrayView2<'_, f32>> {
    let shape = (matrix.rows, matrix.cols);
    Ok(ArrayView2::from_shape(shape, &matrix.values)?)
}

/// The packed matrix of the two largest magnitudes of every four columns.
pub(super) fn pruned(weights: &Matrix) -> Result<Packed24<f32>> {
    let pattern = Pattern::Nm {
        nm: Nm { keep: 2, of: 4 },
        along: Lines::Inputs,
        edges: Edges::Pad,
    };
    let mask = pattern.project_magnitude(view(weights)?)?;
    Ok(Packed24::pack(&mask, view(weights)?)?)
}

/// The packed matrix and its transpose for the best transposable mask, the matrix filled up with
/// zeros to whole tiles.
pub(super) fn pruned_both(weights: &Matrix) -> Result<(Packed24<f32>, Packed24<f32>)> {
    let (rows, cols) = (
        weights.rows.next_multiple_of(4),
        weights.cols.next_multiple_of(4),
    );
    let mut filled = Matrix {
        rows,
        cols,
        values: vec![0.0; rows * cols],
    };
    for row in 0..weights.rows {
        for col in 0..weights.cols {
            filled.values[row * cols + col] = weights.at(row, col);
        }
    }
    let pattern = Pattern::TransposableNm {
        nm: Nm { keep: 2, of: 4 },
        edges: Edges::Pad,
    };
    let mask = pattern.project_magnitude(view(&filled)?)?;
    let shape = rewire_cuda::mask::MatrixShape::new(weights.rows, weights.cols);
    let mask = Mask::from_fn(shape, |row, col| mask.get(row, col));
    Ok(Packed24::pack_both(&mask, view(weights)?)?)
}

/// What a matrix holds at the places that a packed one keeps.
pub(super) fn masked(gradient: &Matrix, packed: &Packed24<f32>) -> Result<Packed24<f32>> {
    Ok(Packed24::pack(&packed.mask(), view(gradient)?)?)
}

/// A packed matrix made dense.
pub(super) fn expanded(packed: &Packed24<f32>) -> Matrix {
    let dense = packed.expand();
    let (rows, cols) = dense.dim();
    Matrix {
        rows,
        cols,
        values: dense.iter().copied().collect(),
    }
}
