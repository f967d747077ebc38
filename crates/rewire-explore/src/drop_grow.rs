//! The one drop–grow machine: every published method of this kind is a value of [`DropGrow`].
//!
//! A round drops some active weights of every layer, divides the places to refill among the layers
//! and grows weights at positions chosen at random or by gradient. It drops before it grows and
//! reports the net difference, so a weight that is dropped and picked again changes nothing and
//! keeps its value and its optimizer state.
//!
//! The number of active weights over all layers is conserved exactly: what a round cannot place is
//! carried as a shortfall to the next one, so that Σ n_active + shortfall never changes.
//!
//! A recipe is what a method *is*; [`DropGrowExplorer`] adds what a run of it *remembers*: the
//! rounds, the adaptive threshold and the shortfall. Randomness is not among them.

use std::collections::BTreeMap;

use rewire_mask::{Candidates, GrowthRequest, LayerRequest, Pattern, Rewiring};
use rewire_rng::{Purpose, Streams};
use serde::{Deserialize, Serialize};

use crate::plan::{LayerPlan, Plan};
use crate::{DropRule, Due, ExploreError, Explorer, LayerView, Threshold, Window};

/// A method that drops weights and grows as many: what it is, without what a run remembers.
///
/// # Examples
/// ```
/// use rewire_explore::{Due, Explorer, Window, methods::rigl};
///
/// let recipe = rigl::rigl(Window::every(100, 1_000)?, rigl::FRACTION);
/// let explorer = recipe.explorer()?;
/// assert_eq!(explorer.due(99), Due::No);
/// assert_eq!(explorer.due(100), Due::InsteadOfStep);
/// # Ok::<(), rewire_explore::ExploreError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct DropGrow {
    /// Which active weights go.
    pub drop: DropRule,
    /// How many come back to which layer.
    pub share: Share,
    /// Where they come back.
    pub grow: Grow,
    /// Whether a position dropped in a round may be grown in the same round.
    ///
    /// Where it may not, just-dropped positions become eligible only when the other places of the
    /// layer, under [`Share::Survivors`] of all layers, do not suffice. At random the other places
    /// are then filled first; by gradient all of them compete.
    pub readmit: bool,
    /// When it happens.
    pub window: Window,
}

/// How many weights each layer grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Share {
    /// As many as it dropped: every layer keeps its number of active weights.
    AsDropped,
    /// Its part of all drops in proportion to its surviving weights, by largest remainder, the
    /// lower layer first: weights move to layers that keep theirs.
    ///
    /// What does not fit into a layer is divided among the others in the same proportion.
    Survivors,
}

/// Where weights are grown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Grow {
    /// Uniformly among the eligible places.
    Random,
    /// At the eligible places with the largest |∂L/∂w|; the rewiring takes the place of an
    /// optimizer step.
    Gradient,
    /// As [`Grow::Gradient`], but only a random sample of the eligible places is compared, drawn
    /// without replacement anew in every round, and nothing of a layer's dense size is computed.
    ///
    /// The sample of a layer holds `per_active` places for each weight that is active before the
    /// round, or as many as the layer grows if that is more; all eligible places if there are
    /// not so many. Equal gradients go to the lower position.
    SampledGradient {
        /// Places of the sample per active weight, at least 1. With 1 the gradients of the sample
        /// cost as much as those of the active weights.
        per_active: u64,
    },
}

impl Grow {
    /// Whether the gradient decides, so that a rewiring takes the place of a step.
    const fn is_by_gradient(self) -> bool {
        match self {
            Self::Random => false,
            Self::Gradient | Self::SampledGradient { .. } => true,
        }
    }
}

impl DropGrow {
    /// An explorer that runs this recipe from its first round.
    ///
    /// # Errors
    /// [`ExploreError::Recipe`] if a fraction, exponent, threshold or sample is out of range.
    pub fn explorer(self) -> Result<DropGrowExplorer, ExploreError> {
        self.drop.check()?;
        if self.grow == (Grow::SampledGradient { per_active: 0 }) {
            let places = "at least 1 place per active weight";
            return Err(ExploreError::recipe("sample", "0".to_owned(), places));
        }
        Ok(DropGrowExplorer {
            recipe: self,
            patterns: BTreeMap::new(),
            state: State::default(),
        })
    }
}

