//! Published networks as plans, by name.
//!
//! Each file builds one family from its paper; sizes that the data or the task give are arguments.
//! The counts of parameters and multiply–adds are tested against those of the reference
//! implementations.

mod bottleneck_attention;
mod gpt;
mod mlp;
mod mobilenet;
mod mobilevit;
mod resnet;
mod vgg;
mod vit;
mod wide_resnet;

pub use bottleneck_attention::botnet50;
pub use gpt::{GptSize, gpt};
pub use mlp::mlp;
pub use mobilenet::mobilenet_v2;
pub use mobilevit::mobilevit_s;
pub use resnet::{Stem, resnet};
pub use vgg::{Classifier, vgg_bn};
pub use vit::{VitSize, vit};
pub use wide_resnet::wide_resnet;

use crate::error::PlanError;
use crate::model::ModelPlan;
use crate::op::{Features, Groups, Op, Place};
use crate::window::Window;

/// The networks that [`named`] knows besides `mlp:INPUTS,HIDDEN,…,CLASSES`.
pub const NAMES: &[&str] = &[
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet18-cifar",
    "resnet34-cifar",
    "resnet50-cifar",
    "wrn28-2",
    "wrn28-10",
    "vgg16",
    "vgg19",
    "vgg16-cifar",
    "vgg19-cifar",
    "mobilenetv2",
    "deit-tiny",
    "botnet50",
    "mobilevit-s",
    "gpt3-small",
    "gpt3-medium",
    "mlp:784,300,100,10",
];

/// Sizes that the data or the task give, where they are not those of the publication.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Classes of a classifier.
    pub classes: Option<u64>,
    /// Height and width of an image.
    pub side: Option<u64>,
    /// Tokens of a text.
    pub context: Option<u64>,
}

/// A network by its name: one of [`NAMES`], or `mlp:` with the features of every layer.
///
/// Images are 224 pixels wide (256 for MobileViT, 32 for the CIFAR forms) with 1000 classes (10), texts
/// 2048 tokens long, unless `sizes` says otherwise.
///
/// # Errors
/// [`PlanError::Unknown`] for another name or a size that the network does not have, and what its
/// builder refuses.
pub fn named(name: &str, sizes: Sizes) -> Result<ModelPlan, PlanError> {
    let unknown = || PlanError::Unknown {
        name: name.to_owned(),
        known: NAMES,
    };
    let refuse = |word: &str, size: Option<u64>| match size {
        Some(size) => Err(PlanError::Unused {
            name: name.to_owned(),
            what: word.to_owned(),
            size,
        }),
        None => Ok(()),
    };
    if let Some(list) = name.strip_prefix("mlp:") {
        refuse("a side", sizes.side)?;
        refuse("classes", sizes.classes)?;
        refuse("a context", sizes.context)?;
        let widths: Result<Vec<u64>, _> = list.split(',').map(|word| word.trim().parse()).collect();
        let refusal = || PlanError::Widths {
            text: name.to_owned(),
        };
        let widths = widths.map_err(|_| refusal())?;
        let [inputs, hidden @ .., classes] = &widths[..] else {
            return Err(refusal());
        };
        return mlp(*inputs, hidden, *classes, false);
    }
    if let Some(size) = match name {
        "gpt3-small" => Some(GptSize::GPT3_SMALL),
        "gpt3-medium" => Some(GptSize::GPT3_MEDIUM),
        _ => None,
    } {
        refuse("a side", sizes.side)?;
        refuse("classes", sizes.classes)?;
        let context = sizes.context.unwrap_or(size.context);
        return gpt(name, GptSize { context, ..size });
    }
    refuse("a context", sizes.context)?;
    let (image, image_classes) = (sizes.side.unwrap_or(224), sizes.classes.unwrap_or(1000));
    let (small, small_classes) = (sizes.side.unwrap_or(32), sizes.classes.unwrap_or(10));
    match name {
        "resnet18" => resnet(18, Stem::ImageNet, image, image_classes),
        "resnet34" => resnet(34, Stem::ImageNet, image, image_classes),
        "resnet50" => resnet(50, Stem::ImageNet, image, image_classes),
        "resnet18-cifar" => resnet(18, Stem::Cifar, small, small_classes),
        "resnet34-cifar" => resnet(34, Stem::Cifar, small, small_classes),
        "resnet50-cifar" => resnet(50, Stem::Cifar, small, small_classes),
        "wrn28-2" => wide_resnet(28, 2, small, small_classes),
        "wrn28-10" => wide_resnet(28, 10, small, small_classes),
        "vgg16" => vgg_bn(16, Classifier::ThreeLayers, image, image_classes),
        "vgg19" => vgg_bn(19, Classifier::ThreeLayers, image, image_classes),
        "vgg16-cifar" => vgg_bn(16, Classifier::OneLayer, small, small_classes),
        "vgg19-cifar" => vgg_bn(19, Classifier::OneLayer, small, small_classes),
        "mobilenetv2" => mobilenet_v2(image, image_classes),
        "deit-tiny" => vit("deit-tiny", VitSize::TINY, image, image_classes),
        "botnet50" => botnet50(image, image_classes),
        "mobilevit-s" => mobilevit_s(sizes.side.unwrap_or(256), image_classes),
        _ => Err(unknown()),
    }
}

