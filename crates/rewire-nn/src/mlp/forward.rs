//! The forward pass: members and layers onto the tape.

use rand::RngCore;
use rewire_autograd::{ParameterId, Tape, Var};
use rewire_rng::Purpose;

use super::{Activation, Bend, Layer, Matrix, Member, MlpSpec, Mode, Norm, NormParameters};
use crate::parameters::Parameters;
use crate::state::State;

/// ε of both normalisations.
const EPSILON: f64 = 1e-5;

/// One forward pass.
pub(super) struct Pass<'a> {
    pub(super) spec: &'a MlpSpec,
    pub(super) tape: &'a mut Tape,
    pub(super) parameters: &'a Parameters,
    pub(super) state: &'a mut State,
    pub(super) mode: Mode<'a>,
}

impl Pass<'_> {
    /// A layer and what follows it.
    pub(super) fn layer(&mut self, layer: &Layer, x: Var) -> Var {
        let sum = match (layer.member, &layer.matrices[..]) {
            // One op for matrix, bias and activation, where nothing stands between them.
            (Member::Plain, [matrix]) => {
                return self.matrix(matrix.weight, matrix.bias, layer.bend, x);
            }
            (Member::Factorized { .. }, [down, up]) => {
                let inner = self.whole(down, x);
                return self.matrix(up.weight, up.bias, layer.bend, inner);
            }
            (Member::Doped { .. }, [sparse, down, up]) => {
                let sparse = self.whole(sparse, x);
                let inner = self.whole(down, x);
                let low = self.whole(up, inner);
                self.tape.add(low, sparse)
            }
            (_, matrices) => {
                let mut sum = self.whole(&matrices[0], x);
                for matrix in &matrices[1..] {
                    let branch = self.whole(matrix, x);
                    sum = self.tape.add(sum, branch);
                }
                sum
            }
        };
        match layer.bend {
            Some(bend) => self.bend(bend, sum),
            None => sum,
        }
    }

    fn whole(&mut self, matrix: &Matrix, x: Var) -> Var {
        self.matrix(matrix.weight, matrix.bias, matrix.bend, x)
    }

    fn matrix(
        &mut self,
        weight: ParameterId,
        bias: Option<ParameterId>,
        bend: Option<Bend>,
        x: Var,
    ) -> Var {
        let (tape, parameters) = (&mut *self.tape, self.parameters);
        let y = match (bias, bend) {
            (Some(bias), Some(Bend { norm: None })) if self.spec.activation == Activation::Relu => {
                return tape.affine_relu(parameters, x, weight, bias);
            }
            (Some(bias), _) => tape.affine(parameters, x, weight, bias),
            (None, _) => tape.linear(parameters, x, weight),
        };
        match bend {
            Some(bend) => self.bend(bend, y),
            None => y,
        }
    }

    /// σ of a value that nothing else reads.
    fn bend(&mut self, bend: Bend, x: Var) -> Var {
        let x = match bend.norm {
            Some(norm) => self.normalize(norm, x),
            None => x,
        };
        match self.spec.activation {
            Activation::Relu => self.tape.relu_in_place(x),
            Activation::Gelu => self.tape.gelu(x),
        }
    }

    fn normalize(&mut self, norm: NormParameters, x: Var) -> Var {
        let (tape, parameters) = (&mut *self.tape, self.parameters);
        let (scale, shift) = (norm.scale, norm.shift);
        match (self.spec.norm, self.mode) {
            (Norm::Batch, Mode::Train { .. }) => {
                let x = tape.batch_norm(parameters, x, scale, shift, EPSILON);
                self.state.norms[norm.statistics].observe(tape.statistics(x));
                x
            }
            (Norm::Batch, Mode::Evaluate) => {
                let running = &self.state.norms[norm.statistics];
                tape.fixed_norm(
                    parameters,
                    x,
                    scale,
                    shift,
                    &running.mean,
                    &running.variance,
                    EPSILON,
                )
            }
            (Norm::Layer, _) => tape.layer_norm(parameters, x, scale, shift, EPSILON),
            (Norm::None, _) => x,
        }
    }

    /// Silences activations of a hidden layer, in training.
    pub(super) fn dropout(&mut self, layer: &str, x: Var) -> Var {
        let Mode::Train {
            streams,
            step,
            samples,
        } = self.mode
        else {
            return x;
        };
        if self.spec.dropout == 0.0 {
            return x;
        }
        self.tape
            .dropout(x, self.spec.dropout, &mut |sample, words| {
                let sample = u64::from(samples[sample]);
                let mut stream = streams.sample_stream(Purpose::Dropout, layer, step, sample);
                words.fill_with(|| stream.next_u32());
            })
    }
}
