//! Recording: every op computes its value at once and keeps what its gradient will need.

use rewire_sparse::{Batch, Geometry};

use crate::gradients::{ParameterId, ParameterViews};
use crate::op::{Affine, Epilogue, FeatureStatistics, Op};
use crate::ops::norm::StatisticsMut;
use crate::ops::{activation, add, bias, dropout, loss, norm};
use crate::tape::{Tape, Var};

impl Tape {
    /// Records `samples × features` data values, given one sample a row.
    ///
    /// # Panics
    /// If `rows` does not hold that many values.
    pub fn input(&mut self, rows: &[f32], samples: usize, features: usize) -> Var {
        let mut value = self.pool.batch(samples, features);
        value.fill_rows(rows);
        self.push(Op::Input, value, false)
    }

    /// Records `input · Wᵀ` with the stored weights of parameter `weight`.
    ///
    /// # Panics
    /// If the input's features are not the columns of the weights.
    pub fn linear(
        &mut self,
        parameters: &dyn ParameterViews,
        input: Var,
        weight: ParameterId,
    ) -> Var {
        self.record_linear(parameters, input, weight, Epilogue::None)
    }

    /// Records `input · Wᵀ + bias` in the bits of [`Tape::linear`] and [`Tape::bias`], without a
    /// copy of the product.
    ///
    /// # Panics
    /// If the input's features are not the columns of the weights, or there is not one bias per row.
    pub fn affine(
        &mut self,
        parameters: &dyn ParameterViews,
        input: Var,
        weight: ParameterId,
        bias: ParameterId,
    ) -> Var {
        self.record_linear(parameters, input, weight, Epilogue::Bias(bias))
    }

    /// Records `max(input · Wᵀ + bias, 0)` in the bits of [`Tape::affine`] and [`Tape::relu`]. Bias
    /// and activation take one pass over the product, and so do their gradients.
    ///
    /// # Panics
    /// As for [`Tape::affine`].
    pub fn affine_relu(
        &mut self,
        parameters: &dyn ParameterViews,
        input: Var,
        weight: ParameterId,
        bias: ParameterId,
    ) -> Var {
        self.record_linear(parameters, input, weight, Epilogue::BiasRelu(bias))
    }

    fn record_linear(
        &mut self,
        parameters: &dyn ParameterViews,
        input: Var,
        weight: ParameterId,
        epilogue: Epilogue,
    ) -> Var {
        let view = parameters.view(weight);
        let geometry = Geometry::linear(view.shape());
        let samples = self.value(input).samples();
        let mut output = self.pool.batch(samples, geometry.outputs());
        let x = &self.nodes[input.0].value;
        self.executed += self.products.forward(geometry, view, x, &mut output);
        match epilogue {
            Epilogue::None => {}
            Epilogue::Bias(id) => {
                bias::forward(vector(parameters, id, output.features()), &mut output);
            }
            Epilogue::BiasRelu(id) => {
                bias::relu_forward(vector(parameters, id, output.features()), &mut output);
            }
        }
        let linear = Op::Linear {
            input,
            weight,
            epilogue,
        };
        self.push(linear, output, true)
    }

    /// Records `input + bias`.
    ///
    /// # Panics
    /// If there is not one bias per feature.
    pub fn bias(&mut self, parameters: &dyn ParameterViews, input: Var, bias: ParameterId) -> Var {
        let mut output = self.copy_of(input);
        bias::forward(vector(parameters, bias, output.features()), &mut output);
        self.push(Op::Bias { input, bias }, output, true)
    }

    /// Records `left + right`, as a sum of branches or a residual connection.
    ///
    /// # Panics
    /// If they differ in samples or features.
    pub fn add(&mut self, left: Var, right: Var) -> Var {
        let mut output = self.copy_of(left);
        let addend = self.value(right);
        assert_eq!(
            (output.samples(), output.features()),
            (addend.samples(), addend.features()),
            "samples and features of a sum"
        );
        add::forward(addend.values(), output.values_mut());
        let flows = self.nodes[left.0].flows || self.nodes[right.0].flows;
        self.push(Op::Add { left, right }, output, flows)
    }

