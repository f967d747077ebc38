//! AdamW: Adam with decoupled weight decay (Loshchilov & Hutter 2019, Algorithm 2).
//!
//! `w ← w − ηλw`, `m ← β₁m + (1 − β₁)g`, `v ← β₂v + (1 − β₂)g²`,
//! `w ← w − η·(m/(1 − β₁ᵗ))/(√(v/(1 − β₂ᵗ)) + ε)`.
//! The step count t is a column: every weight counts its own steps, so the bias correction of a
//! weight that was grown late is that of its first steps. A shared count would shrink its first
//! steps by up to 1 − β₁.

use std::ops::Range;

use rayon::prelude::*;

use super::{CHUNK, Optimizer};
use crate::column::{Column, ColumnKind, ColumnSpec};

/// AdamW over values and three columns: `adam_m`, `adam_v`, `adam_step`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamW {
    /// β₁, in [0, 1).
    pub beta1: f64,
    /// β₂, in [0, 1).
    pub beta2: f64,
    /// ε, keeps the division finite.
    pub epsilon: f64,
    /// λ, the share of the value that a step of unit learning rate removes.
    pub weight_decay: f64,
}

const COLUMNS: [ColumnSpec; 3] = [
    ColumnSpec {
        name: "adam_m",
        kind: ColumnKind::F32,
    },
    ColumnSpec {
        name: "adam_v",
        kind: ColumnKind::F32,
    },
    ColumnSpec {
        name: "adam_step",
        kind: ColumnKind::U32,
    },
];

/// Values and gradient, first and second moment, and step counts of some weights.
type Chunk<'a> = (
    (&'a mut [f32], &'a [f32]),
    ((&'a mut [f32], &'a mut [f32]), &'a mut [u32]),
);

impl Optimizer for AdamW {
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
        let [m, v, steps] = columns else {
            panic!("AdamW has 3 columns, {} are here", columns.len());
        };
        let first = &mut m.f32_mut()[span.clone()];
        let second = &mut v.f32_mut()[span.clone()];
        let steps = &mut steps.u32_mut()[span];
        let (beta1, beta2) = (self.beta1 as f32, self.beta2 as f32);
        // 1 − β₂ taken in f32 would be wrong in the fifth digit, against a bias correction that is
        // right: the first steps would be off by as much.
        let (gain1, gain2) = ((1.0 - self.beta1) as f32, (1.0 - self.beta2) as f32);
        let epsilon = self.epsilon as f32;
        let shrink = if decay {
            (1.0 - learning_rate * self.weight_decay) as f32
        } else {
            1.0
        };
        let step = |((values, gradient), ((first, second), steps)): Chunk<'_>| {
            let mut correction = Correction::default();
            let moments = first.iter_mut().zip(second).zip(steps);
            for ((w, &g), ((m, v), step)) in values.iter_mut().zip(gradient).zip(moments) {
                *step = step.saturating_add(1);
                if correction.step != *step {
                    correction = self.correction(learning_rate, *step);
                }
                *m = beta1 * *m + gain1 * g;
                *v = beta2 * *v + gain2 * g * g;
                let size = (*v).sqrt() * correction.scale + epsilon;
                *w = *w * shrink - correction.rate * *m / size;
            }
        };
        if values.len() <= CHUNK {
            step(((values, gradient), ((first, second), steps)));
        } else {
            let moments = first
                .par_chunks_mut(CHUNK)
                .zip(second.par_chunks_mut(CHUNK));
            let moments = moments.zip(steps.par_chunks_mut(CHUNK));
            let values = values.par_chunks_mut(CHUNK);
            let values = values.zip(gradient.par_chunks(CHUNK));
            values.zip(moments).for_each(step);
        }
    }
}

impl AdamW {
    fn correction(&self, learning_rate: f64, step: u32) -> Correction {
        let t = f64::from(step);
        Correction {
            step,
            rate: (learning_rate / (1.0 - self.beta1.powf(t))) as f32,
            scale: (1.0 / (1.0 - self.beta2.powf(t)).sqrt()) as f32,
        }
    }
}

/// The bias corrections of one step count; neighbours mostly share theirs.
#[derive(Clone, Copy, Default)]
struct Correction {
    step: u32,
    rate: f32,
    scale: f32,
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADAMW: AdamW = AdamW {
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        weight_decay: 0.0,
    };

    fn columns(len: usize) -> Vec<Column> {
        COLUMNS
            .iter()
            .map(|&spec| Column::zeros(spec, len))
            .collect()
    }

    /// The first step of Adam is η·sign(g), whatever the gradient's size, for a weight that was
    /// there from the start as for one that was grown at step 1000.
    #[test]
    fn the_first_step_of_a_grown_weight_is_a_first_step() {
        let mut columns = columns(2);
        let mut values = [0.0, 0.0];
        for _ in 0..1000 {
            ADAMW.step(0.01, false, &mut values[..1], &[0.3], &mut columns, 0..1);
        }
        let before = values[0];
        ADAMW.step(0.01, false, &mut values, &[0.3, 7.0], &mut columns, 0..2);
        // Relative error: a handful of roundings and ε/|g|.
        assert!(
            (values[1] + 0.01).abs() < 0.01 * 16.0 * f32::EPSILON,
            "{}",
            values[1]
        );
        assert!((values[0] - before + 0.01).abs() < 1e-5);
        assert_eq!(columns[2].u32_mut(), [1001, 1]);
    }

    #[test]
    fn decay_is_decoupled_from_the_gradient() {
        let decaying = AdamW {
            weight_decay: 0.1,
            ..ADAMW
        };
        let mut value = [2.0];
        decaying.step(0.5, true, &mut value, &[0.0], &mut columns(1), 0..1);
        // No gradient: only w ← w(1 − ηλ) = 2·.95.
        assert!((value[0] - 1.9).abs() < 4.0 * f32::EPSILON);
    }

    /// Twenty steps against the equations written in f64.
    #[test]
    fn follows_the_equations() {
        let decaying = AdamW {
            weight_decay: 0.01,
            ..ADAMW
        };
        let (mut w, mut m, mut v) = (0.7f64, 0.0f64, 0.0f64);
        let mut value = [0.7f32];
        let mut columns = columns(1);
        for t in 1..=20 {
            let g = (f64::from(t) * 0.9).sin();
            w -= 0.05 * 0.01 * w;
            m = 0.9 * m + 0.1 * g;
            v = 0.999 * v + 0.001 * g * g;
            let (m_hat, v_hat) = (m / (1.0 - 0.9f64.powi(t)), v / (1.0 - 0.999f64.powi(t)));
            w -= 0.05 * m_hat / (v_hat.sqrt() + 1e-8);
            decaying.step(0.05, true, &mut value, &[g as f32], &mut columns, 0..1);
            // Each step adds a few roundings of values below 2.
            let bound = f64::from(t) * 16.0 * f64::from(f32::EPSILON);
            assert!((f64::from(value[0]) - w).abs() < bound, "step {t}");
        }
    }
}
