//! MobileViT (Mehta & Rastegari 2022): convolutions with transformers over patches of 2 × 2 pixels.

use super::mobilenet::inverted;
use super::{Block, Conv, Convolutions, transformer_block};
use crate::error::PlanError;
use crate::model::ModelPlan;
use crate::op::{Features, Op, Place};

const HEADS: u64 = 4;

/// MobileViT-S on square colour images.
///
/// # Errors
/// [`PlanError::Indivisible`] if a map cannot be cut into patches of 2 × 2 pixels,
/// [`PlanError::Window`] for images that are too small.
pub fn mobilevit_s(side: u64, classes: u64) -> Result<ModelPlan, PlanError> {
    let mut net = Convolutions::new("mobilevit-s", side);
    let colours = net.plan.fixed("colours", 3).into();
    let mut stream: Features = net.plan.width("stem", 16, 1).into();
    let place = Place::Stem;
    let stem = Conv::new(3).stride(2);
    net.conv("conv1", &colours, &stream, Conv { place, ..stem })?;
    // Channels, inverted residuals, stride, width and blocks of the transformer.
    let stages = [
        (32, 1, 1, None),
        (64, 3, 2, None),
        (96, 1, 2, Some((144, 2))),
        (128, 1, 2, Some((192, 4))),
        (160, 1, 2, Some((240, 3))),
    ];
    let mut channels = 16;
    for (stage, (wider, blocks, stride, transformer)) in stages.into_iter().enumerate() {
        let stage = format!("layer{}", stage + 1);
        let out: Features = (net.plan.width(stage.as_str(), wider, 1)).into();
        for block in 0..blocks {
            let name = format!("{stage}.{block}");
            let stride = if block == 0 { stride } else { 1 };
            inverted(&mut net, &name, &stream, &out, 4 * channels, 4, stride)?;
            stream = out.clone();
            channels = wider;
        }
        if let Some((width, layers)) = transformer {
            attend(&mut net, &stage, &stream, width, layers)?;
        }
    }
    let last = net.plan.width("last", 640, 1).into();
    net.conv("conv2", &stream, &last, Conv::new(1))?;
    net.classify(&last, classes)?;
    Ok(net.plan)
}

/// Local features, transformers among pixels of equal place in their patches, and both fused.
fn attend(
    net: &mut Convolutions,
    stage: &str,
    stream: &Features,
    width: u64,
    layers: u64,
) -> Result<(), PlanError> {
    let tokens = net.plan.width(format!("{stage}.model"), width, HEADS);
    let wide = Features::from(tokens);
    let hidden = (net.plan.width(format!("{stage}.perceptron"), 2 * width, 1)).into();
    let plain = Conv {
        norm: false,
        ..Conv::new(1)
    };
    net.conv(&format!("{stage}.local"), stream, stream, Conv::new(3))?;
    net.conv(&format!("{stage}.in"), stream, &wide, plain)?;
    let [height, columns] = net.map;
    for side in net.map {
        if !side.is_multiple_of(2) {
            return Err(PlanError::Indivisible {
                layer: format!("{stage}, a map"),
                features: side,
                parts: 2,
            });
        }
    }
    let pixels = height.saturating_mul(columns);
    for layer in 0..layers {
        let block = Block {
            name: &format!("{stage}.block{layer}"),
            stream: &wide,
            projections: &Features::times(tokens, 3),
            hidden: &hidden,
            heads: HEADS,
            tokens: pixels,
            // One pixel of each patch.
            keys: pixels / 4,
        };
        transformer_block(&mut net.plan, &block)?;
    }
    let norm = Op::Norm {
        features: wide.clone(),
        positions: pixels,
    };
    net.plan.push(format!("{stage}.ln"), Place::Body, norm)?;
    net.conv(&format!("{stage}.out"), &wide, stream, Conv::new(1))?;
    let both = Features::concatenated([stream.clone(), stream.clone()]);
    net.conv(&format!("{stage}.fuse"), &both, stream, Conv::new(3))
}
