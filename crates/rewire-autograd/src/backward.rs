//! The backward sweep: each op hands its gradient to its operands, last op first.
//!
//! A value used by several ops gets the sum of what they hand over, in reverse order of recording.
//! Growth uses the same sweep; it keeps the output gradients of the layers it was asked about and
//! lets the products stream over the pairs.

use rewire_sparse::mask::{Candidates, LayerRequest, MaskError};
use rewire_sparse::{Batch, Geometry, GradientPair};

use crate::gradients::{Gradients, ParameterId, ParameterViews};
use crate::op::{Affine, Epilogue, Op};
use crate::ops::{activation, bias, dropout, loss, norm};
use crate::tape::{Tape, Var};

impl Tape {
    /// Fills `gradients` with the derivative of `loss` by every parameter.
    ///
    /// A parameter used twice gets the sum; one not used gets zeros. No gradient is computed for
    /// data inputs, so the first layer has no input gradient.
    ///
    /// # Panics
    /// If `loss` is not a single number.
    pub fn backward(
        &mut self,
        loss: Var,
        parameters: &dyn ParameterViews,
        gradients: &mut Gradients,
    ) {
        gradients.reset(parameters);
        self.sweep(loss, parameters, Some(gradients), &[]);
    }

    /// What `requests` ask of the dense gradients of `loss`; computes no weight gradient beside.
    ///
    /// Answers come in the order of the requests. For a parameter used several times the gradients
    /// are summed in the order of use.
    ///
    /// # Errors
    /// What [`rewire_sparse::Products::growth`] refuses, with the parameter it was asked for: a
    /// gradient that is NaN or ±∞, or positions that do not exist.
    ///
    /// # Panics
    /// If `loss` is not a single number.
    pub fn growth(
        &mut self,
        loss: Var,
        parameters: &dyn ParameterViews,
        requests: &[(ParameterId, LayerRequest)],
    ) -> Result<Vec<Candidates>, (ParameterId, MaskError)> {
        self.sweep(loss, parameters, None, requests);
        let mut answers = Vec::with_capacity(requests.len());
        for (id, request) in requests {
            let view = parameters.view(*id);
            let pairs: Vec<GradientPair<'_>> = self
                .nodes
                .iter()
                .zip(&self.gradients)
                .filter_map(|(node, gradient)| match (&node.op, gradient) {
                    (Op::Linear { input, weight, .. }, Some(output_gradient)) if weight == id => {
                        Some(GradientPair {
                            output_gradient,
                            input: &self.nodes[input.0].value,
                        })
                    }
                    _ => None,
                })
                .collect();
            let geometry = Geometry::linear(view.shape());
            let (candidates, executed) = self
                .products
                .growth(geometry, view, &pairs, request)
                .map_err(|error| (*id, error))?;
            self.executed += executed;
            answers.push(candidates);
        }
        Ok(answers)
    }

    /// Walks the nodes from last to first. With `gradients`, adds each parameter's; the output
    /// gradients of the linear ops named in `keep` stay in `self.gradients`.
    fn sweep(
        &mut self,
        loss: Var,
        parameters: &dyn ParameterViews,
        mut gradients: Option<&mut Gradients>,
        keep: &[(ParameterId, LayerRequest)],
    ) {
        let value = self.value(loss);
        assert!(
            (value.samples(), value.features()) == (1, 1),
            "a loss is one number, not {} samples × {} features",
            value.samples(),
            value.features()
        );
        for gradient in self.gradients.drain(..).flatten() {
            self.pool.recycle(gradient.into_buffer());
        }
        self.gradients.resize_with(self.nodes.len(), || None);
        let mut start = self.pool.batch(1, 1);
        start.values_mut()[0] = 1.0;
        self.gradients[loss.0] = Some(start);
        for index in (0..=loss.0).rev() {
            if let Some(gradient) = self.gradients[index].take() {
                let kept =
                    self.step_back(index, gradient, parameters, gradients.as_deref_mut(), keep);
                self.gradients[index] = kept;
            }
        }
    }

