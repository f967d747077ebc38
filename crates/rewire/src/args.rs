//! The words of the command line.
//!
//! A flag that stands for a configuration key is kept as the text it was given as: what is legal,
//! and what a refusal says, is decided in one place, by the configuration itself.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use rewire_train::config::legal_keys;

pub(crate) mod network;

use network::{FlopsArgs, PlanArgs};

/// Examples lead, because they answer most questions.
const TEMPLATE: &str = "{about}\n\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}";

const TOP_EXAMPLES: &str = "\
Examples:
  rewire train                                  RigL at sparsity 0.9 on the embedded digits
  rewire train --data mnist --sparsity 0.98     the IDX files in the folder mnist
  rewire inspect runs/0001                      what is in the checkpoint of a run";

const TRAIN_EXAMPLES: &str = "\
Examples:
  rewire train                                  RigL at sparsity 0.9 on the embedded digits
  rewire train --config run.toml --set rewire.every=50 --seed 1 --out runs/a
  rewire train --resume runs/a                  continue an interrupted run, bit for bit";

const TRAIN_END: &str = "\
A flag overrides --set, --set the file, the file the defaults. All keys: --dry-run prints them.
--sparsity holds for the layers without a setting of their own, all their weights together. A layer
with one (--set layers.fc1.sparsity=0.98) starts with exactly that and a layer under sparsity.dense
stays dense; neither takes from the shared budget or adds to it.
In --json, coverage (R_s) is the share of positions that were ever active, survivor_coverage that of
positions that outlived a rewiring too, and best_epoch_test_accuracy the best after any epoch: the
test part itself has chosen it, so test_accuracy is the one to report.
Interrupting once (Ctrl-C, SIGTERM, SIGHUP) finishes the step, saves and prints how to continue;
twice stops at once. SIGUSR1 saves and stops with exit status 0, for batch schedulers.
Exit status: 0 done, 2 usage, or a folder that is in use or cannot be a run's, 65 bad data, 70 bug,
74 input/output, or a file or folder that does not exist, 75 diverged, 128 + n signal n.";

const EVAL_EXAMPLES: &str = "\
Examples:
  rewire eval runs/0001                         the last checkpoint on the test part of its data
  rewire eval runs/0001/best.safetensors
  rewire eval runs/0001/model.safetensors       what export has written
  rewire eval runs/0001 --data mnist            the same data, kept in another folder";

const INSPECT_EXAMPLES: &str = "\
Examples:
  rewire inspect runs/0001
  rewire inspect runs/0001/best.safetensors";

const EXPORT_EXAMPLES: &str = "\
Examples:
  rewire export runs/0001                       the active weights, to runs/0001/model.safetensors
  rewire export runs/0001/best.safetensors --out best.model.safetensors
  rewire export runs/0001 --dense               a PyTorch state dict";

const TUNE_EXAMPLES: &str = "\
Examples:
  rewire tune > machine.toml                    some minutes on an otherwise idle machine
  rewire train --config machine.toml --sparsity 0.5";

const FLOPS_EXAMPLES: &str = "\
Examples:
  rewire flops resnet50                         every layer and the totals, per sample
  rewire flops resnet50 --sparsity 0.9 --allocation erk --method rigl --batch 4096
  rewire flops mlp:784,300,100,10 --sparsity 0.75 --transform wide --json";

const PLAN_EXAMPLES: &str = "\
Examples:
  rewire plan mlp:784,300,100,10 --transform wide --sparsity 0.9
  rewire plan resnet18-cifar --transform factorized --sparsity 0.9 --multiple-of 16";

const CHECK_EXAMPLES: &str = "\
Examples:
  rewire data check mnist";

const CONVERT_EXAMPLES: &str = "\
Examples:
  rewire data convert cifar10-jpeg cifar10";

/// Train sparse neural networks whose connections move while they learn.
#[derive(Debug, Parser)]
#[command(name = "rewire", version, help_template = TEMPLATE, before_help = TOP_EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train a network, or continue a run
    #[command(help_template = TEMPLATE, before_help = TRAIN_EXAMPLES, after_help = TRAIN_END)]
    Train(Box<TrainArgs>),
    /// Measure a checkpoint or model on the test part of its data
    #[command(help_template = TEMPLATE, before_help = EVAL_EXAMPLES)]
    Eval(EvalArgs),
    /// Show what a checkpoint or model holds
    #[command(help_template = TEMPLATE, before_help = INSPECT_EXAMPLES)]
    Inspect(InspectArgs),
    /// Write the trained weights alone to a file
    #[command(help_template = TEMPLATE, before_help = EXPORT_EXAMPLES)]
    Export(ExportArgs),
    /// Measure from which densities on a dense product is faster on this machine
    #[command(help_template = TEMPLATE, before_help = TUNE_EXAMPLES)]
    Tune(TuneArgs),
    /// Count what a network costs, layer by layer
    #[command(help_template = TEMPLATE, before_help = FLOPS_EXAMPLES)]
    Flops(FlopsArgs),
    /// Show a network and its sparse transform at equal FLOPs side by side
    #[command(help_template = TEMPLATE, before_help = PLAN_EXAMPLES)]
    Plan(PlanArgs),
    /// Look at data sets
    #[command(subcommand)]
    Data(DataCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// Read every file of a data set and describe it
    #[command(help_template = TEMPLATE, before_help = CHECK_EXAMPLES)]
    Check(CheckArgs),
    /// Make CIFAR's binary layout from a folder of JPEG images
    #[command(help_template = TEMPLATE, before_help = CONVERT_EXAMPLES)]
    Convert(ConvertArgs),
}