/// A plan under construction with the place of the image that is passed on.
struct Convolutions {
    plan: ModelPlan,
    /// Height and width of the present map.
    map: [u64; 2],
}

/// What a convolution of the families here varies in.
#[derive(Clone, Copy)]
struct Conv {
    kernel: u64,
    stride: u64,
    groups: Groups,
    bias: bool,
    norm: bool,
    place: Place,
}

impl Conv {
    /// Stride 1, no groups, no bias, normalised.
    fn new(kernel: u64) -> Self {
        Self {
            kernel,
            stride: 1,
            groups: Groups::Count(1),
            bias: false,
            norm: true,
            place: Place::Body,
        }
    }

    fn stride(self, stride: u64) -> Self {
        Self { stride, ..self }
    }
}

impl Convolutions {
    fn new(name: impl Into<String>, side: u64) -> Self {
        Self {
            plan: ModelPlan::new(name),
            map: [side, side],
        }
    }

    /// A convolution whose map keeps its size at stride 1, and its normalisation.
    fn conv(
        &mut self,
        name: &str,
        inputs: &Features,
        outputs: &Features,
        conv: Conv,
    ) -> Result<(), PlanError> {
        let window = Window::same(self.map, conv.kernel, conv.stride);
        let op = Op::Conv2d {
            inputs: inputs.clone(),
            outputs: outputs.clone(),
            window,
            groups: conv.groups,
            bias: conv.bias,
        };
        self.plan.push(name, conv.place, op)?;
        self.map = window.output()?;
        if conv.norm {
            self.norm(&format!("{name}.bn"), outputs)?;
        }
        Ok(())
    }

    fn norm(&mut self, name: &str, features: &Features) -> Result<(), PlanError> {
        let [height, width] = self.map;
        let op = Op::Norm {
            features: features.clone(),
            positions: height.saturating_mul(width),
        };
        self.plan.push(name, Place::Body, op)
    }

    fn pool(&mut self, name: &str, features: &Features, window: Window) -> Result<(), PlanError> {
        let op = Op::Pool {
            features: features.clone(),
            window,
        };
        self.plan.push(name, Place::Body, op)?;
        self.map = window.output()?;
        Ok(())
    }

    /// Pools the whole map and makes the logits.
    fn classify(&mut self, features: &Features, classes: u64) -> Result<(), PlanError> {
        self.pool("pool", features, Window::new(self.map, self.map))?;
        let classes = self.plan.fixed("classes", classes);
        let op = Op::Linear {
            inputs: features.clone(),
            outputs: classes.into(),
            positions: 1,
            bias: true,
        };
        self.plan.push("fc", Place::Head, op)
    }
}

/// A linear layer with a bias, applied to every token.
fn tokens_linear(inputs: &Features, outputs: &Features, positions: u64) -> Op {
    Op::Linear {
        inputs: inputs.clone(),
        outputs: outputs.clone(),
        positions,
        bias: true,
    }
}

/// What a transformer block of these families varies in.
struct Block<'a> {
    name: &'a str,
    /// Width of the residual stream.
    stream: &'a Features,
    /// Three times it: queries, keys and values.
    projections: &'a Features,
    /// Width between the two layers of the perceptron.
    hidden: &'a Features,
    heads: u64,
    tokens: u64,
    /// Tokens that each token is compared with.
    keys: u64,
}

/// Attention and a perceptron, each behind a normalisation.
fn transformer_block(plan: &mut ModelPlan, block: &Block<'_>) -> Result<(), PlanError> {
    let (name, tokens) = (block.name, block.tokens);
    let norm = || Op::Norm {
        features: block.stream.clone(),
        positions: tokens,
    };
    let mut body = |part: &str, op| plan.push(format!("{name}.{part}"), Place::Body, op);
    body("ln1", norm())?;
    body(
        "qkv",
        tokens_linear(block.stream, block.projections, tokens),
    )?;
    let attention = Op::Attention {
        features: block.stream.clone(),
        heads: block.heads,
        queries: tokens,
        keys: block.keys,
        relative: 0,
    };
    body("attention", attention)?;
    body("proj", tokens_linear(block.stream, block.stream, tokens))?;
    body("ln2", norm())?;
    body("fc1", tokens_linear(block.stream, block.hidden, tokens))?;
    body("fc2", tokens_linear(block.hidden, block.stream, tokens))
}
