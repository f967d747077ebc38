//! What a training step costs, in the convention of the papers.
//!
//! One multiply–add is **two** FLOPs, so a layer costs `2 · n_active · positions ·
//! batch` per forward pass; with this convention a dense ResNet-50 costs 8.2e9 FLOPs per image, the figure RigL
//! divides by. Biases, normalisation, activation functions, the loss, the optimizer's arithmetic
//! and the selection of weights are not counted, as in the papers.
//!
//! A backward pass costs two forward passes: the gradient of the inputs and the gradient of the
//! weights each multiply once per active weight and sample. With f_S and f_D the forward costs of
//! the sparse network and of the same network made dense, a step costs
//!
//! | method | ordinary step | growth step |
//! |---|---|---|
//! | dense | 3 f_D | – |
//! | static, SET, DSR | 3 f_S | 3 f_S |
//! | RigL | 3 f_S | 2 f_S + f_D |
//! | RigL, growing from a sample | 3 f_S | 2 f_S + f_C |
//!
//! where f_C is the forward cost of as many weights as the sample has positions: a gradient costs
//! one multiplication per sample of the batch, as an active weight does in a forward pass.
//!
//! These counts are algorithmic: they depend on nothing but shapes, active weights and the method.
//! A layer that reads the data needs no gradient of its inputs: [`TrainingMethod::executed_step`]
//! leaves it out. The two conventions never meet in one ratio.

use crate::cost::NetworkCost;

/// How a network is trained, as far as the cost of a step depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TrainingMethod {
    /// Every weight is active.
    Dense,
    /// The positions chosen at the start never change.
    Static,
    /// Drop by magnitude, grow at random (Mocanu et al. 2018).
    Set,
    /// Drop by magnitude, grow by the dense gradient (Evci et al. 2020).
    Rigl,
    /// Drop by magnitude, grow by the gradient at a sample of the positions (Heddes et al. 2024).
    RiglSampled {
        /// Sampled positions per active weight of a layer.
        per_active: u64,
    },
    /// Drop below a global threshold, grow at random across layers (Mostafa & Wang 2019).
    Dsr,
}

/// What happens in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StepKind {
    /// Forward, backward and an optimizer step.
    Train,
    /// A step in which the network is rewired; RigL takes no optimizer step in it.
    Grow,
}

impl TrainingMethod {
    /// Algorithmic FLOPs of one step on `batch` samples.
    ///
    /// A dense run has no growth step: both kinds cost 3 f_D. Random growth needs no gradient, so
    /// a growth step of SET or DSR costs what any other step costs. RigL's dense gradient counts
    /// every position, also those that are active; so does a sample of all positions.
    ///
    /// # Panics
    /// If 128 bits cannot count them.
    ///
    /// # Source
    /// Evci et al. 2020, appendix H; Thangarasa et al., Sparse-IFT.
    ///
    /// # Examples
    /// ```
    /// use rewire_ift::{LayerCost, NetworkCost, StepKind, TrainingMethod};
    ///
    /// let layer = LayerCost::linear(4, 2, 3);
    /// let network = NetworkCost::new([("fc1", layer)]);
    /// // f_S = 6 and f_D = 16 per sample.
    /// assert_eq!(TrainingMethod::Rigl.step(StepKind::Train, &network, 10), 180);
    /// assert_eq!(TrainingMethod::Rigl.step(StepKind::Grow, &network, 10), 280);
    /// ```
    pub fn step(self, kind: StepKind, network: &NetworkCost, batch: u64) -> u128 {
        let per_sample = match (self, kind) {
            (Self::Dense, StepKind::Train | StepKind::Grow) => 3 * network.f_dense(),
            (Self::Rigl, StepKind::Grow) => 2 * network.f_sparse() + network.f_dense(),
            (Self::RiglSampled { per_active }, StepKind::Grow) => {
                2 * network.f_sparse() + network.f_sampled(per_active)
            }
            (Self::Rigl | Self::RiglSampled { .. }, StepKind::Train)
            | (Self::Static | Self::Set | Self::Dsr, StepKind::Train | StepKind::Grow) => {
                3 * network.f_sparse()
            }
        };
        times(per_sample, batch)
    }

