//! Standardised pixels: `(x − mean) / sd` with one mean and one sd per channel.
//!
//! The constants come from the training part alone and cover a whole channel. Constants per pixel
//! would divide by zero wherever a pixel never changes, as the corners of digit images do not.
//! A pixel has 256 values, so a channel is a table of 256 numbers and a batch is look-ups.

use std::fmt;

use crate::error::DataError;
use crate::images::Images;

/// Mean and standard deviation of each channel, on the scale of the stored bytes.
#[derive(Clone, PartialEq)]
pub struct Standardize {
    mean: Vec<f64>,
    sd: Vec<f64>,
    tables: Vec<[f32; 256]>,
}

impl Standardize {
    /// The constants of these images, which should be the training part.
    ///
    /// The sd divides by the number of pixels, not by one less. Sums are exact integers: the
    /// result does not depend on the order of the samples.
    ///
    /// # Cost
    /// One pass over the pixels.
    ///
    /// # Errors
    /// [`DataError::ConstantChannel`] if a channel has one value throughout,
    /// [`DataError::Shape`] without samples.
    pub fn fit(images: &Images) -> Result<Self, DataError> {
        if images.is_empty() {
            return Err(DataError::Shape {
                name: images.name().into(),
                field: "number of samples",
                expected: "at least 1".into(),
                found: 0,
            });
        }
        let [channels, height, width] = images.shape();
        let mut counts = vec![[0u64; 256]; channels];
        for sample in images.all_pixels().chunks_exact(images.features()) {
            for (channel, plane) in sample.chunks_exact(height * width).enumerate() {
                for &pixel in plane {
                    counts[channel][usize::from(pixel)] += 1;
                }
            }
        }
        let (mut mean, mut sd) = (Vec::new(), Vec::new());
        for (channel, counts) in counts.iter().enumerate() {
            if let Some(value) = only_value(counts) {
                return Err(DataError::ConstantChannel {
                    file: images.file().into(),
                    channel,
                    value,
                });
            }
            let (m, s) = moments(counts);
            mean.push(m);
            sd.push(s);
        }
        Self::from_parts(mean, sd)
    }

    /// Constants from elsewhere, such as a checkpoint: one mean and one sd per channel.
    ///
    /// # Errors
    /// [`DataError::ConstantsCount`] if there are not equally many or none of both,
    /// [`DataError::Constants`] if one is not finite or an sd is not positive.
    pub fn from_parts(mean: Vec<f64>, sd: Vec<f64>) -> Result<Self, DataError> {
        if mean.len() != sd.len() || mean.is_empty() {
            return Err(DataError::ConstantsCount {
                means: mean.len(),
                sds: sd.len(),
            });
        }
        let fault = |field, channel, value| {
            Err(DataError::Constants {
                field,
                channel,
                value,
            })
        };
        let mut tables = Vec::with_capacity(mean.len());
        for (channel, (&m, &s)) in mean.iter().zip(&sd).enumerate() {
            if !m.is_finite() {
                return fault("mean", channel, m);
            }
            if !(s.is_finite() && s > 0.0) {
                return fault("sd", channel, s);
            }
            let table: [f32; 256] = std::array::from_fn(|pixel| ((pixel as f64 - m) / s) as f32);
            // A mean too large or an sd too small for f32 would put infinities into every batch.
            if table.iter().any(|value| !value.is_finite()) {
                return fault("sd", channel, s);
            }
            tables.push(table);
        }
        Ok(Self { mean, sd, tables })
    }

    /// The mean of each channel, in stored units.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The standard deviation of each channel, in stored units.
    pub fn sd(&self) -> &[f64] {
        &self.sd
    }

