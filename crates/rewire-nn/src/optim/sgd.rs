//! Stochastic gradient descent with momentum, Nesterov's variant and weight decay.
//!
//! With `g ← g + λw`: `v ← μv + g`, then `w ← w − ηv`, or `w ← w − η(g + μv)` for Nesterov
//! (Sutskever et al. 2013, in the form PyTorch uses).

use std::ops::Range;

use rayon::prelude::*;

use super::{CHUNK, Optimizer};
use crate::column::{Column, ColumnKind, ColumnSpec};

/// SGD over values and one column, `momentum`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    /// μ, in [0, 1).
    pub momentum: f64,
    /// Whether the step looks ahead along the momentum.
    pub nesterov: bool,
    /// λ, added to the gradient of decaying parameters.
    pub weight_decay: f64,
}

const COLUMNS: [ColumnSpec; 1] = [ColumnSpec {
    name: "momentum",
    kind: ColumnKind::F32,
}];

impl Optimizer for Sgd {
    fn columns(&self) -> &'static [ColumnSpec] {
        &COLUMNS
    }

    fn step(
        &self,
        learning_rate: f64,
        decay: bool,
        values: &mut [f32],
        gradient: &[f32],
        columns: &mut [Column],
        span: Range<usize>,
    ) {
        let momentum = self.momentum as f32;
        let rate = learning_rate as f32;
        let pull = if decay { self.weight_decay as f32 } else { 0.0 };
        let [velocities] = columns else {
            panic!("SGD has 1 column, {} are here", columns.len());
        };
        let velocities = &mut velocities.f32_mut()[span];
        // Nesterov adds μv to the gradient's own part, plain momentum steps along v alone.
        let (own, along) = if self.nesterov {
            (1.0, momentum)
        } else {
            (0.0, 1.0)
        };
        let step = |((values, gradient), velocities): ((&mut [f32], &[f32]), &mut [f32])| {
            for ((w, &g), v) in values.iter_mut().zip(gradient).zip(velocities) {
                let g = g + pull * *w;
                *v = momentum * *v + g;
                *w -= rate * (own * g + along * *v);
            }
        };
        if values.len() <= CHUNK {
            step(((values, gradient), velocities));
        } else {
            let gradient = gradient.par_chunks(CHUNK);
            let velocities = velocities.par_chunks_mut(CHUNK);
            let values = values.par_chunks_mut(CHUNK);
            values.zip(gradient).zip(velocities).for_each(step);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(sgd: Sgd, decay: bool, steps: usize) -> (f32, f32) {
        let mut columns = vec![Column::zeros(COLUMNS[0], 1)];
        let mut value = [1.0];
        for _ in 0..steps {
            sgd.step(0.1, decay, &mut value, &[0.5], &mut columns, 0..1);
        }
        (value[0], columns[0].f32_mut()[0])
    }

    #[test]
    fn two_steps_by_hand() {
        let sgd = Sgd {
            momentum: 0.5,
            nesterov: false,
            weight_decay: 0.0,
        };
        // v = .5, w = 1 − .05 = .95; v = .25 + .5 = .75, w = .95 − .075 = .875.
        let (w, v) = run(sgd, true, 2);
        assert!((w - 0.875).abs() < 4.0 * f32::EPSILON, "{w}");
        assert_eq!(v, 0.75);
        // Nesterov: w = 1 − .1(.5 + .25) = .925; v = .75, w = .925 − .1(.5 + .375) = .8375.
        let nesterov = Sgd {
            nesterov: true,
            ..sgd
        };
        let (w, v) = run(nesterov, true, 2);
        assert!((w - 0.8375).abs() < 4.0 * f32::EPSILON, "{w}");
        assert_eq!(v, 0.75);
    }

    #[test]
    fn weight_decay_pulls_only_where_it_applies() {
        let sgd = Sgd {
            momentum: 0.0,
            nesterov: false,
            weight_decay: 0.5,
        };
        // g = .5 + .5·1 = 1, w = .9; without decay g = .5, w = .95.
        assert!((run(sgd, true, 1).0 - 0.9).abs() < 2.0 * f32::EPSILON);
        assert!((run(sgd, false, 1).0 - 0.95).abs() < 2.0 * f32::EPSILON);
    }
}
