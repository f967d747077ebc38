//! Losses: one number per batch, and the gradient that starts the backward pass.
//!
//! Softmax cross-entropy, with `p = softmax(z)`: `L = mean_s(log Σ_c exp z[s, c] − z[s, label])`,
//! `dz[s, c] = (p[s, c] − [c = label])/batch`. Mean squared error over all n values:
//! `L = Σ(y − t)²/n`, `dy = 2(y − t)/n`. Both are multiplied by the slope of what follows the loss,
//! 1 where nothing does.

use rewire_sparse::{Batch, PANEL};

/// Writes `softmax(logits)` into `probabilities` and returns the mean cross-entropy, summed in f64
/// in sample order.
pub(crate) fn cross_entropy_forward(
    logits: &Batch,
    labels: &[u32],
    probabilities: &mut Batch,
) -> f64 {
    let classes = logits.features();
    let mut total = 0.0f64;
    for (z, p) in logits.panels().zip(probabilities.panels_mut()) {
        let width = z.width;
        let mut largest = [f32::NEG_INFINITY; PANEL];
        for class in 0..classes {
            for (largest, &value) in largest.iter_mut().zip(z.feature(class)) {
                // NaN is passed over here and reaches the loss through its own exponential.
                *largest = largest.max(value);
            }
        }
        let mut sums = [0.0f32; PANEL];
        for class in 0..classes {
            let out = &mut p.values[class * width..][..width];
            for (s, (out, &value)) in out.iter_mut().zip(z.feature(class)).enumerate() {
                *out = (value - largest[s]).exp();
                sums[s] += *out;
            }
        }
        for class in 0..classes {
            let out = &mut p.values[class * width..][..width];
            for (out, &sum) in out.iter_mut().zip(&sums) {
                *out /= sum;
            }
        }
        for s in 0..width {
            let label = labels[z.first + s] as usize;
            let shifted = f64::from(z.feature(label)[s]) - f64::from(largest[s]);
            total += f64::from(sums[s]).ln() - shifted;
        }
    }
    total / logits.samples() as f64
}

/// `gradient = slope·(probabilities − one-hot labels)/batch`.
pub(crate) fn cross_entropy_backward(
    probabilities: &Batch,
    labels: &[u32],
    slope: f32,
    gradient: &mut Batch,
) {
    let scale = slope / probabilities.samples() as f32;
    for (p, g) in probabilities.panels().zip(gradient.panels_mut()) {
        for (out, &p) in g.values.iter_mut().zip(p.values) {
            *out = p * scale;
        }
        for s in 0..g.width {
            g.values[labels[g.first + s] as usize * g.width + s] -= scale;
        }
    }
}

/// Mean squared error, summed in f64.
pub(crate) fn squared_error_forward(prediction: &Batch, target: &Batch) -> f64 {
    let total: f64 = prediction
        .values()
        .iter()
        .zip(target.values())
        .map(|(&y, &t)| {
            let difference = f64::from(y) - f64::from(t);
            difference * difference
        })
        .sum();
    total / prediction.values().len() as f64
}

/// `gradient = slope·2(prediction − target)/n`.
pub(crate) fn squared_error_backward(
    prediction: &Batch,
    target: &Batch,
    slope: f32,
    gradient: &mut Batch,
) {
    let scale = 2.0 * slope / prediction.values().len() as f32;
    let pairs = prediction.values().iter().zip(target.values());
    for (out, (&y, &t)) in gradient.values_mut().iter_mut().zip(pairs) {
        *out = (y - t) * scale;
    }
}

/// How many samples have their label as the class of the largest logit; the lower class wins ties,
/// and a sample with a NaN logit counts as wrong.
///
/// # Panics
/// If there are fewer labels than samples.
pub fn correct_predictions(logits: &Batch, labels: &[u32]) -> u64 {
    let mut correct = 0;
    for panel in logits.panels() {
        for s in 0..panel.width {
            let mut best = (f32::NEG_INFINITY, usize::MAX);
            for class in 0..logits.features() {
                let value = panel.feature(class)[s];
                if value.is_nan() {
                    best = (f32::NAN, usize::MAX);
                    break;
                }
                // The first class is taken even where every logit is −∞.
                if value > best.0 || class == 0 {
                    best = (value, class);
                }
            }
            correct += u64::from(best.1 == labels[panel.first + s] as usize);
        }
    }
    correct
}
