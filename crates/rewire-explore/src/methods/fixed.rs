//! Static sparse training: the positions chosen at the start never change.

use crate::{Decay, DropGrow, DropRule, Fraction, Grow, Share, Window};

/// The method that never rewires: no step is due.
pub fn fixed() -> DropGrow {
    let nothing = Fraction {
        initial: 0.0,
        decay: Decay::Constant,
    };
    DropGrow {
        drop: DropRule::Magnitude(nothing),
        share: Share::AsDropped,
        grow: Grow::Random,
        readmit: true,
        window: Window::never(),
    }
}
