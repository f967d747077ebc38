//! The three normalisations: `x̂ = (x − μ)/√(σ² + ε)`, `y = γ·x̂ + β`.

use ndarray::Array2;
use rewire_autograd::{ParameterId, ParameterViews, Tape, Var};

use super::equations::{Equations, sum_over_samples};
use super::number::Number;

/// μ and σ² of each feature over the batch. Operands: x, γ, β.
pub(crate) struct BatchNorm {
    pub(crate) epsilon: f64,
}

/// μ and σ² given per feature. Operands: x, γ, β.
pub(crate) struct FixedNorm {
    pub(crate) mean: Vec<f32>,
    pub(crate) variance: Vec<f32>,
    pub(crate) epsilon: f64,
}

/// μ and σ² of each sample over its features. Operands: x, γ, β.
pub(crate) struct LayerNorm {
    pub(crate) epsilon: f64,
}

/// Mean and biased variance of values that the code sums in f64.
pub(crate) fn moments<N: Number>(values: &[N]) -> (N, N) {
    let n = N::of(values.len() as f64);
    let mean = N::wide_sum(values.iter().copied()) / n;
    let squares = values.iter().map(|&x| (x - mean) * (x - mean));
    (mean, N::wide_sum(squares) / n)
}

/// Values normalised by their own moments, with 1/√(σ² + ε).
fn normalized<N: Number>(values: &[N], epsilon: f64) -> (Vec<N>, N) {
    let (mean, variance) = moments(values);
    let inverse = inverse_deviation(variance, epsilon);
    (
        values.iter().map(|&x| (x - mean) * inverse).collect(),
        inverse,
    )
}

fn inverse_deviation<N: Number>(variance: N, epsilon: f64) -> N {
    N::of(1.0) / (variance + N::of(epsilon)).sqrt()
}

/// `(g − mean(g) − x̂·mean(g·x̂))/√(σ² + ε)` for values that share their moments.
fn through_moments<N: Number>(g: &[N], x_hat: &[N], inverse: N) -> Vec<N> {
    let n = N::of(g.len() as f64);
    let mean = N::wide_sum(g.iter().copied()) / n;
    let slope = N::wide_sum(g.iter().zip(x_hat).map(|(&g, &x)| g * x)) / n;
    let pairs = g.iter().zip(x_hat);
    pairs
        .map(|(&g, &x)| (g - mean - x * slope) * inverse)
        .collect()
}

fn column<N: Number>(x: &Array2<N>, f: usize) -> Vec<N> {
    x.column(f).iter().copied().collect()
}

fn row<N: Number>(x: &Array2<N>, s: usize) -> Vec<N> {
    x.row(s).iter().copied().collect()
}

fn affine<N: Number>(x_hat: &Array2<N>, operands: &[Array2<N>]) -> Array2<N> {
    let (scale, shift) = (&operands[1], &operands[2]);
    Array2::from_shape_fn(x_hat.dim(), |(s, f)| {
        scale[[0, f]] * x_hat[[s, f]] + shift[[0, f]]
    })
}

/// Derivatives by γ and β.
fn affine_gradients<N: Number>(x_hat: &Array2<N>, dy: &Array2<N>) -> [Array2<N>; 2] {
    let products = Array2::from_shape_fn(dy.dim(), |at| dy[at] * x_hat[at]);
    [sum_over_samples(&products), sum_over_samples(dy)]
}

impl BatchNorm {
    fn x_hat<N: Number>(&self, x: &Array2<N>) -> (Array2<N>, Vec<N>) {
        let mut x_hat = x.clone();
        let mut inverses = Vec::new();
        for f in 0..x.ncols() {
            let (values, inverse) = normalized(&column(x, f), self.epsilon);
            x_hat
                .column_mut(f)
                .iter_mut()
                .zip(values)
                .for_each(|(x, v)| *x = v);
            inverses.push(inverse);
        }
        (x_hat, inverses)
    }
}

