//! The kernels between dense and packed 2:4 matrices, run on a CPU and compared bit for bit with
//! `rewire-mask`: every edge of tiles, words and blocks, both types of elements, every schedule.

mod expand24;
mod mask_gradient24;
mod matrix;
mod prune24;
mod rig;
mod texts;
mod transposable;

/// Cases per property: each of them launches a few blocks.
const CASES: u32 = 96;
