//! Which runs make which table: configurations as the flags of `rewire train`.
//!
//! The recipe of the table `mnist` is that of the published values beside it: LeNet-300-100, batch
//! 100, 100 epochs, SGD with Nesterov momentum 0.9, learning rate 0.1, × 0.1 every 25 000 steps,
//! weight decay 5e-4, a tenth of the training part held out; all three layers sparse, densities by
//! ERK. The tables of Sparse-IFT are in `sparse_ift.rs`.

use std::fmt;

use clap::ValueEnum;
use sha2::{Digest, Sha256};

use super::record::{Line, Origin, Outcome};
use super::sparse_ift;

/// Tables of docs/results.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(super) enum Table {
    /// RigL on the embedded digits, as the command without options does it, beside dense training.
    Digits,
    /// LeNet-300-100 on MNIST, four methods at four sparsities.
    Mnist,
    /// Sparse-IFT of 784-300-100-10 on MNIST: every member at equal FLOPs, and its controls.
    SparseIft,
    /// Sparse-IFT of a perceptron on CIFAR-10.
    Cifar10,
}

/// What a run learns from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DataSet {
    /// In the binary.
    Digits,
    /// The folder of `--data`.
    Mnist,
    /// The folder of `--cifar10`.
    Cifar10,
}

/// What sets the runs of a table apart, but for the seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Case {
    /// What became of the network; empty for the network as it is.
    pub(super) network: &'static str,
    /// `dense`, `static`, `set`, `rigl` or `dsr`.
    pub(super) method: &'static str,
    /// The sparsity as the command line takes it; `None` for a dense run.
    pub(super) sparsity: Option<&'static str>,
}

/// One training run.
#[derive(Clone, Debug)]
pub(super) struct Run {
    /// The table it belongs to.
    pub(super) table: Table,
    pub(super) case: Case,
    /// The seed of everything random.
    pub(super) seed: u64,
    /// What `rewire train` is given, without the data, threads and output, which do not change the
    /// result.
    pub(super) flags: Vec<String>,
}

/// Seeds of a table are 1, 2, … up to these.
const DIGITS_SEEDS: u64 = 5;
const MNIST_SEEDS: u64 = 3;

const MNIST_METHODS: [&str; 4] = ["static", "set", "rigl", "dsr"];
const MNIST_SPARSITIES: [&str; 4] = ["0.90", "0.95", "0.98", "0.99"];

const MNIST_RECIPE: &str = "--model mlp:300,100 --epochs 100 --batch 100 --optimizer sgd --lr 0.1 \
    --set optimizer.momentum=0.9 --set optimizer.nesterov=true --set optimizer.weight_decay=5e-4 \
    --set schedule.kind=step --set schedule.step_every=25000 --set schedule.step_factor=0.1 \
    --set schedule.warmup=0 --set data.valid=6000 \
    --set rewire.every=100 --set rewire.fraction=0.3 --set rewire.end=0.75";

impl Table {
    /// Every run of the table.
    pub(super) fn runs(self) -> Vec<Run> {
        let plain = |method, sparsity| Case {
            network: "",
            method,
            sparsity,
        };
        let cases: Vec<(Case, String)> = match self {
            Self::Digits => [("dense", None), ("rigl", Some("0.9"))]
                .into_iter()
                .map(|(method, sparsity)| (plain(method, sparsity), String::new()))
                .collect(),
            Self::Mnist => {
                let sparse = MNIST_METHODS
                    .iter()
                    .flat_map(|&method| MNIST_SPARSITIES.map(|sparsity| (method, Some(sparsity))));
                std::iter::once(("dense", None))
                    .chain(sparse)
                    .map(|(method, sparsity)| (plain(method, sparsity), MNIST_RECIPE.to_owned()))
                    .collect()
            }
            Self::SparseIft => sparse_ift::mnist(),
            Self::Cifar10 => sparse_ift::cifar10(),
        };
        let seeds = match self {
            Self::Digits => DIGITS_SEEDS,
            Self::Mnist => MNIST_SEEDS,
            Self::SparseIft => sparse_ift::MNIST_SEEDS,
            Self::Cifar10 => sparse_ift::CIFAR10_SEEDS,
        };
        cases
            .iter()
            .flat_map(|(case, recipe)| {
                (1..=seeds).map(move |seed| Run::new(self, *case, seed, recipe))
            })
            .collect()
    }

    /// What its runs learn from.
    pub(super) fn data(self) -> DataSet {
        match self {
            Self::Digits => DataSet::Digits,
            Self::Mnist | Self::SparseIft => DataSet::Mnist,
            Self::Cifar10 => DataSet::Cifar10,
        }
    }

    /// What multiplies, as flags outside the hash: the plain products, whose bits are those of every
    /// processor, or sparse kernels at every density, which execute what their positions need.
    pub(super) fn products(self) -> [&'static str; 2] {
        match self {
            Self::Digits | Self::Mnist => ["--set", "products=plain"],
            Self::SparseIft | Self::Cifar10 => ["--set", "crossover=[[1, 1, 1, 1, 1]]"],
        }
    }

