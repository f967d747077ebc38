//! Which active weights a layer gives up: all rules rank by magnitude, |w|.
//!
//! Only active weights are ever scored. A stale value at an inactive position of a latent layer has
//! no score and cannot come back by it.
//!
//! Ties keep the lower flat position: dropping k is the complement of keeping the n − k best. No
//! rule takes the last weight of a layer, so no layer becomes empty.

use std::borrow::Cow;

use rewire_mask::{MaskError, Pattern, Topology, WeightView, lowest, lowest_magnitudes, top_k};

use crate::schedule::floor_count;
use crate::{ExploreError, Fraction, LayerView, Threshold};

/// Which weights of a layer are dropped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DropRule {
    /// The ⌊f · n_active⌋ weights of smallest magnitude.
    Magnitude(Fraction),
    /// ⌊f · n⌋ of the smallest positive and of the largest negative weights, n counting the weights
    /// of each sign by itself.
    ///
    /// An active weight at exactly 0 counts as the smallest positive one. Where the two floors fall
    /// one short of ⌊f · n_active⌋, the lightest of the remaining weights goes as well, whatever
    /// its sign.
    ///
    /// # Source
    /// Mocanu et al. 2018, the rule of the original SET.
    TwoSided(Fraction),
    /// Every weight whose magnitude lies below a threshold that all layers share and that adapts
    /// after every round. Where that is a whole layer, its heaviest weight stays.
    BelowThreshold(Threshold),
}

impl DropRule {
    /// What the rule does in one round: at `step` of a window that ends at `end`, with the
    /// threshold that earlier rounds have left behind.
    pub(crate) fn cut(self, step: u64, end: u64, threshold: Option<f64>) -> Cut {
        match self {
            Self::Magnitude(fraction) => Cut::Lightest {
                fraction: fraction.at(step, end),
            },
            Self::TwoSided(fraction) => Cut::LightestOfEachSign {
                fraction: fraction.at(step, end),
            },
            Self::BelowThreshold(rule) => Cut::Below {
                threshold: threshold.unwrap_or(rule.initial),
            },
        }
    }

    pub(crate) fn check(self) -> Result<(), ExploreError> {
        match self {
            Self::Magnitude(fraction) | Self::TwoSided(fraction) => fraction.check(),
            Self::BelowThreshold(threshold) => threshold.check(),
        }
    }
}

/// A [`DropRule`] at one step: the same for every layer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cut {
    Lightest { fraction: f64 },
    LightestOfEachSign { fraction: f64 },
    Below { threshold: f64 },
}

/// The active weights of one layer, whichever way it stores them; all are finite.
pub(crate) struct ActiveWeights<'a> {
    topology: Cow<'a, Topology>,
    values: Cow<'a, [f32]>,
}

impl<'a> ActiveWeights<'a> {
    /// The active weights of a layer, or nothing for a dense layer, which no rule touches.
    pub(crate) fn of(layer: &LayerView<'a>) -> Result<Option<Self>, ExploreError> {
        let weights = match layer.weights {
            WeightView::Dense { .. } => return Ok(None),
            WeightView::Active { topology, values } => Self {
                topology: Cow::Borrowed(topology),
                values: Cow::Borrowed(values),
            },
            WeightView::Latent {
                values, forward, ..
            } => Self {
                topology: Cow::Owned(Topology::from_mask(forward)),
                values: forward.positions().map(|p| values[p as usize]).collect(),
            },
        };
        let (stored, active) = (weights.values.len(), weights.topology.n_active());
        assert_eq!(stored, active, "`{}`: values and positions", layer.name);
        match weights.values.iter().position(|value| !value.is_finite()) {
            Some(index) => Err(ExploreError::NonFinite {
                layer: layer.name.to_owned(),
                position: weights.topology.position(index),
                value: weights.values[index],
            }),
            None => Ok(Some(weights)),
        }
    }

    pub(crate) fn topology(&self) -> &Topology {
        &self.topology
    }