    /// FLOPs of the products that one step has to run on `batch` samples: those of
    /// [`TrainingMethod::step`] without the gradients of the data and, where a growth step takes
    /// the place of an ordinary one, without those of layers that have nothing to grow.
    ///
    /// An engine runs more where it multiplies a sparse layer with a dense kernel; what it ran is
    /// for the engine to report.
    pub fn executed_step(self, kind: StepKind, network: &NetworkCost, batch: u64) -> u128 {
        let unneeded = match self {
            Self::Dense => network.f_unneeded_dense(),
            Self::Static | Self::Set | Self::Rigl | Self::RiglSampled { .. } | Self::Dsr => {
                network.f_unneeded()
            }
        };
        let full = match (self, kind) {
            (Self::Rigl | Self::RiglSampled { .. }, StepKind::Grow) => network.f_full(),
            _ => 0,
        };
        self.step(kind, network, batch) - times(unneeded + full, batch)
    }
}

/// So many FLOPs for each of `count` samples or steps.
fn times(flops: u128, count: u64) -> u128 {
    flops
        .checked_mul(u128::from(count))
        .unwrap_or_else(|| panic!("{count} times {flops} FLOPs cannot be counted in 128 bits"))
}

/// Mean FLOPs per step of RigL as it runs: (3 f_S (ΔT − 1) + 2 f_S + f_D) / ΔT.
///
/// That is 3 f_S + (f_D − f_S) / ΔT: one growth step in every `every` = ΔT steps, and that step takes the place of an ordinary one.
/// The unit is that of `f_s` and `f_d`; divide by 3 f_D for a multiple of dense training.
///
/// # Panics
/// If `every` is 0.
pub fn rigl_window_factor(f_s: u128, f_d: u128, every: u64) -> f64 {
    assert!(every > 0, "a window of 0 steps has no mean cost");
    let sum = times(3 * f_s, every - 1) + 2 * f_s + f_d;
    sum as f64 / every as f64
}