    /// The test accuracy in percent that was published for this cell, as the source prints it.
    ///
    /// From the results file of the reference implementation of sparse momentum (Dettmers and
    /// Zettlemoyer 2019, "Sparse Networks from Scratch"); its row for SET at 0.99 is damaged and
    /// leaves two readings.
    pub(super) fn published(self, method: &str, sparsity: &str) -> Option<&'static str> {
        let cell = match (self, method, sparsity) {
            (Self::Mnist, "dense", _) => "98.69",
            (Self::Mnist, "dsr", "0.90") => "98.44",
            (Self::Mnist, "dsr", "0.95") => "98.32",
            (Self::Mnist, "dsr", "0.98") => "98.14",
            (Self::Mnist, "dsr", "0.99") => "97.54",
            (Self::Mnist, "set", "0.90") => "98.39",
            (Self::Mnist, "set", "0.95") => "98.14",
            (Self::Mnist, "set", "0.98") => "97.74",
            (Self::Mnist, "set", "0.99") => "95.80 or 94.0",
            _ => return None,
        };
        Some(cell)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Digits => "digits",
            Self::Mnist => "mnist",
            Self::SparseIft => "sparse-ift",
            Self::Cifar10 => "cifar10",
        })
    }
}

impl Run {
    fn new(table: Table, case: Case, seed: u64, recipe: &str) -> Self {
        let mut flags: Vec<String> = recipe.split_whitespace().map(str::to_owned).collect();
        flags.extend(["--method".into(), case.method.into()]);
        if let Some(sparsity) = case.sparsity {
            flags.extend(["--sparsity".into(), sparsity.into()]);
            // The digits are trained as the command without options does it; a transform and a pattern
            // share the weights out themselves.
            let decided = ["--transform", "sparsity.pattern"];
            if table != Table::Digits && !decided.iter().any(|key| recipe.contains(key)) {
                flags.extend(["--allocation".into(), "erk".into()]);
            }
        }
        flags.extend(["--seed".into(), seed.to_string()]);
        Self {
            table,
            case,
            seed,
            flags,
        }
    }

    /// The run as a line for a shell, with `DIR` for the folder of its data.
    pub(super) fn command(&self) -> String {
        let data = match self.table.data() {
            DataSet::Digits => "digits",
            DataSet::Mnist | DataSet::Cifar10 => "DIR",
        };
        let words = self.flags.iter().map(String::as_str);
        let words = words.chain(self.table.products()).map(|word| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.,=:".contains(c);
            if word.chars().all(is_plain) {
                word.to_owned()
            } else {
                format!("'{word}'")
            }
        });
        let words: Vec<String> = words.collect();
        format!("rewire train --data {data} {} --threads 1", words.join(" "))
    }

    /// The first 16 hexadecimal digits of the SHA-256 over the table's name and the flags, each
    /// ended by a newline.
    pub(super) fn hash(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update(format!("{}\n", self.table));
        for flag in &self.flags {
            hasher.update(format!("{flag}\n"));
        }
        hasher
            .finalize()
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// The line of the record for what came out of this run.
    pub(super) fn line(&self, outcome: Outcome) -> Line {
        let run = Origin {
            configuration: self.hash(),
            table: self.table.to_string(),
            network: self.case.network.into(),
            method: self.case.method.into(),
            sparsity: self.case.sparsity.unwrap_or_default().into(),
            seed: self.seed,
        };
        Line { run, outcome }
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.table)?;
        if !self.case.network.is_empty() {
            write!(f, " {}", self.case.network)?;
        }
        write!(f, " {}", self.case.method)?;
        if let Some(sparsity) = self.case.sparsity {
            write!(f, " {sparsity}")?;
        }
        write!(f, " seed {}", self.seed)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_run_is_a_line_for_a_shell() {
        let run = &Table::Digits.runs()[0];
        let line = run.command();
        assert!(line.starts_with("rewire train --data digits "), "{line}");
        assert!(
            line.ends_with(" --set products=plain --threads 1"),
            "{line}"
        );
        let line = Table::SparseIft.runs()[0].command();
        assert!(
            line.contains(" --set 'crossover=[[1, 1, 1, 1, 1]]' "),
            "{line}"
        );
    }

    #[test]
    fn the_tables_hold_the_runs_they_promise() {
        assert_eq!(Table::Digits.runs().len(), 2 * 5);
        // Dense, and four methods at four sparsities; three seeds each.
        assert_eq!(Table::Mnist.runs().len(), 3 + 4 * 4 * 3);
    }

    #[test]
    fn every_run_has_a_hash_of_its_own() {
        let runs: Vec<Run> = Table::value_variants()
            .iter()
            .flat_map(|table| table.runs())
            .collect();
        let hashes: BTreeSet<String> = runs.iter().map(Run::hash).collect();
        assert_eq!(hashes.len(), runs.len());
    }

    /// Written down, because the lines of the committed record are found by it.
    #[test]
    fn the_hash_is_frozen() {
        let case = Case {
            network: "",
            method: "rigl",
            sparsity: Some("0.9"),
        };
        let run = Run::new(Table::Digits, case, 1, "");
        assert_eq!(run.flags.join(" "), "--method rigl --sparsity 0.9 --seed 1");
        assert_eq!(run.hash(), "1f12dcc32a1381a6");
    }

    #[test]
    fn a_dense_run_names_no_sparsity() {
        let dense = &Table::Mnist.runs()[0];
        assert_eq!(dense.case.method, "dense");
        assert!(!dense.flags.iter().any(|flag| flag == "--sparsity"));
    }
}
