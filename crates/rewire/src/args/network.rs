//! The words of the commands that count a network without training it.

use clap::Args;
use rewire_ift::Transform;
use rewire_ift::models::Sizes;
use rewire_train::config::{Allocation, Edges, Matching, Method, TransformConfig, word};

#[derive(Debug, Args)]
pub(crate) struct NetworkArgs {
    /// Name of a published network, or the widths of a perceptron: mlp:784,300,100,10
    #[arg(value_name = "MODEL")]
    pub(crate) model: String,
    /// Classes to tell apart [default: the publication's]
    #[arg(long, value_name = "N", help_heading = "Network")]
    classes: Option<u64>,
    /// Height and width of an image, in pixels [default: the publication's]
    #[arg(long, value_name = "N", help_heading = "Network")]
    side: Option<u64>,
    /// Tokens of a text [default: 2048]
    #[arg(long, value_name = "N", help_heading = "Network")]
    context: Option<u64>,
}

impl NetworkArgs {
    /// The sizes that the data or the task give.
    pub(crate) fn sizes(&self) -> Sizes {
        Sizes {
            classes: self.classes,
            side: self.side,
            context: self.context,
        }
    }
}

/// How a network is transformed.
#[derive(Debug, Args)]
pub(crate) struct TransformArgs {
    /// What is to cost what it did: the whole network or each transformed layer [default: network]
    #[arg(
        long = "match",
        requires = "transform",
        value_name = "WHAT",
        help_heading = "Transform",
        hide_default_value = true,
        default_value = "network",
        value_parser = word::<Matching>
    )]
    pub(crate) matching: Matching,
    /// Layers with a given side: matched, dense or uniform [default: matched]
    #[arg(
        long,
        requires = "transform",
        value_name = "RULE",
        help_heading = "Transform",
        hide_default_value = true,
        default_value = "matched",
        value_parser = word::<Edges>
    )]
    pub(crate) edges: Edges,
    /// Sizes are multiples of this number [default: 1]
    #[arg(
        long,
        requires = "transform",
        value_name = "N",
        help_heading = "Transform",
        hide_default_value = true,
        default_value_t = 1,
        value_parser = clap::value_parser!(u64).range(1..=65_536)
    )]
    pub(crate) multiple_of: u64,
    /// No non-linearity between and in the factors: they fold into one matrix [default: off]
    #[arg(long, requires = "transform", help_heading = "Transform")]
    pub(crate) linear: bool,
}

impl TransformArgs {
    /// The settings of a configuration that say the same.
    pub(crate) fn settings(&self) -> TransformConfig {
        TransformConfig {
            matching: self.matching,
            edges: self.edges,
            multiple_of: self.multiple_of,
            linear: self.linear,
            ..TransformConfig::default()
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct FlopsArgs {
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
    /// Share of inactive weights, in [0, 1) [default: 0]
    #[arg(
        long,
        value_name = "SHARE",
        help_heading = "Sparsity",
        allow_negative_numbers = true,
        hide_default_value = true,
        default_value_t = 0.0
    )]
    pub(crate) sparsity: f64,
    /// How layers share the active weights: uniform, er or erk [default: erk]
    #[arg(
        long,
        value_name = "RULE",
        help_heading = "Sparsity",
        conflicts_with = "transform",
        value_parser = word::<Allocation>
    )]
    pub(crate) allocation: Option<Allocation>,
    /// Layers that stay dense, by name, with commas [default: none]
    #[arg(
        long,
        value_name = "LAYER,..",
        value_delimiter = ',',
        help_heading = "Sparsity",
        conflicts_with = "transform"
    )]
    pub(crate) dense: Vec<String>,
    /// How positions are explored: dense, static, set, rigl or dsr [default: static]
    #[arg(
        long,
        value_name = "METHOD",
        help_heading = "Sparsity",
        hide_default_value = true,
        default_value = "static",
        value_parser = word::<Method>
    )]
    pub(crate) method: Method,
    /// Steps between rewirings [default: 100]
    #[arg(
        long,
        value_name = "STEPS",
        help_heading = "Sparsity",
        hide_default_value = true,
        default_value_t = 100,
        value_parser = clap::value_parser!(u64).range(1..=1_000_000_000)
    )]
    pub(crate) every: u64,
    /// Samples per step [default: 1]
    #[arg(
        long,
        value_name = "SAMPLES",
        help_heading = "Sparsity",
        hide_default_value = true,
        default_value_t = 1,
        value_parser = clap::value_parser!(u64).range(1..=1_000_000_000)
    )]
    pub(crate) batch: u64,
    /// Count a sparse network at equal FLOPs: wide, parallel, factorized or doped [default: none]
    #[arg(
        long,
        value_name = "MEMBER",
        help_heading = "Transform",
        value_parser = member
    )]
    pub(crate) transform: Option<Transform>,
    #[command(flatten)]
    pub(crate) terms: TransformArgs,
    /// Print one JSON object [default: off]
    #[arg(long, help_heading = "Output", conflicts_with = "csv")]
    pub(crate) json: bool,
    /// Print a line per layer with commas between the values [default: off]
    #[arg(long, help_heading = "Output")]
    pub(crate) csv: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
    /// Member of the family: wide, parallel, factorized or doped
    #[arg(
        long,
        value_name = "MEMBER",
        help_heading = "Transform",
        value_parser = member
    )]
    pub(crate) transform: Transform,
    /// Share of inactive weights, in [0, 1)
    #[arg(
        long,
        value_name = "SHARE",
        help_heading = "Transform",
        allow_negative_numbers = true
    )]
    pub(crate) sparsity: f64,
    #[command(flatten)]
    pub(crate) terms: TransformArgs,
}

/// A member of Sparse-IFT by its name.
fn member(text: &str) -> Result<Transform, String> {
    let named = Transform::ALL
        .into_iter()
        .find(|member| member.name() == text);
    let names = || Transform::ALL.map(Transform::name).join(", ");
    named.ok_or_else(|| format!("legal is one of {}", names()))
}
