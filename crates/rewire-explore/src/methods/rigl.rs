//! RigL: drop the smallest weights of each layer, grow where the dense gradient is largest.
//!
//! The gradient is that of the loss at the sparse network, taken at every inactive and just-dropped
//! position. A just-dropped weight that is picked again keeps its value. An update takes the place
//! of the optimizer step of its batch.

use crate::{Decay, DropGrow, DropRule, Fraction, Grow, Share, Window};

/// The published interval between updates, ΔT, in steps.
pub const EVERY: u64 = 100;

/// The published fraction: α = 0.3 with cosine decay.
pub const FRACTION: Fraction = Fraction {
    initial: 0.3,
    decay: Decay::Cosine,
};

/// The published end of updates, T_end: three quarters of the training, rounded down.
///
/// # Examples
/// ```
/// assert_eq!(rewire_explore::methods::rigl::end(1_002), 751);
/// ```
pub const fn end(total_steps: u64) -> u64 {
    total_steps / 4 * 3 + total_steps % 4 * 3 / 4
}

/// RigL over this window, with the gradient at every eligible position compared.
///
/// # Cost
/// An update computes the dense gradient, tile by tile: O(batch · out · in) operations.
///
/// # Source
/// Evci et al. 2020, algorithm 1.
pub fn rigl(window: Window, fraction: Fraction) -> DropGrow {
    DropGrow {
        drop: DropRule::Magnitude(fraction),
        share: Share::AsDropped,
        grow: Grow::Gradient,
        readmit: true,
        window,
    }
}

/// RigL that compares the gradient at a random sample of the eligible positions alone: `per_active`
/// of them for every active weight of a layer, as [`Grow::SampledGradient`] says.
///
/// For layers whose dense gradient nobody can compute: a layer of 500 000 × 500 000 has 2.5·10¹¹
/// positions. Where the sample holds all positions it chooses what [`rigl`] chooses. A sample is
/// counted by active weights, not by those that grow, so that its cost is known before the run,
/// however the fraction decays.
///
/// # Cost
/// An update computes `per_active` gradients for every active weight, O(batch · n_active ·
/// per_active) operations; with 1 it costs as much as the step whose place it takes.
///
/// # Source
/// Heddes et al. 2024, *Always-Sparse Training by Growing Connections with Guided Stochastic
/// Exploration*, with uniform sampling.
pub fn rigl_sampled(window: Window, fraction: Fraction, per_active: u64) -> DropGrow {
    DropGrow {
        grow: Grow::SampledGradient { per_active },
        ..rigl(window, fraction)
    }
}
