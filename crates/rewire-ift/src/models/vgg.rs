//! VGG (Simonyan & Zisserman 2014) with batch normalisation.

use super::{Conv, Convolutions};
use crate::error::PlanError;
use crate::model::ModelPlan;
use crate::op::{Features, Op, Place};
use crate::window::Window;

/// What makes logits of the last map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Classifier {
    /// Two hidden layers of 4096 over a map of 7 × 7.
    ThreeLayers,
    /// One layer over one pixel, as for small images.
    OneLayer,
}

/// VGG-16 or VGG-19 with batch normalisation on square colour images.
///
/// # Errors
/// [`PlanError::Unknown`] for another depth, [`PlanError::Window`] for images that are too small.
pub fn vgg_bn(
    depth: u64,
    classifier: Classifier,
    side: u64,
    classes: u64,
) -> Result<ModelPlan, PlanError> {
    let stages = match depth {
        16 => [2, 2, 3, 3, 3],
        19 => [2, 2, 4, 4, 4],
        _ => {
            return Err(PlanError::Unknown {
                name: format!("vgg{depth}"),
                known: super::NAMES,
            });
        }
    };
    let name = match classifier {
        Classifier::ThreeLayers => format!("vgg{depth}"),
        Classifier::OneLayer => format!("vgg{depth}-cifar"),
    };
    let mut net = Convolutions::new(name, side);
    let mut before: Features = net.plan.fixed("colours", 3).into();
    let mut index = 0;
    for (stage, layers) in stages.into_iter().enumerate() {
        let channels = [64, 128, 256, 512, 512][stage];
        for _ in 0..layers {
            index += 1;
            let name = format!("conv{index}");
            let after = (net.plan.width(name.as_str(), channels, 1)).into();
            let conv = Conv {
                bias: true,
                place: if index == 1 { Place::Stem } else { Place::Body },
                ..Conv::new(3)
            };
            net.conv(&name, &before, &after, conv)?;
            before = after;
        }
        halve(&mut net, &format!("pool{}", stage + 1), &before)?;
    }
    match classifier {
        Classifier::OneLayer => net.classify(&before, classes)?,
        Classifier::ThreeLayers => {
            let [height, width] = net.map;
            let pixels = height.saturating_mul(width);
            let flat = before.each(pixels);
            let [one, two] =
                ["fc1", "fc2"].map(|name| Features::from(net.plan.width(name, 4096, 1)));
            let classes = net.plan.fixed("classes", classes).into();
            for (name, place, inputs, outputs) in [
                ("fc1", Place::Body, &flat, &one),
                ("fc2", Place::Body, &one, &two),
                ("fc3", Place::Head, &two, &classes),
            ] {
                let op = Op::Linear {
                    inputs: inputs.clone(),
                    outputs: outputs.clone(),
                    positions: 1,
                    bias: true,
                };
                net.plan.push(name, place, op)?;
            }
        }
    }
    Ok(net.plan)
}

fn halve(net: &mut Convolutions, name: &str, features: &Features) -> Result<(), PlanError> {
    let window = Window {
        stride: [2, 2],
        ..Window::new(net.map, [2, 2])
    };
    net.pool(name, features, window)
}
