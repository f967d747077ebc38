//! A network as a list of layers over shared widths.
//!
//! A [`ModelPlan`] says what a network computes without computing it: which layers there are, how
//! wide they are and which of them have to agree. A residual addition is two layers that write to
//! the same width, a concatenation is a layer that reads several. Whatever changes a width changes
//! every layer that shares it, so a plan cannot become inconsistent.
//!
//! # Examples
//! ```
//! use rewire_ift::{ModelPlan, Op, Place};
//!
//! let mut plan = ModelPlan::new("rings");
//! let inputs = plan.fixed("input", 2);
//! let hidden = plan.width("hidden", 32, 1);
//! let classes = plan.fixed("classes", 3);
//! let linear = |inputs, outputs| Op::Linear { inputs, outputs, positions: 1, bias: true };
//! plan.push("fc1", Place::Stem, linear(inputs.into(), hidden.into()))?;
//! plan.push("fc2", Place::Head, linear(hidden.into(), classes.into()))?;
//! assert_eq!(plan.n_params(), 2 * 32 + 32 + 32 * 3 + 3);
//! assert_eq!(plan.multiply_adds(), 2 * 32 + 32 * 3);
//! # Ok::<(), rewire_ift::PlanError>(())
//! ```

use crate::cost::{LayerCost, NetworkCost};
use crate::error::PlanError;
use crate::op::{Features, LayerCount, Op, Place, WidthId, product};

/// The most parameters, multiply–adds and other operations of one sample, taken together.
const MOST: u128 = 1 << 62;

/// A number of features that layers share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Width {
    /// What it is the width of.
    pub name: String,
    /// Features.
    pub size: u64,
    /// Whose choice it is.
    pub rule: WidthRule,
}

/// Whose choice a width is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WidthRule {
    /// The data's or the task's: channels of an image, classes, a vocabulary.
    Fixed,
    /// The designer's; always a multiple of this number, such as the heads of an attention.
    Free {
        /// At least 1.
        multiple_of: u64,
    },
}

/// One layer of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Its name, unique in the network.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// What it computes.
    pub op: Op,
    /// Whether its weights are those of another layer, and no parameters of their own.
    pub tied: bool,
}

/// A network: widths, and layers over them in the order of the forward pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelPlan {
    name: String,
    widths: Vec<Width>,
    layers: Vec<Layer>,
    counts: Vec<LayerCount>,
    /// Everything that is counted, at most [`MOST`].
    total: u128,
}

