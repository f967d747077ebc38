//! Element-wise activations.
//!
//! ReLU: `y = max(x, 0)`, `dx = dy·[x > 0]` (0 at the kink). GELU, exact form: `y = x·Φ(x)`,
//! `dx = dy·(Φ(x) + x·φ(x))` with the standard normal's distribution Φ and density φ (Hendrycks &
//! Gimpel 2016).

use std::f32::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

use rayon::prelude::*;

use super::CHUNK;

/// Replaces each value by `max(value, 0)`; NaN stays NaN.
pub(crate) fn relu_forward(values: &mut [f32]) {
    let clip = |values: &mut [f32]| {
        for x in values {
            *x = if *x < 0.0 { 0.0 } else { *x };
        }
    };
    if values.len() <= CHUNK {
        clip(values);
    } else {
        values.par_chunks_mut(CHUNK).for_each(clip);
    }
}

/// Zeroes the gradient where the output is not positive.
pub(crate) fn relu_backward(output: &[f32], gradient: &mut [f32]) {
    if gradient.len() <= CHUNK {
        relu_mask(output, gradient);
    } else {
        let outputs = output.par_chunks(CHUNK);
        let gradients = gradient.par_chunks_mut(CHUNK);
        gradients
            .zip(outputs)
            .for_each(|(gradient, output)| relu_mask(output, gradient));
    }
}

/// The same on the calling thread.
pub(super) fn relu_mask(output: &[f32], gradient: &mut [f32]) {
    for (gradient, &y) in gradient.iter_mut().zip(output) {
        *gradient = if y > 0.0 { *gradient } else { 0.0 };
    }
}

/// `x·Φ(x)`.
pub(crate) fn gelu_forward(input: &[f32], output: &mut [f32]) {
    for (out, &x) in output.iter_mut().zip(input) {
        *out = x * cumulative(x);
    }
}

/// Multiplies the gradient by `Φ(x) + x·φ(x)`.
pub(crate) fn gelu_backward(input: &[f32], gradient: &mut [f32]) {
    for (gradient, &x) in gradient.iter_mut().zip(input) {
        // φ(x) = exp(−x²/2)/√(2π), and 1/√(2π) = (2/√π)·(1/√2)/2.
        let density = 0.5 * FRAC_2_SQRT_PI * FRAC_1_SQRT_2 * (-0.5 * x * x).exp();
        *gradient *= cumulative(x) + x * density;
    }
}

fn cumulative(x: f32) -> f32 {
    // erfc keeps its relative accuracy in the left tail, where 1 + erf cancels.
    0.5 * libm::erfcf(-x * FRAC_1_SQRT_2)
}