#[derive(Debug, Default, Args)]
pub(crate) struct TrainArgs {
    /// Configuration file in TOML, repeatable: a later one overrides [default: none]
    #[arg(long, value_name = "FILE", help_heading = "Configuration")]
    pub(crate) config: Vec<PathBuf>,
    /// Any configuration key, repeatable: --set rewire.fraction=0.2 [default: none]
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Configuration")]
    pub(crate) set: Vec<String>,
    #[command(flatten)]
    pub(crate) keys: KeyArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// Flags that stand for configuration keys.
#[derive(Debug, Default, Args)]
pub(crate) struct KeyArgs {
    /// `digits`, or a folder of MNIST-like IDX files or CIFAR binaries [default: digits]
    #[arg(long, value_name = "digits|DIR", help_heading = "Data and model")]
    data: Option<String>,
    /// Training samples held out for choices [default: 0]
    #[arg(
        long,
        value_name = "SAMPLES",
        help_heading = "Data and model",
        allow_negative_numbers = true
    )]
    valid: Option<String>,
    /// Samples per step [default: 32]
    #[arg(
        long,
        value_name = "SAMPLES",
        help_heading = "Data and model",
        allow_negative_numbers = true
    )]
    batch: Option<String>,
    /// Perceptron with these hidden widths, in units [default: mlp:300,100]
    #[arg(long, value_name = "mlp:W1,W2,..", help_heading = "Data and model")]
    model: Option<String>,
    #[arg(
        long,
        help = choice("Larger sparse network at equal FLOPs", "transform.kind", "none"),
        value_name = "MEMBER",
        help_heading = "Data and model"
    )]
    transform: Option<String>,
    #[arg(
        long,
        help = choice("How positions are explored", "sparsity.method", "rigl"),
        value_name = "METHOD",
        help_heading = "Sparsity"
    )]
    method: Option<String>,
    /// Share of inactive weights over the layers that share the budget, in [0, 1) [default: 0.9]
    #[arg(
        long,
        value_name = "SHARE",
        help_heading = "Sparsity",
        allow_negative_numbers = true
    )]
    sparsity: Option<String>,
    #[arg(
        long,
        help = choice("How layers share the active weights", "sparsity.allocation", "erk"),
        value_name = "RULE",
        help_heading = "Sparsity"
    )]
    allocation: Option<String>,
    /// Length of the run, in passes over the training data [default: 30]
    #[arg(
        long,
        value_name = "EPOCHS",
        help_heading = "Training",
        allow_negative_numbers = true
    )]
    epochs: Option<String>,
    /// Highest learning rate, per step [default: 0.05]
    #[arg(
        long,
        value_name = "RATE",
        help_heading = "Training",
        allow_negative_numbers = true
    )]
    lr: Option<String>,
    #[arg(
        long,
        help = choice("How values change", "optimizer.kind", "sgd"),
        value_name = "RULE",
        help_heading = "Training"
    )]
    optimizer: Option<String>,
    /// Seed of all random streams, a whole number [default: 0]
    #[arg(
        long,
        value_name = "SEED",
        help_heading = "Training",
        allow_negative_numbers = true
    )]
    seed: Option<String>,
    /// Worker threads, 0 for one per core; results do not depend on it [default: 0]
    #[arg(
        long,
        value_name = "THREADS",
        help_heading = "Training",
        allow_negative_numbers = true
    )]
    threads: Option<String>,
}

impl KeyArgs {
    /// Key and text of every flag that was given.
    pub(crate) fn given(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("data.source", &self.data),
            ("data.valid", &self.valid),
            ("data.batch", &self.batch),
            ("model.kind", &self.model),
            ("transform.kind", &self.transform),
            ("sparsity.method", &self.method),
            ("sparsity.sparsity", &self.sparsity),
            ("sparsity.allocation", &self.allocation),
            ("schedule.epochs", &self.epochs),
            ("schedule.lr", &self.lr),
            ("optimizer.kind", &self.optimizer),
            ("seed", &self.seed),
            ("threads", &self.threads),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value.as_deref()?)))
    }
}

/// The help of a flag that takes one of the words of a key.
fn choice(what: &str, key: &str, default: &str) -> String {
    let keys = legal_keys();
    let legal = keys.iter().find(|(path, _)| *path == key);
    let words = legal.map_or("", |(_, legal)| legal.trim_start_matches("one of "));
    let words = match words.rsplit_once(", ") {
        Some((words, last)) => format!("{words} or {last}"),
        None => words.to_owned(),
    };
    format!("{what}: {words} [default: {default}]")
}

