//! Each op by its definition: row-major arrays, one loop per index, forward and backward.

use ndarray::{Array2, ArrayView1, Axis};
use rewire_autograd::{ParameterId, ParameterViews, Tape, Var};

use super::number::Number;

/// An op of one input and any number of parameters.
///
/// Operand 0 is the input, `samples × features`; the others are parameters, vectors as one row.
pub(crate) trait Equations {
    /// The output, `samples × features`.
    fn forward<N: Number>(&self, operands: &[Array2<N>]) -> Array2<N>;

    /// The derivative of a loss by every operand, given that by the output.
    fn backward<N: Number>(&self, operands: &[Array2<N>], dy: &Array2<N>) -> Vec<Array2<N>>;

    /// The same op on a tape; `ids` are its parameters.
    fn record(
        &self,
        tape: &mut Tape,
        parameters: &dyn ParameterViews,
        x: Var,
        ids: &[ParameterId],
    ) -> Var;
}

/// `y = x`, where a loss alone is looked at.
pub(crate) struct Identity;

impl Equations for Identity {
    fn forward<N: Number>(&self, operands: &[Array2<N>]) -> Array2<N> {
        operands[0].clone()
    }
    fn backward<N: Number>(&self, _: &[Array2<N>], dy: &Array2<N>) -> Vec<Array2<N>> {
        vec![dy.clone()]
    }
    fn record(&self, _: &mut Tape, _: &dyn ParameterViews, x: Var, _: &[ParameterId]) -> Var {
        x
    }
}

/// `y = x·Wᵀ`; inactive weights are zeros, and their gradient is that of the zero.
pub(crate) struct Linear;

impl Equations for Linear {
    fn forward<N: Number>(&self, operands: &[Array2<N>]) -> Array2<N> {
        let (x, w) = (&operands[0], &operands[1]);
        Array2::from_shape_fn((x.nrows(), w.nrows()), |(s, o)| {
            N::sum((0..w.ncols()).map(|i| x[[s, i]] * w[[o, i]]))
        })
    }
    fn backward<N: Number>(&self, operands: &[Array2<N>], dy: &Array2<N>) -> Vec<Array2<N>> {
        let (x, w) = (&operands[0], &operands[1]);
        let dx = Array2::from_shape_fn(x.dim(), |(s, i)| {
            N::sum((0..w.nrows()).map(|o| dy[[s, o]] * w[[o, i]]))
        });
        let dw = Array2::from_shape_fn(w.dim(), |(o, i)| {
            N::sum((0..x.nrows()).map(|s| dy[[s, o]] * x[[s, i]]))
        });
        vec![dx, dw]
    }
    fn record(
        &self,
        tape: &mut Tape,
        parameters: &dyn ParameterViews,
        x: Var,
        ids: &[ParameterId],
    ) -> Var {
        tape.linear(parameters, x, ids[0])
    }
}

/// `y = x + b`.
pub(crate) struct Bias;

impl Equations for Bias {
    fn forward<N: Number>(&self, operands: &[Array2<N>]) -> Array2<N> {
        let (x, b) = (&operands[0], &operands[1]);
        Array2::from_shape_fn(x.dim(), |(s, f)| x[[s, f]] + b[[0, f]])
    }
    fn backward<N: Number>(&self, _: &[Array2<N>], dy: &Array2<N>) -> Vec<Array2<N>> {
        vec![dy.clone(), sum_over_samples(dy)]
    }
    fn record(
        &self,
        tape: &mut Tape,
        parameters: &dyn ParameterViews,
        x: Var,
        ids: &[ParameterId],
    ) -> Var {
        tape.bias(parameters, x, ids[0])
    }
}

/// `y = max(x, 0)`.
pub(crate) struct Relu;

impl Equations for Relu {
    fn forward<N: Number>(&self, operands: &[Array2<N>]) -> Array2<N> {
        operands[0].mapv(|x| if x.value() > 0.0 { x } else { N::of(0.0) })
    }
    fn backward<N: Number>(&self, operands: &[Array2<N>], dy: &Array2<N>) -> Vec<Array2<N>> {
        let x = &operands[0];
        vec![Array2::from_shape_fn(x.dim(), |at| {
            if x[at].value() > 0.0 {
                dy[at]
            } else {
                N::of(0.0)
            }
        })]
    }
    fn record(&self, tape: &mut Tape, _: &dyn ParameterViews, x: Var, _: &[ParameterId]) -> Var {
        tape.relu(x)
    }
}

/// `y = x·Φ(x)`.
pub(crate) struct Gelu;

impl Gelu {
    fn cumulative<N: Number>(x: N) -> N {
        N::of(0.5) * (-x * N::of(std::f64::consts::FRAC_1_SQRT_2)).erfc()
    }
    fn density<N: Number>(x: N) -> N {
        let scale = 1.0 / (2.0 * std::f64::consts::PI).sqrt();
        N::of(scale) * (N::of(-0.5) * x * x).exp()
    }
}

impl Equations for Gelu {
    fn forward<N: Number>(&self, operands: &[Array2<N>]) -> Array2<N> {
        operands[0].mapv(|x| x * Self::cumulative(x))
    }
    fn backward<N: Number>(&self, operands: &[Array2<N>], dy: &Array2<N>) -> Vec<Array2<N>> {
        let x = &operands[0];
        vec![Array2::from_shape_fn(x.dim(), |at| {
            dy[at] * (Self::cumulative(x[at]) + x[at] * Self::density(x[at]))
        })]
    }
    fn record(&self, tape: &mut Tape, _: &dyn ParameterViews, x: Var, _: &[ParameterId]) -> Var {
        tape.gelu(x)
    }
}

/// `y = x ⊙ factors`, the factors drawn as the tape asks for them.
pub(crate) struct Dropout {
    pub(crate) probability: f64,
    /// One word per sample and feature.
    pub(crate) words: Array2<u32>,
}

impl Dropout {
    pub(crate) fn factor<N: Number>(&self, at: (usize, usize)) -> N {
        let silenced = f64::from(self.words[at]) < self.probability * 4_294_967_296.0;
        N::of(if silenced {
            0.0
        } else {
            1.0 / (1.0 - self.probability)
        })
    }
}

impl Equations for Dropout {
    fn forward<N: Number>(&self, operands: &[Array2<N>]) -> Array2<N> {
        let x = &operands[0];
        Array2::from_shape_fn(x.dim(), |at| x[at] * self.factor::<N>(at))
    }
    fn backward<N: Number>(&self, _: &[Array2<N>], dy: &Array2<N>) -> Vec<Array2<N>> {
        vec![Array2::from_shape_fn(dy.dim(), |at| {
            dy[at] * self.factor::<N>(at)
        })]
    }
    fn record(&self, tape: &mut Tape, _: &dyn ParameterViews, x: Var, _: &[ParameterId]) -> Var {
        tape.dropout(x, self.probability, &mut |sample, words| {
            let row: ArrayView1<'_, u32> = self.words.index_axis(Axis(0), sample);
            words
                .iter_mut()
                .zip(row)
                .for_each(|(word, &drawn)| *word = drawn);
        })
    }
}

/// `Σ_s dy[s, f]`, as one row.
pub(crate) fn sum_over_samples<N: Number>(dy: &Array2<N>) -> Array2<N> {
    Array2::from_shape_fn((1, dy.ncols()), |(_, f)| {
        N::sum((0..dy.nrows()).map(|s| dy[[s, f]]))
    })
}