/// A recipe and what its run so far has left behind.
#[derive(Clone, Debug, PartialEq)]
pub struct DropGrowExplorer {
    recipe: DropGrow,
    /// The patterns that layers keep, by their names.
    patterns: BTreeMap<String, Pattern>,
    state: State,
}

/// What a run remembers beside its recipe.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    /// Rewirings so far.
    rounds: u64,
    /// Weights that found no place yet.
    shortfall: u64,
    /// The adapted threshold; none before the first round and in recipes without one.
    threshold: Option<f64>,
}

impl DropGrowExplorer {
    /// The same explorer, which moves the weights of these layers inside a pattern.
    ///
    /// A layer drops what [`Pattern::release`] gives up for as many weights as the rule says of
    /// those that an edge does not fix: whole blocks and tiles, so perhaps fewer. It grows what
    /// [`Pattern::regrow`] completes its pattern with; what was just dropped may return, whatever
    /// the recipe says. Layers without a pattern follow the recipe alone.
    ///
    /// # Errors
    /// [`ExploreError::Recipe`] for a recipe that can keep no pattern: one that does not drop a
    /// fraction by magnitude, moves weights between layers or grows from a sample.
    pub fn with_patterns(
        mut self,
        patterns: impl IntoIterator<Item = (String, Pattern)>,
    ) -> Result<Self, ExploreError> {
        self.patterns = patterns.into_iter().collect();
        let refuse = |field, value: &str, legal| {
            let value = format!("{value} with a pattern");
            Err(ExploreError::recipe(field, value, legal))
        };
        let DropGrow {
            drop, share, grow, ..
        } = &self.recipe;
        if self.patterns.is_empty() {
            return Ok(self);
        }
        if !matches!(drop, DropRule::Magnitude(_)) {
            return refuse("drop", "another rule", "a fraction by magnitude");
        }
        if *share != Share::AsDropped {
            return refuse("share", "by survivors", "as many as a layer dropped");
        }
        if matches!(grow, Grow::SampledGradient { .. }) {
            return refuse("grow", "from a sample", "at random or by the gradient");
        }
        Ok(self)
    }

    /// The recipe this explorer runs.
    pub fn recipe(&self) -> &DropGrow {
        &self.recipe
    }

    /// Rewirings so far.
    pub fn rounds(&self) -> u64 {
        self.state.rounds
    }

    /// Weights that found no place yet; the next round grows them as well.
    pub fn shortfall(&self) -> u64 {
        self.state.shortfall
    }

    /// The magnitude below which the next round drops, in recipes that have a threshold.
    pub fn threshold(&self) -> Option<f64> {
        match self.recipe.drop {
            DropRule::BelowThreshold(rule) => Some(self.state.threshold.unwrap_or(rule.initial)),
            DropRule::Magnitude(_) | DropRule::TwoSided(_) => None,
        }
    }

    fn plan<'a>(&self, step: u64, layers: &[LayerView<'a>]) -> Result<Plan<'a>, ExploreError> {
        let end = self.recipe.window.end();
        let cut = self.recipe.drop.cut(step, end, self.state.threshold);
        let mut plan = Plan::new(layers, cut, self.recipe.readmit, &self.patterns)?;
        plan.shortfall = self.state.shortfall;
        if self.recipe.share == Share::Survivors {
            plan.share_by_survivors();
        }
        Ok(plan)
    }
}

impl Explorer for DropGrowExplorer {
    fn due(&self, step: u64) -> Due {
        let by_gradient = self.recipe.grow.is_by_gradient();
        match (self.recipe.window.contains(step), by_gradient) {
            (false, _) => Due::No,
            (true, false) => Due::AfterStep,
            (true, true) => Due::InsteadOfStep,
        }
    }

    fn request(
        &self,
        step: u64,
        layers: &[LayerView<'_>],
        streams: Streams,
    ) -> Result<Option<Vec<LayerRequest>>, ExploreError> {
        if self.due(step) != Due::InsteadOfStep {
            return Ok(None);
        }
        let plan = self.plan(step, layers)?;
        let request = |layer: &Option<LayerPlan<'_>>| {
            let Some(layer) = layer else {
                return Ok(LayerRequest {
                    growth: GrowthRequest::TopK { k: 0 },
                    readmitted: Vec::new(),
                });
            };
            if let Some(pattern) = layer.pattern {
                let request = pattern.growth_request(layer.topology(), &layer.dropped);
                return request.map_err(ExploreError::in_layer(layer.name));
            }
            let growth = match self.recipe.grow {
                Grow::SampledGradient { per_active } => {
                    GrowthRequest::AtPositions(sample(layer, per_active, step, streams)?)
                }
                Grow::Random | Grow::Gradient => GrowthRequest::TopK {
                    k: layer.grow as usize,
                },
            };
            Ok(LayerRequest {
                growth,
                readmitted: layer.readmitted().to_vec(),
            })
        };
        let requests: Result<_, ExploreError> = plan.layers.iter().map(request).collect();
        Ok(Some(requests?))
    }

