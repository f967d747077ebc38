//! The tape and its memory; `record.rs` adds ops to it, `backward.rs` walks them back.

use std::fmt;
use std::sync::Arc;

use rewire_sparse::{Batch, Products};

use crate::gradients::ParameterId;
use crate::op::Op;
use crate::pool::Pool;

/// A value on a tape: the output of one recorded op.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Var(pub(crate) usize);

/// Per-feature statistics of the batch that a batch normalisation saw.
#[derive(Clone, Copy, Debug)]
pub struct NormStatistics<'a> {
    /// Mean of each feature.
    pub mean: &'a [f32],
    /// Biased variance of each feature: divided by the number of samples.
    pub variance: &'a [f32],
    /// Number of samples.
    pub samples: usize,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) op: Op,
    pub(crate) value: Batch,
    /// Whether the gradient of this value is needed further back.
    pub(crate) flows: bool,
}

/// Records the ops of one step and differentiates them.
///
/// Values are batches; parameters are read from a [`crate::ParameterViews`] at the forward and again at
/// the backward pass, and must not change in between. Memory is kept from step to step.
///
/// # Determinism
/// The same ops on the same values give the same bits at any number of threads.
pub struct Tape {
    pub(crate) products: Arc<dyn Products>,
    pub(crate) nodes: Vec<Node>,
    /// The gradient of each node's value, where one is waiting.
    pub(crate) gradients: Vec<Option<Batch>>,
    pub(crate) pool: Pool,
    pub(crate) words: Vec<u32>,
    pub(crate) labels: Vec<Vec<u32>>,
    pub(crate) executed: u64,
}

impl fmt::Debug for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tape")
            .field("nodes", &self.nodes)
            .field("executed", &self.executed)
            .finish_non_exhaustive()
    }
}

impl Tape {
    /// An empty tape that multiplies with `products`.
    pub fn new(products: Arc<dyn Products>) -> Self {
        Self {
            products,
            nodes: Vec::new(),
            gradients: Vec::new(),
            pool: Pool::default(),
            words: Vec::new(),
            labels: Vec::new(),
            executed: 0,
        }
    }

    /// Forgets all ops and keeps their memory for the next step.
    pub fn clear(&mut self) {
        let pool = &mut self.pool;
        for node in self.nodes.drain(..) {
            pool.recycle(node.value.into_buffer());
            match node.op {
                Op::Input
                | Op::Linear { .. }
                | Op::Bias { .. }
                | Op::Add { .. }
                | Op::Relu { .. }
                | Op::Gelu { .. } => {}
                Op::BatchNorm {
                    normalized,
                    statistics,
                    ..
                } => {
                    pool.recycle(normalized.into_buffer());
                    pool.recycle(statistics.mean);
                    pool.recycle(statistics.variance);
                    pool.recycle(statistics.inverse_deviation);
                }
                Op::FixedNorm {
                    normalized,
                    inverse_deviation,
                    ..
                }
                | Op::LayerNorm {
                    normalized,
                    inverse_deviation,
                    ..
                } => {
                    pool.recycle(normalized.into_buffer());
                    pool.recycle(inverse_deviation);
                }
                Op::Dropout { factors, .. } => pool.recycle(factors.into_buffer()),
                Op::SoftmaxCrossEntropy {
                    probabilities,
                    labels,
                    ..
                } => {
                    pool.recycle(probabilities.into_buffer());
                    self.labels.push(labels);
                }
                Op::MeanSquaredError { target, .. } => pool.recycle(target.into_buffer()),
            }
        }
        for gradient in self.gradients.drain(..).flatten() {
            pool.recycle(gradient.into_buffer());
        }
    }

    /// Forgets all ops and gives their memory back to the system: the next step allocates it again.
    pub fn release(&mut self) {
        self.clear();
        self.pool = Pool::default();
    }

    /// Floating-point operations the products executed since [`Tape::take_executed`] was last
    /// called; a multiply-add counts as 2. Element-wise ops are not counted, as in the papers.
    pub fn take_executed(&mut self) -> u64 {
        std::mem::take(&mut self.executed)
    }

    /// The value of `var`.
    pub fn value(&self, var: Var) -> &Batch {
        &self.nodes[var.0].value
    }

    /// The weights after whose product the first NaN or ±∞ appears, if a recorded value holds one;
    /// none if it appears before the first product.
    pub fn first_non_finite(&self) -> Option<ParameterId> {
        let mut last = None;
        for node in &self.nodes {
            if let Op::Linear { weight, .. } = node.op {
                last = Some(weight);
            }
            if node.value.values().iter().any(|value| !value.is_finite()) {
                return last;
            }
        }
        None
    }

    /// The batch statistics of a node that [`Tape::batch_norm`] recorded.
    ///
    /// # Panics
    /// If `var` is another op's output.
    pub fn statistics(&self, var: Var) -> NormStatistics<'_> {
        let node = &self.nodes[var.0];
        match &node.op {
            Op::BatchNorm { statistics, .. } => NormStatistics {
                mean: statistics.mean.host(),
                variance: statistics.variance.host(),
                samples: node.value.samples(),
            },
            _ => panic!("value {} is not the output of a batch normalisation", var.0),
        }
    }

    pub(crate) fn push(&mut self, op: Op, value: Batch, flows: bool) -> Var {
        self.nodes.push(Node { op, value, flows });
        Var(self.nodes.len() - 1)
    }

    pub(crate) fn like(&mut self, var: Var) -> Batch {
        let value = &self.nodes[var.0].value;
        self.pool.batch(value.samples(), value.features())
    }

    pub(crate) fn copy_of(&mut self, var: Var) -> Batch {
        let mut copy = self.like(var);
        copy.values_mut()
            .copy_from_slice(self.nodes[var.0].value.values());
        copy
    }

    /// The value of `var`, which holds no samples afterwards.
    pub(crate) fn take(&mut self, var: Var) -> Batch {
        std::mem::replace(&mut self.nodes[var.0].value, Batch::zeros(0, 0))
    }

    pub(crate) fn scalar(&mut self, value: f64) -> Batch {
        let mut batch = self.pool.batch(1, 1);
        batch.values_mut()[0] = value as f32;
        batch
    }
}
