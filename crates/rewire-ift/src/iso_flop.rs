//! A whole network transformed at equal FLOPs.
//!
//! The paper matches layer by layer. A network also has parts that no layer's rule covers: layers
//! with one side given by the data or the task, whose cost grows with k instead of k², and parts
//! without sparse weights, such as attention scores and normalisation, that grow with the width.
//! [`Match::Layer`] leaves what they add; [`Match::Network`] takes it from the density of the other
//! layers, so that the whole network costs what the dense one costs, to less than one weight.
//!
//! Costs here are all FLOPs of a forward pass, products as well as normalisation and pooling.

mod rebuilt;

use rebuilt::{replaced, widened};

use crate::cost::NetworkCost;
use crate::error::PlanError;
use crate::model::ModelPlan;
use crate::op::LayerCount;
use crate::transform::{Role, Transform};

/// What is to cost as much as before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Match {
    /// Each transformed layer by itself: the paper's rule.
    Layer,
    /// The whole network, to less than one weight.
    Network,
}

/// What becomes of layers with one side that the data or the task give.
///
/// Wide multiplies their cost by k at full density. The other members leave widths alone; for them
/// [`Edges::Dense`] means that the stem stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Edges {
    /// They stay dense, as in the paper's code: more than the dense network costs.
    Dense,
    /// They get the sparsity of every other layer, as the paper's text says: less than it costs.
    Uniform,
    /// They keep as many active weights as they had: density 1/k.
    Matched,
}

/// What a transform has to respect, and how it is matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What is to cost as much as before.
    pub matching: Match,
    /// What becomes of layers with one given side.
    pub edges: Edges,
    /// Sizes are multiples of this, and of what a width demands.
    pub multiple_of: u64,
    /// Whether a non-linearity stands between and in the factors; without it a layer can be folded
    /// back into one matrix.
    pub non_linear: bool,
    /// Whether that non-linearity begins with a normalisation.
    pub norm: bool,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            matching: Match::Network,
            edges: Edges::Matched,
            multiple_of: 1,
            non_linear: true,
            norm: false,
        }
    }
}

/// What became of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Treatment {
    /// Its density is free: it was transformed.
    Transformed,
    /// One of its sides is given: its density follows [`Edges`].
    Edge,
    /// It is the dense part of a transformed layer.
    LowRank,
    /// It is as it was: its outputs are the logits.
    KeptHead,
    /// It is as it was: it reads the data and edges stay dense.
    KeptStem,
    /// It is as it was: its sizes round to those of the dense layer.
    KeptSmall,
    /// It is as it was: a factorization does not respect its groups of channels.
    KeptGroups,
    /// It has no weight matrix.
    Weightless,
}

impl Treatment {
    /// What became of the layer, and why, in words.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Transformed => "transformed",
            Self::Edge => "one side is given",
            Self::LowRank => "dense low rank",
            Self::KeptHead => "kept: makes the logits",
            Self::KeptStem => "kept: reads the data",
            Self::KeptSmall => "kept: too small to change",
            Self::KeptGroups => "kept: channels in groups",
            Self::Weightless => "no weight matrix",
        }
    }
}

/// One layer of a transformed network.
#[derive(Clone, Debug, PartialEq)]
pub struct TransformedLayer {
    /// The layer of the dense network that it comes from.
    pub source: usize,
    /// What became of it.
    pub treatment: Treatment,
    /// What it is for in its transformed layer.
    pub role: Option<Role>,
    /// Active weights.
    pub n_active: u64,
}

/// A network transformed at equal FLOPs.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkTransform {
    /// The member.
    pub transform: Transform,
    /// The sparsity asked for.
    pub sparsity: f64,
    /// How it was matched.
    pub terms: Terms,
    /// The network as it was.
    pub dense: ModelPlan,
    /// The network as it is.
    pub model: ModelPlan,
    /// One entry per layer of `model`.
    pub layers: Vec<TransformedLayer>,
}

impl NetworkTransform {
    /// Transforms a network.
    ///
    /// # Cost
    /// Linear in the number of layers and branches; nothing of the size of a weight matrix is made.
    ///
    /// # Errors
    /// [`PlanError::Sparsity`] outside [0, 1); [`PlanError::NoChange`] if every size is rounded back
    /// to what it was; [`PlanError::NoWeights`] if a layer would have none;
    /// [`PlanError::Infeasible`] if [`Match::Network`] finds no density for the layers whose density
    /// is free; sizes that are 0, indivisible or beyond 64 bits.
    ///
    /// # Source
    /// Thangarasa et al., Sparse-IFT, §2.3 and §2.4; the match of whole networks is ours.
    ///
    /// # Examples
    /// ```
    /// use rewire_ift::{NetworkTransform, Terms, Transform, models};
    ///
    /// let dense = models::mlp(784, &[300, 100], 10, false)?;
    /// let wide = NetworkTransform::new(&dense, Transform::Wide, 0.75, Terms::default())?;
    /// let sizes: Vec<&[u64]> = wide.model.matrices().map(|layer| &layer.dims[..]).collect();
    /// assert_eq!(sizes, [&[600, 784][..], &[200, 600], &[10, 200]]);
    /// assert_eq!(wide.residual(), 0);
    /// # Ok::<(), rewire_ift::PlanError>(())
    /// ```
    pub fn new(
        dense: &ModelPlan,
        transform: Transform,
        sparsity: f64,
        terms: Terms,
    ) -> Result<Self, PlanError> {
        if terms.multiple_of == 0 {
            return Err(PlanError::Empty {
                what: "the multiple that sizes are rounded to".into(),
            });
        }
        let (model, layers) = match transform {
            Transform::Wide => widened(dense, sparsity, terms)?,
            Transform::Parallel | Transform::Factorized | Transform::Doped => {
                replaced(dense, transform, sparsity, terms)?
            }
        };
        let mut plan = Self {
            transform,
            sparsity,
            terms,
            dense: dense.clone(),
            model,
            layers,
        };
        if terms.matching == Match::Network {
            plan.solve()?;
        }
        let mut layers = plan.model.counts().iter().zip(&plan.layers);
        if let Some((count, _)) =
            layers.find(|(count, layer)| count.weights > 0 && layer.n_active == 0)
        {
            return Err(PlanError::NoWeights {
                layer: count.name.clone(),
            });
        }
        Ok(plan)
    }

