//! Residual networks (He et al. 2016), with the stride of a bottleneck in its 3 × 3 convolution
//! ("v1.5").

use super::{Conv, Convolutions};
use crate::error::PlanError;
use crate::model::ModelPlan;
use crate::op::{Features, Place};
use crate::window::Window;

/// How a network takes in an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stem {
    /// 7 × 7 at every second pixel, and pooling.
    ImageNet,
    /// 3 × 3 at every pixel.
    Cifar,
}

/// ResNet-18, -34 or -50 on square colour images.
///
/// # Errors
/// [`PlanError::Unknown`] for another depth, [`PlanError::Window`] for images that are too small.
pub fn resnet(depth: u64, stem: Stem, side: u64, classes: u64) -> Result<ModelPlan, PlanError> {
    let (blocks, bottleneck) = match depth {
        18 => ([2, 2, 2, 2], false),
        34 => ([3, 4, 6, 3], false),
        50 => ([3, 4, 6, 3], true),
        _ => {
            return Err(PlanError::Unknown {
                name: format!("resnet{depth}"),
                known: super::NAMES,
            });
        }
    };
    let name = match stem {
        Stem::ImageNet => format!("resnet{depth}"),
        Stem::Cifar => format!("resnet{depth}-cifar"),
    };
    let mut net = Convolutions::new(name, side);
    let mut stream = begin(&mut net, stem)?;
    for (stage, blocks) in blocks.into_iter().enumerate() {
        for block in 0..blocks {
            let stride = if block == 0 && stage > 0 { 2 } else { 1 };
            let at = At {
                stage,
                block,
                stride,
                multiple_of: 1,
            };
            stream = match bottleneck {
                true => bottleneck_block(&mut net, &stream, at, |net, name, inner, stride| {
                    net.conv(name, inner, inner, Conv::new(3).stride(stride))
                })?,
                false => basic_block(&mut net, &stream, at)?,
            };
        }
    }
    net.classify(&stream, classes)?;
    Ok(net.plan)
}

/// Where a block stands.
#[derive(Clone, Copy)]
pub(super) struct At {
    pub(super) stage: usize,
    pub(super) block: u64,
    pub(super) stride: u64,
    /// What divides the inner channels.
    pub(super) multiple_of: u64,
}

impl At {
    pub(super) fn name(self) -> String {
        format!("layer{}.{}", self.stage + 1, self.block)
    }

    fn channels(self) -> u64 {
        64 << self.stage
    }
}

/// The stem; returns the width of what it makes.
pub(super) fn begin(net: &mut Convolutions, stem: Stem) -> Result<Features, PlanError> {
    let colours = net.plan.fixed("colours", 3).into();
    let stream: Features = net.plan.width("stem", 64, 1).into();
    let conv = match stem {
        Stem::ImageNet => Conv::new(7).stride(2),
        Stem::Cifar => Conv::new(3),
    };
    let place = Place::Stem;
    net.conv("conv1", &colours, &stream, Conv { place, ..conv })?;
    if stem == Stem::ImageNet {
        net.pool("maxpool", &stream, Window::same(net.map, 3, 2))?;
    }
    Ok(stream)
}

fn basic_block(net: &mut Convolutions, stream: &Features, at: At) -> Result<Features, PlanError> {
    let name = at.name();
    let inner = (net
        .plan
        .width(format!("{name}.inner"), at.channels(), at.multiple_of))
    .into();
    // Within a stage a block adds to what it reads; the first of a stage opens a width.
    let opens = at.block == 0 && at.stage > 0;
    let out = match opens {
        true => net
            .plan
            .width(format!("layer{}", at.stage + 1), at.channels(), 1)
            .into(),
        false => stream.clone(),
    };
    let before = net.map;
    net.conv(
        &format!("{name}.conv1"),
        stream,
        &inner,
        Conv::new(3).stride(at.stride),
    )?;
    net.conv(&format!("{name}.conv2"), &inner, &out, Conv::new(3))?;
    if opens {
        net.map = before;
        let shortcut = Conv::new(1).stride(at.stride);
        net.conv(&format!("{name}.shortcut"), stream, &out, shortcut)?;
    }
    Ok(out)
}

/// 1 × 1 down, `middle` over the inner channels, 1 × 1 up to four times as many.
pub(super) fn bottleneck_block(
    net: &mut Convolutions,
    stream: &Features,
    at: At,
    middle: impl Fn(&mut Convolutions, &str, &Features, u64) -> Result<(), PlanError>,
) -> Result<Features, PlanError> {
    let name = at.name();
    let inner = (net
        .plan
        .width(format!("{name}.inner"), at.channels(), at.multiple_of))
    .into();
    let opens = at.block == 0;
    let out = match opens {
        true => net
            .plan
            .width(format!("layer{}", at.stage + 1), 4 * at.channels(), 1)
            .into(),
        false => stream.clone(),
    };
    let before = net.map;
    net.conv(&format!("{name}.conv1"), stream, &inner, Conv::new(1))?;
    middle(net, &format!("{name}.conv2"), &inner, at.stride)?;
    net.conv(&format!("{name}.conv3"), &inner, &out, Conv::new(1))?;
    if opens {
        net.map = before;
        let shortcut = Conv::new(1).stride(at.stride);
        net.conv(&format!("{name}.shortcut"), stream, &out, shortcut)?;
    }
    Ok(out)
}
