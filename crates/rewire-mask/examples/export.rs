//! Writes one matrix in every form to the standard output, as a safetensors file.
//!
//! `cargo run -p rewire-mask --example export --features safetensors,half > masks.safetensors`
//! makes the file that the reader in `docs/formats/masks.md` is tried on. Entry (r, c) of the
//! 10 × 20 matrix is `20r + c + 1`, which numbers of 16 bits hold exactly; it is active where `r + c`
//! is 0 or 1 modulo 4, which is 2:4 along rows.

use std::collections::BTreeMap;
use std::io::{Write, stdout};

use ndarray::Array2;
use rewire_mask::{
    BitmaskValues, BlockSparse, Compressed, Csr, Element, Mask, MaskError, MatrixShape, Packed24,
    Stored, Topology, to_safetensors,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let shape = MatrixShape::new(10, 20);
    let weights = Array2::from_shape_fn((10, 20), |(row, col)| (20 * row + col + 1) as f32);
    let mask = Mask::from_fn(shape, |row, col| (row + col) % 4 < 2);
    let mut matrices = BTreeMap::from([("mask".to_owned(), Stored::Mask(mask.clone()))]);
    for (name, form) in forms(&mask, &weights)? {
        matrices.insert(format!("{name}.f32"), Stored::F32(form));
    }
    for (name, form) in forms(&mask, &weights)? {
        matrices.insert(format!("{name}.bf16"), Stored::Bf16(form));
    }
    for (name, form) in forms(&mask, &weights)? {
        matrices.insert(format!("{name}.f16"), Stored::F16(form));
    }
    stdout().write_all(&to_safetensors(&matrices)?)?;
    Ok(())
}

/// The matrix in every form, by its kind.
fn forms<T: Element>(
    mask: &Mask,
    weights: &Array2<f32>,
) -> Result<[(&'static str, Compressed<T>); 4], MaskError> {
    let weights = weights.view();
    let block = MatrixShape::new(4, 3);
    Ok([
        (
            "packed24",
            Compressed::Packed24(Packed24::pack(mask, weights)?),
        ),
        (
            "csr",
            Compressed::Csr(Csr::pack(Topology::from_mask(mask), weights)?),
        ),
        (
            "bitmask",
            Compressed::Bitmask(BitmaskValues::pack(mask.clone(), weights)?),
        ),
        (
            "blocks",
            Compressed::Blocks(BlockSparse::pack(mask, weights, block)?),
        ),
    ])
}
