//! One dense product on the calling thread, by a library.
//!
//! The library is gemm, of which only the part for f32 is built; it chooses its own instructions.
//! Products with a side of a few entries, which are not worth its packing, go through ndarray. The
//! shape alone decides.

use gemm_common::Parallelism;
use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2, ShapeBuilder};

/// Sides below this are not worth a library's packing.
const SMALL: usize = 8;

/// A matrix that lies row by row, or the transpose of one.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    cols: usize,
    is_transposed: bool,
}

impl<'a> Matrix<'a> {
    /// The matrix whose rows of `cols` entries lie one behind the other.
    ///
    /// # Panics
    /// If `cols` is 0 or does not divide the number of values.
    pub(crate) fn rows(values: &'a [f32], cols: usize) -> Self {
        assert!(values.len().is_multiple_of(cols), "rows of a matrix");
        Self {
            values,
            rows: values.len() / cols,
            cols,
            is_transposed: false,
        }
    }

    /// The transpose.
    pub(crate) fn transposed(self) -> Self {
        Self {
            rows: self.cols,
            cols: self.rows,
            is_transposed: !self.is_transposed,
            ..self
        }
    }

    /// How far apart two rows lie, and two columns.
    fn strides(&self) -> (isize, isize) {
        if self.is_transposed {
            (1, self.rows as isize)
        } else {
            (self.cols as isize, 1)
        }
    }

    fn view(&self) -> ArrayView2<'a, f32> {
        let Self {
            values, rows, cols, ..
        } = *self;
        match ArrayView2::from_shape((rows, cols).set_f(self.is_transposed), values) {
            Ok(view) => view,
            Err(_) => panic!("{} values are no {rows}×{cols} matrix", values.len()),
        }
    }
}

/// `c = a·b`, or `c += a·b` if `add`; `c` lies row by row.
///
/// # Panics
/// If the sides do not fit.
pub(crate) fn multiply(a: Matrix<'_>, b: Matrix<'_>, c: &mut [f32], add: bool) {
    let (rows, terms, cols) = (a.rows, a.cols, b.cols);
    assert_eq!(
        (terms, rows * cols),
        (b.rows, c.len()),
        "sides of a product"
    );
    if rows.min(cols).min(terms) < SMALL {
        if let Ok(mut c) = ArrayViewMut2::from_shape((rows, cols), c) {
            let beta = if add { 1.0 } else { 0.0 };
            general_mat_mul(1.0, &a.view(), &b.view(), beta, &mut c);
        }
        return;
    }
    let ((a_rows, a_cols), (b_rows, b_cols)) = (a.strides(), b.strides());
    // The library wants columns that lie in one piece, so it gets cᵀ = bᵀ·aᵀ.
    // SAFETY: `a.values` holds rows × terms entries, `b.values` terms × cols and `c` rows × cols,
    // and the strides reach each of them and nothing else.
    unsafe {
        gemm_f32::gemm::f32::get_gemm_fn()(
            cols,
            rows,
            terms,
            c.as_mut_ptr(),
            cols as isize,
            1,
            add,
            b.values.as_ptr(),
            b_rows,
            b_cols,
            a.values.as_ptr(),
            a_rows,
            a_cols,
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}