    /// The positions that a cut drops, ascending.
    ///
    /// Cost: O(n_active), by selection and not by sorting.
    pub(crate) fn dropped(&self, cut: Cut) -> Result<Vec<u64>, MaskError> {
        let indices = match cut {
            Cut::Lightest { fraction } => {
                let k = floor_count(fraction, self.values.len() as u64);
                lowest_magnitudes(&self.values, k as usize)?
            }
            Cut::LightestOfEachSign { fraction } => self.lightest_of_each_sign(fraction)?,
            Cut::Below { threshold } => self.below(threshold)?,
        };
        Ok(self.topology.positions_at(&indices))
    }

    /// The positions that a pattern gives up, ascending: a fraction of the weights that can move.
    pub(crate) fn released(&self, pattern: &Pattern, fraction: f64) -> Result<Vec<u64>, MaskError> {
        let fixed = pattern.edge_report(self.topology.shape())?.left_dense;
        let movable = (self.values.len() as u64).saturating_sub(fixed);
        let k = floor_count(fraction, movable);
        pattern.release(&self.topology, &self.values, k as usize)
    }

    /// Of these ascending indices the `k` with the smallest magnitudes, ascending.
    fn lightest(&self, indices: Vec<usize>, k: u64) -> Result<Vec<usize>, MaskError> {
        let scores: Vec<f32> = indices.iter().map(|&i| self.values[i].abs()).collect();
        let chosen = lowest(&scores, k as usize)?;
        Ok(chosen.into_iter().map(|chosen| indices[chosen]).collect())
    }

    fn lightest_of_each_sign(&self, fraction: f64) -> Result<Vec<usize>, MaskError> {
        let sides: (Vec<usize>, Vec<usize>) =
            (0..self.values.len()).partition(|&i| self.values[i] >= 0.0);
        let mut dropped = Vec::new();
        for side in [sides.0, sides.1] {
            let k = floor_count(fraction, side.len() as u64);
            dropped.extend(self.lightest(side, k)?);
        }
        dropped.sort_unstable();
        let wanted = floor_count(fraction, self.values.len() as u64);
        let missing = wanted.saturating_sub(dropped.len() as u64);
        let kept = (0..self.values.len()).filter(|i| dropped.binary_search(i).is_err());
        dropped.extend(self.lightest(kept.collect(), missing)?);
        dropped.sort_unstable();
        Ok(dropped)
    }

    fn below(&self, threshold: f64) -> Result<Vec<usize>, MaskError> {
        let scores: Vec<f32> = self.values.iter().map(|value| value.abs()).collect();
        let mut dropped: Vec<usize> = (0..scores.len())
            .filter(|&i| f64::from(scores[i]) < threshold)
            .collect();
        if dropped.len() == scores.len() {
            let heaviest = top_k(&scores, 1.min(scores.len()))?;
            dropped.retain(|i| !heaviest.contains(i));
        }
        Ok(dropped)
    }
}

#[cfg(test)]
mod tests {
    use rewire_mask::{Mask, MatrixShape};

    use super::*;

    /// The positions that a cut drops from a 2×4 layer whose active weights are the given ones,
    /// from position 0 on.
    fn dropped(values: &[f32], cut: Cut) -> Vec<u64> {
        let shape = MatrixShape::new(2, 4);
        let topology = Topology::from_positions(shape, 0..values.len() as u64).unwrap();
        let weights = WeightView::Active {
            topology: &topology,
            values,
        };
        let layer = LayerView { name: "w", weights };
        let active = ActiveWeights::of(&layer).unwrap().unwrap();
        active.dropped(cut).unwrap()
    }

