//! What shapes can be wrong about, with the numbers.

use std::error::Error;
use std::fmt;

/// A network that cannot be described, or a transform that has no room.
#[derive(Clone, Debug, PartialEq)]
pub enum PlanError {
    /// A size of 0.
    Empty {
        /// Which size, of which layer.
        what: String,
    },
    /// More than 64 bits can count.
    TooLarge {
        /// Which layer or sum.
        what: String,
    },
    /// A window that does not fit into the padded map.
    Window {
        /// Side of the map, padding included.
        padded: u64,
        /// Extent of the window, dilation included.
        extent: u64,
    },
    /// Features that do not divide into groups or heads.
    Indivisible {
        /// The layer.
        layer: String,
        /// Its features.
        features: u64,
        /// What they are to be divided into.
        parts: u64,
    },
    /// A sparsity outside [0, 1).
    Sparsity {
        /// What was asked for.
        sparsity: f64,
    },
    /// A count of active weights for every layer, and not as many as there are layers.
    Counts {
        /// Layers.
        layers: usize,
        /// Counts given.
        counts: usize,
    },
    /// More active weights than weights.
    Active {
        /// The layer.
        layer: String,
        /// Active weights asked for.
        n_active: u64,
        /// Weights it has.
        weights: u64,
    },
    /// A transform whose sizes, rounded to whole numbers, leave the network as it was.
    NoChange {
        /// The transform.
        transform: &'static str,
        /// What was asked for.
        sparsity: f64,
        /// The size by the formula and what it was rounded to.
        why: String,
    },
    /// More branches than a layer may have.
    Branches {
        /// Branches by the formula.
        branches: u64,
        /// The most there may be.
        most: u64,
    },
    /// A dense low rank that alone takes more weights than the layer has.
    LowRank {
        /// Weights of the dense layer.
        dense: u128,
        /// Weights of the low rank.
        low_rank: u128,
    },
    /// A layer that would have no weight at all.
    NoWeights {
        /// The layer.
        layer: String,
    },
    /// What is wrong with one layer.
    Layer {
        /// The layer.
        layer: String,
        /// What is wrong.
        source: Box<PlanError>,
    },
    /// Widths of a perceptron that are none.
    Widths {
        /// What was given.
        text: String,
    },
    /// A network that cannot cost what the dense one costs at any density.
    Infeasible {
        /// FLOPs per sample of the dense network.
        dense: u128,
        /// FLOPs per sample of the parts whose density is not free.
        fixed: u128,
        /// FLOPs per sample of the parts whose density is free, all weights active.
        free: u128,
    },
    /// A size that this network does not have.
    Unused {
        /// The network.
        name: String,
        /// Which size.
        what: String,
        /// The size given.
        size: u64,
    },
    /// A network or a word nobody knows.
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: &'static [&'static str],
    },
}

impl fmt::Display for PlanError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty { what } => write!(out, "{what} is 0, it has to be at least 1"),
            Self::TooLarge { what } => write!(out, "{what} cannot be counted in 64 bits"),
            Self::Window { padded, extent } => write!(
                out,
                "a window of {extent} does not fit into {padded} positions, padding included"
            ),
            Self::Indivisible {
                layer,
                features,
                parts,
            } => write!(
                out,
                "{layer}: {features} cannot be divided into {parts} equal parts"
            ),
            Self::Sparsity { sparsity } => {
                write!(out, "a sparsity of {sparsity} is not in [0, 1)")
            }
            Self::Counts { layers, counts } => write!(
                out,
                "the network has {layers} layers, {counts} counts were given"
            ),
            Self::Active {
                layer,
                n_active,
                weights,
            } => write!(
                out,
                "{layer} has {weights} weights, {n_active} cannot be active"
            ),
            Self::NoChange {
                transform,
                sparsity,
                why,
            } => write!(
                out,
                "the transform {transform} at sparsity {sparsity} changes nothing: {why}"
            ),
            Self::Branches { branches, most } => write!(
                out,
                "a sum of {branches} branches is more than the {most} that a layer may have"
            ),
            Self::LowRank { dense, low_rank } => write!(
                out,
                "the dense low rank takes {low_rank} weights, the layer has {dense}"
            ),
            Self::NoWeights { layer } => write!(out, "{layer} would have no active weight"),
            Self::Layer { layer, source } => write!(out, "{layer}: {source}"),
            Self::Widths { text } => write!(
                out,
                "`{text}` does not give a perceptron: its widths are whole numbers from the inputs to \
                 the classes, two at least, like mlp:784,300,100,10"
            ),
            Self::Infeasible { dense, fixed, free } => write!(
                out,
                "no density makes this network cost the {dense} FLOPs per sample of the dense one: \
                 what has no density of its own costs {fixed}, the rest at most {free}"
            ),
            Self::Unused { name, what, size } => {
                write!(out, "{name} does not take {what}, {size} was given")
            }
            Self::Unknown { name, known } => {
                write!(out, "there is no `{name}`; there is {}", known.join(", "))
            }
        }
    }
}

impl Error for PlanError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Layer { source, .. } => Some(source),
            _ => None,
        }
    }
}
