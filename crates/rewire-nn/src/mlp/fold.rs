//! Linear members merged into one matrix: Σⱼ θⱼ, V·U, θ + V·U.

use rewire_autograd::ParameterId;
use rewire_autograd::mask::{MatrixShape, WeightView};
use rewire_rng::Streams;

use super::{Layer, Matrix, Member, Members, Mlp, MlpSpec};
use crate::error::NnError;
use crate::parameter::{Parameter, Storage};
use crate::parameters::Parameters;
use crate::state::State;

impl Mlp {
    /// The same function with one dense matrix in the place of each linear member.
    ///
    /// Sums run in 64 bits and are rounded once. Outputs agree with those of the members to the
    /// rounding of their products; running statistics are the same.
    ///
    /// # Cost
    /// One dense product per factorized or doped layer.
    ///
    /// # Errors
    /// [`NnError::Model`] if a non-linearity stands in a member: there is no such matrix.
    pub fn folded(
        &self,
        parameters: &Parameters,
        state: &State,
    ) -> Result<(Self, Parameters, State), NnError> {
        let is_plain = |layer: &Layer| layer.member == Member::Plain;
        if !self.spec.members.linear && !self.layers.iter().all(is_plain) {
            return Err(NnError::Model(
                "a layer with a non-linearity between its matrices is no single matrix".into(),
            ));
        }
        let spec = MlpSpec {
            members: Members::default(),
            ..self.spec.clone()
        };
        let storages = vec![Storage::Dense; self.layers.len()];
        // Every value is replaced below: the seed reaches none.
        let (folded, mut values, _) = Self::new(spec, storages, Streams::new(0))?;
        for (from, to) in self.layers.iter().zip(&folded.layers) {
            let [target] = &to.matrices[..] else {
                return Err(NnError::Model(format!("{} did not fold", to.name)));
            };
            let matrix = merged(from, parameters);
            values
                .get_mut(target.weight)
                .values_mut()
                .copy_from_slice(&matrix);
            // A linear layer adds one bias, wherever among its matrices.
            let bias = from.matrices.iter().find_map(|matrix| matrix.bias);
            if let (Some(from), Some(to)) = (bias, target.bias) {
                copy(parameters, from, &mut values, to);
            }
            let norms = [from.bend, to.bend].map(|bend| bend.and_then(|bend| bend.norm));
            if let [Some(from), Some(to)] = norms {
                copy(parameters, from.scale, &mut values, to.scale);
                copy(parameters, from.shift, &mut values, to.shift);
            }
        }
        Ok((folded, values, state.clone()))
    }
}

fn copy(from: &Parameters, source: ParameterId, to: &mut Parameters, target: ParameterId) {
    let values = from.get(source).values();
    to.get_mut(target).values_mut().copy_from_slice(values);
}

/// The one matrix of a linear layer, row by row.
fn merged(layer: &Layer, parameters: &Parameters) -> Vec<f32> {
    let dense = |matrix: &Matrix| Dense::of(parameters.get(matrix.weight));
    let sum = match (layer.member, &layer.matrices[..]) {
        (Member::Factorized { .. }, [down, up]) => dense(up).times(&dense(down)),
        (Member::Doped { .. }, [sparse, down, up]) => {
            dense(sparse).plus(&dense(up).times(&dense(down)))
        }
        (_, matrices) => {
            let mut sum = dense(&matrices[0]);
            for matrix in &matrices[1..] {
                sum = sum.plus(&dense(matrix));
            }
            sum
        }
    };
    sum.values.iter().map(|&value| value as f32).collect()
}

/// A matrix in 64 bits with zeros for inactive weights.
struct Dense {
    shape: MatrixShape,
    values: Vec<f64>,
}

impl Dense {
    fn of(parameter: &Parameter) -> Self {
        let shape = parameter.shape();
        let mut values = vec![0.0; shape.rows * shape.cols];
        match parameter.view() {
            WeightView::Dense { values: all, .. } => {
                for (value, &weight) in values.iter_mut().zip(all) {
                    *value = f64::from(weight);
                }
            }
            WeightView::Active {
                topology,
                values: active,
            } => {
                for (position, &weight) in topology.positions().zip(active) {
                    values[position as usize] = f64::from(weight);
                }
            }
            WeightView::Latent {
                values: all,
                forward,
                ..
            } => {
                for position in forward.positions() {
                    values[position as usize] = f64::from(all[position as usize]);
                }
            }
        }
        Self { shape, values }
    }

    fn plus(mut self, other: &Self) -> Self {
        for (sum, value) in self.values.iter_mut().zip(&other.values) {
            *sum += value;
        }
        self
    }

    fn times(&self, right: &Self) -> Self {
        let (rows, inner, cols) = (self.shape.rows, self.shape.cols, right.shape.cols);
        let mut values = vec![0.0; rows * cols];
        for row in 0..rows {
            let sums = &mut values[row * cols..][..cols];
            for index in 0..inner {
                let factor = self.values[row * inner + index];
                let line = &right.values[index * cols..][..cols];
                for (sum, value) in sums.iter_mut().zip(line) {
                    *sum += factor * value;
                }
            }
        }
        Self {
            shape: MatrixShape::new(rows, cols),
            values,
        }
    }
}
