//! Decoders of the GPT family (Radford et al. 2019, Brown et al. 2020).

use super::{Block, transformer_block};
use crate::error::PlanError;
use crate::model::ModelPlan;
use crate::op::{Features, Op, Place};

/// The sizes of a decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GptSize {
    /// Words of the vocabulary.
    pub vocabulary: u64,
    /// Tokens of a text.
    pub context: u64,
    /// Width of the residual stream.
    pub width: u64,
    /// Blocks.
    pub layers: u64,
    /// Heads of an attention.
    pub heads: u64,
}

impl GptSize {
    /// GPT-3 Small: 125 million parameters.
    pub const GPT3_SMALL: Self = Self {
        vocabulary: 50_257,
        context: 2048,
        width: 768,
        layers: 12,
        heads: 12,
    };

    /// GPT-3 Medium: 350 million parameters.
    pub const GPT3_MEDIUM: Self = Self {
        width: 1024,
        layers: 24,
        heads: 16,
        ..Self::GPT3_SMALL
    };
}

/// A decoder; its head multiplies with the table of words.
///
/// A sample is a text of `context` tokens.
///
/// # Errors
/// [`PlanError::Indivisible`] if heads do not divide the width.
pub fn gpt(name: &str, size: GptSize) -> Result<ModelPlan, PlanError> {
    let mut plan = ModelPlan::new(name);
    let vocabulary = plan.fixed("vocabulary", size.vocabulary);
    let width = plan.width("model", size.width, size.heads);
    let stream = Features::from(width);
    let wide = size.width.saturating_mul(4);
    let hidden = plan.width("perceptron", wide, 1).into();
    for (table, entries) in [("words", size.vocabulary), ("positions", size.context)] {
        let op = Op::Embedding {
            entries,
            outputs: stream.clone(),
        };
        plan.push(table, Place::Stem, op)?;
    }
    for layer in 0..size.layers {
        let block = Block {
            name: &format!("block{layer}"),
            stream: &stream,
            projections: &Features::times(width, 3),
            hidden: &hidden,
            heads: size.heads,
            tokens: size.context,
            keys: size.context,
        };
        transformer_block(&mut plan, &block)?;
    }
    let norm = Op::Norm {
        features: stream.clone(),
        positions: size.context,
    };
    plan.push("ln", Place::Body, norm)?;
    let head = Op::Linear {
        inputs: stream,
        outputs: vocabulary.into(),
        positions: size.context,
        bias: false,
    };
    plan.push_tied("head", Place::Head, head)?;
    Ok(plan)
}
