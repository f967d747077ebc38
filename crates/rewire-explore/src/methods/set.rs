//! Sparse evolutionary training: drop the smallest weights of each layer, grow as many at random.
//!
//! Just-dropped positions are eligible for growth, as in the original code, where a position is
//! inactive once it is dropped: a re-drawn weight keeps its value. The expected coverage of random
//! growth that in-time over-parameterization quotes (Liu et al. 2021) assumes the same.

use crate::{Decay, DropGrow, DropRule, Fraction, Grow, Share, Window};

/// The published fraction: ζ = 0.3 at every update, once an epoch.
pub const FRACTION: Fraction = Fraction {
    initial: 0.3,
    decay: Decay::Constant,
};

/// SET by magnitude: the smallest |w| of a layer go, whatever their signs.
///
/// # Source
/// Mocanu et al. 2018, with the drop rule of its later ports.
pub fn set(window: Window, fraction: Fraction) -> DropGrow {
    DropGrow {
        drop: DropRule::Magnitude(fraction),
        share: Share::AsDropped,
        grow: Grow::Random,
        readmit: true,
        window,
    }
}

/// SET as published: of each sign by itself, the weights closest to zero go.
///
/// # Source
/// Mocanu et al. 2018, algorithm 1.
pub fn set_two_sided(window: Window, fraction: Fraction) -> DropGrow {
    DropGrow {
        drop: DropRule::TwoSided(fraction),
        ..set(window, fraction)
    }
}
