//! Seeded batches whose whole position is two numbers.
//!
//! The order of epoch `e` is the permutation drawn from the stream (seed, shuffle, e), and batch
//! `b` is its slice `b·size .. (b+1)·size`. Neither depends on what was drawn before, so a run
//! resumes from (e, b) with nothing else stored.

use rewire_rng::{Purpose, Streams, permute};

use crate::error::DataError;

/// Where a run is: the batch that comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The epoch, from 0.
    pub epoch: u64,
    /// The batch within the epoch, from 0.
    pub batch: u64,
}

/// The samples of one batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchIndices<'a> {
    /// The epoch, from 0.
    pub epoch: u64,
    /// Which batch of the epoch this is, from 0.
    pub position: u64,
    /// Indices of training samples, in the order of the epoch.
    pub indices: &'a [u32],
    /// Whether the epoch ends with this batch.
    pub last: bool,
}

/// An endless sequence of batches, epoch after epoch, every sample once per epoch.
///
/// The last batch of an epoch holds what is left and may be smaller; nothing is dropped. A batch
/// size above the number of samples gives one batch per epoch.
#[derive(Clone, Debug)]
pub struct Batches {
    samples: usize,
    batch: usize,
    streams: Streams,
    position: Position,
    /// The order of epoch `ordered`.
    order: Vec<u32>,
    ordered: u64,
}

impl Batches {
    /// Batches of `batch` out of `samples` samples, at the beginning of epoch 0.
    ///
    /// # Cost
    /// One permutation here and at the start of every further epoch, in the same memory: 4 bytes per
    /// sample. Batches themselves are slices.
    ///
    /// # Errors
    /// [`DataError::Batch`] if either is 0 or there are more than 2³² − 1 samples.
    pub fn new(samples: usize, batch: usize, streams: Streams) -> Result<Self, DataError> {
        if samples == 0 || batch == 0 || u32::try_from(samples).is_err() {
            return Err(DataError::Batch { samples, batch });
        }
        let mut batches = Self {
            samples,
            batch,
            streams,
            position: Position::default(),
            order: Vec::new(),
            ordered: 0,
        };
        batches.order_epoch(0);
        Ok(batches)
    }

    /// The next batch.
    ///
    /// Not an [`Iterator`]: the indices are borrowed until the next call.
    #[expect(clippy::should_implement_trait, reason = "the batch borrows from self")]
    pub fn next(&mut self) -> BatchIndices<'_> {
        let Position { epoch, batch } = self.position;
        if self.ordered != epoch {
            self.order_epoch(epoch);
        }
        let last = batch + 1 == self.batches_per_epoch();
        self.position = if last {
            Position {
                epoch: epoch + 1,
                batch: 0,
            }
        } else {
            Position {
                epoch,
                batch: batch + 1,
            }
        };
        // A batch of the epoch starts below `samples`, so neither bound overflows.
        let start = batch as usize * self.batch;
        let end = start.saturating_add(self.batch).min(self.samples);
        BatchIndices {
            epoch,
            position: batch,
            indices: &self.order[start..end],
            last,
        }
    }

    /// The position of the batch that [`Batches::next`] gives next: all the state there is beside
    /// the seed. After the last batch of an epoch this is the first of the next.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Goes to a position, forwards or backwards.
    ///
    /// # Errors
    /// [`DataError::Position`] if the epoch has no such batch; the position then stays as it was.
    pub fn seek(&mut self, position: Position) -> Result<(), DataError> {
        let batches = self.batches_per_epoch();
        if position.batch >= batches {
            return Err(DataError::Position {
                epoch: position.epoch,
                batch: position.batch,
                batches,
            });
        }
        self.position = position;
        Ok(())
    }

    /// Number of batches of an epoch, the last one included however small.
    pub fn batches_per_epoch(&self) -> u64 {
        self.samples.div_ceil(self.batch) as u64
    }

    /// Draws the order of an epoch into the memory of the one before.
    fn order_epoch(&mut self, epoch: u64) {
        let mut stream = self.streams.stream(Purpose::Shuffle, "train", epoch);
        permute(self.samples, &mut stream, &mut self.order);
        self.ordered = epoch;
    }
}
