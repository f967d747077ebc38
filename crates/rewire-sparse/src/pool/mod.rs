//! Chunks of a layer's features as tasks for threads.
//!
//! A batch holds panel after panel, a chunk of features is a stretch of each. Tasks that own
//! different chunks write to different places of the same panels, which slices cannot say, so this
//! file says it by pointers and hands out slices.

#![allow(
    unsafe_code,
    reason = "chunks of features are disjoint stretches of the same panels"
)]

pub(crate) mod pages;

use std::marker::PhantomData;

use rayon::prelude::*;

use crate::{Batch, PANEL};

/// The features of one chunk, in every panel of a batch.
pub(crate) struct ChunkRows<'a> {
    values: *mut f32,
    samples: usize,
    features: usize,
    first: usize,
    count: usize,
    batch: PhantomData<&'a mut [f32]>,
}

impl ChunkRows<'_> {
    /// Number of features.
    pub(crate) const fn count(&self) -> usize {
        self.count
    }

    /// The chunk's features of one panel.
    ///
    /// # Panics
    /// If there is no such panel.
    pub(crate) fn panel(&mut self, index: usize) -> &mut [f32] {
        let start = index * PANEL;
        assert!(
            start < self.samples,
            "panel {index} of {} samples",
            self.samples
        );
        let width = PANEL.min(self.samples - start);
        let offset = start * self.features + self.first * width;
        // SAFETY: a panel of `width` samples begins at start · features and holds `width` values
        // of each feature; `first + count` features exist. No other chunk covers these features,
        // and the exclusive borrow keeps this chunk from handing out a second slice.
        unsafe { std::slice::from_raw_parts_mut(self.values.add(offset), self.count * width) }
    }
}

/// Where a batch's values lie; chunks are cut from it by whichever thread takes them.
#[derive(Clone, Copy)]
struct Origin(*mut f32);

// SAFETY: the pointer is only used for disjoint chunks while the batch is borrowed exclusively.
unsafe impl Send for Origin {}
// SAFETY: as above.
unsafe impl Sync for Origin {}

impl Origin {
    fn get(self) -> *mut f32 {
        self.0
    }
}

/// Calls `work(chunk, rows)` for every `size` features of a batch, on the threads of the current
/// rayon pool if `parallel`. Which thread takes which chunk changes nothing about the chunks.
pub(crate) fn for_each_chunk(
    batch: &mut Batch,
    size: usize,
    parallel: bool,
    work: impl Fn(usize, ChunkRows<'_>) + Sync,
) {
    let (samples, features) = (batch.samples(), batch.features());
    let origin = Origin(batch.values_mut().as_mut_ptr());
    let chunks = features.div_ceil(size);
    let run = |chunk: usize| {
        let first = chunk * size;
        let rows = ChunkRows {
            values: origin.get(),
            samples,
            features,
            first,
            count: size.min(features - first),
            batch: PhantomData,
        };
        work(chunk, rows);
    };
    if parallel && chunks > 1 {
        (0..chunks).into_par_iter().with_max_len(1).for_each(run);
    } else {
        (0..chunks).for_each(run);
    }
}