    /// Passes the gradient of node `index` to its operands; returns it where it is to be kept.
    fn step_back(
        &mut self,
        index: usize,
        mut gradient: Batch,
        parameters: &dyn ParameterViews,
        gradients: Option<&mut Gradients>,
        keep: &[(ParameterId, LayerRequest)],
    ) -> Option<Batch> {
        let node = &self.nodes[index];
        let operand = match &node.op {
            Op::Input => {
                self.pool.recycle(gradient.into_buffer());
                return None;
            }
            Op::Linear {
                input,
                weight,
                epilogue,
            } => {
                let (input, weight) = (*input, *weight);
                let mut gradients = gradients;
                match *epilogue {
                    Epilogue::None => {}
                    Epilogue::Bias(id) => {
                        if let Some(gradients) = &mut gradients {
                            bias::backward(&gradient, gradients.slot(id));
                        }
                    }
                    Epilogue::BiasRelu(id) => match &mut gradients {
                        Some(gradients) => {
                            bias::relu_backward(&node.value, &mut gradient, gradients.slot(id));
                        }
                        None => {
                            activation::relu_backward(node.value.values(), gradient.values_mut())
                        }
                    },
                }
                self.linear_back(input, weight, &gradient, parameters, gradients);
                if keep.iter().any(|(id, _)| *id == weight) {
                    return Some(gradient);
                }
                self.pool.recycle(gradient.into_buffer());
                return None;
            }
            Op::Bias { input, bias } => {
                if let Some(gradients) = gradients {
                    bias::backward(&gradient, gradients.slot(*bias));
                }
                *input
            }
            Op::Add { left, right } => {
                let (left, right) = (*left, *right);
                let mut copy = self.pool.batch(gradient.samples(), gradient.features());
                copy.values_mut().copy_from_slice(gradient.values());
                self.pass(left, copy);
                right
            }
            Op::Relu { input } => {
                activation::relu_backward(node.value.values(), gradient.values_mut());
                *input
            }
            Op::Gelu { input } => {
                let x = &self.nodes[input.0].value;
                activation::gelu_backward(x.values(), gradient.values_mut());
                *input
            }
            Op::BatchNorm {
                input,
                affine,
                normalized,
                statistics,
            } => {
                affine_back(*affine, &gradient, normalized, gradients);
                norm::batch_backward(
                    normalized,
                    parameters.view(affine.scale).values(),
                    statistics.inverse_deviation.host(),
                    &mut gradient,
                );
                *input
            }
            Op::FixedNorm {
                input,
                affine,
                normalized,
                inverse_deviation,
            } => {
                affine_back(*affine, &gradient, normalized, gradients);
                norm::fixed_backward(
                    parameters.view(affine.scale).values(),
                    inverse_deviation.host(),
                    &mut gradient,
                );
                *input
            }
            Op::LayerNorm {
                input,
                affine,
                normalized,
                inverse_deviation,
            } => {
                affine_back(*affine, &gradient, normalized, gradients);
                norm::sample_backward(
                    normalized,
                    parameters.view(affine.scale).values(),
                    inverse_deviation.host(),
                    &mut gradient,
                );
                *input
            }
            Op::Dropout { input, factors } => {
                dropout::backward(factors.values(), gradient.values_mut());
                *input
            }
            Op::SoftmaxCrossEntropy {
                logits,
                probabilities,
                labels,
            } => {
                let slope = gradient.values()[0];
                let mut out = self
                    .pool
                    .batch(probabilities.samples(), probabilities.features());
                loss::cross_entropy_backward(probabilities, labels, slope, &mut out);
                self.pool
                    .recycle(std::mem::replace(&mut gradient, out).into_buffer());
                *logits
            }
            Op::MeanSquaredError { prediction, target } => {
                let slope = gradient.values()[0];
                let mut out = self.pool.batch(target.samples(), target.features());
                let prediction_value = &self.nodes[prediction.0].value;
                loss::squared_error_backward(prediction_value, target, slope, &mut out);
                self.pool
                    .recycle(std::mem::replace(&mut gradient, out).into_buffer());
                *prediction
            }
        };
        self.pass(operand, gradient);
        None
    }

    fn linear_back(
        &mut self,
        input: Var,
        weight: ParameterId,
        gradient: &Batch,
        parameters: &dyn ParameterViews,
        gradients: Option<&mut Gradients>,
    ) {
        let view = parameters.view(weight);
        let geometry = Geometry::linear(view.shape());
        let x = &self.nodes[input.0];
        if let Some(gradients) = gradients {
            let pair = GradientPair {
                output_gradient: gradient,
                input: &x.value,
            };
            let slot = gradients.slot(weight);
            self.executed += self.products.weight_gradient(geometry, view, pair, slot);
        }
        if x.flows {
            let mut passed = self.pool.batch(x.value.samples(), x.value.features());
            self.executed += self
                .products
                .input_gradient(geometry, view, gradient, &mut passed);
            self.pass(input, passed);
        }
    }

    /// Hands `gradient` to `var`, adding to what other users of it have handed over.
    fn pass(&mut self, var: Var, gradient: Batch) {
        if !self.nodes[var.0].flows {
            self.pool.recycle(gradient.into_buffer());
            return;
        }
        match &mut self.gradients[var.0] {
            Some(sum) => {
                for (sum, &value) in sum.values_mut().iter_mut().zip(gradient.values()) {
                    *sum += value;
                }
                self.pool.recycle(gradient.into_buffer());
            }
            slot => *slot = Some(gradient),
        }
    }
}

fn affine_back(
    affine: Affine,
    gradient: &Batch,
    normalized: &Batch,
    gradients: Option<&mut Gradients>,
) {
    if let Some(gradients) = gradients {
        norm::scale_backward(gradient, normalized, gradients.slot(affine.scale));
        bias::backward(gradient, gradients.slot(affine.shift));
    }
}
