//! What a run is told: typed, complete, checked once.
//!
//! A configuration is layered from defaults, a TOML file, `--set key=value` and flags, each
//! overriding the ones before it ([`ConfigBuilder`]). Every value remembers where it came from,
//! so that a refusal names the line of the file or the flag. What comes out is a [`Config`] in
//! which nothing is missing: values that depend on others, like the decay of a method, are filled
//! in. Its text ([`Config::to_toml`]) starts the same run again.
//!
//! Nothing is ignored: an unknown key, a wrong type or a number out of range is an error. Nothing
//! is read from the environment.

use std::collections::BTreeMap;

use rewire_autograd::Crossover;
use rewire_ift::{Match, Terms, Transform};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

mod crossover;
mod error;
mod example;
mod keys;
mod layers;
mod legal;
mod pattern;
mod words;

pub use error::ConfigError;
pub use keys::legal_keys;
pub use layers::{ConfigBuilder, Origin};
pub use pattern::PatternKind;
pub use words::{
    Activation, Allocation, Decay, Edges, Matching, Method, ModelKind, Norm, OptimizerKind,
    ProductsKind, ScheduleKind, TransformKind, word,
};

use crate::checkpoint::hexadecimal;

/// Everything a run depends on besides its data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The seed of every random stream, at most 2⁶³ − 1.
    pub seed: u64,
    /// Worker threads; 0 stands for all cores. Results do not depend on it.
    pub threads: usize,
    /// What multiplies.
    pub products: ProductsKind,
    /// `auto`: from which densities on a product is dense, as `rewire tune` writes it.
    #[serde(with = "crossover")]
    pub crossover: Crossover,
    /// What is learned from.
    pub data: DataConfig,
    /// What is trained.
    pub model: ModelConfig,
    /// What larger, sparse network takes the place of the model at equal FLOPs.
    #[serde(default)]
    pub transform: TransformConfig,
    /// How many weights there are and where.
    pub sparsity: SparsityConfig,
    /// When positions change and how many.
    pub rewire: RewireConfig,
    /// How values change.
    pub optimizer: OptimizerConfig,
    /// Learning rate and length of the run.
    pub schedule: ScheduleConfig,
    /// Layers with a density of their own, outside the shared budget, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub layers: BTreeMap<String, LayerConfig>,
}

/// `[data]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// `digits` for the embedded digits, otherwise a folder of data files.
    pub source: String,
    /// Samples per step, at least 1.
    pub batch: usize,
    /// Training samples held out for choices.
    pub valid: usize,
}

/// `[model]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// The architecture, as `mlp:300,100`.
    pub kind: ModelKind,
    /// Normalisation after each hidden layer.
    pub norm: Norm,
    /// Non-linearity of the hidden layers.
    pub activation: Activation,
    /// Share of the hidden activations that training silences, in [0, 1).
    pub dropout: f64,
}

/// `[transform]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransformConfig {
    /// The member of Sparse-IFT that takes the place of each layer, at the sparsity of
    /// `sparsity.sparsity`; `none` trains the model as it is.
    pub kind: TransformKind,
    /// What is to cost as much as before.
    #[serde(rename = "match")]
    pub matching: Matching,
    /// What becomes of layers whose inputs or outputs the data give.
    pub edges: Edges,
    /// Sizes are multiples of this, at least 1.
    pub multiple_of: u64,
    /// Whether nothing bends between the factors, so that each layer folds into one matrix.
    pub linear: bool,
}

/// `[sparsity]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SparsityConfig {
    /// How positions are explored.
    pub method: Method,
    /// Share of inactive weights over the layers that share the budget, taken together, in [0, 1);
    /// 0 if the method is `dense`.
    ///
    /// Layers under `dense` and layers with a [`LayerConfig`] do not share it: their weights count
    /// neither as active nor as inactive here.
    pub sparsity: f64,
    /// How the active weights are shared among the layers.
    pub allocation: Allocation,
    /// What the mask of each layer that shares the budget keeps to. N:M patterns decide the sparsity
    /// themselves, and every pattern leaves the weights of no whole group, tile or block active.
    #[serde(default)]
    pub pattern: PatternKind,
    /// Layers that stay dense and outside the budget, sorted.
    pub dense: Vec<String>,
}

