//! The embedded UCI digits.
//!
//! `assets/digits.bin` holds 1797 records of 65 bytes: 64 pixels by rows, values 0 to 16, then the
//! label. `assets/README.md` holds origin, licence (CC BY 4.0) and checksum. The original set is
//! split by writer into two files of which this is the smaller one; a split of it by row index is
//! therefore not writer-disjoint.

use crate::folder::Part;
use crate::images::Images;

const SAMPLES: usize = 1797;
const SIDE: usize = 8;
const RECORD: usize = SIDE * SIDE + 1;
/// The compiler checks the length of the asset.
static RECORDS: &[u8; SAMPLES * RECORD] = include_bytes!("../assets/digits.bin");

/// The part of the record with this index: every fifth is for testing.
fn part_of(index: usize) -> Part {
    if index % 5 == 4 {
        Part::Test
    } else {
        Part::Train
    }
}

pub(crate) fn part(part: Part) -> Images {
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for (index, record) in RECORDS.chunks_exact(RECORD).enumerate() {
        if part_of(index) == part {
            pixels.extend_from_slice(&record[..RECORD - 1]);
            labels.push(record[RECORD - 1]);
        }
    }
    Images::new(
        format!("digits {}", part.name()),
        [1, SIDE, SIDE],
        pixels,
        labels,
        10,
    )
    .expect("the asset is fixed at compile time and its labels are 0 to 9")
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::checksum::hex;

    #[test]
    fn the_asset_is_the_published_data() {
        assert_eq!(
            hex(&Sha256::digest(RECORDS)),
            "68aea062d35a127749050fa0e52dca09d6569ac08092c925610e0954e172dde2"
        );
    }

    /// The class counts of `optdigits.tes` as UCI's description gives them.
    #[test]
    fn the_parts_together_have_the_published_class_counts() {
        let (train, test) = (part(Part::Train), part(Part::Test));
        assert_eq!((train.len(), test.len()), (1438, 359));
        let sums: Vec<u64> = train
            .class_counts()
            .iter()
            .zip(test.class_counts())
            .map(|(a, b)| a + b)
            .collect();
        assert_eq!(sums, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
        assert_eq!(
            test.class_counts(),
            [27, 21, 34, 52, 34, 28, 31, 43, 47, 42]
        );
    }

    #[test]
    fn the_test_part_is_every_fifth_row() {
        let test = part(Part::Test);
        for (i, row) in [(0, 4), (1, 9), (358, 1794)] {
            let record = &RECORDS[row * RECORD..(row + 1) * RECORD];
            assert_eq!(test.pixels(i), &record[..64]);
            assert_eq!(test.label(i), record[64]);
        }
    }

    #[test]
    fn pixels_are_counts_of_a_four_by_four_block() {
        for part_of_set in [Part::Train, Part::Test] {
            let images = part(part_of_set);
            let brightest = images.all_pixels().iter().max();
            assert_eq!(brightest, Some(&16));
        }
    }
}
