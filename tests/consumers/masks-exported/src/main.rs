//! Prunes a layer to 2:4, packs it as bfloat16 and hands it to other programs.
//!
//! The bytes are those of a safetensors file; what a GPU program reads beside the values is the
//! metadata in lane order.

use std::collections::BTreeMap;

use half::bf16;
use ndarray::Array2;
use rewire_mask::{
    Compressed, Mask, MaskError, MatrixShape, Packed24, Stored, from_safetensors, to_safetensors,
};

fn main() -> Result<(), MaskError> {
    let shape = MatrixShape::new(300, 784);
    let weights = Array2::from_shape_fn((300, 784), |(row, col)| {
        ((row * 784 + col) as f32 * 0.618_034).sin()
    });
    // The two largest magnitudes of each group of four columns; ties go to the lower column.
    let mask = Mask::from_fn(shape, |row, col| {
        let magnitude = |col: usize| weights[[row, col]].abs();
        let first = col / 4 * 4;
        let better = (first..first + 4).filter(|&other| {
            magnitude(other) > magnitude(col) || (magnitude(other) == magnitude(col) && other < col)
        });
        better.count() < 2
    });
    assert_eq!(mask.n_active(), 300 * 784 / 2);

    let packed = Packed24::<bf16>::pack(&mask, weights.view())?;
    assert_eq!(packed.mask(), mask);
    for ((row, col), &value) in packed.expand().indexed_iter() {
        let kept = if mask.get(row, col) {
            weights[[row, col]]
        } else {
            0.0
        };
        assert_eq!(value.to_bits(), bf16::from_f32(kept).to_bits());
    }
    // 5 × 4 blocks of 64 × 256.
    assert_eq!(packed.lane_metadata()?.bytes(), 5 * 4 * 2048);

    let dense = 2 * 300 * 784;
    let stored = packed.bytes();
    let matrices = BTreeMap::from([(
        "fc1.weight".to_owned(),
        Stored::Bf16(Compressed::Packed24(packed)),
    )]);
    let file = to_safetensors(&matrices)?;
    assert_eq!(from_safetensors(&file)?, matrices);
    println!(
        "2:4 takes {stored} bytes of {dense}, {} as a file",
        file.len()
    );
    Ok(())
}
