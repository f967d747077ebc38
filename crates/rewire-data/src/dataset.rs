//! A data set: what a model is fitted to, and what it is measured on.

use std::path::Path;

use rewire_rng::{Purpose, Streams, permutation};

use crate::cifar;
use crate::digits;
use crate::error::DataError;
use crate::folder::{self, Family, Part};
use crate::images::Images;

/// A training and a test part with images of one size and the same classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// What a model is fitted to; standardisation constants come from here alone.
    pub train: Images,
    /// What a finished model is measured on; no choice may depend on it.
    pub test: Images,
    /// "digits", or the name of the folder.
    pub name: String,
}

impl Dataset {
    /// The embedded UCI digits: 1438 training and 359 test images of 1×8×8, values 0 to 16, ten
    /// classes.
    ///
    /// The test part is every row of the original file whose index leaves 4 on division by 5. It
    /// is **not** writer-disjoint: the 13 writers occur in both parts, so an accuracy here says
    /// nothing about unseen hands.
    ///
    /// # Cost
    /// Copies 117 kB.
    ///
    /// # Source
    /// Alpaydin & Kaynak 1998, Optical Recognition of Handwritten Digits, UCI, test part;
    /// CC BY 4.0.
    ///
    /// # Examples
    /// ```
    /// use rewire_data::Dataset;
    ///
    /// let digits = Dataset::digits();
    /// assert_eq!((digits.train.len(), digits.test.len()), (1438, 359));
    /// ```
    pub fn digits() -> Self {
        Self {
            train: digits::part(Part::Train),
            test: digits::part(Part::Test),
            name: "digits".into(),
        }
    }

    /// The data set in a folder: of the MNIST family (MNIST, Fashion-MNIST, KMNIST), or CIFAR-10 or
    /// CIFAR-100 in their binary layouts.
    ///
    /// A folder of the MNIST family holds `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`,
    /// `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`, each plain or with `.gz`, each also
    /// spelled `.idx3-ubyte` or `.idx1-ubyte`. Of several spellings of one file the plain ones come
    /// first. There are ten classes; EMNIST letters and other label sets are not supported.
    /// CIFAR-10 is `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`, CIFAR-100
    /// `train.bin` and `test.bin`, each plain or with `.gz`; of CIFAR-100 the 100 fine labels are the
    /// classes. A folder with files of several families is taken for the first of these.
    ///
    /// # Cost
    /// Memory as large as the unpacked files, which never follows a header that the file's length
    /// does not bear out.
    ///
    /// # Errors
    /// [`DataError::Missing`] with every name looked for; [`DataError::Ambiguous`] for files of
    /// several data sets; [`DataError::Io`] and
    /// [`DataError::WrongKind`] for a folder or file that cannot be read as one; the variants from
    /// [`DataError::Magic`] to [`DataError::Label`] for a file that does not follow the format or
    /// does not fit its companion; [`DataError::PartMismatch`] if the parts differ in image size.
    pub fn open(dir: &Path) -> Result<Self, DataError> {
        let name = folder::name(dir)?;
        if let Family::Cifar(layout) = folder::family(dir)? {
            let [train, test] = layout.both(dir)?;
            return Ok(Self {
                train: cifar::into_images(train, format!("{name} train"))?,
                test: cifar::into_images(test, format!("{name} test"))?,
                name,
            });
        }
        let (train_files, test_files) = folder::find_both(dir)?;
        let (train, test) = (train_files.read()?, test_files.read()?);
        folder::same_size((&train_files, train.size()), (&test_files, test.size()))?;
        Ok(Self {
            train: train.into_images(format!("{name} train"))?,
            test: test.into_images(format!("{name} test"))?,
            name,
        })
    }

    /// One part of the data set in a folder; the files of the other need not exist.
    ///
    /// A finished model brings its own standardisation constants, so it can be measured on a
    /// folder that holds a test part only.
    ///
    /// # Errors
    /// As [`Dataset::open`].
    pub fn open_part(dir: &Path, part: Part) -> Result<Images, DataError> {
        let name = format!("{} {}", folder::name(dir)?, part.name());
        match folder::family(dir)? {
            Family::Mnist => folder::find_one(dir, part)?.read()?.into_images(name),
            Family::Cifar(layout) => cifar::into_images(layout.part(dir, part)?, name),
        }
    }

