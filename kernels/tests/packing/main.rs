//! The kernels between dense and packed 2:4 matrices, run on a CPU and compared bit for bit with
//! `rewire-mask`: every edge of tiles, words and blocks, both types of elements, every schedule.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod expand24;
mod mask_gradient24;
mod matrix;
mod prune24;
mod rig;
mod texts;
mod transposable;

use proptest::prelude::ProptestConfig;

/// Cases per property: each of them launches a few blocks.
fn cases() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").map_or(96, |text| text.parse().unwrap());
    ProptestConfig::with_cases(cases)
}