/// `[rewire]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RewireConfig {
    /// Steps between rewirings, at least 1.
    pub every: u64,
    /// Share of the active weights that the first rewiring drops, in (0, 1].
    pub fraction: f64,
    /// How the fraction falls; without being told cosine for RigL, constant otherwise.
    pub decay: Decay,
    /// Share of all steps after which positions are final, in (0, 1].
    pub end: f64,
    /// SET: drop among positive and negative weights separately.
    pub two_sided: bool,
    /// RigL: how many random positions a rewiring compares by gradient for each active weight of a
    /// layer; 0 compares all positions, which costs as much as a dense layer.
    #[serde(default)]
    pub sample: u64,
    /// DSR: how many weights a rewiring should drop (N_p); without being told 600 for DSR.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<u64>,
    /// DSR: the first magnitude below which weights are dropped (H₀), above 0.
    pub threshold: f64,
}

/// `[optimizer]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptimizerConfig {
    /// The rule.
    pub kind: OptimizerKind,
    /// SGD: momentum, in [0, 1).
    pub momentum: f64,
    /// SGD: Nesterov's look-ahead.
    pub nesterov: bool,
    /// Weight decay, at least 0: part of the gradient for SGD, decoupled for AdamW.
    pub weight_decay: f64,
    /// AdamW: decay of the first moment, in [0, 1).
    pub beta1: f64,
    /// AdamW: decay of the second moment, in [0, 1).
    pub beta2: f64,
    /// AdamW: what keeps the denominator above 0.
    pub epsilon: f64,
}

/// `[schedule]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleConfig {
    /// The highest learning rate, above 0.
    pub lr: f64,
    /// How the learning rate falls.
    pub kind: ScheduleKind,
    /// Steps in which the learning rate rises from 0.
    pub warmup: u64,
    /// Passes over the training data, at least 1.
    pub epochs: u64,
    /// Length of the run as a multiple of the FLOPs of dense training over `epochs` passes, counted
    /// as the products have to execute them; 0 for a run of `epochs` passes, whatever it costs.
    #[serde(default)]
    pub budget: f64,
    /// `step`: steps between two falls.
    pub step_every: u64,
    /// `step`: what the learning rate is multiplied by, in (0, 1].
    pub step_factor: f64,
}

/// `[layers."NAME"]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerConfig {
    /// Share of inactive weights in this layer at the start, in [0, 1), in place of the shared one.
    ///
    /// DSR may move its weights to other layers later; the other methods keep their number.
    pub sparsity: f64,
}

