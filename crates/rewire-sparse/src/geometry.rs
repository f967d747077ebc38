//! How a weight matrix meets its inputs.

use rewire_mask::MatrixShape;

/// The shape of one layer's product; the weights are always seen as `out × in`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Geometry {
    /// Every output sees every input once: `Y = X·Wᵀ`.
    Linear {
        /// Features of a sample that goes in.
        inputs: usize,
        /// Features of a sample that comes out.
        outputs: usize,
    },
}

impl Geometry {
    /// The linear layer whose weights have this shape.
    pub fn linear(shape: MatrixShape) -> Self {
        Self::Linear {
            inputs: shape.cols,
            outputs: shape.rows,
        }
    }

    /// Features per sample that go in.
    pub fn inputs(self) -> usize {
        match self {
            Self::Linear { inputs, .. } => inputs,
        }
    }

    /// Features per sample that come out.
    pub fn outputs(self) -> usize {
        match self {
            Self::Linear { outputs, .. } => outputs,
        }
    }

    /// The weights seen as a matrix, `out × in`.
    pub fn weights(self) -> MatrixShape {
        match self {
            Self::Linear { inputs, outputs } => MatrixShape::new(outputs, inputs),
        }
    }
}
