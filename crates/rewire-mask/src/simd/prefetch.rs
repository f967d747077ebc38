//! Asking the memory for what a kernel reads a little later.
//!
//! The work of a kernel per cache line is long enough to keep the processor from looking ahead to
//! the next misses by itself, and its own prefetchers stop at every page.

use std::arch::x86_64::*;

/// How far ahead of the values in work a stretch is fetched, in bytes.
const AHEAD: usize = 1024;

/// Asks for the line [`AHEAD`] of these values. It may lie beyond the stretch they are part of,
/// where the request has no effect.
#[inline(always)]
#[allow(unused_unsafe, reason = "older compilers count a prefetch as unsafe")]
pub(super) fn fetch_ahead<const N: usize>(values: &[f32; N]) {
    let later = values.as_ptr().cast::<i8>().wrapping_add(AHEAD);
    // SAFETY: a prefetch is a hint; it never faults, whatever the address.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(later) }
}
