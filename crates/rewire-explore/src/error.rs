//! What can be wrong with a recipe, a layer, a set of candidates or a stored state.

use rewire_mask::MaskError;

/// Why a network cannot be rewired.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ExploreError {
    /// A weight is NaN or infinite, so that weights cannot be ranked.
    #[error("weight {position} of `{layer}` is {value}; only finite weights can be ranked")]
    NonFinite {
        /// Name of the layer.
        layer: String,
        /// Flat row-major position of the weight in its matrix.
        position: u64,
        /// The value found there.
        value: f32,
    },
    /// A mask operation on one layer failed.
    #[error("`{layer}`: {source}")]
    Mask {
        /// Name of the layer.
        layer: String,
        /// What failed.
        source: MaskError,
    },
    /// Growth by gradient got candidates of another number of layers.
    #[error("{layers} layers grow by gradient but {candidates} lists of candidates came")]
    CandidateLayers {
        /// Layers to rewire.
        layers: usize,
        /// Lists of candidates.
        candidates: usize,
    },
    /// The candidates of a layer are not those that were asked for.
    #[error("`{layer}` asked for {asked} {kind} and got {got}")]
    Candidates {
        /// Name of the layer.
        layer: String,
        /// What was asked for, in words.
        kind: &'static str,
        /// How many were asked for.
        asked: usize,
        /// What came instead.
        got: String,
    },
    /// A candidate is neither inactive nor dropped by this rewiring, or outside its matrix.
    #[error("candidate {position} of `{layer}` is not an eligible place")]
    Ineligible {
        /// Name of the layer.
        layer: String,
        /// Flat row-major position of the candidate.
        position: u64,
    },
    /// A value of a recipe is not legal.
    #[error("{field} is {value}; legal: {legal}")]
    Recipe {
        /// The field of the recipe.
        field: &'static str,
        /// Its value, in words.
        value: String,
        /// What would be legal.
        legal: &'static str,
    },
    /// A stored explorer state does not belong to this recipe or is damaged.
    #[error("explorer state: {reason}")]
    State {
        /// What is wrong with it.
        reason: String,
    },
}

impl ExploreError {
    pub(crate) fn recipe(field: &'static str, value: String, legal: &'static str) -> Self {
        Self::Recipe {
            field,
            value,
            legal,
        }
    }

    /// Names the layer in which a mask operation failed.
    pub(crate) fn in_layer(layer: &str) -> impl FnOnce(MaskError) -> Self + '_ {
        |source| Self::Mask {
            layer: layer.to_owned(),
            source,
        }
    }
}