impl Equations for BatchNorm {
    fn forward<N: Number>(&self, operands: &[Array2<N>]) -> Array2<N> {
        affine(&self.x_hat(&operands[0]).0, operands)
    }
    fn backward<N: Number>(&self, operands: &[Array2<N>], dy: &Array2<N>) -> Vec<Array2<N>> {
        let (x_hat, inverses) = self.x_hat(&operands[0]);
        let mut dx = dy.clone();
        for f in 0..dy.ncols() {
            let g: Vec<N> = dy
                .column(f)
                .iter()
                .map(|&dy| dy * operands[1][[0, f]])
                .collect();
            let values = through_moments(&g, &column(&x_hat, f), inverses[f]);
            dx.column_mut(f)
                .iter_mut()
                .zip(values)
                .for_each(|(d, v)| *d = v);
        }
        let [scale, shift] = affine_gradients(&x_hat, dy);
        vec![dx, scale, shift]
    }
    fn record(
        &self,
        tape: &mut Tape,
        parameters: &dyn ParameterViews,
        x: Var,
        ids: &[ParameterId],
    ) -> Var {
        tape.batch_norm(parameters, x, ids[0], ids[1], self.epsilon)
    }
}

impl FixedNorm {
    fn inverse<N: Number>(&self, f: usize) -> N {
        inverse_deviation(N::of(f64::from(self.variance[f])), self.epsilon)
    }
    fn x_hat<N: Number>(&self, x: &Array2<N>) -> Array2<N> {
        Array2::from_shape_fn(x.dim(), |(s, f)| {
            (x[[s, f]] - N::of(f64::from(self.mean[f]))) * self.inverse::<N>(f)
        })
    }
}

impl Equations for FixedNorm {
    fn forward<N: Number>(&self, operands: &[Array2<N>]) -> Array2<N> {
        affine(&self.x_hat(&operands[0]), operands)
    }
    fn backward<N: Number>(&self, operands: &[Array2<N>], dy: &Array2<N>) -> Vec<Array2<N>> {
        let dx = Array2::from_shape_fn(dy.dim(), |(s, f)| {
            dy[[s, f]] * operands[1][[0, f]] * self.inverse::<N>(f)
        });
        let [scale, shift] = affine_gradients(&self.x_hat(&operands[0]), dy);
        vec![dx, scale, shift]
    }
    fn record(
        &self,
        tape: &mut Tape,
        parameters: &dyn ParameterViews,
        x: Var,
        ids: &[ParameterId],
    ) -> Var {
        tape.fixed_norm(
            parameters,
            x,
            ids[0],
            ids[1],
            &self.mean,
            &self.variance,
            self.epsilon,
        )
    }
}

impl LayerNorm {
    fn x_hat<N: Number>(&self, x: &Array2<N>) -> (Array2<N>, Vec<N>) {
        let mut x_hat = x.clone();
        let mut inverses = Vec::new();
        for s in 0..x.nrows() {
            let (values, inverse) = normalized(&row(x, s), self.epsilon);
            x_hat
                .row_mut(s)
                .iter_mut()
                .zip(values)
                .for_each(|(x, v)| *x = v);
            inverses.push(inverse);
        }
        (x_hat, inverses)
    }
}

impl Equations for LayerNorm {
    fn forward<N: Number>(&self, operands: &[Array2<N>]) -> Array2<N> {
        affine(&self.x_hat(&operands[0]).0, operands)
    }
    fn backward<N: Number>(&self, operands: &[Array2<N>], dy: &Array2<N>) -> Vec<Array2<N>> {
        let (x_hat, inverses) = self.x_hat(&operands[0]);
        let mut dx = dy.clone();
        for s in 0..dy.nrows() {
            let g: Vec<N> = (0..dy.ncols())
                .map(|f| dy[[s, f]] * operands[1][[0, f]])
                .collect();
            let values = through_moments(&g, &row(&x_hat, s), inverses[s]);
            dx.row_mut(s)
                .iter_mut()
                .zip(values)
                .for_each(|(d, v)| *d = v);
        }
        let [scale, shift] = affine_gradients(&x_hat, dy);
        vec![dx, scale, shift]
    }
    fn record(
        &self,
        tape: &mut Tape,
        parameters: &dyn ParameterViews,
        x: Var,
        ids: &[ParameterId],
    ) -> Var {
        tape.layer_norm(parameters, x, ids[0], ids[1], self.epsilon)
    }
}
