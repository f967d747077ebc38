//! Packed matrices come back as they went, and none comes in that is not legal.

use half::{bf16, f16};
use rewire_cuda::kernels::PackedSize;
use rewire_cuda::mask::{self, FormFault, MaskError, MatrixShape};
use rewire_cuda::{Device, DeviceError, Element, Packed24};

use crate::rig::{along_rows, laws, real};

/// Rows × columns around the edges of words, steps and blocks.
const SIZES: [(usize, usize); 8] = [
    (1, 1),
    (1, 4),
    (3, 6),
    (8, 64),
    (9, 65),
    (63, 130),
    (65, 17),
    (64, 257),
];

laws!(
    packed_matrices_come_back,
    a_nibble_that_is_no_pair_is_refused,
    padding_that_is_used_is_refused,
    lengths_are_checked,
);

/// The two largest of every four columns of random weights.
fn packed(rows: usize, cols: usize) -> mask::Packed24<f32> {
    let weights = real::<bf16>(rows, cols, 5);
    mask::Packed24::pack(&along_rows(&weights), weights.view()).unwrap()
}

fn packed_matrices_come_back<D: Device>(device: &D) {
    come_back::<bf16, D>(device);
    come_back::<f16, D>(device);
}

fn come_back<E: Element, D: Device>(device: &D) {
    for (rows, cols) in SIZES {
        let plain = packed(rows, cols);
        let there = Packed24::<E, D>::from_packed(device, &plain).unwrap();
        let size = there.size();
        assert_eq!((size.rows(), size.cols()), (rows as u32, cols as u32));
        assert_eq!(there.to_packed().unwrap(), plain);

        let (values, metadata) = there.to_parts().unwrap();
        assert_eq!(values.len() as u64 * 2, size.value_bytes());
        let lanes = plain.lane_metadata().unwrap();
        assert_eq!(metadata, lanes.words());
        let again = Packed24::from_parts(device, size, &values, &metadata).unwrap();
        assert_eq!(again.to_parts().unwrap(), (values, metadata));
        assert_eq!(again.to_packed().unwrap(), plain);
    }
}

fn a_nibble_that_is_no_pair_is_refused<D: Device>(device: &D) {
    let (rows, cols) = (9, 70);
    let size = PackedSize::new(9, 70).unwrap();
    let there = Packed24::<bf16, D>::from_packed(device, &packed(rows, cols)).unwrap();
    let (values, metadata) = there.to_parts().unwrap();
    for nibble in 0..16u32 {
        let legal = matches!(nibble, 0x4 | 0x8 | 0x9 | 0xC | 0xD | 0xE);
        // The lowest four bits of the first word are columns 0 to 3 of row 0; bits 16 to 19 are those
        // of row 8.
        for (shift, row) in [(0, 0), (16, 8)] {
            let mut changed = metadata.clone();
            changed[0] = changed[0] & !(0xF << shift) | nibble << shift;
            let given = Packed24::from_parts(device, size, &values, &changed);
            let fault = FormFault::NotAPair {
                row,
                group: 0,
                bits: nibble as u8,
            };
            match given {
                Ok(_) => assert!(legal, "{nibble:#x}"),
                Err(error) => {
                    assert!(!legal, "{nibble:#x}: {error}");
                    assert_eq!(error, DeviceError::Form(MaskError::Form(fault)));
                }
            }
        }
    }
}

fn padding_that_is_used_is_refused<D: Device>(device: &D) {
    // The third group has one column inside, 8; the metadata go on to column 256.
    let plain = packed(2, 9);
    let size = PackedSize::new(2, 9).unwrap();
    let there = Packed24::<f16, D>::from_packed(device, &plain).unwrap();
    let (values, metadata) = there.to_parts().unwrap();
    let used = |row, col| {
        let shape = MatrixShape::new(2, 9);
        DeviceError::Form(FormFault::PaddingUsed { row, col, shape }.into())
    };
    // Value 5 is the second of the third group, at column 9; value 31 the last of the row.
    for (index, row, col) in [(5, 0, 9), (6, 0, 12), (31, 0, 61), (32 + 31, 1, 61)] {
        for number in [1.0, -0.0, f32::NAN, f32::INFINITY] {
            let mut changed = values.clone();
            changed[index] = f16::from_f32(number);
            let refused = Packed24::from_parts(device, size, &changed, &metadata).unwrap_err();
            assert_eq!(refused, used(row, col), "{number}");
        }
    }
    let mut changed = values.clone();
    changed[4] = f16::NAN;
    assert!(Packed24::from_parts(device, size, &changed, &metadata).is_ok());
    // A legal pair in a group that lies beyond the last column.
    let mut changed = metadata.clone();
    changed[0] = changed[0] & !0xF000 | 0x8000;
    let refused = Packed24::from_parts(device, size, &values, &changed).unwrap_err();
    assert_eq!(refused, used(0, 12));
}

fn lengths_are_checked<D: Device>(device: &D) {
    let size = PackedSize::new(3, 5).unwrap();
    let there = Packed24::<bf16, D>::from_packed(device, &packed(3, 5)).unwrap();
    let (values, metadata) = there.to_parts().unwrap();
    let refused = Packed24::from_parts(device, size, &values[1..], &metadata).unwrap_err();
    let expected = DeviceError::Length {
        what: "values",
        given: 95,
        needed: 96,
    };
    assert_eq!(refused, expected);
    let refused = Packed24::from_parts(device, size, &values, &metadata[1..]).unwrap_err();
    assert!(matches!(
        refused,
        DeviceError::Form(MaskError::Form(FormFault::MetadataCount {
            found: 511,
            expected: 512,
            ..
        }))
    ));
}
