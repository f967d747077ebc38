//! The samples of one step, in reused memory.

use rewire_data::{Images, Standardize};

/// Samples as the tape takes them.
#[derive(Default)]
pub(crate) struct Minibatch {
    /// Which samples.
    pub(crate) indices: Vec<u32>,
    /// One row of standardised features per sample.
    pub(crate) rows: Vec<f32>,
    /// One label per sample.
    pub(crate) labels: Vec<u32>,
}

impl Minibatch {
    /// Reads the samples of `indices`.
    pub(crate) fn load(&mut self, images: &Images, standardize: &Standardize) {
        self.rows
            .resize(self.indices.len() * images.features(), 0.0);
        standardize.apply(images, &self.indices, &mut self.rows);
        self.labels.clear();
        let labels = self
            .indices
            .iter()
            .map(|&i| u32::from(images.label(i as usize)));
        self.labels.extend(labels);
    }
}
