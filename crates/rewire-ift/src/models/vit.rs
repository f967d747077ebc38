//! Vision transformers (Dosovitskiy et al. 2021) in the sizes of DeiT (Touvron et al. 2021).

use super::{Block, transformer_block};
use crate::error::PlanError;
use crate::model::ModelPlan;
use crate::op::{Features, Groups, Op, Place};
use crate::window::Window;

/// The sizes of a vision transformer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VitSize {
    /// Pixels on a side of a patch.
    pub patch: u64,
    /// Width of the residual stream.
    pub width: u64,
    /// Blocks.
    pub layers: u64,
    /// Heads of an attention.
    pub heads: u64,
}

impl VitSize {
    /// ViT-Tiny and DeiT-Tiny.
    pub const TINY: Self = Self {
        patch: 16,
        width: 192,
        layers: 12,
        heads: 3,
    };
}

/// A vision transformer with a class token on square colour images.
///
/// # Errors
/// [`PlanError::Indivisible`] if patches do not fill the image or heads do not divide the width.
pub fn vit(name: &str, size: VitSize, side: u64, classes: u64) -> Result<ModelPlan, PlanError> {
    if size.patch == 0 || !side.is_multiple_of(size.patch) {
        return Err(PlanError::Indivisible {
            layer: "the patches".into(),
            features: side,
            parts: size.patch,
        });
    }
    let mut plan = ModelPlan::new(name);
    let colours = plan.fixed("colours", 3).into();
    let width = plan.width("model", size.width, size.heads);
    let stream = Features::from(width);
    let hidden = plan.width("perceptron", 4 * size.width, 1).into();
    let window = Window {
        stride: [size.patch; 2],
        ..Window::new([side; 2], [size.patch; 2])
    };
    let patches = Op::Conv2d {
        inputs: colours,
        outputs: stream.clone(),
        window,
        groups: Groups::Count(1),
        bias: true,
    };
    plan.push("patches", Place::Stem, patches)?;
    let [rows, columns] = window.output()?;
    let tokens = rows.saturating_mul(columns).saturating_add(1);
    for (table, entries) in [("class", 1), ("positions", tokens)] {
        let op = Op::Embedding {
            entries,
            outputs: stream.clone(),
        };
        plan.push(table, Place::Body, op)?;
    }
    for layer in 0..size.layers {
        let block = Block {
            name: &format!("block{layer}"),
            stream: &stream,
            projections: &Features::times(width, 3),
            hidden: &hidden,
            heads: size.heads,
            tokens,
            keys: tokens,
        };
        transformer_block(&mut plan, &block)?;
    }
    let norm = Op::Norm {
        features: stream.clone(),
        positions: tokens,
    };
    plan.push("ln", Place::Body, norm)?;
    let classes = plan.fixed("classes", classes);
    plan.push(
        "head",
        Place::Head,
        super::tokens_linear(&stream, &classes.into(), 1),
    )?;
    Ok(plan)
}
