//! Bytes meant to do harm: every fault is an error that names what is wrong, and nothing panics.

use proptest::prelude::*;
use rewire_mask::{FormFault, MaskError, MatrixShape, from_safetensors, to_safetensors};

use super::{raw, small};
use crate::cases;
use crate::packed::fault;

/// A file whose directory is this JSON, with these tensors (JSON too) over the data.
fn with_directory(directory: &str, tensors: &str, data: &[u8]) -> Vec<u8> {
    let text = directory.replace('"', "\\\"");
    let comma = if tensors.is_empty() { "" } else { "," };
    let header = format!(r#"{{"__metadata__":{{"rewire-mask":"{text}"}}{comma}{tensors}}}"#);
    raw(&header, data)
}

/// A file with one matrix `a`, whose entry is this JSON.
fn with_entry(entry: &str, tensors: &str, data: &[u8]) -> Vec<u8> {
    let directory = format!(r#"{{"format_version":1,"matrices":{{"a":{entry}}}}}"#);
    with_directory(&directory, tensors, data)
}

#[test]
fn bytes_that_are_no_such_file_are_refused() {
    let no_key = r#"{"__metadata__":{"rewire":"x"}}"#;
    let twice = r#"{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#;
    let keys = r#"{"__metadata__":{"rewire-mask":"x","rewire-mask":"y"}}"#;
    let matrix_twice = concat!(
        r#"{"format_version":1,"matrices":{"a":{"kind":"mask","shape":[0,0]},"#,
        r#""a":{"kind":"mask","shape":[0,0]}}}"#
    );
    let rows = [
        (vec![1, 2, 3], "3 bytes"),
        (
            u64::MAX.to_le_bytes().to_vec(),
            "a header of 18446744073709551615 bytes in 8 bytes",
        ),
        (
            raw("{}", &[])[..9].to_vec(),
            "a header of 2 bytes in 9 bytes",
        ),
        (raw("{", &[]), "EOF while parsing"),
        (raw("{}", &[]), "its metadata has no key `rewire-mask`"),
        (raw(no_key, &[]), "its metadata has no key `rewire-mask`"),
        (raw(twice, &[]), "`a` appears twice"),
        (raw(keys, &[]), "`rewire-mask` appears twice"),
        (
            with_directory("x", "", &[]),
            "metadata `rewire-mask`: expected value",
        ),
        (
            with_directory(r#"{"format_version":2,"new":1}"#, "", &[]),
            "format version 2, this is 1",
        ),
        (with_directory(matrix_twice, "", &[]), "`a` appears twice"),
        (
            with_entry(r#"{"kind":"coo","shape":[1,1]}"#, "", &[]),
            "unknown variant `coo`",
        ),
        (
            with_entry(r#"{"kind":"mask","shape":[1]}"#, "", &[]),
            "`a`: invalid length 1",
        ),
        (
            with_entry(r#"{"kind":"mask","shape":[1,-1]}"#, "", &[]),
            "invalid value: integer `-1`",
        ),
        (
            with_entry(r#"{"kind":"mask","shape":[1,1],"n":1}"#, "", &[]),
            "unknown field `n`",
        ),
        (
            with_entry(r#"{"kind":"mask","shape":[1,1],"block":[1,1]}"#, "", &[]),
            "matrix `a`: kind `blocks`, and it alone, has the field `block`",
        ),
        (
            with_entry(r#"{"kind":"blocks","shape":[1,1]}"#, "", &[]),
            "matrix `a`: kind `blocks`, and it alone, has the field `block`",
        ),
    ];
    for (bytes, what) in rows {
        match fault(from_safetensors(&bytes)) {
            FormFault::File { what: found } => assert!(found.contains(what), "{found}: {what}"),
            other => panic!("{other:?}: {what}"),
        }
    }
    let mut not_text = raw("{}", &[]);
    not_text[8] = 0xFF;
    assert!(matches!(
        fault(from_safetensors(&not_text)),
        FormFault::File { .. }
    ));
}

#[test]
fn tensors_that_do_not_fit_are_named() {
    const MASK: &str = r#"{"kind":"mask","shape":[3,3]}"#;
    const CSR: &str = r#"{"kind":"csr","shape":[1,3]}"#;
    let tensor = |name: &str, dtype: &str, shape: &str, offsets: [u64; 2]| {
        format!(r#""{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets:?}}}"#)
    };
    let mask = |dtype, shape, offsets| tensor("a.mask", dtype, shape, offsets);
    let values = |dtype, shape, end| tensor("a.values", dtype, shape, [0, end]);
    let other = tensor("b", "U8", "[0]", [2, 2]);
    let end = u64::MAX;
    let offsets = tensor("a.row_offsets", "U64", "[2]", [0, 16]);
    let rows: [(&str, String, usize, &str, &str); 11] = [
        (MASK, String::new(), 0, "a.mask", "is missing"),
        (
            MASK,
            mask("U16", "[1]", [0, 2]),
            2,
            "a.mask",
            "has dtype U16, not U8",
        ),
        (
            MASK,
            mask("U8", "[3]", [0, 3]),
            3,
            "a.mask",
            "has shape [3], not [2]",
        ),
        (
            MASK,
            mask("U8", "[2,1]", [0, 2]),
            2,
            "a.mask",
            "has shape [2, 1], not [2]",
        ),
        (
            MASK,
            mask("U8", "[1]", [end - 1, end]),
            2,
            "a.mask",
            "ends at byte 18446744073709551615 of ",
        ),
        (
            MASK,
            mask("U8", "[2]", [0, 2]) + "," + &other,
            2,
            "b",
            "belongs to no matrix of the file",
        ),
        (CSR, String::new(), 0, "a.values", "is missing"),
        (
            CSR,
            values("F64", "[1]", 8),
            8,
            "a.values",
            "has dtype F64, not F32, BF16 or F16",
        ),
        (
            CSR,
            values("F32", "[1]", 4),
            4,
            "a.row_offsets",
            "is missing",
        ),
        (
            CSR,
            offsets.clone() + "," + &tensor("a.values", "F32", "[0]", [16, 16]),
            16,
            "a.columns",
            "is missing",
        ),
        (
            r#"{"kind":"packed24","shape":[1,3]}"#,
            tensor("a.metadata", "U16", "[1,1]", [0, 2])
                + ","
                + &tensor("a.values", "F32", "[1,4]", [2, 18]),
            18,
            "a.values",
            "has shape [1, 4], not [1, 8]",
        ),
    ];
    for (entry, tensors, length, name, what) in rows {
        let found = fault(from_safetensors(&with_entry(
            entry,
            &tensors,
            &vec![0; length],
        )));
        match found {
            FormFault::Tensor { name: n, what: w } => {
                assert_eq!(n, name);
                assert!(w.starts_with(what), "{w}: {what}");
            }
            found => panic!("{found:?}: {name} {what}"),
        }
    }
}

#[test]
fn matrices_that_break_their_form_are_named() {
    let tensor = |name: &str, dtype: &str, shape: &str, begin: usize, end: usize| {
        format!(
            r#""a.{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{begin},{end}]}}"#
        )
    };
    let matrix = |entry: &str, tensors: &[String], data: &[u8]| {
        let bytes = with_entry(entry, &tensors.join(","), data);
        match fault(from_safetensors(&bytes)) {
            FormFault::Matrix { name, fault } => {
                assert_eq!(name, "a");
                *fault
            }
            other => panic!("{other:?}: {entry}"),
        }
    };
    let shape = MatrixShape::new(3, 3);
    let padding = matrix(
        r#"{"kind":"mask","shape":[3,3]}"#,
        &[tensor("mask", "U8", "[2]", 0, 2)],
        &[0, 2],
    );
    assert_eq!(padding, MaskError::PaddingBits { word: 0x200, shape });
    for (rows, cols) in [("4294967296", "4294967296"), ("9223372036854775808", "0")] {
        let entry = format!(r#"{{"kind":"mask","shape":[{rows},{cols}]}}"#);
        let endless = matrix(&entry, &[tensor("mask", "U8", "[0]", 0, 0)], &[]);
        let rows = rows.parse().unwrap();
        let shape = MatrixShape::new(rows, cols.parse().unwrap());
        assert_eq!(endless, FormFault::TooManyEntries { shape }.into());
    }
    let zero_pairs = matrix(
        r#"{"kind":"packed24","shape":[1,4]}"#,
        &[
            tensor("values", "F32", "[1,8]", 0, 32),
            tensor("metadata", "U16", "[1,1]", 32, 34),
        ],
        &[0; 34],
    );
    let (row, group, bits) = (0, 0, 0);
    assert_eq!(zero_pairs, FormFault::NotAPair { row, group, bits }.into());
    let mut data = [0; 28];
    data[8] = 1;
    data[16] = 3;
    let column = matrix(
        r#"{"kind":"csr","shape":[1,3]}"#,
        &[
            tensor("row_offsets", "U64", "[2]", 0, 16),
            tensor("columns", "U32", "[1]", 16, 20),
            tensor("values", "F32", "[1]", 20, 24),
        ],
        &data[..24],
    );
    let shape = MatrixShape::new(1, 3);
    assert_eq!(
        column,
        MaskError::ColumnOutOfRange {
            row: 0,
            column: 3,
            shape
        }
    );
    let no_block = matrix(
        r#"{"kind":"blocks","shape":[1,3],"block":[0,3]}"#,
        &[tensor("values", "F32", "[0]", 0, 0)],
        &[],
    );
    let block = MatrixShape::new(0, 3);
    assert_eq!(no_block, FormFault::EmptyBlock { block }.into());
}

#[cfg(not(feature = "half"))]
#[test]
fn sixteen_bit_values_name_the_feature_they_need() {
    for dtype in ["BF16", "F16"] {
        let tensor =
            format!(r#""a.values":{{"dtype":"{dtype}","shape":[0],"data_offsets":[0,0]}}"#);
        let bytes = with_entry(r#"{"kind":"csr","shape":[0,0]}"#, &tensor, &[]);
        let refused = fault(from_safetensors(&bytes)).to_string();
        assert_eq!(
            refused,
            format!("tensor `a.values` has dtype {dtype}, which needs the feature `half`")
        );
    }
}

#[test]
fn every_cut_is_refused_and_no_flipped_bit_panics() {
    let bytes = to_safetensors(&small()).unwrap();
    for length in 0..bytes.len() {
        assert!(
            from_safetensors(&bytes[..length]).is_err(),
            "{length} bytes"
        );
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(from_safetensors(&longer).is_err());
    let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut refused = 0;
    for place in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[place] ^= 1 << (place % 8);
        // A flipped bit of a value is another value: those files are whole.
        let refuses = from_safetensors(&damaged).is_err();
        refused += usize::from(refuses && place < header);
    }
    // Only an escaped name or a space may change without a contradiction.
    assert!(
        10 * refused > 9 * header,
        "{refused} of the header's {header} bytes"
    );
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn damage_in_several_places_never_panics(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..=6),
    ) {
        let mut bytes = to_safetensors(&small()).unwrap();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        // Whatever is still read is whole: it can be expanded and written.
        if let Ok(read) = from_safetensors(&bytes) {
            prop_assert!(to_safetensors(&read).is_ok());
        }
    }
}
