//! Dynamic sparse reparameterization: one threshold for all layers, growth across layers.
//!
//! Every active weight below the threshold goes; all places are refilled at random, a layer getting
//! its part in proportion to the weights it has kept. So layers whose weights stay large gain from
//! layers whose weights shrink, and no density per layer has to be chosen.
//!
//! What the paper leaves to "extra guards" is decided here: rounding goes to the largest remainder;
//! what does not fit into a layer is divided among the others in the same proportion, in a bounded
//! number of passes; just-dropped positions are excluded unless no other place is left; the
//! heaviest weight of a layer stays; what finds no place at all is grown in the next round.

use crate::{DropGrow, DropRule, ExploreError, Grow, Phase, Share, Threshold, Window};

/// Drops per round, N_p, for small multilayer perceptrons.
pub const TARGET: u64 = 600;

/// DSR over this window.
///
/// # Source
/// Mostafa & Wang 2019, algorithm 1.
pub fn dsr(window: Window, threshold: Threshold) -> DropGrow {
    DropGrow {
        drop: DropRule::BelowThreshold(threshold),
        share: Share::Survivors,
        grow: Grow::Random,
        readmit: false,
        window,
    }
}

/// The published schedule of WRN-28-2 on CIFAR-10, 200 epochs: every 100 steps from epoch 0, 200
/// from 25, 400 from 80, 800 from 140, none from epoch 190 on.
///
/// # Errors
/// [`ExploreError::Recipe`] if an epoch has no steps.
///
/// # Source
/// The authors' code for Mostafa & Wang 2019.
pub fn published_window(steps_per_epoch: u64) -> Result<Window, ExploreError> {
    let phases = [(0, 100), (25, 200), (80, 400), (140, 800)];
    let phases = phases.map(|(epoch, every)| Phase {
        from: epoch * steps_per_epoch,
        every,
    });
    Window::phased(phases.to_vec(), 190 * steps_per_epoch)
}
