//! A linear layer with 2:4 weights: on the GPU if there is one, else on the emulator.

use half::bf16;
use ndarray::Array2;
use rewire_cuda::{Device, DeviceError, Emulator, Gpu, Linear, Matrix};

/// Rows of the identity through a pruned layer: the weights that are kept.
fn kept<D: Device>(device: &D) -> Result<Array2<f32>, DeviceError> {
    let number = |(row, col)| ((row * 5 + col * 7) % 13) as f32 - 6.0;
    let weights = Array2::from_shape_fn((10, 12), number);
    let weights = Matrix::<bf16, D>::from_f32(device, weights.view())?;
    let (layer, status) = Linear::prune(weights.view(), None)?;
    status.finite()?;
    let x = Matrix::from_f32(device, Array2::eye(12).view())?;
    layer.forward(x.view())?.to_f32()
}

fn main() {
    let emulated = kept(&Emulator::default()).expect("the emulator runs every kernel");
    for group in emulated.columns() {
        let found = group.iter().filter(|&&weight| weight != 0.0).count();
        assert!(found <= 6, "{found} of 12 columns are kept");
    }
    match Gpu::open() {
        Ok(gpu) => {
            assert_eq!(kept(&gpu).expect("the GPU runs every kernel"), emulated);
            println!("{} and the emulator agree", gpu.facts().name);
        }
        Err(reason) => println!("on the emulator alone: {reason}"),
    }
}
