//! Large pages for large buffers.
//!
//! Sparse products read a few cache lines here and a few there. With pages of 4 KiB every such place
//! is another page, and finding it takes as long as fetching it; with pages of 2 MiB it does not.
//! Linux gives them to memory that asks, before it is first written to.

/// Memory for `len` elements without any.
pub(crate) fn with_capacity<T>(len: usize) -> Vec<T> {
    let memory: Vec<T> = Vec::with_capacity(len);
    ask(memory.as_ptr().cast(), len * size_of::<T>());
    memory
}

/// Asks for large pages in the stretch of `len` bytes from `start` on, which the caller has
/// allocated. It is a hint: nothing is promised and nothing depends on it.
#[cfg(all(target_os = "linux", not(miri)))]
fn ask(start: *const u8, len: usize) {
    use std::ffi::{c_int, c_void};

    /// The size of a large page where it is smallest, which is also what the hint is worth for.
    const PAGE: usize = 1 << 21;
    const MADV_HUGEPAGE: c_int = 14;

    unsafe extern "C" {
        fn madvise(start: *mut c_void, len: usize, advice: c_int) -> c_int;
    }

    let skipped = start.align_offset(PAGE);
    let pages = len.saturating_sub(skipped) / PAGE;
    if pages > 0 {
        let first = start.wrapping_add(skipped).cast_mut().cast();
        // SAFETY: the whole pages lie within the allocation, whose content the advice does not
        // change; a system that does not know it answers with an error code.
        unsafe { madvise(first, pages * PAGE, MADV_HUGEPAGE) };
    }
}

#[cfg(not(all(target_os = "linux", not(miri))))]
fn ask(_: *const u8, _: usize) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_any_size_can_be_used() {
        for len in [0, 1, 1000, 1 << 19, (1 << 20) + 7] {
            let mut memory: Vec<u32> = with_capacity(len);
            assert!(memory.capacity() >= len && memory.is_empty());
            memory.extend(0..len as u32);
            assert_eq!(memory.last().copied(), (len as u32).checked_sub(1));
        }
    }
}
