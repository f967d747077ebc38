//! Why a configuration is refused: always with the key, the value and where it came from.

use super::Origin;

/// Why a configuration is refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// The file is not TOML.
    #[error("{origin}: {message}")]
    Syntax {
        /// File and line.
        origin: Origin,
        /// What the TOML parser says.
        message: String,
    },
    /// A `--set` without `=`.
    #[error("--set: `{text}` is not of the form key=value")]
    Assignment {
        /// What was given.
        text: String,
    },
    /// No such key.
    #[error("{origin}: unknown key `{key}`")]
    UnknownKey {
        /// Where it was given.
        origin: Origin,
        /// The key with its section.
        key: String,
        /// The legal key that looks most like it, if any does.
        nearest: Option<String>,
        /// The legal keys of the section, or the sections if there is no such section.
        legal: Vec<String>,
    },
    /// A value of another type than the key takes.
    #[error("{origin}: `{key}` is {value}, it takes {wanted}")]
    WrongType {
        /// Where it was given.
        origin: Origin,
        /// The key with its section.
        key: String,
        /// The value, as TOML.
        value: Box<str>,
        /// What the key takes.
        wanted: Box<str>,
        /// A setting that is legal, spelt as in the place it came from.
        example: Box<str>,
    },
    /// A value of the right type outside what is legal.
    #[error("{origin}: `{key}` is {value}, legal is {legal}")]
    OutOfRange {
        /// Where it was given.
        origin: Origin,
        /// The key with its section.
        key: String,
        /// The value, as TOML.
        value: Box<str>,
        /// What is legal.
        legal: Box<str>,
        /// A setting that is legal, spelt as in the place it came from.
        example: Box<str>,
    },
    /// A word that the key does not know.
    #[error("{origin}: `{key}` is {value}, legal is one of {}", legal.join(", "))]
    UnknownWord {
        /// Where it was given.
        origin: Origin,
        /// The key with its section.
        key: Box<str>,
        /// The value, as TOML.
        value: Box<str>,
        /// The legal word that looks most like it, if any does.
        nearest: Option<&'static str>,
        /// The legal words.
        legal: &'static [&'static str],
        /// A setting that is legal, spelt as in the place it came from.
        example: Box<str>,
    },
    /// A sparsity for a network that is to be dense.
    #[error("{origin}: `{key}` is {value}, but the method is dense ({method})")]
    SparsityOfDense {
        /// Where the sparsity was given.
        origin: Origin,
        /// The key of the sparsity.
        key: String,
        /// The sparsity.
        value: String,
        /// Where the method was given.
        method: Origin,
    },
    /// A layer that is to be dense and has a sparsity as well.
    #[error("{origin}: layer `{layer}` has a sparsity and is listed in `sparsity.dense`")]
    DenseAndSparse {
        /// Where the sparsity was given.
        origin: Origin,
        /// The layer.
        layer: String,
    },
    /// A setting that a transform decides itself.
    #[error("{origin}: `{key}` is {value}, but the transform is {transform}")]
    WithTransform {
        /// Where the setting was given.
        origin: Origin,
        /// Its key.
        key: String,
        /// The value.
        value: String,
        /// The transform.
        transform: &'static str,
    },
    /// A setting that a pattern decides itself, or that would break it.
    #[error("{origin}: `{key}` is {value}, but the pattern is {pattern}")]
    WithPattern {
        /// Where the setting was given.
        origin: Origin,
        /// Its key.
        key: String,
        /// The value.
        value: String,
        /// The pattern.
        pattern: String,
    },
    /// A layer that the model does not have.
    #[error("`{key}` names the layer `{layer}`, which the model does not have")]
    UnknownLayer {
        /// The key that names it.
        key: &'static str,
        /// The name.
        layer: String,
        /// The model's layer that looks most like it, if any does.
        nearest: Option<String>,
        /// The model's layers.
        legal: Vec<String>,
    },
}

impl ConfigError {
    /// What the user can do about it.
    pub fn hint(&self) -> String {
        let suggestion = |nearest: &Option<String>| match nearest {
            Some(nearest) => format!("did you mean `{nearest}`? "),
            None => String::new(),
        };
        match self {
            Self::Syntax { .. } => {
                "the configuration is TOML: sections in brackets, `key = value`, words in quotes"
                    .to_owned()
            }
            Self::Assignment { .. } => "for example --set sparsity.method=rigl".to_owned(),
            Self::UnknownKey {
                key,
                nearest,
                legal,
                ..
            } => {
                let layers = if key.starts_with("layers.") {
                    "; layers are called fc1, fc2, … from the input on, and --dry-run lists them"
                } else {
                    ""
                };
                let legal = legal.join(", ");
                format!("{}legal here: {legal}{layers}", suggestion(nearest))
            }
            Self::UnknownWord {
                nearest: Some(nearest),
                ..
            } => format!("did you mean `{nearest}`?"),
            Self::UnknownWord { example, .. } => format!("for example {example}"),
            Self::WrongType {
                key,
                wanted: takes,
                example,
                ..
            }
            | Self::OutOfRange {
                key,
                legal: takes,
                example,
                ..
            } => format!("`{key}` takes {takes}; for example {example}"),
            Self::SparsityOfDense { .. } => {
                "leave the sparsity out, or choose a method other than dense".to_owned()
            }
            Self::WithTransform { .. } => {
                "a transform decides which weights of which layer are active: leave one of them out"
                    .to_owned()
            }
            Self::WithPattern { key, .. } => match key.as_str() {
                "sparsity.sparsity" => "N:M decides the sparsity: leave one of them out",
                "sparsity.allocation" => "every layer has the density of the pattern: uniform",
                "rewire.sample" => "a pattern is completed by the whole gradient of its units: 0",
                "rewire.two_sided" => "a unit of a pattern drops by magnitude, whatever the sign: false",
                _ => {
                    "a pattern is kept by static, set and rigl, which drop by magnitude within a layer"
                }
            }
            .to_owned(),
            Self::DenseAndSparse { .. } => "name the layer in one of the two places".to_owned(),
            Self::UnknownLayer { nearest, legal, .. } => {
                format!("{}the model has {}", suggestion(nearest), legal.join(", "))
            }
        }
    }
}
