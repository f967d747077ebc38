//! The losses, as a mean of terms: a difference of two losses is then a sum of small differences,
//! and what did not change cancels exactly.

use ndarray::Array2;
use rewire_autograd::{Tape, Var};

use super::number::Number;

/// A mean of terms over the last value of a network.
pub(crate) trait Loss {
    /// The terms whose mean is the loss.
    fn terms<N: Number>(&self, y: &Array2<N>) -> Vec<N>;

    /// The derivative of the loss by `y`.
    fn backward<N: Number>(&self, y: &Array2<N>) -> Array2<N>;

    /// The same loss on a tape.
    fn record(&self, tape: &mut Tape, y: Var) -> (Var, f64);

    /// The loss; the terms are summed in f64 by the code as well.
    fn mean<N: Number>(&self, y: &Array2<N>) -> N {
        let terms = self.terms(y);
        let n = N::of(terms.len() as f64);
        N::wide_sum(terms) / n
    }
}

/// Mean over all values of `(y − t)²`.
pub(crate) struct SquaredError {
    pub(crate) targets: Array2<f32>,
}

impl SquaredError {
    fn differences<N: Number>(&self, y: &Array2<N>) -> Array2<N> {
        Array2::from_shape_fn(y.dim(), |at| y[at] - N::of(f64::from(self.targets[at])))
    }
}

impl Loss for SquaredError {
    fn terms<N: Number>(&self, y: &Array2<N>) -> Vec<N> {
        self.differences(y).into_iter().map(|d| d * d).collect()
    }
    fn backward<N: Number>(&self, y: &Array2<N>) -> Array2<N> {
        let n = y.len() as f64;
        self.differences(y).mapv(|d| N::of(2.0 / n) * d)
    }
    fn record(&self, tape: &mut Tape, y: Var) -> (Var, f64) {
        let targets: Vec<f32> = self.targets.iter().copied().collect();
        tape.mean_squared_error(y, &targets)
    }
}

/// Mean over samples of `log Σ_c exp z[s, c] − z[s, label]`.
pub(crate) struct CrossEntropy {
    pub(crate) labels: Vec<u32>,
}

impl CrossEntropy {
    /// `exp(z − max z)` of one sample, and the maximum.
    fn shifted<N: Number>(z: &Array2<N>, s: usize) -> (Vec<N>, N) {
        let largest = z
            .row(s)
            .iter()
            .copied()
            .reduce(|a, b| if b.value() > a.value() { b } else { a });
        let largest = largest.expect("there is at least one class");
        (
            z.row(s).iter().map(|&z| (z - largest).exp()).collect(),
            largest,
        )
    }
}

impl Loss for CrossEntropy {
    fn terms<N: Number>(&self, z: &Array2<N>) -> Vec<N> {
        let of_sample = |s: usize| {
            let (exponentials, largest) = Self::shifted(z, s);
            N::sum(exponentials).ln() - (z[[s, self.labels[s] as usize]] - largest)
        };
        (0..z.nrows()).map(of_sample).collect()
    }
    fn backward<N: Number>(&self, z: &Array2<N>) -> Array2<N> {
        let scale = N::of(1.0 / z.nrows() as f64);
        let mut dz = z.clone();
        for s in 0..z.nrows() {
            let (exponentials, _) = Self::shifted(z, s);
            let sum = N::sum(exponentials.iter().copied());
            for (c, e) in exponentials.into_iter().enumerate() {
                let hit = if c == self.labels[s] as usize {
                    1.0
                } else {
                    0.0
                };
                dz[[s, c]] = e / sum * scale - N::of(hit) * scale;
            }
        }
        dz
    }
    fn record(&self, tape: &mut Tape, z: Var) -> (Var, f64) {
        tape.softmax_cross_entropy(z, &self.labels)
    }
}
