//! MobileNetV2 (Sandler et al. 2018): inverted residuals with depthwise convolutions.

use super::{Conv, Convolutions};
use crate::error::PlanError;
use crate::model::ModelPlan;
use crate::op::{Features, Groups, Place};

/// MobileNetV2 at width 1 on square colour images.
///
/// # Errors
/// [`PlanError::Window`] for images that are too small.
pub fn mobilenet_v2(side: u64, classes: u64) -> Result<ModelPlan, PlanError> {
    let mut net = Convolutions::new("mobilenetv2", side);
    let colours = net.plan.fixed("colours", 3).into();
    let mut stream: Features = net.plan.width("stem", 32, 1).into();
    let place = Place::Stem;
    let stem = Conv::new(3).stride(2);
    net.conv("conv1", &colours, &stream, Conv { place, ..stem })?;
    // Expansion, channels, blocks, stride: table 2 of the paper.
    let stages = [
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ];
    let mut channels = 32;
    for (stage, (expansion, wider, blocks, stride)) in stages.into_iter().enumerate() {
        let out: Features = (net.plan.width(format!("layer{}", stage + 1), wider, 1)).into();
        for block in 0..blocks {
            let name = format!("layer{}.{block}", stage + 1);
            let stride = if block == 0 { stride } else { 1 };
            inverted(
                &mut net,
                &name,
                &stream,
                &out,
                expansion * channels,
                expansion,
                stride,
            )?;
            stream = out.clone();
            channels = wider;
        }
    }
    let last = net.plan.width("last", 1280, 1).into();
    net.conv("conv2", &stream, &last, Conv::new(1))?;
    net.classify(&last, classes)?;
    Ok(net.plan)
}

/// 1 × 1 up to `hidden` channels unless the expansion is 1, 3 × 3 channel by channel, 1 × 1 down.
pub(super) fn inverted(
    net: &mut Convolutions,
    name: &str,
    stream: &Features,
    out: &Features,
    hidden: u64,
    expansion: u64,
    stride: u64,
) -> Result<(), PlanError> {
    let inner = match expansion {
        1 => stream.clone(),
        _ => {
            let inner = (net.plan.width(format!("{name}.inner"), hidden, 1)).into();
            net.conv(&format!("{name}.expand"), stream, &inner, Conv::new(1))?;
            inner
        }
    };
    let depthwise = Conv {
        groups: Groups::Depthwise,
        ..Conv::new(3).stride(stride)
    };
    net.conv(&format!("{name}.depthwise"), &inner, &inner, depthwise)?;
    net.conv(&format!("{name}.project"), &inner, out, Conv::new(1))
}
