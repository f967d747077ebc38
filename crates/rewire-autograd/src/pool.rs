//! Reused memory for activations and their gradients.

use rewire_sparse::{Batch, Buffer};

/// Buffers that wait for their next use.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    free: Vec<Buffer>,
}

impl Pool {
    /// A buffer of `len` values, whatever they are: the smallest free one that is large enough.
    pub(crate) fn buffer(&mut self, len: usize) -> Buffer {
        let best = self
            .free
            .iter()
            .enumerate()
            .filter(|(_, buffer)| buffer.capacity() >= len)
            .min_by_key(|(_, buffer)| buffer.capacity())
            .map(|(index, _)| index);
        let mut buffer = match best {
            Some(index) => self.free.swap_remove(index),
            None => Buffer::default(),
        };
        buffer.resize_for_overwrite(len);
        buffer
    }

    /// A batch whose values are to be overwritten.
    pub(crate) fn batch(&mut self, samples: usize, features: usize) -> Batch {
        Batch::from_buffer(samples, features, self.buffer(samples * features))
    }

    /// Takes memory back.
    pub(crate) fn recycle(&mut self, buffer: Buffer) {
        self.free.push(buffer);
    }
}
