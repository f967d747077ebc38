//! One round before positions are grown: what goes, and how much comes back where.
//!
//! A plan is a function of the recipe, its state, the step and the weights. It is made twice where
//! growth asks for gradients, once to ask and once to rewire, and both times it is the same.

use std::collections::BTreeMap;

use rewire_mask::{Candidates, MaskError, Pattern, Rewiring, Topology, top_magnitudes};
use rewire_rng::{Stream, below};

use crate::score::{ActiveWeights, Cut};
use crate::share::spread;
use crate::{ExploreError, LayerView};

/// What a round does before positions are grown.
pub(crate) struct Plan<'a> {
    /// One entry per layer; nothing for a dense layer.
    pub(crate) layers: Vec<Option<LayerPlan<'a>>>,
    /// Drops over all layers.
    pub(crate) dropped: u64,
    /// What has found no place in any layer.
    pub(crate) shortfall: u64,
}

/// What a round does to one layer.
pub(crate) struct LayerPlan<'a> {
    pub(crate) name: &'a str,
    weights: ActiveWeights<'a>,
    /// What the layer's mask keeps to.
    pub(crate) pattern: Option<Pattern>,
    /// Positions that go, ascending.
    pub(crate) dropped: Vec<u64>,
    /// How many come.
    pub(crate) grow: u64,
    /// Whether the positions that go are eligible for growth.
    readmit: bool,
}

impl<'a> Plan<'a> {
    /// Scores every layer and lets each grow what it drops.
    pub(crate) fn new(
        layers: &[LayerView<'a>],
        cut: Cut,
        readmit: bool,
        patterns: &BTreeMap<String, Pattern>,
    ) -> Result<Self, ExploreError> {
        let mut plan = Self {
            layers: Vec::with_capacity(layers.len()),
            dropped: 0,
            shortfall: 0,
        };
        for layer in layers {
            let Some(weights) = ActiveWeights::of(layer)? else {
                plan.layers.push(None);
                continue;
            };
            let pattern = patterns.get(layer.name).copied();
            let dropped = match (&pattern, cut) {
                (Some(pattern), Cut::Lightest { fraction }) => weights.released(pattern, fraction),
                // No recipe with another cut keeps patterns.
                _ => weights.dropped(cut),
            };
            let dropped = dropped.map_err(ExploreError::in_layer(layer.name))?;
            plan.dropped += dropped.len() as u64;
            plan.layers.push(Some(LayerPlan {
                name: layer.name,
                weights,
                pattern,
                grow: dropped.len() as u64,
                dropped,
                readmit,
            }));
        }
        Ok(plan)
    }

    /// Divides all drops and the shortfall among the layers, first over places that were free
    /// before and only then over those that became free.
    pub(crate) fn share_by_survivors(&mut self) {
        let mut layers: Vec<&mut LayerPlan<'_>> = self.layers.iter_mut().flatten().collect();
        let survivors: Vec<u64> = layers.iter().map(|layer| layer.survivors()).collect();
        let free: Vec<u64> = layers.iter().map(|layer| layer.room()).collect();
        let first = spread(self.dropped + self.shortfall, &survivors, &free);
        let freed: Vec<u64> = layers.iter().map(|layer| layer.freed()).collect();
        let second = spread(first.left, &survivors, &freed);
        for (i, layer) in layers.iter_mut().enumerate() {
            layer.grow = first.given[i] + second.given[i];
        }
        self.shortfall = second.left;
    }
}

impl LayerPlan<'_> {
    pub(crate) fn topology(&self) -> &Topology {
        self.weights.topology()
    }

    fn survivors(&self) -> u64 {
        (self.topology().n_active() - self.dropped.len()) as u64
    }

    /// Places that are eligible from the start.
    fn room(&self) -> u64 {
        let inactive = self.topology().n_inactive();
        if self.readmit {
            inactive + self.dropped.len() as u64
        } else {
            inactive
        }
    }

    /// Places that become eligible when no others are left.
    fn freed(&self) -> u64 {
        if self.readmit {
            0
        } else {
            self.dropped.len() as u64
        }
    }

    /// The positions that a gradient has to be compared at beside the inactive ones.
    pub(crate) fn readmitted(&self) -> &[u64] {
        if self.readmit || self.grow > self.room() {
            &self.dropped
        } else {
            &[]
        }
    }

    /// Eligible positions whose gradients are compared, ascending: `per_active` for every active
    /// weight, at least as many as grow, at most all; every such set is equally likely.
    pub(crate) fn sample(
        &self,
        per_active: u64,
        mut stream: Stream,
    ) -> Result<Vec<u64>, MaskError> {
        if self.grow == 0 {
            return Ok(Vec::new());
        }
        let topology = self.topology();
        let eligible = topology.n_inactive() + self.readmitted().len() as u64;
        let wanted = per_active.saturating_mul(topology.n_active() as u64);
        let size = wanted.max(self.grow).min(eligible);
        if self.readmitted().is_empty() {
            return topology.sample_inactive(size, &[], &mut stream);
        }
        self.survivors_topology()?
            .sample_inactive(size, &[], &mut stream)
    }

