//! What every op is checked against: its equations over row-major arrays, in f64.
//!
//! Three things have to agree. Central differences of the oracle's loss show that its gradient is
//! right; the oracle's values with their running error bounds show that the f32 op on the tape is.

mod check;
mod equations;
mod losses;
mod norms;
mod number;
mod stored;

pub(crate) use check::{SHAPES, check, differences_agree, gradients};
pub(crate) use equations::{Bias, Dropout, Equations, Gelu, Identity, Linear, Relu};
pub(crate) use losses::{CrossEntropy, Loss, SquaredError};
pub(crate) use norms::{BatchNorm, FixedNorm, LayerNorm, moments};
pub(crate) use number::{Number, Rounded};
pub(crate) use stored::{Store, Stored, numbers, words};