    /// Moves `n` training samples into a validation part, for choices that must not see the test
    /// part. Both keep the order of the training part.
    ///
    /// Which samples is decided by seed 0 whatever the seed of the run, so that runs of different
    /// seeds are compared on the same data. A larger `n` holds out a superset.
    ///
    /// # Cost
    /// One copy of the training part.
    ///
    /// # Errors
    /// [`DataError::HoldOut`] if `n` is 0 or leaves no training sample.
    pub fn hold_out(self, n: usize) -> Result<(Self, Images), DataError> {
        let samples = self.train.len();
        if n == 0 || n >= samples {
            let name = self.name;
            return Err(DataError::HoldOut { name, n, samples });
        }
        let mut stream = Streams::new(0).stream(Purpose::HoldOut, "train", 0);
        let mut order = permutation(samples, &mut stream);
        let (held_out, kept) = order.split_at_mut(n);
        held_out.sort_unstable();
        kept.sort_unstable();
        let mut valid = self.train.select(held_out);
        valid.rename(format!("{} valid", self.name));
        let train = self.train.select(kept);
        Ok((Self { train, ..self }, valid))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Training part whose sample `i` has the pixel `i`, so that a sample can be told by its value.
    fn numbered(samples: u8) -> Dataset {
        let labels: Vec<u8> = (0..samples).map(|i| i % 10).collect();
        let part = |name: &str| {
            Images::new(
                name.into(),
                [1, 1, 1],
                (0..samples).collect(),
                labels.clone(),
                10,
            )
        };
        Dataset {
            train: part("n train").unwrap(),
            test: part("n test").unwrap(),
            name: "n".into(),
        }
    }

    fn members(images: &Images) -> BTreeSet<u8> {
        (0..images.len()).map(|i| images.pixels(i)[0]).collect()
    }

    #[test]
    fn held_out_and_kept_samples_partition_the_training_part() {
        for samples in [2, 3, 17, 200] {
            for n in [1, usize::from(samples) / 2, usize::from(samples) - 1] {
                let (kept, valid) = numbered(samples).hold_out(n).unwrap();
                assert_eq!(valid.len(), n);
                assert_eq!(kept.train.len(), usize::from(samples) - n);
                let (a, b) = (members(&kept.train), members(&valid));
                assert!(a.is_disjoint(&b));
                assert_eq!(a.len() + b.len(), usize::from(samples));
                assert_eq!(kept.test, numbered(samples).test);
                // The order of the file is kept, and a label moves with its image.
                for part in [&kept.train, &valid] {
                    assert!((1..part.len()).all(|i| part.pixels(i - 1) < part.pixels(i)));
                }
                assert!((0..n).all(|i| valid.label(i) == valid.pixels(i)[0] % 10));
                assert_eq!(valid.name(), "n valid");
            }
        }
    }

    #[test]
    fn a_larger_hold_out_contains_the_smaller() {
        let held = |n| members(&numbered(100).hold_out(n).unwrap().1);
        assert!(held(10).is_subset(&held(40)));
        // Not simply the first samples of the file.
        assert_ne!(held(10), (0..10).collect());
    }

    /// Written down: numbers published with held-out samples depend on which they are.
    #[test]
    fn the_choice_is_frozen() {
        let (_, valid) = numbered(100).hold_out(5).unwrap();
        assert_eq!(members(&valid), BTreeSet::from([17, 64, 73, 90, 95]));
    }

    #[test]
    fn a_hold_out_that_empties_one_side_is_refused() {
        for n in [0, 5, 6, usize::MAX] {
            let error = numbered(5).hold_out(n).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("n: cannot hold out {n} of 5 training samples")
            );
            assert!(error.hint().unwrap().contains("between 1 and 4"));
        }
    }
}
