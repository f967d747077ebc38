//! Labelled images as they are on disk: unsigned bytes, one flat array.

use std::fmt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::checksum;
use crate::error::DataError;

/// Labelled images of one size.
///
/// `pixels` is sample-major, and channel-major within a sample: `samples × channels × height ×
/// width`. Labels are below `classes`, of which there are at most 256. There are at most 2³² − 1
/// samples, so that an index is a `u32`.
#[derive(Clone, PartialEq, Eq)]
pub struct Images {
    name: String,
    file: PathBuf,
    channels: usize,
    height: usize,
    width: usize,
    pixels: Vec<u8>,
    labels: Vec<u8>,
    classes: usize,
}

impl Images {
    /// Images from memory; `shape` is channels, height, width.
    ///
    /// # Errors
    /// [`DataError::Shape`] if a side is 0, the number of pixels is not `labels.len()` times the
    /// product of the sides, there are more than 2³² − 1 labels, or `classes` is not in 1..=256;
    /// [`DataError::Label`] for a label outside the classes.
    ///
    /// # Examples
    /// ```
    /// use rewire_data::Images;
    ///
    /// let two = Images::new("squares".into(), [1, 2, 2], vec![0, 9, 9, 0, 9, 9, 9, 9], vec![0, 1], 2)?;
    /// assert_eq!(two.pixels(1), [9, 9, 9, 9]);
    /// # Ok::<(), rewire_data::DataError>(())
    /// ```
    pub fn new(
        name: String,
        shape: [usize; 3],
        pixels: Vec<u8>,
        labels: Vec<u8>,
        classes: usize,
    ) -> Result<Self, DataError> {
        let wrong = |field, expected: String, found| DataError::Shape {
            name: name.clone(),
            field,
            expected,
            found,
        };
        for (field, side) in ["channels", "height", "width"].into_iter().zip(shape) {
            if side == 0 {
                return Err(wrong(field, "at least 1".into(), side));
            }
        }
        if !(1..=256).contains(&classes) {
            return Err(wrong("number of classes", "1 to 256".into(), classes));
        }
        if u32::try_from(labels.len()).is_err() {
            let most = format!("at most {}", u32::MAX);
            return Err(wrong("number of labels", most, labels.len()));
        }
        let expected = shape.iter().fold(labels.len() as u128, |n, &side| {
            n.saturating_mul(side as u128)
        });
        if pixels.len() as u128 != expected {
            let [channels, height, width] = shape;
            let expected = format!("{expected} ({}×{channels}×{height}×{width})", labels.len());
            return Err(wrong("number of pixels", expected, pixels.len()));
        }
        if let Some(sample) = label_outside(&labels, classes) {
            return Err(DataError::Label {
                file: PathBuf::from(name),
                sample,
                offset: sample as u64,
                label: labels[sample],
                classes,
            });
        }
        let [channels, height, width] = shape;
        Ok(Self {
            file: PathBuf::from(&name),
            name,
            channels,
            height,
            width,
            pixels,
            labels,
            classes,
        })
    }

    /// What errors and records call these images, for example "mnist train".
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the pixels were read from; the name, for samples that never were in a file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Channels, height and width of a sample.
    pub fn shape(&self) -> [usize; 3] {
        [self.channels, self.height, self.width]
    }

    /// Numbers in a sample: channels × height × width.
    pub fn features(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// Number of classes; every label is below it.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The pixels of sample `i`, channel by channel, row by row.
    ///
    /// # Panics
    /// If `i` is not below [`Images::len`].
    pub fn pixels(&self, i: usize) -> &[u8] {
        let features = self.features();
        &self.pixels[i * features..(i + 1) * features]
    }

    /// The class of sample `i`.
    ///
    /// # Panics
    /// If `i` is not below [`Images::len`].
    pub fn label(&self, i: usize) -> u8 {
        self.labels[i]
    }

    /// The classes of all samples.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// How many samples each class has.
    pub fn class_counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.classes];
        for &label in &self.labels {
            counts[usize::from(label)] += 1;
        }
        counts
    }

    /// A copy of the samples at `indices`, in that order, under the same name; an index may occur
    /// more than once.
    ///
    /// # Panics
    /// If an index is not below [`Images::len`].
    pub fn select(&self, indices: &[u32]) -> Images {
        let mut pixels = Vec::with_capacity(indices.len() * self.features());
        let mut labels = Vec::with_capacity(indices.len());
        for &index in indices {
            pixels.extend_from_slice(self.pixels(index as usize));
            labels.push(self.label(index as usize));
        }
        Images {
            name: self.name.clone(),
            file: self.file.clone(),
            pixels,
            labels,
            ..*self
        }
    }

    /// SHA-256, hexadecimal, over samples, channels, height, width and classes (each as 64 bits
    /// little-endian), then the labels, then the pixels.
    ///
    /// The name is left out: equal data have equal sums wherever they come from.
    pub fn sha256(&self) -> String {
        let mut digest = Sha256::new();
        for number in [
            self.len(),
            self.channels,
            self.height,
            self.width,
            self.classes,
        ] {
            digest.update((number as u64).to_le_bytes());
        }
        digest.update(&self.labels);
        digest.update(&self.pixels);
        checksum::hex(&digest.finalize())
    }

    pub(crate) fn all_pixels(&self) -> &[u8] {
        &self.pixels
    }

    pub(crate) fn read_from(self, file: PathBuf) -> Self {
        Self { file, ..self }
    }

    pub(crate) fn rename(&mut self, name: String) {
        self.name = name;
    }
}

