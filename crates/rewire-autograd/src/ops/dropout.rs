//! Inverted dropout: `y = x ⊙ m`, `dx = dy ⊙ m`, with `m` = 0 with probability p, else 1/(1 − p)
//! (Srivastava et al. 2014, with the scaling at training time).

use rewire_sparse::Batch;

/// Fills `factors` from uniform 32-bit draws, one sample at a time.
///
/// `draw(sample, words)` fills one word per feature of the sample with that index in the batch. A
/// feature is silenced where its word lies below `probability · 2³²`.
pub(crate) fn fill_factors(
    probability: f64,
    draw: &mut dyn FnMut(usize, &mut [u32]),
    words: &mut Vec<u32>,
    factors: &mut Batch,
) {
    let threshold = (probability * 4_294_967_296.0) as u64;
    let keep = (1.0 / (1.0 - probability)) as f32;
    words.clear();
    words.resize(factors.features(), 0);
    for panel in factors.panels_mut() {
        for offset in 0..panel.width {
            draw(panel.first + offset, words);
            let sample = panel.values.iter_mut().skip(offset).step_by(panel.width);
            for (factor, &word) in sample.zip(words.iter()) {
                *factor = if u64::from(word) < threshold {
                    0.0
                } else {
                    keep
                };
            }
        }
    }
}

/// `output = input ⊙ factors`.
pub(crate) fn forward(input: &[f32], factors: &[f32], output: &mut [f32]) {
    for ((out, &x), &factor) in output.iter_mut().zip(input).zip(factors) {
        *out = x * factor;
    }
}

/// `gradient ⊙= factors`.
pub(crate) fn backward(factors: &[f32], gradient: &mut [f32]) {
    for (gradient, &factor) in gradient.iter_mut().zip(factors) {
        *gradient *= factor;
    }
}
