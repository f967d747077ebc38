//! Activations of many samples, laid out so that one weight meets many samples at once.
//!
//! A batch is cut into panels of [`PANEL`] samples (the last one may be narrower). A panel holds
//! feature after feature, and for each feature its samples side by side:
//!
//! ```text
//! value(feature f, sample s of the panel) = values[f · width + s]
//! ```
//!
//! A weight `W[o, i]` then multiplies a contiguous run of samples, which any compiler turns into
//! vector instructions however irregular the weights' positions are. Nothing is padded: a batch
//! holds exactly `samples × features` values, so element-wise ops run over [`Batch::values`]
//! without knowing the layout. Only [`Batch::from_rows`], [`Batch::fill_rows`] and
//! [`Batch::to_rows`] translate.

use ndarray::{Array2, ArrayView2};

use crate::Buffer;

/// Samples per panel: 64 f32 values are four cache lines.
pub const PANEL: usize = 64;

/// Features that [`Batch::fill_rows`] transposes at a time: 16 KiB of a full panel.
const BLOCK: usize = 64;

/// Activations or their gradients: `samples × features` values in panels.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    samples: usize,
    features: usize,
    buffer: Buffer,
}

/// One panel of a [`Batch`]: a feature's samples are contiguous.
#[derive(Clone, Copy, Debug)]
pub struct Panel<'a> {
    /// Index within the batch of the panel's first sample.
    pub first: usize,
    /// Samples in this panel, 1 to [`PANEL`].
    pub width: usize,
    /// `features × width` values, feature-major.
    pub values: &'a [f32],
}

impl<'a> Panel<'a> {
    /// The samples of one feature.
    pub fn feature(&self, index: usize) -> &'a [f32] {
        &self.values[index * self.width..][..self.width]
    }
}

/// One panel of a [`Batch`], for writing.
#[derive(Debug)]
pub struct PanelMut<'a> {
    /// Index within the batch of the panel's first sample.
    pub first: usize,
    /// Samples in this panel, 1 to [`PANEL`].
    pub width: usize,
    /// `features × width` values, feature-major.
    pub values: &'a mut [f32],
}

impl Batch {
    /// A batch of zeros.
    pub fn zeros(samples: usize, features: usize) -> Self {
        Self::from_buffer(samples, features, Buffer::zeros(samples * features))
    }

    /// A batch over a buffer whose values are already in panel order, or are about to be
    /// overwritten.
    ///
    /// # Panics
    /// If the buffer does not hold `samples × features` values.
    pub fn from_buffer(samples: usize, features: usize, buffer: Buffer) -> Self {
        assert_eq!(
            buffer.len(),
            samples * features,
            "a batch of {samples} samples × {features} features needs as many values"
        );
        Self {
            samples,
            features,
            buffer,
        }
    }

    /// Takes `samples × features` values, one sample a row.
    pub fn from_rows(rows: ArrayView2<'_, f32>) -> Self {
        let (samples, features) = rows.dim();
        let mut batch = Self::zeros(samples, features);
        for panel in batch.panels_mut() {
            for (feature, out) in panel.values.chunks_exact_mut(panel.width).enumerate() {
                for (offset, value) in out.iter_mut().enumerate() {
                    *value = rows[[panel.first + offset, feature]];
                }
            }
        }
        batch
    }

    /// Overwrites the batch with row-major values, one sample a row, without allocating.
    ///
    /// # Panics
    /// If `rows` does not hold `samples × features` values.
    pub fn fill_rows(&mut self, rows: &[f32]) {
        assert_eq!(
            rows.len(),
            self.samples * self.features,
            "{} values do not fill {} samples × {} features",
            rows.len(),
            self.samples,
            self.features
        );
        let features = self.features;
        for panel in self.panels_mut() {
            let width = panel.width;
            // Blocks of features whose lines stay in the cache while all samples write to them.
            for (block, out) in panel.values.chunks_mut(BLOCK * width).enumerate() {
                let first = block * BLOCK;
                let count = out.len() / width;
                for offset in 0..width {
                    let start = (panel.first + offset) * features + first;
                    let column = out[offset..].iter_mut().step_by(width);
                    for (out, &value) in column.zip(&rows[start..start + count]) {
                        *out = value;
                    }
                }
            }
        }
    }

    /// The values as `samples × features`, one sample a row.
    pub fn to_rows(&self) -> Array2<f32> {
        let mut rows = Array2::zeros((self.samples, self.features));
        for panel in self.panels() {
            for feature in 0..self.features {
                for (offset, &value) in panel.feature(feature).iter().enumerate() {
                    rows[[panel.first + offset, feature]] = value;
                }
            }
        }
        rows
    }

    /// Number of samples.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Values per sample.
    pub fn features(&self) -> usize {
        self.features
    }

    /// All values in an unspecified order, the same for every batch of this shape: for ops that
    /// treat each value alike.
    pub fn values(&self) -> &[f32] {
        self.buffer.host()
    }

    /// As [`Batch::values`], for writing.
    pub fn values_mut(&mut self) -> &mut [f32] {
        self.buffer.host_mut()
    }

    /// The panels in sample order; a batch without features has panels without values.
    pub fn panels(&self) -> impl Iterator<Item = Panel<'_>> + Clone {
        let (samples, features) = (self.samples, self.features);
        let values = self.buffer.host();
        (0..samples).step_by(PANEL).map(move |first| {
            let width = PANEL.min(samples - first);
            Panel {
                first,
                width,
                values: &values[first * features..][..width * features],
            }
        })
    }

    /// The panels in sample order, for writing.
    pub fn panels_mut(&mut self) -> impl Iterator<Item = PanelMut<'_>> {
        let (samples, features) = (self.samples, self.features);
        let mut rest = self.buffer.host_mut();
        (0..samples).step_by(PANEL).map(move |first| {
            let width = PANEL.min(samples - first);
            let (values, tail) = std::mem::take(&mut rest).split_at_mut(width * features);
            rest = tail;
            PanelMut {
                first,
                width,
                values,
            }
        })
    }

    /// The memory, for reuse.
    pub fn into_buffer(self) -> Buffer {
        self.buffer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: [(usize, usize); 10] = [
        (1, 1),
        (1, 7),
        (63, 3),
        (64, 1),
        (64, 5),
        (65, 5),
        (128, 2),
        (200, 11),
        (0, 4),
        (70, 0),
    ];

    #[test]
    fn rows_come_back_as_they_went_in() {
        for (samples, features) in SIZES {
            let rows = Array2::from_shape_fn((samples, features), |(s, f)| (s * 1000 + f) as f32);
            let batch = Batch::from_rows(rows.view());
            assert_eq!(batch.to_rows(), rows);

            let mut filled = Batch::zeros(samples, features);
            filled.fill_rows(rows.as_slice().unwrap());
            assert_eq!(filled, batch);
        }
    }

    #[test]
    fn a_panel_keeps_the_samples_of_a_feature_together() {
        for (samples, features) in SIZES {
            let rows = Array2::from_shape_fn((samples, features), |(s, f)| (s * 1000 + f) as f32);
            let batch = Batch::from_rows(rows.view());
            let mut seen = 0;
            for panel in batch.panels() {
                assert_eq!(panel.first, seen);
                assert!(panel.width <= PANEL);
                for feature in 0..features {
                    let expected: Vec<f32> = (panel.first..panel.first + panel.width)
                        .map(|sample| rows[[sample, feature]])
                        .collect();
                    assert_eq!(panel.feature(feature), expected);
                }
                seen += panel.width;
            }
            assert_eq!(seen, samples);
        }
    }
}
