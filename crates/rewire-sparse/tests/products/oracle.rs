//! The three products as triple loops over row-major arrays, exact, with how far f32 may lie off.
//!
//! A product of two f32 values is exact in f64. A sum of k of them, rounded to f32 after every
//! product and every addition in whatever order, lies within γ_k · Σ|ab| of the exact one, with
//! γ_k = ku/(1 − ku) and u = ε/2 (Higham 2002, *Accuracy and Stability of Numerical Algorithms*,
//! section 3.1). k · ε · Σ|ab| is twice that to first order, which also covers the f64 sum here.

use std::fmt;

use ndarray::Array2;

/// A sum of products, exact, with what bounds its f32 evaluation.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    value: f64,
    magnitude: f64,
    terms: u32,
}

impl Sum {
    /// Adds one product. A product with a zero factor adds nothing and rounds nothing.
    pub(crate) fn add(&mut self, a: f32, b: f32) {
        let product = f64::from(a) * f64::from(b);
        if product != 0.0 {
            self.value += product;
            self.magnitude += product.abs();
            self.terms += 1;
        }
    }

    /// Panics unless `computed` is this sum up to rounding; a sum without terms is exactly 0.
    pub(crate) fn assert_is(&self, computed: f32, what: fmt::Arguments<'_>) {
        let error = (f64::from(computed) - self.value).abs();
        let bound = f64::from(self.terms) * f64::from(f32::EPSILON) * self.magnitude;
        // Written so that NaN fails.
        assert!(
            error <= bound,
            "{what}: {computed} instead of {}, {error:e} off where {bound:e} is allowed",
            self.value
        );
    }
}

/// `x · wᵀ`: samples × out.
pub(crate) fn forward(x: &Array2<f32>, w: &Array2<f32>) -> Array2<Sum> {
    Array2::from_shape_fn((x.nrows(), w.nrows()), |(s, o)| {
        let mut sum = Sum::default();
        (0..w.ncols()).for_each(|i| sum.add(x[[s, i]], w[[o, i]]));
        sum
    })
}

/// `dy · w`: samples × in.
pub(crate) fn input_gradient(dy: &Array2<f32>, w: &Array2<f32>) -> Array2<Sum> {
    Array2::from_shape_fn((dy.nrows(), w.ncols()), |(s, i)| {
        let mut sum = Sum::default();
        (0..w.nrows()).for_each(|o| sum.add(dy[[s, o]], w[[o, i]]));
        sum
    })
}

/// `start + dyᵀ · x`: out × in, whichever weights are active.
pub(crate) fn weight_gradient(
    dy: &Array2<f32>,
    x: &Array2<f32>,
    start: &Array2<f32>,
) -> Array2<Sum> {
    Array2::from_shape_fn((dy.ncols(), x.ncols()), |(o, i)| {
        let mut sum = Sum::default();
        sum.add(start[[o, i]], 1.0);
        (0..x.nrows()).for_each(|s| sum.add(dy[[s, o]], x[[s, i]]));
        sum
    })
}