/// The first sample whose label is not below `classes`.
pub(crate) fn label_outside(labels: &[u8], classes: usize) -> Option<usize> {
    labels
        .iter()
        .position(|&label| usize::from(label) >= classes)
}

/// Shape and counts only: the pixels of a data set are of no use in a message.
impl fmt::Debug for Images {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Images")
            .field("name", &self.name)
            .field("samples", &self.len())
            .field("shape", &self.shape())
            .field("classes", &self.classes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Images {
        Images::new("t".into(), [2, 1, 2], (0..12).collect(), vec![2, 0, 1], 3).unwrap()
    }

    #[test]
    fn samples_are_rows_of_the_pixel_array() {
        let images = three();
        assert_eq!(
            (images.len(), images.features(), images.classes()),
            (3, 4, 3)
        );
        assert_eq!(images.pixels(0), [0, 1, 2, 3]);
        assert_eq!(images.pixels(2), [8, 9, 10, 11]);
        assert_eq!(
            (0..3).map(|i| images.label(i)).collect::<Vec<_>>(),
            [2, 0, 1]
        );
        assert_eq!(images.class_counts(), [1, 1, 1]);
    }

    #[test]
    fn selecting_copies_samples_in_the_order_asked() {
        let chosen = three().select(&[2, 0, 2]);
        assert_eq!(chosen.len(), 3);
        assert_eq!(chosen.pixels(0), chosen.pixels(2));
        assert_eq!(chosen.pixels(1), [0, 1, 2, 3]);
        assert_eq!(chosen.class_counts(), [0, 2, 1]);
        assert!(three().select(&[]).is_empty());
    }

    #[test]
    fn the_sum_covers_dimensions_labels_and_pixels_but_not_the_name() {
        let pixels: Vec<u8> = (0..12).collect();
        let sum = |name: &str, shape, pixels: &[u8], labels: &[u8], classes| {
            Images::new(
                name.into(),
                shape,
                pixels.to_vec(),
                labels.to_vec(),
                classes,
            )
            .unwrap()
            .sha256()
        };
        let base = sum("t", [2, 1, 2], &pixels, &[2, 0, 1], 3);
        assert_eq!(base, sum("other", [2, 1, 2], &pixels, &[2, 0, 1], 3));
        let mut changed = pixels.clone();
        changed[11] = 12;
        for other in [
            sum("t", [1, 2, 2], &pixels, &[2, 0, 1], 3),
            sum("t", [2, 1, 2], &changed, &[2, 0, 1], 3),
            sum("t", [2, 1, 2], &pixels, &[2, 1, 0], 3),
            sum("t", [2, 1, 2], &pixels, &[2, 0, 1], 4),
        ] {
            assert_ne!(base, other);
        }
        // Written down from an independent computation over the documented bytes.
        assert_eq!(base, FROZEN);
    }

    const FROZEN: &str = "599a33e55eb217bcdf16ad3f1f8479271c655c377032732449ad180dec8271d4";

    #[test]
    fn a_description_that_does_not_fit_is_refused_with_its_numbers() {
        let new = |shape, pixels: usize, labels: &[u8], classes| {
            Images::new(
                "memory".into(),
                shape,
                vec![0; pixels],
                labels.to_vec(),
                classes,
            )
            .unwrap_err()
            .to_string()
        };
        let huge = usize::MAX;
        for (message, wanted) in [
            (new([0, 2, 2], 0, &[], 2), "memory: channels is 0"),
            (new([1, 0, 2], 0, &[], 2), "memory: height is 0"),
            (new([1, 2, 0], 0, &[], 2), "memory: width is 0"),
            (
                new([1, 2, 2], 4, &[0], 0),
                "number of classes is 0, expected 1 to 256",
            ),
            (new([1, 2, 2], 4, &[0], 257), "number of classes is 257"),
            (
                new([1, 2, 2], 7, &[0, 1], 2),
                "number of pixels is 7, expected 8 (2×1×2×2)",
            ),
            (
                new([huge, huge, huge], 7, &[0, 1], 2),
                "number of pixels is 7",
            ),
            (
                new([1, 2, 2], 8, &[0, 2], 2),
                "memory: label 2 of sample 1 (offset 1)",
            ),
        ] {
            assert!(message.contains(wanted), "{message}");
        }
    }
}