    /// Active weights of every layer of the model, 0 where there is no weight matrix.
    pub fn n_active(&self) -> Vec<u64> {
        self.layers.iter().map(|layer| layer.n_active).collect()
    }

    /// What it costs.
    ///
    /// # Errors
    /// [`PlanError::Active`] or [`PlanError::Counts`] if `layers` was changed into what the model
    /// cannot have.
    pub fn cost(&self) -> Result<NetworkCost, PlanError> {
        self.model.cost(&self.n_active())
    }

    /// FLOPs of a forward pass of one sample, normalisation and pooling included.
    pub fn flops(&self) -> u128 {
        let counts = self.model.counts().iter().zip(&self.layers);
        counts
            .map(|(count, layer)| flops(count, layer.n_active))
            .sum()
    }

    /// [`NetworkTransform::flops`] of the dense network.
    pub fn dense_flops(&self) -> u128 {
        let counts = self.dense.counts().iter();
        counts.map(|count| flops(count, count.weights)).sum()
    }

    /// FLOPs per sample above (or below) those of the dense network.
    pub fn residual(&self) -> i128 {
        self.flops() as i128 - self.dense_flops() as i128
    }

    /// Weights that a mask chooses from; see [`ModelPlan::cardinality`].
    pub fn cardinality(&self) -> u128 {
        self.model.cardinality(&self.n_active())
    }

    /// Solves the density of the free layers so that the network costs what the dense one costs.
    fn solve(&mut self) -> Result<(), PlanError> {
        let any = |wanted| self.layers.iter().any(|layer| layer.treatment == wanted);
        // Without a layer of free density the edges take what is to be taken.
        let free = match any(Treatment::Transformed) {
            true => Treatment::Transformed,
            false if self.terms.edges == Edges::Matched => Treatment::Edge,
            false => Treatment::Transformed,
        };
        let counts = self.model.counts();
        let (mut fixed, mut most) = (0u128, 0u128);
        for (layer, count) in self.layers.iter().zip(counts) {
            if layer.treatment == free {
                most += 2 * u128::from(count.weights) * u128::from(count.positions);
                fixed += flops(count, 0);
            } else {
                fixed += flops(count, layer.n_active);
            }
        }
        let dense = self.dense_flops();
        let infeasible = PlanError::Infeasible {
            dense,
            fixed,
            free: most,
        };
        let Some(budget) = dense.checked_sub(fixed) else {
            return Err(infeasible);
        };
        if budget == 0 && most > 0 {
            return Err(infeasible);
        }
        // One density for all: each layer the whole weights that it buys.
        let mut left = budget;
        for (layer, count) in self.layers.iter_mut().zip(counts) {
            if layer.treatment == free {
                let share = u128::from(count.weights) * budget.min(most) / most;
                layer.n_active = share as u64;
                left -= 2 * share * u128::from(count.positions);
            }
        }
        // What is left buys less than a weight in each layer: the costly weights first.
        let mut order: Vec<usize> = (0..counts.len())
            .filter(|&index| self.layers[index].treatment == free)
            .collect();
        order.sort_by_key(|&index| std::cmp::Reverse(counts[index].positions));
        let mut cheapest = None;
        for index in order {
            let (layer, count) = (&mut self.layers[index], &counts[index]);
            let price = 2 * u128::from(count.positions);
            let room = u128::from(count.weights - layer.n_active);
            let bought = (left / price).min(room);
            layer.n_active += bought as u64;
            left -= bought * price;
            cheapest = Some(price);
        }
        // The last one was the cheapest; without one nothing may be left.
        if left >= cheapest.unwrap_or(1) {
            return Err(infeasible);
        }
        Ok(())
    }
}

impl Treatment {
    /// Whether a mask chooses among the weights.
    pub fn is_sparse(self) -> bool {
        matches!(self, Self::Transformed | Self::Edge)
    }
}

/// FLOPs per sample of a layer with so many active weights.
fn flops(count: &LayerCount, n_active: u64) -> u128 {
    let products = u128::from(n_active) * u128::from(count.positions);
    2 * (products + u128::from(count.weightless)) + u128::from(count.pointwise)
}