    /// Writes the samples at `indices` into `out`, standardised, one row of features per sample
    /// (batch × features, row-major).
    ///
    /// Computed in f64 and rounded once to f32.
    ///
    /// # Cost
    /// One look-up per pixel; no allocation.
    ///
    /// # Panics
    /// If `out` is not `indices.len()` rows, an index is not below [`Images::len`], or the images
    /// have another number of channels.
    pub fn apply(&self, images: &Images, indices: &[u32], out: &mut [f32]) {
        let [channels, height, width] = images.shape();
        assert_eq!(
            channels,
            self.tables.len(),
            "{} has {channels} channels, the constants are for {}",
            images.name(),
            self.tables.len()
        );
        let features = images.features();
        assert_eq!(
            out.len(),
            indices.len() * features,
            "{} samples of {features} features do not fill {} numbers",
            indices.len(),
            out.len()
        );
        for (&index, row) in indices.iter().zip(out.chunks_exact_mut(features)) {
            let planes = images.pixels(index as usize).chunks_exact(height * width);
            let rows = row.chunks_exact_mut(height * width);
            for ((table, plane), row) in self.tables.iter().zip(planes).zip(rows) {
                for (value, &pixel) in row.iter_mut().zip(plane) {
                    *value = table[usize::from(pixel)];
                }
            }
        }
    }
}

/// The constants alone: the tables follow from them.
impl fmt::Debug for Standardize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Standardize")
            .field("mean", &self.mean)
            .field("sd", &self.sd)
            .finish_non_exhaustive()
    }
}

/// The value that all pixels have, if they have one.
fn only_value(counts: &[u64; 256]) -> Option<u8> {
    let mut present = (0..=255u8).filter(|&value| counts[usize::from(value)] > 0);
    let first = present.next()?;
    present.next().is_none().then_some(first)
}

/// Mean `S₁/n` and sd `√(n·S₂ − S₁²)/n`. The difference is taken in integers, where nothing is
/// lost to cancellation; 128 bits hold it for any n below 2⁵⁶, more pixels than a machine has bytes.
fn moments(counts: &[u64; 256]) -> (f64, f64) {
    let (mut n, mut sum, mut squares) = (0u128, 0u128, 0u128);
    for (value, &count) in counts.iter().enumerate() {
        let (value, count) = (value as u128, u128::from(count));
        n += count;
        sum += count * value;
        squares += count * value * value;
    }
    let mean = sum as f64 / n as f64;
    let sd = ((n * squares - sum * sum) as f64).sqrt() / n as f64;
    (mean, sd)
}

#[cfg(test)]
mod tests {
    use rewire_rng::{Purpose, Streams, below};

    use super::*;

    fn random(samples: usize, [c, h, w]: [usize; 3], seed: u64) -> Images {
        let mut stream = Streams::new(seed).stream(Purpose::Init, "pixels", 0);
        // Channels differ in level and spread, so that a mix-up of channels shows.
        let pixels: Vec<u8> = (0..samples * c * h * w)
            .map(|i| {
                let channel = (i / (h * w)) % c;
                (20 * channel as u64 + below(30 + 40 * channel as u64, &mut stream)) as u8
            })
            .collect();
        Images::new("random".into(), [c, h, w], pixels, vec![0; samples], 1).unwrap()
    }

    /// The definition, in two passes over the pixels of one channel.
    fn oracle(images: &Images, channel: usize) -> (f64, f64) {
        let [_, h, w] = images.shape();
        let values: Vec<f64> = (0..images.len())
            .flat_map(|i| images.pixels(i)[channel * h * w..(channel + 1) * h * w].to_vec())
            .map(f64::from)
            .collect();
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
        (mean, variance.sqrt())
    }

    #[test]
    fn constants_and_values_are_those_of_the_definition() {
        for (samples, shape) in [
            (2, [1, 1, 1]),
            (7, [1, 3, 5]),
            (5, [3, 2, 7]),
            (64, [2, 8, 8]),
        ] {
            let images = random(samples, shape, samples as u64);
            let fitted = Standardize::fit(&images).unwrap();
            let [c, h, w] = shape;
            let n = (samples * h * w) as f64;
            for channel in 0..c {
                let (mean, sd) = oracle(&images, channel);
                // The oracle adds n terms of at most 255 (256² for the variance) in f64.
                let tolerance = n * f64::EPSILON * 256.0;
                assert!((fitted.mean()[channel] - mean).abs() <= tolerance);
                assert!((fitted.sd()[channel].powi(2) - sd.powi(2)).abs() <= tolerance * 256.0);
            }
            let indices = [samples as u32 - 1, 0, samples as u32 - 1];
            let mut out = vec![f32::NAN; 3 * images.features()];
            fitted.apply(&images, &indices, &mut out);
            for (row, &index) in out.chunks(images.features()).zip(&indices) {
                for (feature, &value) in row.iter().enumerate() {
                    let channel = feature / (h * w);
                    let pixel = f64::from(images.pixels(index as usize)[feature]);
                    let exact = (pixel - fitted.mean()[channel]) / fitted.sd()[channel];
                    // One rounding to f32: half a unit in the last place.
                    assert!(
                        (f64::from(value) - exact).abs()
                            <= exact.abs() * f64::from(f32::EPSILON) / 2.0
                    );
                }
            }
        }
    }