    #[test]
    fn the_lightest_go_and_ties_keep_the_lower_position() {
        let rows: [(&[f32], f64, &[u64]); 6] = [
            (&[0.4, -0.1, 0.3, 0.2], 0.5, &[1, 3]),
            (&[0.1, -0.1, 0.1, -0.1], 0.5, &[2, 3]),
            (&[0.0, -0.0, 0.0], 0.4, &[2]),
            (&[0.4, -0.1, 0.3], 0.3, &[]),
            (&[0.5], 0.999, &[]),
            (&[], 0.5, &[]),
        ];
        for (values, fraction, positions) in rows {
            let cut = Cut::Lightest { fraction };
            assert_eq!(dropped(values, cut), positions, "{values:?} {fraction}");
        }
    }

    #[test]
    fn each_sign_gives_up_its_own_share() {
        let rows: [(&[f32], f64, &[u64]); 7] = [
            // Two of four positive and one of two negative weights, though −0.9 outweighs all.
            (&[0.1, 0.4, 0.2, 0.3, -0.9, -0.95], 0.5, &[0, 2, 4]),
            // ⌊1.5⌋ + ⌊1.5⌋ = 2 of ⌊3⌋: of 0.2 and −0.2 the higher position goes as well.
            (&[0.1, 0.2, 0.3, -0.1, -0.2, -0.3], 0.5, &[0, 3, 4]),
            // ⌊1.6⌋ + ⌊0.4⌋ = 1 of ⌊2⌋: −0.1 is the lightest that remains.
            (&[0.1, 0.2, 0.3, 0.4, -0.1], 0.4, &[0, 4]),
            // ⌊0.5⌋ + ⌊2.5⌋ = 2 of ⌊3⌋: the only positive weight is not the lightest.
            (&[9.0, -0.1, -0.2, -0.3, -0.4, -0.5], 0.5, &[1, 2, 3]),
            // Zeros are the smallest positive weights, whatever their sign bit.
            (&[0.5, -0.0, -0.1, 0.0], 0.5, &[1, 3]),
            (&[0.0, -0.0, 0.5, 0.6, -0.1, -0.2], 0.5, &[0, 1, 4]),
            (&[-0.3, -0.1], 0.5, &[1]),
        ];
        for (values, fraction, positions) in rows {
            let cut = Cut::LightestOfEachSign { fraction };
            assert_eq!(dropped(values, cut), positions, "{values:?} {fraction}");
        }
    }

    #[test]
    fn a_threshold_is_strict_and_spares_the_heaviest() {
        let rows: [(&[f32], f64, &[u64]); 5] = [
            (&[0.5, -0.25, 0.125, 0.0], 0.25, &[2, 3]),
            (&[0.5, -0.25], 0.1, &[]),
            (&[0.1, -0.3, 0.3, 0.2], 1.0, &[0, 2, 3]),
            (&[0.0], 1.0, &[]),
            (&[], 1.0, &[]),
        ];
        for (values, threshold, positions) in rows {
            let cut = Cut::Below { threshold };
            assert_eq!(dropped(values, cut), positions, "{values:?} {threshold}");
        }
    }

    #[test]
    fn latent_layers_score_nothing_outside_their_mask() {
        let shape = MatrixShape::new(1, 4);
        let forward = Mask::from_positions(shape, [1, 3]).unwrap();
        // The inactive weights are the lightest and one is not even finite.
        let weights = WeightView::Latent {
            values: &[0.0, 0.4, f32::NAN, -0.2],
            forward: &forward,
            gradient: None,
        };
        let layer = LayerView { name: "w", weights };
        let active = ActiveWeights::of(&layer).unwrap().unwrap();
        let cut = Cut::Lightest { fraction: 0.5 };
        assert_eq!(active.dropped(cut).unwrap(), [3]);
    }

    #[test]
    fn a_weight_that_is_not_finite_is_named() {
        let topology = Topology::from_positions(MatrixShape::new(2, 4), [2, 5, 7]).unwrap();
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let weights = WeightView::Active {
                topology: &topology,
                values: &[1.0, value, 1.0],
            };
            let name = "fc2.weight";
            let error = ActiveWeights::of(&LayerView { name, weights })
                .err()
                .unwrap();
            let message = error.to_string();
            assert!(message.contains("weight 5 of `fc2.weight`"), "{message}");
        }
    }
}
