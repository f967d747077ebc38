//! Matrices and vectors come back as they went.

use half::{bf16, f16};
use ndarray::{Array2, s};
use rewire_cuda::{Device, DeviceError, Element, Matrix, Vector};

use crate::rig::{laws, real, rounded, whole};

/// Rows × columns around the 8 columns that share 16 bytes.
const SIZES: [(usize, usize); 8] = [
    (1, 1),
    (1, 8),
    (3, 7),
    (2, 9),
    (5, 16),
    (4, 17),
    (65, 31),
    (7, 130),
];

laws!(
    matrices_come_back,
    blocks_are_rectangles_of_their_matrix,
    vectors_come_back,
    sizes_are_refused,
);

fn matrices_come_back<D: Device>(device: &D) {
    come_back::<bf16, D>(device);
    come_back::<f16, D>(device);
}

fn come_back<E: Element, D: Device>(device: &D) {
    for (rows, cols) in SIZES {
        let numbers = real::<E>(rows, cols, 1);
        let values = numbers.mapv(E::from_f32);
        let matrix = Matrix::from_host(device, values.view()).unwrap();
        let size = matrix.size();
        assert_eq!((size.rows(), size.cols()), (rows as u32, cols as u32));
        assert_eq!(size.pitch() % 8, 0);
        assert_eq!(matrix.to_host().unwrap(), values);
        assert_eq!(matrix.to_f32().unwrap(), numbers);

        // A view in another memory order, and numbers that have to be rounded.
        let turned = Matrix::<E, D>::from_host(device, values.t()).unwrap();
        assert_eq!(turned.to_host().unwrap(), values.t());
        let long = whole(rows, cols, 1 << 20, 2).mapv(|number| number * 1.0e-3);
        let matrix = Matrix::<E, D>::from_f32(device, long.t()).unwrap();
        assert_eq!(matrix.to_f32().unwrap(), rounded::<E>(&long).t());
    }
}

fn blocks_are_rectangles_of_their_matrix<D: Device>(device: &D) {
    let numbers = real::<bf16>(9, 21, 3);
    let matrix = Matrix::<bf16, D>::from_f32(device, numbers.view()).unwrap();
    for (rows, cols) in [(0..9, 0..21), (8..9, 20..21), (2..5, 3..17), (0..1, 8..9)] {
        let block = matrix.block(rows.clone(), cols.clone()).unwrap();
        let expected = numbers.slice(s![
            rows.start as usize..rows.end as usize,
            cols.start as usize..cols.end as usize
        ]);
        let found = block.to_host().unwrap().mapv(Element::to_f32);
        assert_eq!(found, expected);
        assert_eq!(block.size().pitch(), matrix.size().pitch());
    }
    let refusals = [
        (matrix.block(0..10, 0..1), "rows", (0, 10), 9),
        (matrix.block(3..3, 0..1), "rows", (3, 3), 9),
        (matrix.block(0..9, 20..22), "columns", (20, 22), 21),
        (matrix.block(0..1, 30..31), "columns", (30, 31), 21),
    ];
    for (refused, what, range, size) in refusals {
        let expected = DeviceError::OutOfRange { what, range, size };
        assert_eq!(refused.unwrap_err(), expected);
    }
}

fn vectors_come_back<D: Device>(device: &D) {
    for length in [1, 3, 4, 257] {
        let numbers = real::<f16>(1, length, 4).into_raw_vec_and_offset().0;
        let vector = Vector::from_host(device, &numbers).unwrap();
        assert_eq!(vector.length() as usize, length);
        assert_eq!(vector.to_host().unwrap(), numbers);
    }
}

fn sizes_are_refused<D: Device>(device: &D) {
    for (rows, cols) in [(0, 1), (1, 0), (0, 0)] {
        let nothing = Array2::<f32>::zeros((rows, cols));
        let refused = Matrix::<bf16, D>::from_f32(device, nothing.view()).unwrap_err();
        assert!(matches!(refused, DeviceError::Size(_)), "{refused}");
    }
    for (rows, cols) in [(1 << 31, 1), (1, 1 << 31), (1 << 30, (1 << 30) + 1)] {
        let refused = Matrix::<bf16, D>::reserve(device, rows, cols).unwrap_err();
        assert!(matches!(refused, DeviceError::Size(_)), "{refused}");
    }
    // As large as a matrix may be, and larger than any device.
    let refused = Matrix::<f16, D>::reserve(device, 1 << 30, 1 << 30).unwrap_err();
    assert_eq!(refused, DeviceError::OutOfMemory { bytes: 1 << 61 });
    assert!(matches!(
        Vector::from_host(device, &[]),
        Err(DeviceError::Length { needed: 1, .. })
    ));
}