    /// Records `max(input, 0)`.
    pub fn relu(&mut self, input: Var) -> Var {
        let mut output = self.like(input);
        output
            .values_mut()
            .copy_from_slice(self.value(input).values());
        self.record_relu(input, output)
    }

    /// As [`Tape::relu`], in the memory of `input`, which holds no samples afterwards: for a value
    /// that nothing else reads, neither another op nor, as that of a ReLU, its own gradient.
    pub fn relu_in_place(&mut self, input: Var) -> Var {
        let output = self.take(input);
        self.record_relu(input, output)
    }

    fn record_relu(&mut self, input: Var, mut output: Batch) -> Var {
        activation::relu_forward(output.values_mut());
        let flows = self.nodes[input.0].flows;
        self.push(Op::Relu { input }, output, flows)
    }

    /// Records the exact GELU, `x·Φ(x)`.
    pub fn gelu(&mut self, input: Var) -> Var {
        let mut output = self.like(input);
        activation::gelu_forward(self.value(input).values(), output.values_mut());
        let flows = self.nodes[input.0].flows;
        self.push(Op::Gelu { input }, output, flows)
    }

    /// Records a batch normalisation with the statistics of this batch.
    ///
    /// A batch of one sample normalises to 0. [`Tape::statistics`] gives what running averages need.
    ///
    /// # Panics
    /// If there is not one scale and one shift per feature.
    pub fn batch_norm(
        &mut self,
        parameters: &dyn ParameterViews,
        input: Var,
        scale: ParameterId,
        shift: ParameterId,
        epsilon: f64,
    ) -> Var {
        let features = self.value(input).features();
        let mut statistics = FeatureStatistics {
            mean: self.pool.buffer(features),
            variance: self.pool.buffer(features),
            inverse_deviation: self.pool.buffer(features),
        };
        let mut normalized = self.like(input);
        let mut output = self.like(input);
        let x = self.value(input);
        norm::feature_statistics(
            x,
            epsilon,
            StatisticsMut {
                mean: statistics.mean.host_mut(),
                variance: statistics.variance.host_mut(),
                inverse_deviation: statistics.inverse_deviation.host_mut(),
            },
        );
        norm::normalize_features(
            x,
            statistics.mean.host(),
            statistics.inverse_deviation.host(),
            &mut normalized,
        );
        let affine = Affine { scale, shift };
        apply_affine(parameters, affine, &normalized, &mut output);
        self.push(
            Op::BatchNorm {
                input,
                affine,
                normalized,
                statistics,
            },
            output,
            true,
        )
    }

    /// Records a batch normalisation with given (running) statistics, as evaluation uses it.
    ///
    /// # Panics
    /// If there is not one mean, variance, scale and shift per feature.
    #[expect(clippy::too_many_arguments, reason = "the operands of one equation")]
    pub fn fixed_norm(
        &mut self,
        parameters: &dyn ParameterViews,
        input: Var,
        scale: ParameterId,
        shift: ParameterId,
        mean: &[f32],
        variance: &[f32],
        epsilon: f64,
    ) -> Var {
        let features = self.value(input).features();
        assert_eq!(
            (mean.len(), variance.len()),
            (features, features),
            "one mean and one variance per feature"
        );
        let mut inverse_deviation = self.pool.buffer(features);
        for (out, &variance) in inverse_deviation.host_mut().iter_mut().zip(variance) {
            *out = (1.0 / (f64::from(variance) + epsilon).sqrt()) as f32;
        }
        let mut normalized = self.like(input);
        let mut output = self.like(input);
        norm::normalize_features(
            self.value(input),
            mean,
            inverse_deviation.host(),
            &mut normalized,
        );
        let affine = Affine { scale, shift };
        apply_affine(parameters, affine, &normalized, &mut output);
        self.push(
            Op::FixedNorm {
                input,
                affine,
                normalized,
                inverse_deviation,
            },
            output,
            true,
        )
    }

