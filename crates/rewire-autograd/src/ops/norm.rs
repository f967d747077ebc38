//! Normalisations: `x̂ = (x − μ)/√(σ² + ε)`, `y = γ·x̂ + β`.
//!
//! Over N values that share μ and σ, with `g = dy·γ`:
//! `dx = (g − mean(g) − x̂·mean(g·x̂))/√(σ² + ε)`, `dγ = Σ dy·x̂`, `dβ = Σ dy`.
//! Batch normalisation shares them per feature over the batch (Ioffe & Szegedy 2015), layer
//! normalisation per sample over its features (Ba et al. 2016). Statistics are summed in f64, since
//! a difference of large sums loses f32's digits.

use rewire_sparse::{Batch, PANEL};

/// The slices of one batch's per-feature statistics.
pub(crate) struct StatisticsMut<'a> {
    pub(crate) mean: &'a mut [f32],
    pub(crate) variance: &'a mut [f32],
    pub(crate) inverse_deviation: &'a mut [f32],
}

/// Mean, biased variance and 1/√(variance + ε) of each feature over the batch.
pub(crate) fn feature_statistics(input: &Batch, epsilon: f64, out: StatisticsMut<'_>) {
    let count = input.samples() as f64;
    for feature in 0..input.features() {
        let mut sum = 0.0f64;
        for panel in input.panels() {
            sum += panel
                .feature(feature)
                .iter()
                .map(|&x| f64::from(x))
                .sum::<f64>();
        }
        let mean = sum / count;
        let mut squares = 0.0f64;
        for panel in input.panels() {
            for &x in panel.feature(feature) {
                let centred = f64::from(x) - mean;
                squares += centred * centred;
            }
        }
        let variance = squares / count;
        out.mean[feature] = mean as f32;
        out.variance[feature] = variance as f32;
        out.inverse_deviation[feature] = (1.0 / (variance + epsilon).sqrt()) as f32;
    }
}

/// `x̂` per feature, from given statistics.
pub(crate) fn normalize_features(
    input: &Batch,
    mean: &[f32],
    inverse_deviation: &[f32],
    normalized: &mut Batch,
) {
    for (x, out) in input.panels().zip(normalized.panels_mut()) {
        for (feature, out) in out.values.chunks_exact_mut(out.width).enumerate() {
            let (mean, scale) = (mean[feature], inverse_deviation[feature]);
            for (out, &x) in out.iter_mut().zip(x.feature(feature)) {
                *out = (x - mean) * scale;
            }
        }
    }
}

/// `x̂` per sample; writes 1/√(variance + ε) of each sample.
pub(crate) fn normalize_samples(
    input: &Batch,
    epsilon: f64,
    inverse_deviation: &mut [f32],
    normalized: &mut Batch,
) {
    let features = input.features();
    let count = features as f64;
    for (x, out) in input.panels().zip(normalized.panels_mut()) {
        let mut mean = [0.0f64; PANEL];
        for feature in 0..features {
            for (sum, &x) in mean.iter_mut().zip(x.feature(feature)) {
                *sum += f64::from(x);
            }
        }
        mean.iter_mut().for_each(|sum| *sum /= count);
        let mut variance = [0.0f64; PANEL];
        for feature in 0..features {
            for (s, &x) in x.feature(feature).iter().enumerate() {
                let centred = f64::from(x) - mean[s];
                variance[s] += centred * centred;
            }
        }
        let scale = &mut inverse_deviation[x.first..x.first + x.width];
        for (scale, variance) in scale.iter_mut().zip(variance) {
            *scale = (1.0 / (variance / count + epsilon).sqrt()) as f32;
        }
        for (feature, out) in out.values.chunks_exact_mut(out.width).enumerate() {
            for (s, (out, &x)) in out.iter_mut().zip(x.feature(feature)).enumerate() {
                *out = (f64::from(x) - mean[s]) as f32 * scale[s];
            }
        }
    }
}