    #[test]
    fn a_hand_worked_case() {
        // Channel 0 holds 0, 2, 4, 6: mean 3, variance 5. Channel 1 holds 10 and 30: 20, sd 10.
        let pixels = vec![0, 2, 10, 10, 4, 6, 30, 30];
        let images = Images::new("hand".into(), [2, 1, 2], pixels, vec![0, 0], 1).unwrap();
        let fitted = Standardize::fit(&images).unwrap();
        assert_eq!(fitted.mean(), [3.0, 20.0]);
        assert_eq!(fitted.sd(), [5f64.sqrt(), 10.0]);
        let mut out = [0.0; 4];
        fitted.apply(&images, &[1], &mut out);
        assert_eq!(out[2..], [1.0, 1.0]);
        assert_eq!(out[0], (1.0 / 5f64.sqrt()) as f32);
    }

    #[test]
    fn the_order_of_samples_does_not_matter() {
        let images = random(33, [2, 3, 3], 4);
        let backwards: Vec<u32> = (0..33).rev().collect();
        assert_eq!(
            Standardize::fit(&images).unwrap(),
            Standardize::fit(&images.select(&backwards)).unwrap()
        );
    }

    #[test]
    fn a_constant_channel_is_named_but_a_constant_pixel_is_fine() {
        let images =
            |pixels: Vec<u8>| Images::new("flat".into(), [2, 1, 2], pixels, vec![0, 0], 1).unwrap();
        let error = Standardize::fit(&images(vec![0, 1, 7, 7, 0, 1, 7, 7])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "flat: every pixel of channel 1 is 7, standard deviation 0"
        );
        // Every single pixel is constant over the samples, yet no channel is.
        let fitted = Standardize::fit(&images(vec![0, 1, 7, 8, 0, 1, 7, 8])).unwrap();
        assert_eq!(fitted.sd(), [0.5, 0.5]);
        let empty = images(vec![0; 8]).select(&[]);
        assert!(
            Standardize::fit(&empty)
                .unwrap_err()
                .to_string()
                .contains("number of samples is 0")
        );
    }

    #[test]
    fn constants_from_elsewhere_survive_a_round_trip_and_are_checked() {
        let fitted = Standardize::fit(&random(9, [3, 2, 2], 1)).unwrap();
        let again = Standardize::from_parts(fitted.mean().into(), fitted.sd().into()).unwrap();
        assert_eq!(fitted, again);
        for (mean, sd, wanted) in [
            (vec![1.0], vec![], "1 means, 0 standard deviations"),
            (vec![], vec![], "0 means, 0 standard deviations"),
            (
                vec![0.0, f64::NAN],
                vec![1.0, 1.0],
                "mean of channel 1 is NaN",
            ),
            (vec![0.0], vec![0.0], "sd of channel 0 is 0"),
            (vec![0.0], vec![-1.0], "sd of channel 0 is -1"),
            (vec![0.0], vec![f64::INFINITY], "sd of channel 0 is inf"),
            (
                vec![0.0],
                vec![1e-40],
                "sd of channel 0 is 0.0000000000000000000000000000000000000001",
            ),
        ] {
            let error = Standardize::from_parts(mean, sd).unwrap_err();
            assert!(error.to_string().contains(wanted), "{error}");
        }
    }

    #[test]
    #[should_panic(expected = "2 samples of 4 features do not fill 7 numbers")]
    fn a_buffer_of_the_wrong_size_is_refused() {
        let images = random(3, [1, 2, 2], 0);
        Standardize::fit(&images)
            .unwrap()
            .apply(&images, &[0, 1], &mut [0.0; 7]);
    }
}
