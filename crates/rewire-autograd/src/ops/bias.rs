//! `y[s, f] = x[s, f] + b[f]`; `dx = dy`, `db[f] = Σ_s dy[s, f]`.

use rewire_sparse::Batch;

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

/// Adds `Σ_s dy[s, f]` to `gradient[f]`.
pub(crate) fn backward(output_gradient: &Batch, gradient: &mut [f32]) {
    for panel in output_gradient.panels() {
        for (feature, gradient) in gradient.iter_mut().enumerate() {
            *gradient += panel.feature(feature).iter().sum::<f32>();
        }
    }
}