/// `output = scale·normalized + shift`, per feature.
pub(crate) fn affine_forward(normalized: &Batch, scale: &[f32], shift: &[f32], output: &mut Batch) {
    for (x, out) in normalized.panels().zip(output.panels_mut()) {
        for (feature, out) in out.values.chunks_exact_mut(out.width).enumerate() {
            let (scale, shift) = (scale[feature], shift[feature]);
            for (out, &x) in out.iter_mut().zip(x.feature(feature)) {
                *out = scale * x + shift;
            }
        }
    }
}

/// Adds `Σ dy·x̂` to `scale_gradient`.
pub(crate) fn scale_backward(
    output_gradient: &Batch,
    normalized: &Batch,
    scale_gradient: &mut [f32],
) {
    for (dy, x) in output_gradient.panels().zip(normalized.panels()) {
        for (feature, gradient) in scale_gradient.iter_mut().enumerate() {
            *gradient += dot(dy.feature(feature), x.feature(feature)) as f32;
        }
    }
}

/// Turns `dy` into `dx` for statistics that were given, not computed: `dx = dy·γ/√(σ² + ε)`.
pub(crate) fn fixed_backward(scale: &[f32], inverse_deviation: &[f32], gradient: &mut Batch) {
    for panel in gradient.panels_mut() {
        for (feature, values) in panel.values.chunks_exact_mut(panel.width).enumerate() {
            let factor = scale[feature] * inverse_deviation[feature];
            values.iter_mut().for_each(|value| *value *= factor);
        }
    }
}

/// Turns `dy` into `dx` where each feature was normalised over the batch.
pub(crate) fn batch_backward(
    normalized: &Batch,
    scale: &[f32],
    inverse_deviation: &[f32],
    gradient: &mut Batch,
) {
    let count = normalized.samples() as f64;
    for feature in 0..normalized.features() {
        let (mut sum, mut product) = (0.0f64, 0.0f64);
        for (dy, x) in gradient.panels().zip(normalized.panels()) {
            sum += dy
                .feature(feature)
                .iter()
                .map(|&v| f64::from(v))
                .sum::<f64>();
            product += dot(dy.feature(feature), x.feature(feature));
        }
        let (mean, slope) = ((sum / count) as f32, (product / count) as f32);
        let factor = scale[feature] * inverse_deviation[feature];
        for (dy, x) in gradient.panels_mut().zip(normalized.panels()) {
            let values = &mut dy.values[feature * dy.width..][..dy.width];
            for (value, &x) in values.iter_mut().zip(x.feature(feature)) {
                *value = (*value - mean - x * slope) * factor;
            }
        }
    }
}

/// Turns `dy` into `dx` where each sample was normalised over its features.
pub(crate) fn sample_backward(
    normalized: &Batch,
    scale: &[f32],
    inverse_deviation: &[f32],
    gradient: &mut Batch,
) {
    let count = normalized.features() as f64;
    for (dy, x) in gradient.panels_mut().zip(normalized.panels()) {
        let (mut sum, mut product) = ([0.0f64; PANEL], [0.0f64; PANEL]);
        for (feature, values) in dy.values.chunks_exact(dy.width).enumerate() {
            for (s, (&value, &x)) in values.iter().zip(x.feature(feature)).enumerate() {
                let g = f64::from(value) * f64::from(scale[feature]);
                sum[s] += g;
                product[s] += g * f64::from(x);
            }
        }
        let factor = &inverse_deviation[x.first..x.first + x.width];
        for (feature, values) in dy.values.chunks_exact_mut(dy.width).enumerate() {
            for (s, (value, &x)) in values.iter_mut().zip(x.feature(feature)).enumerate() {
                let mean = (sum[s] / count) as f32;
                let slope = (product[s] / count) as f32;
                *value = (*value * scale[feature] - mean - x * slope) * factor[s];
            }
        }
    }
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(&a, &b)| f64::from(a) * f64::from(b))
        .sum()
}