    /// The positions that stay active.
    fn survivors_topology(&self) -> Result<Topology, MaskError> {
        let drops = Rewiring::new(self.dropped.clone(), Vec::new())?;
        let (survivors, _) = self.topology().apply(&drops)?;
        Ok(survivors)
    }

    /// Positions chosen uniformly among the eligible ones.
    pub(crate) fn grow_at_random(&self, mut stream: Stream) -> Result<Vec<u64>, MaskError> {
        let topology = self.topology();
        if self.readmit {
            return self
                .survivors_topology()?
                .sample_inactive(self.grow, &[], &mut stream);
        }
        let fresh = self.grow.min(topology.n_inactive());
        let mut grown = topology.sample_inactive(fresh, &[], &mut stream)?;
        grown.extend(choose(&self.dropped, self.grow - fresh, &mut stream));
        Ok(grown)
    }

    /// The positions of candidates that are exactly what was asked for.
    pub(crate) fn grow_by_gradient(
        &self,
        candidates: &Candidates,
    ) -> Result<Vec<u64>, ExploreError> {
        let asked = self.grow as usize;
        let mismatch = |got| self.mismatch("ranked candidates", asked, got);
        let Candidates::Best(best) = candidates else {
            return Err(mismatch("candidates of another kind".to_owned()));
        };
        if best.len() != asked {
            return Err(mismatch(best.len().to_string()));
        }
        let positions: Vec<u64> = best.iter().map(|candidate| candidate.position).collect();
        let topology = self.topology();
        let readmitted = self.readmitted();
        let ineligible = |position: &&u64| {
            let active = topology.contains(**position);
            **position >= topology.shape().len()
                || (active && readmitted.binary_search(position).is_err())
        };
        match positions.iter().find(ineligible) {
            Some(&position) => Err(ExploreError::Ineligible {
                layer: self.name.to_owned(),
                position,
            }),
            None => Ok(positions),
        }
    }
}

impl LayerPlan<'_> {
    /// Of an ascending sample the positions where the gradient is largest, ascending.
    pub(crate) fn grow_from_sample(
        &self,
        sample: Vec<u64>,
        candidates: &Candidates,
    ) -> Result<Vec<u64>, ExploreError> {
        let mismatch = |got| self.mismatch("gradients", sample.len(), got);
        let gradients = match candidates {
            Candidates::AtPositions(gradients) => gradients,
            _ => return Err(mismatch("candidates of another kind".to_owned())),
        };
        if gradients.len() != sample.len() {
            return Err(mismatch(gradients.len().to_string()));
        }
        let chosen = top_magnitudes(gradients, self.grow as usize).map_err(|error| {
            let error = match error {
                MaskError::NonFinite { index, value } => MaskError::NonFinite {
                    index: sample[index as usize],
                    value,
                },
                other => other,
            };
            ExploreError::in_layer(self.name)(error)
        })?;
        let is_chosen = |index: &usize| chosen[index / 64] >> (index % 64) & 1 == 1;
        let chosen = (0..sample.len()).filter(is_chosen);
        Ok(chosen.map(|index| sample[index]).collect())
    }

    fn mismatch(&self, kind: &'static str, asked: usize, got: String) -> ExploreError {
        ExploreError::Candidates {
            layer: self.name.to_owned(),
            kind,
            asked,
            got,
        }
    }
}

/// `k` of the items, every set equally likely, by the first steps of a shuffle.
fn choose(items: &[u64], k: u64, stream: &mut Stream) -> Vec<u64> {
    let mut items = items.to_vec();
    let k = k as usize;
    for taken in 0..k {
        let other = taken as u64 + below((items.len() - taken) as u64, stream);
        items.swap(taken, other as usize);
    }
    items.truncate(k);
    items
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rewire_rng::{Purpose, Streams};

    use super::*;

    #[test]
    fn every_set_of_a_size_is_chosen_equally_often() {
        let mut stream = Streams::new(5).stream(Purpose::Rewire, "w", 0);
        let mut counts: BTreeMap<Vec<u64>, u32> = BTreeMap::new();
        for _ in 0..60_000 {
            let mut chosen = choose(&[2, 3, 5, 7], 2, &mut stream);
            chosen.sort_unstable();
            *counts.entry(chosen).or_default() += 1;
        }
        assert_eq!(counts.len(), 6);
        for (chosen, count) in counts {
            // Binomial(60 000, 1/6): standard deviation 91.3; five of them.
            assert!(count.abs_diff(10_000) < 457, "{chosen:?}: {count}");
        }
        for k in [0, 1, 4] {
            assert_eq!(choose(&[2, 3, 5, 7], k, &mut stream).len(), k as usize);
        }
    }
}
