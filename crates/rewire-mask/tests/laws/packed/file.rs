//! Files of compressed forms: the round trip and the documented bytes.

mod hostile;

use std::collections::BTreeMap;

use ndarray::{Array2, array};
use proptest::prelude::*;
use rewire_mask::{
    BitmaskValues, BlockSparse, Compressed, Csr, Element, Mask, MatrixShape, Packed24, Stored,
    Topology, from_safetensors, to_safetensors,
};
use safetensors::SafeTensors;

use super::masked;
use super::two_four::{cases_of, two_four};
use crate::cases;

/// A safetensors file with this header and data.
fn raw(header: &str, data: &[u8]) -> Vec<u8> {
    let length = (header.len() as u64).to_le_bytes();
    [&length, header.as_bytes(), data].concat()
}

/// The matrix in every form.
fn every_form<T: Element>(mask: &Mask, weights: &Array2<f32>) -> [Compressed<T>; 4] {
    let weights = weights.view();
    let block = MatrixShape::new(2, 3);
    [
        Compressed::Packed24(Packed24::pack(mask, weights).expect("two of four")),
        Compressed::Csr(Csr::pack(Topology::from_mask(mask), weights).expect("one shape")),
        Compressed::Bitmask(BitmaskValues::pack(mask.clone(), weights).expect("one shape")),
        Compressed::Blocks(BlockSparse::pack(mask, weights, block).expect("one shape")),
    ]
}

/// The matrix as a mask and in every form, of every kind of value.
fn everything(mask: &Mask, weights: &Array2<f32>) -> BTreeMap<String, Stored> {
    let mut stored = vec![Stored::Mask(mask.clone())];
    stored.extend(every_form(mask, weights).map(Stored::F32));
    #[cfg(feature = "half")]
    stored.extend(every_form(mask, weights).map(Stored::Bf16));
    #[cfg(feature = "half")]
    stored.extend(every_form(mask, weights).map(Stored::F16));
    let named = |(index, stored)| (format!("m{index}.weight"), stored);
    stored.into_iter().enumerate().map(named).collect()
}

fn small() -> BTreeMap<String, Stored> {
    let weights = array![[1.0f32, -2.0, 3.0, 4.0, 5.0], [6.0, 7.0, -0.0, 9.0, 10.0]];
    let mask = Mask::from_positions(MatrixShape::new(2, 5), [1, 4, 7, 8]).expect("inside");
    everything(&mask, &weights)
}

#[test]
fn a_file_worked_by_hand() {
    let mask = Mask::from_positions(MatrixShape::new(3, 3), [0, 4, 8]).unwrap();
    let matrices = BTreeMap::from([("eye".to_owned(), Stored::Mask(mask))]);
    let header = concat!(
        r#"{"__metadata__":{"rewire-mask":"{\"format_version\":1,\"matrices\":"#,
        r#"{\"eye\":{\"kind\":\"mask\",\"shape\":[3,3]}}}"},"#,
        r#""eye.mask":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}"#,
    );
    // Spaces fill the header up to a multiple of eight bytes.
    let header = format!("{header:<width$}", width = header.len().next_multiple_of(8));
    let bytes = raw(&header, &[0b0001_0001, 0b0000_0001]);
    assert_eq!(to_safetensors(&matrices), Ok(bytes.clone()));
    assert_eq!(from_safetensors(&bytes), Ok(matrices));
}

#[test]
fn tensors_have_their_documented_names_types_and_shapes() {
    let bytes = to_safetensors(&small()).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut found: Vec<_> = file
        .iter()
        .map(|(name, view)| {
            (
                name.to_owned(),
                view.dtype().to_string(),
                view.shape().to_vec(),
            )
        })
        .collect();
    found.sort();
    let of_forms = |first: usize, dtype: &'static str| {
        [
            (first, "metadata", "U16", vec![2, 1]),
            (first, "values", dtype, vec![2, 8]),
            (first + 1, "columns", "U32", vec![4]),
            (first + 1, "row_offsets", "U64", vec![3]),
            (first + 1, "values", dtype, vec![4]),
            (first + 2, "mask", "U8", vec![2]),
            (first + 2, "values", dtype, vec![4]),
            (first + 3, "block_columns", "U32", vec![2]),
            (first + 3, "block_row_offsets", "U64", vec![2]),
            (first + 3, "values", dtype, vec![2, 2, 3]),
        ]
    };
    let mut expected = vec![(0, "mask", "U8", vec![2])];
    expected.extend(of_forms(1, "F32"));
    if cfg!(feature = "half") {
        expected.extend(of_forms(5, "BF16"));
        expected.extend(of_forms(9, "F16"));
    }
    let named = |(index, part, dtype, shape): (usize, &str, &str, Vec<usize>)| {
        (format!("m{index}.weight.{part}"), dtype.to_owned(), shape)
    };
    let mut expected: Vec<_> = expected.into_iter().map(named).collect();
    expected.sort();
    assert_eq!(found, expected);
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn what_was_stored_comes_back((shape, choices, weights) in cases_of()) {
        let mask = two_four(shape, &choices);
        let bytes = to_safetensors(&everything(&mask, &weights)).unwrap();
        let read = from_safetensors(&bytes).unwrap();
        // Equal bytes, because NaN values make equal matrices differ.
        prop_assert_eq!(&to_safetensors(&read).unwrap(), &bytes);
        for stored in read.values() {
            match stored {
                Stored::Mask(found) => prop_assert_eq!(found, &mask),
                Stored::F32(form) => {
                    prop_assert_eq!(form.shape(), shape);
                    let expanded = form.expand().mapv(f32::to_bits);
                    prop_assert_eq!(expanded, masked(&mask, weights.view()));
                }
                #[cfg(feature = "half")]
                Stored::Bf16(form) => {
                    let expanded = form.expand().mapv(half::bf16::to_bits);
                    let rounded = masked(&mask, weights.view())
                        .mapv(|bits| half::bf16::from_f32(f32::from_bits(bits)).to_bits());
                    prop_assert_eq!(expanded, rounded);
                }
                #[cfg(feature = "half")]
                Stored::F16(form) => {
                    let expanded = form.expand().mapv(half::f16::to_bits);
                    let rounded = masked(&mask, weights.view())
                        .mapv(|bits| half::f16::from_f32(f32::from_bits(bits)).to_bits());
                    prop_assert_eq!(expanded, rounded);
                }
                other => prop_assert!(false, "{other:?} was not stored"),
            }
        }
    }
}
