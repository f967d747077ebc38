//! Lane-ordered metadata against the layout's definition, entry by entry.

use ndarray::Array2;
use proptest::prelude::*;
use rewire_mask::{FormFault, LaneMetadata, Mask, MatrixShape, Packed24};

use super::SIDES;
use super::fault;
use super::two_four::{cases_of, two_four};
use crate::cases;

/// The word and the shift at which the pair of a group lies, from how a matrix unit is fed:
/// tiles of 16 rows by 32 columns, two lanes of each four a tile, rows g and g + 8 in one word.
fn place(shape: MatrixShape, row: usize, group: usize) -> (usize, usize) {
    let col = 4 * group;
    let (tile, in_tile) = (row % 64 / 16, row % 16);
    let (g, upper) = (in_tile % 8, in_tile / 8);
    let (selector, second_half) = (col % 64 / 32, col % 32 / 16);
    let lane = 4 * g + 2 * selector + second_half;
    let thread = 32 * tile + lane;
    let block = row / 64 * shape.cols.div_ceil(256) + col / 256;
    let word = (block * 128 + thread) * 4 + col % 256 / 64;
    (word, 16 * upper + 4 * (col % 16 / 4))
}

/// The words, every pair put where its lane looks for it.
fn lanes_by_definition(packed: &Packed24<f32>) -> Vec<u32> {
    let shape = packed.shape();
    let blocks = shape.rows.div_ceil(64) * shape.cols.div_ceil(256);
    let mut words = vec![0x4444_4444u32; blocks * 512];
    let per_row = shape.cols.div_ceil(16);
    for row in 0..shape.rows {
        for group in 0..4 * per_row {
            let word = packed.metadata()[row * per_row + group / 4];
            let pair = u32::from(word) >> (4 * (group % 4)) & 0xF;
            let (index, shift) = place(shape, row, group);
            words[index] = words[index] & !(0xF << shift) | pair << shift;
        }
    }
    words
}

#[test]
fn sixty_four_by_sixty_four_worked_by_hand() {
    let shape = MatrixShape::new(64, 64);
    // One group each away from {0,1}, with the word and bits it has to change:
    // (row, group, pair's columns, thread, bits of the word).
    let rows = [
        // Row 0, columns 0–3: lane 0, lowest four bits.
        (0, 0, [2, 3], 0, 0x4444_444E),
        // Row 8, columns 12–15: lane 0 again, fourth pair of the upper half.
        (8, 3, [0, 3], 0, 0xC444_4444),
        // Row 1, columns 16–19: lane 4·1 + 1.
        (1, 4, [1, 2], 5, 0x4444_4449),
        // Row 15, columns 36–39: g = 7, selector 1, first half: lane 4·7 + 2, upper half.
        (15, 9, [1, 3], 30, 0x44D4_4444),
        // Row 63, columns 60–63: the last tile, g = 7, selector 1, second half: thread 127.
        (63, 15, [0, 2], 127, 0x8444_4444),
        // Row 37 = 32 + 5, columns 48–51: third tile, lane 4·5 + 3, lower half.
        (37, 12, [2, 3], 64 + 23, 0x4444_444E),
    ];
    for (row, group, pair, thread, word) in rows {
        let first = shape.position(row, 4 * group);
        let mask = Mask::from_positions(shape, pair.map(|col| first + col)).unwrap();
        let packed = Packed24::<f32>::pack(&mask, Array2::ones((64, 64)).view()).unwrap();
        let lanes = packed.lane_metadata().unwrap();
        let mut expected = vec![0x4444_4444; 512];
        // The 64 columns are the first of a thread's four words.
        expected[4 * thread] = word;
        assert_eq!(lanes.words(), expected, "row {row}, group {group}");
        assert_eq!(lanes.bytes(), 2048);
    }
}

#[test]
fn sizes_around_a_block_are_padded() {
    // One cut block beside a whole one under Miri, where a block takes half a minute.
    let (heights, widths): (&[usize], &[usize]) = match cfg!(miri) {
        true => (&[65], &[5]),
        false => (&SIDES, &SIDES),
    };
    for &rows in heights {
        for &cols in widths {
            let shape = MatrixShape::new(rows, cols);
            let choices: Vec<u8> = (0..31).map(|i| (i * 7 + rows + cols) as u8).collect();
            let mask = two_four(shape, &choices);
            let weights = Array2::ones((rows, cols));
            let packed = Packed24::<f32>::pack(&mask, weights.view()).unwrap();
            let lanes = packed.lane_metadata().unwrap();
            assert_eq!(lanes.words(), lanes_by_definition(&packed), "{shape}");
            assert_eq!(lanes.to_plain(), packed.metadata(), "{shape}");
        }
    }
}

#[test]
fn damaged_words_are_refused() {
    // 9 × 20: groups 0–4 of rows 0–8 lie inside, the rest of the block is padding.
    let shape = MatrixShape::new(9, 20);
    let words = vec![0x4444_4444u32; 512];
    assert!(LaneMetadata::from_words(shape, words.clone()).is_ok());
    for found in [0, 511, 513] {
        let count = FormFault::MetadataCount {
            found,
            expected: 512,
            shape,
        };
        assert_eq!(
            fault(LaneMetadata::from_words(shape, vec![0x4444_4444; found])),
            count
        );
    }
    // The edges of the matrix alone under Miri, where each of these takes a second.
    let (rows, groups): (&[usize], &[usize]) = match cfg!(miri) {
        true => (&[8, 9], &[4, 5]),
        false => (&[0, 5, 8, 9, 16, 63], &[0, 4, 5, 15, 63]),
    };
    for &row in rows {
        for &group in groups {
            for pair in 0..16u32 {
                let (index, shift) = place(shape, row, group);
                let mut words = words.clone();
                words[index] = words[index] & !(0xF << shift) | pair << shift;
                let result = LaneMetadata::from_words(shape, words);
                if ![0x4, 0x8, 0xC, 0x9, 0xD, 0xE].contains(&pair) {
                    let bits = pair as u8;
                    assert_eq!(fault(result), FormFault::NotAPair { row, group, bits });
                } else if (row >= 9 || group >= 5) && pair != 0x4 {
                    let col = 4 * group;
                    assert_eq!(fault(result), FormFault::PaddingUsed { row, col, shape });
                } else {
                    assert!(result.is_ok(), "row {row}, group {group}, pair {pair:#x}");
                }
            }
        }
    }
    let endless = MatrixShape::new(usize::MAX, usize::MAX);
    let refused = LaneMetadata::from_words(endless, vec![]);
    assert_eq!(fault(refused), FormFault::TooManyEntries { shape: endless });
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn plain_to_lanes_and_back_is_the_identity((shape, choices, weights) in cases_of()) {
        let mask = two_four(shape, &choices);
        let packed = Packed24::<f32>::pack(&mask, weights.view()).unwrap();
        let lanes = packed.lane_metadata().unwrap();
        prop_assert_eq!(lanes.words(), lanes_by_definition(&packed));
        prop_assert_eq!(lanes.to_plain(), packed.metadata());
        let rebuilt = LaneMetadata::from_words(shape, lanes.words().to_vec());
        prop_assert_eq!(rebuilt, Ok(lanes));
    }
}
