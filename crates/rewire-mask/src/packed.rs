//! Compressed forms: the active weights of a matrix without the others.
//!
//! Each form holds a set of positions and one value per position, and all obey one law:
//! `pack(mask, weights).expand()` is `weights` where the mask is active and +0 elsewhere, bit for
//! bit (for 16-bit values: of the weights rounded to them). Whether an entry survives is decided by the
//! mask and never by its value, so an active −0, NaN or 0 is stored like any other weight.
//!
//! | form | positions | bytes for n active of r × c, values of s bytes |
//! |---|---|---|
//! | [`Packed24`] | two of every four columns | (8s + 2) · r · ⌈c / 16⌉ |
//! | [`Csr`] | any | (4 + s) · n + 8 · (r + 1) |
//! | [`BitmaskValues`] | any | s · n + 8 · ⌈r · c / 64⌉ |
//! | [`BlockSparse`] | whole blocks of h × w, b of them | (4 + s · h · w) · b + 8 · (⌈r / h⌉ + 1) |
//!
//! No form multiplies and none is changed in place: weights that moved are packed again.

mod bitmask;
mod block;
mod csr;
mod element;
mod fault;
#[cfg(feature = "safetensors")]
mod file;
mod lanes;
mod pair;
mod two_four;

pub use bitmask::BitmaskValues;
pub use block::BlockSparse;
pub use csr::Csr;
pub use element::Element;
pub use fault::FormFault;
#[cfg(feature = "safetensors")]
pub use file::{Compressed, Stored, from_safetensors, to_safetensors};
pub use lanes::LaneMetadata;
pub use two_four::Packed24;

use ndarray::ArrayView2;

use crate::MatrixShape;

/// Checks that the weights to be packed have the shape of the positions.
fn check_weights(weights: ArrayView2<'_, f32>, shape: MatrixShape) -> Result<(), FormFault> {
    let (rows, cols) = weights.dim();
    let weights = MatrixShape::new(rows, cols);
    if weights == shape {
        Ok(())
    } else {
        Err(FormFault::WeightsShape { weights, shape })
    }
}

/// Checks the number of stored values.
fn check_values(found: usize, expected: usize, shape: MatrixShape) -> Result<(), FormFault> {
    if found == expected {
        Ok(())
    } else {
        Err(FormFault::ValueCount {
            found,
            expected,
            shape,
        })
    }
}
