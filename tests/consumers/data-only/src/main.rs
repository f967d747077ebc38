//! Classifies the embedded digits by the nearest class mean, with nothing but the reader.

use rewire_data::{DataError, Dataset, Images, Standardize};

fn main() -> Result<(), DataError> {
    let digits = Dataset::digits();
    assert_eq!((digits.train.len(), digits.test.len()), (1438, 359));
    assert_eq!(digits.train.shape(), [1, 8, 8]);

    let scale = Standardize::fit(&digits.train)?;
    let train = standardized(&digits.train, &scale);
    let test = standardized(&digits.test, &scale);
    // One mean and one sd per channel, of the training part: 0 and 1 after standardising, up to
    // the rounding of 92 032 values to f32.
    let sum: f64 = train.iter().map(|&x| f64::from(x)).sum();
    assert!((sum / train.len() as f64).abs() < 1e-6);

    let features = digits.train.features();
    let classes = digits.train.classes();
    let mut means = vec![0.0f64; classes * features];
    let counts = digits.train.class_counts();
    for (i, sample) in train.chunks_exact(features).enumerate() {
        let class = usize::from(digits.train.label(i));
        for (mean, &x) in means[class * features..].iter_mut().zip(sample) {
            *mean += f64::from(x) / counts[class] as f64;
        }
    }
    let distance = |sample: &[f32], class: usize| -> f64 {
        let mean = &means[class * features..];
        let squares = sample.iter().zip(mean);
        squares.map(|(&x, m)| (f64::from(x) - m).powi(2)).sum()
    };
    let nearest = |sample: &[f32]| {
        (0..classes).min_by(|&a, &b| distance(sample, a).total_cmp(&distance(sample, b)))
    };
    let right = test
        .chunks_exact(features)
        .enumerate()
        .filter(|(i, sample)| nearest(sample) == Some(usize::from(digits.test.label(*i))))
        .count();
    let accuracy = right as f64 / digits.test.len() as f64;
    // Guessing gives a tenth. Anything below 0.8 means pixels or labels are out of step.
    assert!(accuracy > 0.8, "{accuracy}");
    println!(
        "nearest class mean: {:.1} % of {}",
        100.0 * accuracy,
        digits.test.name()
    );
    Ok(())
}

/// All samples as numbers, one after another.
fn standardized(images: &Images, scale: &Standardize) -> Vec<f32> {
    let indices: Vec<u32> = (0..images.len() as u32).collect();
    let mut out = vec![0.0; images.len() * images.features()];
    scale.apply(images, &indices, &mut out);
    out
}