/// Flags about the run itself.
#[derive(Debug, Default, Args)]
pub(crate) struct RunArgs {
    /// Folder of the run [default: the next free runs/NNNN]
    #[arg(long, value_name = "DIR", help_heading = "Run")]
    pub(crate) out: Option<PathBuf>,
    /// Continue the run in this folder from its last checkpoint [default: none]
    #[arg(long, value_name = "DIR", help_heading = "Run", conflicts_with_all = ["out", "overwrite"])]
    pub(crate) resume: Option<PathBuf>,
    /// Replace the run in --out [default: off]
    #[arg(long, help_heading = "Run", requires = "out")]
    pub(crate) overwrite: bool,
    /// Print configuration, shapes and cost, and write nothing [default: off]
    #[arg(long, help_heading = "Run", conflicts_with = "json")]
    pub(crate) dry_run: bool,
    /// Print the result as one JSON object on stdout [default: off]
    #[arg(long, help_heading = "Run")]
    pub(crate) json: bool,
    /// No progress and no notes on stderr; log.txt has the notes [default: off]
    #[arg(short, long, help_heading = "Run")]
    pub(crate) quiet: bool,
}

#[derive(Debug, Args)]
pub(crate) struct EvalArgs {
    /// Folder of a run, or a checkpoint or model file
    #[arg(value_name = "RUN|FILE")]
    pub(crate) path: PathBuf,
    /// `digits`, or a folder of data files [default: the data it was trained on]
    #[arg(long, value_name = "digits|DIR")]
    pub(crate) data: Option<String>,
    /// Worker threads, 0 for one per core [default: 0]
    #[arg(
        long,
        value_name = "THREADS",
        default_value_t = 0,
        hide_default_value = true,
        value_parser = clap::value_parser!(u16).range(0..=4096)
    )]
    pub(crate) threads: u16,
}

#[derive(Debug, Args)]
pub(crate) struct TuneArgs {
    /// Worker threads, 0 for one per core [default: 0]
    #[arg(
        long,
        value_name = "THREADS",
        default_value_t = 0,
        hide_default_value = true,
        value_parser = clap::value_parser!(u16).range(0..=4096)
    )]
    pub(crate) threads: u16,
    /// Sides of the square layers that are measured, in units [default: 64,256,1024,4096]
    #[arg(
        long,
        value_name = "N,..",
        value_delimiter = ',',
        default_values_t = [64, 256, 1024, 4096],
        hide_default_value = true,
        value_parser = clap::value_parser!(u32).range(1..=16_384)
    )]
    pub(crate) sides: Vec<u32>,
    /// Batches that are measured, in samples [default: 1,16,128,512]
    #[arg(
        long,
        value_name = "N,..",
        value_delimiter = ',',
        default_values_t = [1, 16, 128, 512],
        hide_default_value = true,
        value_parser = clap::value_parser!(u32).range(1..=16_384)
    )]
    pub(crate) batches: Vec<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// Folder of a run, or a checkpoint or model file
    #[arg(value_name = "RUN|FILE")]
    pub(crate) path: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Folder of a run, or a checkpoint or model file
    #[arg(value_name = "RUN|FILE")]
    pub(crate) path: PathBuf,
    /// File to write [default: model.safetensors in the folder of the run]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Every weight, as a PyTorch state dict; the default name is then dense.safetensors [default:
    /// off]
    #[arg(long)]
    pub(crate) dense: bool,
    /// Replace the file if it is there [default: off]
    #[arg(long)]
    pub(crate) overwrite: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ConvertArgs {
    /// Folder with train/CLASS/*.jpg and test/CLASS/*.jpg, ten classes of 32 × 32 pixels
    #[arg(value_name = "FROM")]
    pub(crate) from: PathBuf,
    /// Folder to write, which must not exist
    #[arg(value_name = "TO")]
    pub(crate) to: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Folder of the data set
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use rewire_train::config::{Config, ConfigBuilder};

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// Giving every flag the default its help states changes nothing.
    #[test]
    fn the_help_states_the_defaults_of_the_configuration() {
        let mut command = Cli::command();
        let train = command
            .find_subcommand_mut("train")
            .expect("train is a command");
        let mut flags = Vec::new();
        for argument in train.get_arguments() {
            let heading = argument.get_help_heading().unwrap_or_default();
            let help = argument.get_help().unwrap().to_string();
            let (_, default) = help.rsplit_once("[default: ").expect("every help has one");
            if !["Configuration", "Run"].contains(&heading) {
                let default = default.strip_suffix(']').unwrap();
                flags.push(format!("--{}={default}", argument.get_long().unwrap()));
            }
        }
        assert_eq!(flags.len(), 13, "{flags:?}");
        let line = ["rewire", "train"].map(str::to_owned).into_iter();
        let cli = Cli::try_parse_from(line.chain(flags)).unwrap();
        let Command::Train(args) = cli.command else {
            panic!("train was asked for");
        };
        let mut builder = ConfigBuilder::new();
        for (key, value) in args.keys.given() {
            builder = builder.flag(key, value).unwrap();
        }
        let default: Config = ConfigBuilder::new().build().unwrap();
        assert_eq!(builder.build().unwrap(), default);
    }
}
