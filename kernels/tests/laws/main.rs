//! What the kernels promise, tried on the emulator.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod copy;
mod gemm;
mod packing;
mod planted;
mod probes;
mod random;
mod rig;
mod spmm24;
mod texts;

/// Cases per property; `PROPTEST_CASES` asks for another number.
fn cases(usual: u32) -> proptest::prelude::ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").map(|text| text.parse().unwrap());
    proptest::prelude::ProptestConfig::with_cases(asked.unwrap_or(usual))
}
