//! Wide residual networks (Zagoruyko & Komodakis 2016): normalisation and ReLU before each
//! convolution.

use super::{Conv, Convolutions};
use crate::error::PlanError;
use crate::model::ModelPlan;
use crate::op::{Features, Place};

/// WRN-`depth`-`widening` on small square colour images; the depth is 4 more than a multiple of 6.
///
/// # Errors
/// [`PlanError::Indivisible`] for another depth, [`PlanError::Empty`] for a widening of 0.
pub fn wide_resnet(
    depth: u64,
    widening: u64,
    side: u64,
    classes: u64,
) -> Result<ModelPlan, PlanError> {
    let blocks = depth.saturating_sub(4) / 6;
    if blocks == 0 || blocks * 6 + 4 != depth {
        return Err(PlanError::Indivisible {
            layer: format!("wrn{depth}-{widening}, of whose layers 4 are apart"),
            features: depth.saturating_sub(4),
            parts: 6,
        });
    }
    let plain = Conv {
        norm: false,
        ..Conv::new(3)
    };
    let mut net = Convolutions::new(format!("wrn{depth}-{widening}"), side);
    let colours = net.plan.fixed("colours", 3).into();
    let mut stream: Features = net.plan.width("stem", 16, 1).into();
    let place = Place::Stem;
    net.conv("conv1", &colours, &stream, Conv { place, ..plain })?;
    for stage in 0..3 {
        let channels = (16u64 << stage).saturating_mul(widening);
        let out: Features = (net.plan.width(format!("layer{}", stage + 1), channels, 1)).into();
        for block in 0..blocks {
            let name = format!("layer{}.{block}", stage + 1);
            let stride = if block == 0 && stage > 0 { 2 } else { 1 };
            let inner = (net.plan.width(format!("{name}.inner"), channels, 1)).into();
            let before = net.map;
            net.norm(&format!("{name}.bn1"), &stream)?;
            net.conv(
                &format!("{name}.conv1"),
                &stream,
                &inner,
                plain.stride(stride),
            )?;
            net.norm(&format!("{name}.bn2"), &inner)?;
            net.conv(&format!("{name}.conv2"), &inner, &out, plain)?;
            if block == 0 {
                net.map = before;
                let shortcut = Conv {
                    norm: false,
                    ..Conv::new(1).stride(stride)
                };
                net.conv(&format!("{name}.shortcut"), &stream, &out, shortcut)?;
            }
            stream = out.clone();
        }
    }
    net.norm("bn", &stream)?;
    net.classify(&stream, classes)?;
    Ok(net.plan)
}