/// Mean FLOPs per step of RigL as published: (3 f_S ΔT + 2 f_S + f_D) / (ΔT + 1).
///
/// The paper counts ΔT ordinary steps *and* a growth step. Tables that are compared with published
/// training FLOPs use this one; it lies below [`rigl_window_factor`] by
/// (f_D − f_S) / (ΔT (ΔT + 1)).
///
/// # Source
/// Evci et al. 2020, appendix H.
pub fn rigl_published_factor(f_s: u128, f_d: u128, every: u64) -> f64 {
    let sum = times(3 * f_s, every) + 2 * f_s + f_d;
    sum as f64 / (every as f64 + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::LayerCost;

    /// LeNet-300-100 at one tenth: 23 520 + 3 000 + 100 active weights of 266 200.
    fn lenet() -> NetworkCost {
        let layer =
            |inputs: u64, outputs: u64| LayerCost::linear(inputs, outputs, inputs * outputs / 10);
        NetworkCost::new([
            ("fc1", layer(784, 300)),
            ("fc2", layer(300, 100)),
            ("fc3", layer(100, 10)),
        ])
    }

    #[test]
    fn lenet_costs_two_flops_per_weight_and_sample() {
        assert_eq!(lenet().f_sparse(), 53_240);
        assert_eq!(lenet().f_dense(), 532_400);
        assert_eq!(NetworkCost::default().f_sparse(), 0);
        assert_eq!(NetworkCost::default().f_dense(), 0);
    }

    #[test]
    fn every_method_costs_what_the_table_says() {
        use StepKind::{Grow, Train};
        use TrainingMethod::{Dense, Dsr, Rigl, Set, Static};
        // Batch 100: 3 · 532 400, 3 · 53 240 and 2 · 53 240 + 532 400, each a hundred times.
        let (dense, sparse, growth) = (159_720_000, 15_972_000, 63_888_000);
        let rows = [
            (Dense, Train, dense),
            (Dense, Grow, dense),
            (Static, Train, sparse),
            (Static, Grow, sparse),
            (Set, Train, sparse),
            (Set, Grow, sparse),
            (Dsr, Train, sparse),
            (Dsr, Grow, sparse),
            (Rigl, Train, sparse),
            (Rigl, Grow, growth),
        ];
        for (method, kind, flops) in rows {
            assert_eq!(
                method.step(kind, &lenet(), 100),
                flops,
                "{method:?} {kind:?}"
            );
        }
    }

    /// By hand, per sample and at one tenth: γ = 1 compares 26 620 positions, which cost another
    /// f_S; γ = 3 three times as many; γ = 10 and above all of them, which costs f_D.
    #[test]
    fn a_sample_costs_what_its_positions_cost() {
        for (per_active, growth) in [
            (1, 3 * 53_240),
            (3, 5 * 53_240),
            (10, 2 * 53_240 + 532_400),
            (u64::MAX, 2 * 53_240 + 532_400),
        ] {
            let method = TrainingMethod::RiglSampled { per_active };
            assert_eq!(method.step(StepKind::Grow, &lenet(), 7), 7 * growth);
            assert_eq!(method.step(StepKind::Train, &lenet(), 7), 7 * 3 * 53_240);
        }
        // A dense head has no more than all positions; the body of 8 · 8 asks for 3 · 4 of them.
        let layer = |n_active| LayerCost::linear(8, 8, n_active);
        let network = NetworkCost::new([("head", layer(64)), ("body", layer(4))]);
        assert_eq!(network.f_sampled(3), 2 * 64 + 2 * 12);
    }

    #[test]
    fn a_dense_network_costs_the_same_under_every_method() {
        let mut network = lenet();
        for layer in &mut network.layers {
            layer.cost = layer.cost.dense();
        }
        for method in [
            TrainingMethod::Static,
            TrainingMethod::Set,
            TrainingMethod::Dsr,
            TrainingMethod::Rigl,
            TrainingMethod::RiglSampled { per_active: 2 },
        ] {
            for kind in [StepKind::Train, StepKind::Grow] {
                assert_eq!(method.step(kind, &network, 1), 3 * 532_400);
            }
        }
    }

    /// A window of RigL adds up to what its steps cost one by one.
    #[test]
    fn the_window_factor_is_the_mean_of_the_steps() {
        let network = lenet();
        for every in [1u64, 2, 3, 100] {
            let steps = u128::from(every - 1)
                * TrainingMethod::Rigl.step(StepKind::Train, &network, 1)
                + TrainingMethod::Rigl.step(StepKind::Grow, &network, 1);
            let factor = rigl_window_factor(network.f_sparse(), network.f_dense(), every);
            // One rounded division on either side of exact integers.
            assert_eq!(factor, steps as f64 / every as f64);
        }
        // ΔT = 100 by hand: (99 · 159 720 + 106 480 + 532 400) / 100.
        assert_eq!(rigl_window_factor(53_240, 532_400, 100), 164_511.6);
    }

    /// Sparse Wide at sparsity s runs f_S = 1 on a network whose dense cost is 1 / (1 − s): with
    /// ΔT = 100 the published factor is (302 + 1/(1 − s)) / 303 of dense training.
    #[test]
    fn the_published_factor_gives_the_published_ratios() {
        // The division is correctly rounded once more by the factor 3: two units in the last place.
        let tolerance = 2.0 * f64::EPSILON;
        for (widening, of_303) in [(2u128, 304.0), (4, 306.0), (10, 312.0)] {
            let ratio = rigl_published_factor(1, widening, 100) / 3.0;
            assert!((ratio - of_303 / 303.0).abs() <= tolerance, "{ratio}");
        }
        // LeNet by hand: (100 · 159 720 + 106 480 + 532 400) / 101.
        assert_eq!(
            rigl_published_factor(53_240, 532_400, 100),
            16_610_880.0 / 101.0
        );
    }

    /// A convolution of 9 weights over 100 pixels, 4 of them active, and attention scores.
    #[test]
    fn weights_multiply_once_per_position() {
        let stem = LayerCost {
            weights: 9,
            n_active: 4,
            positions: 100,
            weightless: 0,
            reads_data: true,
        };
        let scores = LayerCost {
            weightless: 70,
            ..LayerCost::default()
        };
        let network = NetworkCost::new([("stem", stem), ("scores", scores)]);
        assert_eq!(network.f_sparse(), 2 * 400 + 2 * 70);
        assert_eq!(network.f_dense(), 2 * 900 + 2 * 70);
        assert_eq!(network.f_sampled(2), 2 * 800 + 2 * 70);
        // The stem's input gradient is not run: 2 · 400 of 3 · 940, 2 · 900 when dense.
        let step = |method: TrainingMethod| method.executed_step(StepKind::Train, &network, 10);
        assert_eq!(step(TrainingMethod::Set), 10 * (3 * 940 - 800));
        assert_eq!(step(TrainingMethod::Dense), 10 * (3 * 1940 - 1800));
        let growth = TrainingMethod::Rigl.executed_step(StepKind::Grow, &network, 10);
        assert_eq!(growth, 10 * (2 * 940 + 1940 - 800));
    }
}
