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

/// RigL over this window.
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
