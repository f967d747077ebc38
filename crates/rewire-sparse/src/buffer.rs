//! Memory for f32 values, aligned to a cache line.
//!
//! Activations, gradients, parameters and optimizer state all live in a [`Buffer`]. Only the
//! products, the tape's ops and the optimizer kernels open one; everything else passes it on. It
//! is host memory; where it lives is private, so another place would be a change of this file.

use bytemuck::{Pod, Zeroable};

use crate::pool::pages;

const LINE: usize = 16;

/// One cache line of f32 values: the unit that gives a buffer its alignment without unsafe code.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([f32; LINE]);

/// An owned run of f32 values whose first one lies on a 64-byte boundary.
///
/// # Examples
/// ```
/// use rewire_sparse::Buffer;
///
/// let mut buffer = Buffer::zeros(5);
/// buffer.host_mut()[4] = 2.0;
/// assert_eq!(buffer.host(), [0.0, 0.0, 0.0, 0.0, 2.0]);
/// assert_eq!(buffer.host().as_ptr() as usize % 64, 0);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Buffer {
    lines: Vec<Line>,
    len: usize,
}

impl Buffer {
    /// `len` zeros.
    pub fn zeros(len: usize) -> Self {
        let mut buffer = Self::default();
        buffer.reset(len);
        buffer
    }

    /// A copy of `values`.
    pub fn from_slice(values: &[f32]) -> Self {
        let mut buffer = Self::zeros(values.len());
        buffer.host_mut().copy_from_slice(values);
        buffer
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Number of values that fit without a new allocation.
    pub fn capacity(&self) -> usize {
        self.lines.capacity() * LINE
    }

    /// Changes the length to `len` and sets every value to 0; allocates only beyond the capacity.
    pub fn reset(&mut self, len: usize) {
        self.lines.clear();
        self.resize_for_overwrite(len);
    }

    /// Changes the length to `len` without promising any values: what is there is left over from
    /// earlier use. For outputs that are written whole.
    pub fn resize_for_overwrite(&mut self, len: usize) {
        let lines = len.div_ceil(LINE);
        if lines > self.lines.capacity() {
            self.lines = pages::with_capacity(lines);
        }
        self.lines.resize(lines, Line::zeroed());
        self.len = len;
    }

    /// The values, in host memory.
    pub fn host(&self) -> &[f32] {
        &bytemuck::cast_slice(&self.lines)[..self.len]
    }

    /// The values, in host memory, for writing.
    pub fn host_mut(&mut self) -> &mut [f32] {
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..self.len]
    }
}

impl From<Vec<f32>> for Buffer {
    fn from(values: Vec<f32>) -> Self {
        Self::from_slice(&values)
    }
}

impl PartialEq for Buffer {
    fn eq(&self, other: &Self) -> bool {
        self.host() == other.host()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reset_clears_what_was_there_and_keeps_the_memory() {
        let mut buffer = Buffer::from_slice(&[1.0; 40]);
        let capacity = buffer.capacity();
        buffer.reset(17);
        assert_eq!(buffer.host(), [0.0; 17]);
        buffer.reset(40);
        assert_eq!(buffer.host(), [0.0; 40]);
        assert_eq!(buffer.capacity(), capacity);
    }

    #[test]
    fn every_length_starts_on_a_cache_line() {
        for len in [0, 1, 15, 16, 17, 1000] {
            let buffer = Buffer::zeros(len);
            assert_eq!(buffer.len(), len);
            assert_eq!(buffer.host().as_ptr() as usize % 64, 0);
        }
    }
}
