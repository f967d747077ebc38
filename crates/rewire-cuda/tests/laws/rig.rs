//! The devices, and numbers to try them on.

use std::sync::OnceLock;

use ndarray::Array2;
use rewire_cuda::mask::{Edges, Lines, Mask, MatrixShape, Nm, Pattern};
use rewire_cuda::{Element, Gpu};

/// One stream of the first GPU, for all tests together; nothing and a line that says so where there is
/// none.
pub(crate) fn gpu() -> Option<&'static Gpu> {
    static GPU: OnceLock<Option<Gpu>> = OnceLock::new();
    GPU.get_or_init(|| {
        Gpu::open()
            .inspect_err(|error| println!("skipped on the GPU: {error}"))
            .ok()
    })
    .as_ref()
}

/// Makes two tests of each function that takes a device: one on the emulator, one on the GPU.
macro_rules! laws {
    ($($law:ident),+ $(,)?) => {
        mod on_the_emulator {
            $(
                #[test]
                fn $law() {
                    super::$law(&rewire_cuda::Emulator::default());
                }
            )+
        }
        mod on_the_gpu {
            $(
                #[test]
                fn $law() {
                    if let Some(gpu) = crate::rig::gpu() {
                        super::$law(gpu);
                    }
                }
            )+
        }
    };
}
pub(crate) use laws;

/// A random 64-bit number, a function of its arguments (splitmix64).
pub(crate) fn random(seed: u64, index: u64) -> u64 {
    let mut mixed = (seed << 40 ^ index).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ mixed >> 31
}

/// Whole numbers from −`most` to `most`: sums of their products have the same bits in any order.
pub(crate) fn whole(rows: usize, cols: usize, most: i64, seed: u64) -> Array2<f32> {
    Array2::from_shape_fn((rows, cols), |(row, col)| {
        let drawn = random(seed, (row * 100_003 + col) as u64);
        (drawn % (2 * most as u64 + 1)) as f32 - most as f32
    })
}

/// Uniform numbers in [−1, 1) that `E` holds.
pub(crate) fn real<E: Element>(rows: usize, cols: usize, seed: u64) -> Array2<f32> {
    Array2::from_shape_fn((rows, cols), |(row, col)| {
        let drawn = random(seed, (row * 100_003 + col) as u64);
        let uniform = (drawn >> 40) as f32 * 2.0f32.powi(-23) - 1.0;
        E::from_f32(uniform).to_f32()
    })
}

/// Each number rounded to `E`.
pub(crate) fn rounded<E: Element>(numbers: &Array2<f32>) -> Array2<f32> {
    numbers.mapv(|number| E::from_f32(number).to_f32())
}

/// The largest relative error of rounding to `E`: 2⁻ᵖ for p bits of precision.
pub(crate) fn unit<E: Element>() -> f64 {
    match E::KIND {
        rewire_cuda::kernels::Element::Bf16 => 2.0f64.powi(-8),
        rewire_cuda::kernels::Element::F16 => 2.0f64.powi(-11),
    }
}

const TWO_OF_FOUR: Nm = Nm { keep: 2, of: 4 };

/// The two of every four columns with the largest magnitudes.
pub(crate) fn along_rows(weights: &Array2<f32>) -> Mask {
    let pattern = Pattern::Nm {
        nm: TWO_OF_FOUR,
        along: Lines::Inputs,
        edges: Edges::Pad,
    };
    pattern.project_magnitude(weights.view()).unwrap()
}

/// The best transposable mask of the magnitudes, filled up to whole tiles with zeros that are not kept.
pub(crate) fn transposable(weights: &Array2<f32>) -> Mask {
    let pattern = Pattern::TransposableNm {
        nm: TWO_OF_FOUR,
        edges: Edges::Reject,
    };
    let (rows, cols) = weights.dim();
    let whole = (rows.next_multiple_of(4), cols.next_multiple_of(4));
    let filled = Array2::from_shape_fn(whole, |place| weights.get(place).copied().unwrap_or(0.0));
    let mask = pattern.project_magnitude(filled.view()).unwrap();
    Mask::from_fn(MatrixShape::new(rows, cols), |row, col| mask.get(row, col))
}
