//! BoTNet-50 (Srinivas et al. 2021): a ResNet-50 whose last stage attends to all pixels instead of
//! convolving 3 × 3.

use super::resnet::{At, Stem, begin, bottleneck_block};
use super::{Conv, Convolutions};
use crate::error::PlanError;
use crate::model::ModelPlan;
use crate::op::{Features, Op, Place};
use crate::window::Window;

const HEADS: u64 = 4;

/// BoTNet-50 on square colour images.
///
/// # Errors
/// [`PlanError::Window`] for images that are too small.
pub fn botnet50(side: u64, classes: u64) -> Result<ModelPlan, PlanError> {
    let mut net = Convolutions::new("botnet50", side);
    let mut stream = begin(&mut net, Stem::ImageNet)?;
    for (stage, blocks) in [3, 4, 6, 3].into_iter().enumerate() {
        for block in 0..blocks {
            let stride = if block == 0 && stage > 0 { 2 } else { 1 };
            let at = At {
                stage,
                block,
                stride,
                multiple_of: if stage < 3 { 1 } else { HEADS },
            };
            stream = bottleneck_block(&mut net, &stream, at, |net, name, inner, stride| {
                if stage < 3 {
                    net.conv(name, inner, inner, Conv::new(3).stride(stride))
                } else {
                    attention(net, name, inner, stride)
                }
            })?;
        }
    }
    net.classify(&stream, classes)?;
    Ok(net.plan)
}

/// Attention among all pixels with relative positions by row and by column; pooled if it strides.
fn attention(
    net: &mut Convolutions,
    name: &str,
    inner: &Features,
    stride: u64,
) -> Result<(), PlanError> {
    let three = Features::concatenated([inner.clone(), inner.clone(), inner.clone()]);
    let plain = Conv {
        norm: false,
        ..Conv::new(1)
    };
    net.conv(&format!("{name}.qkv"), inner, &three, plain)?;
    let [height, width] = net.map;
    let pixels = height.saturating_mul(width);
    let op = Op::Attention {
        features: inner.clone(),
        heads: HEADS,
        queries: pixels,
        keys: pixels,
        relative: (2 * height - 1) + (2 * width - 1),
    };
    net.plan
        .push(format!("{name}.attention"), Place::Body, op)?;
    if stride > 1 {
        let window = Window {
            stride: [stride; 2],
            ..Window::new(net.map, [stride; 2])
        };
        net.pool(&format!("{name}.pool"), inner, window)?;
    }
    net.norm(&format!("{name}.bn"), inner)
}
