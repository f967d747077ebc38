//! `y[s, f] = x[s, f] + b[f]`; `dx = dy`, `db[f] = Σ_s dy[s, f]`. Alone, or with a ReLU in the same
//! pass.

use rayon::prelude::*;
use rewire_sparse::Batch;

use super::{CHUNK, activation};

/// Features that one task adds up or adds to.
const FEATURES: usize = 1 << 9;

/// Adds a bias per feature to `values`.
pub(crate) fn forward(bias: &[f32], values: &mut Batch) {
    for_each_feature(bias, values, |samples, bias| {
        for value in samples {
            *value += bias;
        }
    });
}

/// Replaces each value by `max(value + b[f], 0)`; NaN stays NaN.
pub(crate) fn relu_forward(bias: &[f32], values: &mut Batch) {
    for_each_feature(bias, values, |samples, bias| {
        for value in samples {
            let x = *value + bias;
            *value = if x < 0.0 { 0.0 } else { x };
        }
    });
}

/// Calls `work(samples, b[f])` for every feature of every panel.
fn for_each_feature(bias: &[f32], values: &mut Batch, work: impl Fn(&mut [f32], f32) + Sync) {
    for panel in values.panels_mut() {
        let width = panel.width;
        let act = |(values, bias): (&mut [f32], &[f32])| {
            for (samples, &bias) in values.chunks_exact_mut(width).zip(bias) {
                work(samples, bias);
            }
        };
        if panel.values.len() <= CHUNK {
            act((panel.values, bias));
        } else {
            let biases = bias.par_chunks(FEATURES);
            let values = panel.values.par_chunks_mut(FEATURES * width);
            values.zip(biases).for_each(act);
        }
    }
}

/// Zeroes the gradient where the output is not positive and adds what is left of it to the bias's.
pub(crate) fn relu_backward(output: &Batch, gradient: &mut Batch, bias_gradient: &mut [f32]) {
    for (panel, output) in gradient.panels_mut().zip(output.panels()) {
        let width = panel.width;
        let mask = |((gradient, outputs), biases): ((&mut [f32], &[f32]), &mut [f32])| {
            let features = gradient.chunks_exact_mut(width);
            let outputs = outputs.chunks_exact(width);
            for ((samples, outputs), bias) in features.zip(outputs).zip(biases) {
                activation::relu_mask(outputs, samples);
                *bias += samples.iter().sum::<f32>();
            }
        };
        if panel.values.len() <= CHUNK {
            mask(((panel.values, output.values), bias_gradient));
        } else {
            let gradients = panel.values.par_chunks_mut(FEATURES * width);
            let outputs = output.values.par_chunks(FEATURES * width);
            let biases = bias_gradient.par_chunks_mut(FEATURES);
            gradients.zip(outputs).zip(biases).for_each(mask);
        }
    }
}

/// Adds `Σ_s dy[s, f]` to `gradient[f]`.
pub(crate) fn backward(output_gradient: &Batch, gradient: &mut [f32]) {
    for panel in output_gradient.panels() {
        let width = panel.width;
        let add = |(values, gradient): (&[f32], &mut [f32])| {
            for (samples, gradient) in values.chunks_exact(width).zip(gradient) {
                *gradient += samples.iter().sum::<f32>();
            }
        };
        if panel.values.len() <= CHUNK {
            add((panel.values, gradient));
        } else {
            let gradients = gradient.par_chunks_mut(FEATURES);
            let values = panel.values.par_chunks(FEATURES * width);
            values.zip(gradients).for_each(add);
        }
    }
}
