//! The launch of a sparse product: its text, its grid, its buffers.

use rewire_kernels::{Activation, DenseSize, Element, PackedSize, SizeError, Spmm24};

fn main() -> Result<(), SizeError> {
    let product = Spmm24 {
        element: Element::Bf16,
        weights: PackedSize::new(4096, 4096)?,
        x: DenseSize::new(512, 4096)?,
        y: DenseSize::new(512, 4096)?,
        has_bias: false,
        activation: Activation::Identity,
    };
    let call = product.call()?;
    assert!(call.blocks() > 0 && call.threads() > 0);
    assert_eq!(call.flops(), 2 * 512 * 4096 * 4096);
    let bytes: Vec<u64> = call.needs().map(|need| need.bytes).collect();
    assert_eq!(bytes[0], 4096 * 4096); // half of the values, two bytes each
    assert_eq!(bytes[1], 4096 * 4096 / 8); // four bits for each group of four

    let narrow = DenseSize::new(512, 4000)?;
    let refused = Spmm24 {
        x: narrow,
        ..product
    }
    .call();
    assert!(matches!(refused, Err(SizeError::Mismatch { .. })));
    println!(
        "{} blocks of {} threads for {}",
        call.blocks(),
        call.threads(),
        call.program().file()
    );
    Ok(())
}