impl ModelPlan {
    /// A network without layers.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            widths: Vec::new(),
            layers: Vec::new(),
            counts: Vec::new(),
            total: 0,
        }
    }

    /// Adds a width that the data or the task give.
    pub fn fixed(&mut self, name: impl Into<String>, size: u64) -> WidthId {
        self.add(name.into(), size, WidthRule::Fixed)
    }

    /// Adds a width that may be chosen, always a multiple of `multiple_of`.
    pub fn width(&mut self, name: impl Into<String>, size: u64, multiple_of: u64) -> WidthId {
        self.add(name.into(), size, WidthRule::Free { multiple_of })
    }

    fn add(&mut self, name: String, size: u64, rule: WidthRule) -> WidthId {
        self.widths.push(Width { name, size, rule });
        WidthId(self.widths.len() - 1)
    }

    /// Adds a layer behind the others.
    ///
    /// # Errors
    /// A [`PlanError`] if a size is 0, does not divide as it has to, or is beyond 64 bits.
    ///
    /// # Panics
    /// If the op speaks of a width of another plan.
    pub fn push(&mut self, name: impl Into<String>, place: Place, op: Op) -> Result<(), PlanError> {
        self.insert(Layer {
            name: name.into(),
            place,
            op,
            tied: false,
        })
    }

    /// As [`ModelPlan::push`], for a layer that multiplies the weights of another.
    ///
    /// # Errors
    /// As [`ModelPlan::push`].
    pub fn push_tied(
        &mut self,
        name: impl Into<String>,
        place: Place,
        op: Op,
    ) -> Result<(), PlanError> {
        self.insert(Layer {
            name: name.into(),
            place,
            op,
            tied: true,
        })
    }

    /// The same widths without a layer.
    pub(crate) fn without_layers(&self) -> Self {
        Self {
            layers: Vec::new(),
            counts: Vec::new(),
            total: 0,
            ..self.clone()
        }
    }

    pub(crate) fn insert(&mut self, layer: Layer) -> Result<(), PlanError> {
        let count = self.count(&layer)?;
        self.add_to_total(&count)?;
        self.layers.push(layer);
        self.counts.push(count);
        Ok(())
    }

    /// Sums over the network stay so small that every product of two of them fits in 128 bits.
    fn add_to_total(&mut self, count: &LayerCount) -> Result<(), PlanError> {
        let values = [count.pointwise, count.weights, count.vectors].map(u128::from);
        self.total += count.multiply_adds() + values.iter().sum::<u128>();
        if self.total > MOST {
            return Err(PlanError::TooLarge {
                what: format!("{}, as a whole,", self.name),
            });
        }
        Ok(())
    }

    fn count(&self, layer: &Layer) -> Result<LayerCount, PlanError> {
        layer.op.count(&layer.name, layer.place, |features| {
            self.size_of(&layer.name, features)
        })
    }

    fn size_of(&self, layer: &str, features: &Features) -> Result<u64, PlanError> {
        features.0.iter().try_fold(0u64, |sum, &(width, times)| {
            let part = product(layer, &[self.widths[width.0].size, times])?;
            sum.checked_add(part).ok_or_else(|| PlanError::TooLarge {
                what: layer.to_owned(),
            })
        })
    }

    /// Number of features.
    ///
    /// # Errors
    /// [`PlanError::TooLarge`] beyond 64 bits.
    ///
    /// # Panics
    /// If the features are of another plan.
    pub fn size(&self, features: &Features) -> Result<u64, PlanError> {
        self.size_of(&self.name, features)
    }

    /// The same network with another size for every width, in their order.
    ///
    /// # Errors
    /// As [`ModelPlan::push`].
    ///
    /// # Panics
    /// If there is not one size per width.
    pub fn resized(&self, sizes: &[u64]) -> Result<Self, PlanError> {
        assert_eq!(
            sizes.len(),
            self.widths.len(),
            "{} widths need as many sizes",
            self.widths.len()
        );
        let mut plan = self.clone();
        for (width, &size) in plan.widths.iter_mut().zip(sizes) {
            width.size = size;
        }
        plan.counts = (plan.layers.iter())
            .map(|layer| plan.count(layer))
            .collect::<Result<_, _>>()?;
        plan.total = 0;
        for count in plan.counts.clone() {
            plan.add_to_total(&count)?;
        }
        Ok(plan)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its widths.
    pub fn widths(&self) -> &[Width] {
        &self.widths
    }

    /// One width.
    ///
    /// # Panics
    /// If it is of another plan.
    pub fn width_of(&self, id: WidthId) -> &Width {
        &self.widths[id.0]
    }

    /// Its layers in the order of the forward pass.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The numbers of every layer, in the order of [`ModelPlan::layers`].
    pub fn counts(&self) -> &[LayerCount] {
        &self.counts
    }

    /// The numbers of the layers with a weight matrix: those that can be sparse.
    pub fn matrices(&self) -> impl Iterator<Item = &LayerCount> {
        self.counts.iter().filter(|count| count.weights > 0)
    }

    /// Every parameter, active or not; weights that several layers share count once.
    pub fn n_params(&self) -> u128 {
        let all: Vec<u64> = self.counts.iter().map(|count| count.weights).collect();
        self.n_trained(&all)
    }

    /// The parameters that are trained with so many active weights in each layer, one count per
    /// layer of [`ModelPlan::layers`].
    ///
    /// # Panics
    /// If there is not one count per layer.
    pub fn n_trained(&self, n_active: &[u64]) -> u128 {
        assert_eq!(n_active.len(), self.layers.len(), "one count per layer");
        let layers = self.layers.iter().zip(&self.counts).zip(n_active);
        layers
            .map(|((layer, count), &n_active)| {
                let weights = if layer.tied { 0 } else { n_active };
                u128::from(weights) + u128::from(count.vectors)
            })
            .sum()
    }

    /// Multiply–adds of all products in the forward pass of one sample, every weight active.
    pub fn multiply_adds(&self) -> u128 {
        self.counts.iter().map(LayerCount::multiply_adds).sum()
    }

    /// Operations per sample that are no products: normalisation and pooling.
    pub fn pointwise(&self) -> u128 {
        (self.counts.iter())
            .map(|count| u128::from(count.pointwise))
            .sum()
    }

    /// What the network costs with so many active weights, one count per layer of
    /// [`ModelPlan::layers`]; 0 where there is no weight matrix.
    ///
    /// # Errors
    /// [`PlanError::Counts`] if there is not one count per layer, [`PlanError::Active`] if a layer has
    /// fewer weights than its count.
    pub fn cost(&self, n_active: &[u64]) -> Result<NetworkCost, PlanError> {
        if self.counts.len() != n_active.len() {
            return Err(PlanError::Counts {
                layers: self.counts.len(),
                counts: n_active.len(),
            });
        }
        let mut named = Vec::with_capacity(self.counts.len());
        for (count, &n_active) in self.counts.iter().zip(n_active) {
            if n_active > count.weights {
                return Err(PlanError::Active {
                    layer: count.name.clone(),
                    n_active,
                    weights: count.weights,
                });
            }
            named.push((count.name.as_str(), cost(count, n_active)));
        }
        Ok(NetworkCost::new(named))
    }

    /// Weights that a mask chooses from with so many active weights in each layer: the cardinality of
    /// the search space, summed over the layers that have inactive weights.
    ///
    /// # Panics
    /// If there is not one count per layer.
    pub fn cardinality(&self, n_active: &[u64]) -> u128 {
        assert_eq!(n_active.len(), self.layers.len(), "one count per layer");
        let counts = self.counts.iter().zip(n_active);
        counts
            .filter(|&(count, &n_active)| n_active < count.weights)
            .map(|(count, _)| u128::from(count.weights))
            .sum()
    }

    /// What the network costs with every weight active.
    pub fn dense_cost(&self) -> NetworkCost {
        let all = self.counts.iter();
        NetworkCost::new(all.map(|count| (count.name.as_str(), cost(count, count.weights))))
    }
}

fn cost(count: &LayerCount, n_active: u64) -> LayerCost {
    LayerCost {
        weights: count.weights,
        n_active,
        positions: count.positions,
        weightless: count.weightless,
        reads_data: matches!(count.place, Place::Stem | Place::Only),
    }
}