    /// Records a layer normalisation: each sample over its features.
    ///
    /// # Panics
    /// If there is not one scale and one shift per feature.
    pub fn layer_norm(
        &mut self,
        parameters: &dyn ParameterViews,
        input: Var,
        scale: ParameterId,
        shift: ParameterId,
        epsilon: f64,
    ) -> Var {
        let samples = self.value(input).samples();
        let mut inverse_deviation = self.pool.buffer(samples);
        let mut normalized = self.like(input);
        let mut output = self.like(input);
        norm::normalize_samples(
            self.value(input),
            epsilon,
            inverse_deviation.host_mut(),
            &mut normalized,
        );
        let affine = Affine { scale, shift };
        apply_affine(parameters, affine, &normalized, &mut output);
        self.push(
            Op::LayerNorm {
                input,
                affine,
                normalized,
                inverse_deviation,
            },
            output,
            true,
        )
    }

    /// Records inverted dropout with probability `probability` of silencing a value.
    ///
    /// `draw(sample, words)` fills one uniform 32-bit word per feature for the sample of that index
    /// in the batch; the caller keys its stream by the sample, so results do not depend on how
    /// samples are batched.
    ///
    /// # Panics
    /// If `probability` is not in [0, 1).
    pub fn dropout(
        &mut self,
        input: Var,
        probability: f64,
        draw: &mut dyn FnMut(usize, &mut [u32]),
    ) -> Var {
        assert!(
            (0.0..1.0).contains(&probability),
            "a dropout probability of {probability} is not in [0, 1)"
        );
        let mut factors = self.like(input);
        dropout::fill_factors(probability, draw, &mut self.words, &mut factors);
        let mut output = self.like(input);
        dropout::forward(
            self.value(input).values(),
            factors.values(),
            output.values_mut(),
        );
        let flows = self.nodes[input.0].flows;
        self.push(Op::Dropout { input, factors }, output, flows)
    }

    /// Records the mean softmax cross-entropy of `logits` and returns it with its node.
    ///
    /// # Panics
    /// If there is not one label per sample, or a label is not below the number of logits.
    pub fn softmax_cross_entropy(&mut self, logits: Var, labels: &[u32]) -> (Var, f64) {
        let (samples, classes) = (self.value(logits).samples(), self.value(logits).features());
        assert_eq!(labels.len(), samples, "one label per sample");
        if let Some(label) = labels.iter().find(|&&label| label as usize >= classes) {
            panic!("label {label} is not below {classes} classes");
        }
        let mut probabilities = self.like(logits);
        let mean = loss::cross_entropy_forward(self.value(logits), labels, &mut probabilities);
        let mut kept = self.labels.pop().unwrap_or_default();
        kept.clear();
        kept.extend_from_slice(labels);
        let value = self.scalar(mean);
        let op = Op::SoftmaxCrossEntropy {
            logits,
            probabilities,
            labels: kept,
        };
        (self.push(op, value, true), mean)
    }

    /// Records the mean squared error against `targets`, one sample a row, and returns it with its
    /// node.
    ///
    /// # Panics
    /// If there is not one target per predicted value.
    pub fn mean_squared_error(&mut self, prediction: Var, targets: &[f32]) -> (Var, f64) {
        let mut target = self.like(prediction);
        target.fill_rows(targets);
        let mean = loss::squared_error_forward(self.value(prediction), &target);
        let value = self.scalar(mean);
        (
            self.push(Op::MeanSquaredError { prediction, target }, value, true),
            mean,
        )
    }
}

fn apply_affine(
    parameters: &dyn ParameterViews,
    affine: Affine,
    normalized: &Batch,
    output: &mut Batch,
) {
    let scale = vector(parameters, affine.scale, normalized.features());
    let shift = vector(parameters, affine.shift, normalized.features());
    norm::affine_forward(normalized, scale, shift, output);
}

/// The values of a parameter that has one per feature.
fn vector(parameters: &dyn ParameterViews, id: ParameterId, features: usize) -> &[f32] {
    let values = parameters.view(id).values();
    assert_eq!(
        values.len(),
        features,
        "parameter {} does not hold one value per feature",
        id.0
    );
    values
}