    fn rewire(
        &mut self,
        step: u64,
        layers: &[LayerView<'_>],
        candidates: &[Candidates],
        streams: Streams,
    ) -> Result<Vec<Rewiring>, ExploreError> {
        if self.recipe.grow.is_by_gradient() && candidates.len() != layers.len() {
            return Err(ExploreError::CandidateLayers {
                layers: layers.len(),
                candidates: candidates.len(),
            });
        }
        let plan = self.plan(step, layers)?;
        let mut rewirings = Vec::with_capacity(layers.len());
        for (i, layer) in plan.layers.into_iter().enumerate() {
            let Some(layer) = layer else {
                rewirings.push(Rewiring::none());
                continue;
            };
            let name = layer.name;
            let stream = || streams.stream(Purpose::Rewire, name, step);
            let topology = layer.topology();
            let rewiring = match (layer.pattern, self.recipe.grow) {
                (None, Grow::Gradient) => {
                    let grown = layer.grow_by_gradient(&candidates[i])?;
                    Rewiring::net(layer.dropped, grown)
                }
                (None, Grow::SampledGradient { per_active }) => {
                    let sample = sample(&layer, per_active, step, streams)?;
                    let grown = layer.grow_from_sample(sample, &candidates[i])?;
                    Rewiring::net(layer.dropped, grown)
                }
                (None, Grow::Random) => layer
                    .grow_at_random(stream())
                    .and_then(|grown| Rewiring::net(layer.dropped, grown)),
                (Some(pattern), Grow::Gradient | Grow::SampledGradient { .. }) => {
                    pattern.regrow(topology, &layer.dropped, &candidates[i])
                }
                (Some(pattern), Grow::Random) => {
                    pattern.regrow_at_random(topology, &layer.dropped, &mut stream())
                }
            };
            rewirings.push(rewiring.map_err(ExploreError::in_layer(name))?);
        }
        self.state = State {
            rounds: self.state.rounds + 1,
            shortfall: plan.shortfall,
            threshold: match self.recipe.drop {
                DropRule::BelowThreshold(rule) => self
                    .threshold()
                    .map(|threshold| rule.adapted(threshold, plan.dropped)),
                DropRule::Magnitude(_) | DropRule::TwoSided(_) => None,
            },
        };
        Ok(rewirings)
    }

    fn state(&self) -> serde_json::Value {
        serde_json::json!(self.state)
    }

    fn restore(&mut self, state: &serde_json::Value) -> Result<(), ExploreError> {
        let damaged = |reason: String| ExploreError::State { reason };
        let state = State::deserialize(state).map_err(|error| damaged(error.to_string()))?;
        // Half the range is more than any run can reach and leaves room to count on.
        for (field, count) in [("rounds", state.rounds), ("shortfall", state.shortfall)] {
            if count > u64::MAX / 2 {
                return Err(damaged(format!("{field} {count} is out of range")));
            }
        }
        if let Some(threshold) = state.threshold {
            if self.threshold().is_none() {
                let reason = format!("threshold {threshold} in a method without one");
                return Err(damaged(reason));
            }
            if !Threshold::admits(threshold) {
                return Err(damaged(format!("threshold {threshold} is out of range")));
            }
        }
        self.state = state;
        Ok(())
    }
}

/// The places of a layer that this round compares: drawn twice, to ask and to choose, and both
/// times the same.
fn sample(
    layer: &LayerPlan<'_>,
    per_active: u64,
    step: u64,
    streams: Streams,
) -> Result<Vec<u64>, ExploreError> {
    let stream = streams.stream(Purpose::Candidates, layer.name, step);
    let sample = layer.sample(per_active, stream);
    sample.map_err(ExploreError::in_layer(layer.name))
}
