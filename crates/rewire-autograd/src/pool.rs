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

    /// Takes memory back, if there is any.
    pub(crate) fn recycle(&mut self, buffer: Buffer) {
        if buffer.capacity() > 0 {
            self.free.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rewire_sparse::Plain;
    use rewire_sparse::mask::{GrowthRequest, LayerRequest, MatrixShape, WeightView};

    use crate::{Gradients, ParameterId, ParameterViews, Tape};

    /// A 6×6 weight and a vector of six.
    struct Square([f32; 36]);

    impl ParameterViews for Square {
        fn count(&self) -> usize {
            2
        }
        fn view(&self, id: ParameterId) -> WeightView<'_> {
            let rows = if id.0 == 0 { 6 } else { 1 };
            WeightView::Dense {
                shape: MatrixShape::new(rows, 6),
                values: &self.0[..6 * rows],
            }
        }
    }

    /// One step with every op that keeps memory; returns where the free buffers lie afterwards.
    fn step(tape: &mut Tape, gradients: &mut Gradients, samples: usize) -> Vec<*const f32> {
        let (square, weight, vector) = (Square([0.5; 36]), ParameterId(0), ParameterId(1));
        let x = tape.input(&vec![0.25; samples * 6], samples, 6);
        let x = tape.linear(&square, x, weight);
        let x = tape.bias(&square, x, vector);
        let x = tape.batch_norm(&square, x, vector, vector, 0.1);
        let x = tape.relu(x);
        let x = tape.dropout(x, 0.5, &mut |sample, words| words.fill(sample as u32));
        let x = tape.relu_in_place(x);
        let x = tape.affine(&square, x, weight, vector);
        let branch = tape.layer_norm(&square, x, vector, vector, 0.1);
        let x = tape.add(x, branch);
        let x = tape.gelu(x);
        let (statistics, ones) = ([0.0; 6], [1.0; 6]);
        let x = tape.fixed_norm(&square, x, vector, vector, &statistics, &ones, 0.1);
        let (loss, _) = tape.softmax_cross_entropy(x, &vec![0; samples]);
        tape.backward(loss, &square, gradients);
        let request = LayerRequest {
            growth: GrowthRequest::TopK { k: 1 },
            readmitted: Vec::new(),
        };
        let grown = tape.growth(loss, &square, &[(weight, request)]);
        assert!(grown.is_ok());
        tape.clear();
        let buffers = tape.pool.free.iter();
        let mut places: Vec<_> = buffers.map(|buffer| buffer.host().as_ptr()).collect();
        places.sort_unstable();
        places
    }

    /// After the first step no buffer is allocated, lost or moved, and a smaller batch in between
    /// (the last one of an epoch) makes do with the same memory.
    #[test]
    fn steps_share_one_set_of_buffers() {
        let mut tape = Tape::new(Arc::new(Plain));
        let mut gradients = Gradients::new();
        let first = step(&mut tape, &mut gradients, 70);
        for samples in [70, 70, 9, 70, 64] {
            assert_eq!(step(&mut tape, &mut gradients, samples), first, "{samples}");
        }
    }
}
