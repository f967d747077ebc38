//! `y[s, f] = x[s, f] + b[f]`; `dx = dy`, `db[f] = Σ_s dy[s, f]`.

use rewire_sparse::Batch;

use super::activation;

/// Adds a bias per feature to `values`.
pub(crate) fn forward(bias: &[f32], values: &mut Batch) {
    for panel in values.panels_mut() {
        for (samples, &bias) in panel.values.chunks_exact_mut(panel.width).zip(bias) {
            for value in samples {
                *value += bias;
            }
        }
    }
}

/// Replaces each value by `max(value + b[f], 0)`; NaN stays NaN.
pub(crate) fn relu_forward(bias: &[f32], values: &mut Batch) {
    for panel in values.panels_mut() {
        for (samples, &bias) in panel.values.chunks_exact_mut(panel.width).zip(bias) {
            for value in samples {
                let x = *value + bias;
                *value = if x < 0.0 { 0.0 } else { x };
            }
        }
    }
}

/// Zeroes the gradient where the output is not positive and adds what is left of it to the bias's.
pub(crate) fn relu_backward(output: &Batch, gradient: &mut Batch, bias_gradient: &mut [f32]) {
    for (panel, output) in gradient.panels_mut().zip(output.panels()) {
        let features = panel.values.chunks_exact_mut(panel.width);
        let outputs = output.values.chunks_exact(output.width);
        for ((samples, outputs), bias) in features.zip(outputs).zip(&mut *bias_gradient) {
            activation::relu_backward(outputs, samples);
            *bias += samples.iter().sum::<f32>();
        }
    }
}

/// Adds `Σ_s dy[s, f]` to `gradient[f]`.
pub(crate) fn backward(output_gradient: &Batch, gradient: &mut [f32]) {
    for panel in output_gradient.panels() {
        for (feature, gradient) in gradient.iter_mut().enumerate() {
            *gradient += panel.feature(feature).iter().sum::<f32>();
        }
    }
}