impl Config {
    /// The configuration that a TOML text asks for; `file_name` is what errors call it.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn from_toml(text: &str, file_name: &str) -> Result<Self, ConfigError> {
        ConfigBuilder::new().file(file_name, text)?.build()
    }

    /// The complete text of this configuration: every key, in a fixed order.
    ///
    /// [`Config::from_toml`] reads it back as an equal value.
    ///
    /// # Panics
    /// If a number exceeds what TOML can hold, 2⁶³ − 1: no checked configuration has one.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a checked configuration is valid TOML")
    }

    /// The line of a configuration that sets a table of crossovers.
    ///
    /// # Panics
    /// If a size exceeds what TOML can hold, 2⁶³ − 1: no measured one does.
    pub fn crossover_text(table: &Crossover) -> String {
        let rows = BTreeMap::from([("crossover", crossover::Rows::of(table))]);
        toml::to_string(&rows).expect("a table of numbers is valid TOML")
    }

    /// SHA-256 of the text with `threads = 0`, as 64 hexadecimal digits.
    ///
    /// Equal hashes mean equal results on equal data: the number of threads changes none.
    pub fn hash(&self) -> String {
        let mut config = self.clone();
        config.threads = 0;
        hexadecimal(&Sha256::digest(config.to_toml()))
    }

    /// The keys in which two configurations differ, sorted, with the value here and there.
    pub fn difference(&self, other: &Self) -> Vec<(String, String, String)> {
        let (here, there) = (layers::flatten_config(self), layers::flatten_config(other));
        let text = |value: Option<&toml::Value>| {
            value.map_or("(not set)".to_owned(), toml::Value::to_string)
        };
        let mut keys: Vec<&String> = here.keys().chain(there.keys()).collect();
        keys.sort();
        keys.dedup();
        keys.into_iter()
            .map(|key| (key.clone(), text(here.get(key)), text(there.get(key))))
            .filter(|(_, here, there)| here != there)
            .collect()
    }

    /// Checks that every layer the configuration speaks of is one of the model's `names`.
    ///
    /// # Errors
    /// [`ConfigError::UnknownLayer`] with the nearest name.
    pub fn check_layers(&self, names: &[&str]) -> Result<(), ConfigError> {
        let listed = (self.sparsity.dense.iter()).map(|name| ("sparsity.dense", name));
        let own = self.layers.keys().map(|name| ("layers", name));
        for (key, name) in listed.chain(own) {
            if !names.contains(&name.as_str()) {
                return Err(ConfigError::UnknownLayer {
                    key,
                    layer: name.clone(),
                    nearest: keys::nearest(name, names.iter().copied()).map(str::to_owned),
                    legal: names.iter().map(|&name| name.to_owned()).collect(),
                });
            }
        }
        Ok(())
    }
}

impl Default for DataConfig {
    fn default() -> Self {
        Self {
            source: "digits".to_owned(),
            batch: 32,
            valid: 0,
        }
    }
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            kind: ModelKind::Mlp {
                hidden: vec![300, 100],
            },
            norm: Norm::None,
            activation: Activation::Relu,
            dropout: 0.0,
        }
    }
}

impl TransformConfig {
    /// The member, unless the model is trained as it is.
    pub fn member(&self) -> Option<Transform> {
        match self.kind {
            TransformKind::None => None,
            TransformKind::Wide => Some(Transform::Wide),
            TransformKind::Parallel => Some(Transform::Parallel),
            TransformKind::Factorized => Some(Transform::Factorized),
            TransformKind::Doped => Some(Transform::Doped),
        }
    }
}

impl TransformConfig {
    /// What the transform has to respect in a network that is normalised or not.
    pub fn terms(&self, norm: bool) -> Terms {
        Terms {
            matching: match self.matching {
                Matching::Network => Match::Network,
                Matching::Layer => Match::Layer,
            },
            edges: match self.edges {
                Edges::Matched => rewire_ift::Edges::Matched,
                Edges::Dense => rewire_ift::Edges::Dense,
                Edges::Uniform => rewire_ift::Edges::Uniform,
            },
            multiple_of: self.multiple_of,
            non_linear: !self.linear,
            norm,
        }
    }
}

impl Default for TransformConfig {
    fn default() -> Self {
        Self {
            kind: TransformKind::None,
            matching: Matching::Network,
            edges: Edges::Matched,
            multiple_of: 1,
            linear: false,
        }
    }
}

impl Default for SparsityConfig {
    fn default() -> Self {
        Self {
            method: Method::Rigl,
            sparsity: 0.9,
            allocation: Allocation::Erk,
            pattern: PatternKind::Unstructured,
            dense: Vec::new(),
        }
    }
}

impl Default for RewireConfig {
    fn default() -> Self {
        Self {
            every: 100,
            fraction: 0.3,
            decay: Decay::Cosine,
            end: 0.75,
            two_sided: false,
            sample: 0,
            target: None,
            threshold: 1e-3,
        }
    }
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self {
            kind: OptimizerKind::Sgd,
            momentum: 0.9,
            nesterov: true,
            weight_decay: 5e-4,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
        }
    }
}

impl Default for ScheduleConfig {
    fn default() -> Self {
        Self {
            lr: 0.05,
            kind: ScheduleKind::Cosine,
            warmup: 0,
            epochs: 30,
            budget: 0.0,
            step_every: 25_000,
            step_factor: 0.1,
        }
    }
}
