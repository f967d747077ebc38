//! Layering a configuration: default, file, `--set`, flag, each over the ones before.

use std::collections::BTreeMap;
use std::fmt;

use rewire_ift::Transform;
use serde::Deserialize;
use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use super::example::example;
use super::keys::{self, Key};
use super::legal::{Misfit, power_of_ten};
use super::{Allocation, Config, ConfigError, Decay, Method, PatternKind};

/// Where a value came from; a later variant overrides an earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody gave it.
    Default,
    /// A configuration file.
    File {
        /// The name of the file as the user knows it.
        name: Box<str>,
        /// The line, from 1.
        line: u32,
    },
    /// `--set key=value`.
    Set,
    /// A flag of its own.
    Flag(Box<str>),
}

impl Origin {
    fn rank(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::File { .. } => 1,
            Self::Set => 2,
            Self::Flag(_) => 3,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => out.write_str("default"),
            Self::File { name, line } => write!(out, "{name}:{line}"),
            Self::Set => out.write_str("--set"),
            Self::Flag(flag) => out.write_str(flag),
        }
    }
}

/// Collects the values of all layers, each checked as it comes.
///
/// The order of calls matters only within a layer: of two files, or two `--set` of one key, the
/// later wins.
#[derive(Clone, Debug, Default)]
pub struct ConfigBuilder {
    /// By key, `layers.NAME.sparsity` without quotes.
    given: BTreeMap<String, (Value, Origin)>,
}

impl ConfigBuilder {
    /// Nothing but defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the values of a TOML text; `name` is what errors call the file.
    ///
    /// # Errors
    /// [`ConfigError::Syntax`], [`ConfigError::UnknownKey`], or a value that its key does not take.
    pub fn file(mut self, name: &str, text: &str) -> Result<Self, ConfigError> {
        let at = |line| Origin::File {
            name: name.into(),
            line,
        };
        let lines = Lines::of(text);
        let table: Table = toml::from_str(text).map_err(|error| ConfigError::Syntax {
            origin: at(error.span().map_or(1, |span| lines.at(span.start))),
            message: error.message().to_owned(),
        })?;
        let lines = lines.of_keys(text);
        for (key, value) in flatten(table) {
            let line = lines.get(&key).copied().unwrap_or(1);
            self = self.add(key, value, at(line))?;
        }
        Ok(self)
    }

    /// Adds one `key=value` of the command line; words need no quotes.
    ///
    /// # Errors
    /// [`ConfigError::Assignment`] without `=`, [`ConfigError::UnknownKey`], or a value that the
    /// key does not take.
    pub fn set(self, assignment: &str) -> Result<Self, ConfigError> {
        let Some((key, text)) = assignment.split_once('=') else {
            return Err(ConfigError::Assignment {
                text: assignment.to_owned(),
            });
        };
        let (key, text) = (unquote_layer(key.trim()), text.trim());
        self.add_text(key, text, Origin::Set)
    }

    /// Adds the value of a flag of its own, in the spelling of the command line.
    ///
    /// # Errors
    /// As [`ConfigBuilder::set`]; the error names the flag.
    pub fn flag(self, key: &str, text: &str) -> Result<Self, ConfigError> {
        let flag = keys::find(key).and_then(|row| row.flag);
        let origin = Origin::Flag(flag.map_or_else(|| format!("--{key}").into(), Box::from));
        self.add_text(key.to_owned(), text, origin)
    }

    /// The configuration with everything filled in.
    ///
    /// # Errors
    /// [`ConfigError::SparsityOfDense`], [`ConfigError::DenseAndSparse`],
    /// [`ConfigError::WithTransform`].
    pub fn build(self) -> Result<Config, ConfigError> {
        let mut values = flatten_config(&Config::default());
        for (key, (value, _)) in &self.given {
            values.insert(key.clone(), value.clone());
        }
        let mut config = Config::deserialize(nest(values))
            .expect("the table of keys admits only what the types can hold");
        let method = config.sparsity.method;
        if !self.given.contains_key("rewire.decay") {
            config.rewire.decay = Decay::of(method);
        }
        if method == Method::Dsr && config.rewire.target.is_none() {
            config.rewire.target = Some(rewire_explore::methods::dsr::TARGET);
        }
        if method == Method::Dense {
            self.refuse_sparsity_of_dense()?;
            config.sparsity.sparsity = 0.0;
        }
        if config.sparsity.pattern != PatternKind::Unstructured {
            self.refuse_beside_pattern(&config)?;
            config.sparsity.allocation = Allocation::Uniform;
            if let Some(sparsity) = config.sparsity.pattern.sparsity() {
                config.sparsity.sparsity = sparsity;
            }
        }
        if let Some(member) = config.transform.member() {
            self.refuse_beside(member, &flatten_config(&Config::default()))?;
        }
        for (key, (_, origin)) in &self.given {
            let Some(layer) = keys::layer_of(key) else {
                continue;
            };
            if config.sparsity.dense.iter().any(|name| name == layer) {
                return Err(ConfigError::DenseAndSparse {
                    origin: origin.clone(),
                    layer: layer.to_owned(),
                });
            }
        }
        Ok(config)
    }

    /// A sparsity of 0 says the same as `dense`, and the text of a resolved configuration says both;
    /// the flag is refused all the same, because nobody who uses it means 0.
    fn refuse_sparsity_of_dense(&self) -> Result<(), ConfigError> {
        for (key, (value, origin)) in &self.given {
            let is_sparsity = key == "sparsity.sparsity" || keys::layer_of(key).is_some();
            let is_harmless = value.as_float() == Some(0.0) && !matches!(origin, Origin::Flag(_));
            if is_sparsity && !is_harmless {
                let method = self.given.get("sparsity.method");
                return Err(ConfigError::SparsityOfDense {
                    origin: origin.clone(),
                    key: key.clone(),
                    value: value.to_string(),
                    method: method.map_or(Origin::Default, |(_, origin)| origin.clone()),
                });
            }
        }
        Ok(())
    }

    /// What a transform decides may be given only as the default, as the text of a resolved
    /// configuration does.
    fn refuse_beside(
        &self,
        member: Transform,
        defaults: &BTreeMap<String, Value>,
    ) -> Result<(), ConfigError> {
        for (key, (value, origin)) in &self.given {
            let refused = match key.as_str() {
                "sparsity.method" => value.as_str() == Some("dense"),
                "sparsity.allocation" | "sparsity.dense" | "sparsity.pattern" => {
                    defaults.get(key) != Some(value) || matches!(origin, Origin::Flag(_))
                }
                key => keys::layer_of(key).is_some(),
            };
            if refused {
                return Err(ConfigError::WithTransform {
                    origin: origin.clone(),
                    key: key.clone(),
                    value: value.to_string(),
                    transform: member.name(),
                });
            }
        }
        Ok(())
    }

    /// What a pattern decides may be given only as it decides it, and nothing that would break it.
    fn refuse_beside_pattern(&self, config: &Config) -> Result<(), ConfigError> {
        let pattern = config.sparsity.pattern;
        for (key, (value, origin)) in &self.given {
            let refused = match key.as_str() {
                "sparsity.method" => matches!(config.sparsity.method, Method::Dense | Method::Dsr),
                "sparsity.sparsity" => {
                    (pattern.sparsity()).is_some_and(|own| value.as_float() != Some(own))
                }
                "sparsity.allocation" => config.sparsity.allocation != Allocation::Uniform,
                "rewire.two_sided" => config.rewire.two_sided,
                "rewire.sample" => config.rewire.sample > 0,
                _ => false,
            };
            if refused {
                return Err(ConfigError::WithPattern {
                    origin: origin.clone(),
                    key: key.clone(),
                    value: value.to_string(),
                    pattern: pattern.to_string(),
                });
            }
        }
        Ok(())
    }

    fn add_text(self, key: String, text: &str, origin: Origin) -> Result<Self, ConfigError> {
        let value = match keys::find(&key) {
            Some(row) => row.legal.read(text),
            None => Value::String(text.to_owned()),
        };
        self.add(key, value, origin)
    }

    fn add(mut self, key: String, value: Value, origin: Origin) -> Result<Self, ConfigError> {
        let Some(row) = keys::find(&key) else {
            return Err(unknown_key(key, value, origin));
        };
        let value = match row.legal.check(&value) {
            Ok(value) => value,
            Err(misfit) => return Err(refusal(row, misfit, key, value, origin)),
        };
        let wins = (self.given.get(&key)).is_none_or(|(_, old)| old.rank() <= origin.rank());
        if wins {
            self.given.insert(key, (value, origin));
        }
        Ok(self)
    }
}

/// The keys and values of a configuration, without sections.
pub(super) fn flatten_config(config: &Config) -> BTreeMap<String, Value> {
    let table = Table::try_from(config).expect("a checked configuration is valid TOML");
    flatten(table).into_iter().collect()
}

/// The leaves of nested tables with their dotted keys.
///
/// An empty table is a leaf unless it is a section, so that nothing the user wrote disappears.
fn flatten(table: Table) -> Vec<(String, Value)> {
    fn walk(prefix: &str, table: Table, leaves: &mut Vec<(String, Value)>) {
        for (name, value) in table {
            let key = if prefix.is_empty() {
                name
            } else {
                format!("{prefix}.{name}")
            };
            match value {
                Value::Table(inner) if !inner.is_empty() => walk(&key, inner, leaves),
                Value::Table(_) if keys::is_section(&key) || is_layer(&key) => {}
                leaf => leaves.push((key, leaf)),
            }
        }
    }
    let mut leaves = Vec::new();
    walk("", table, &mut leaves);
    leaves
}

/// Whether a name is that of one layer's section.
fn is_layer(key: &str) -> bool {
    key.starts_with("layers.") && keys::layer_of(key).is_none()
}

/// The sections that the keys stand for; the inverse of [`flatten`].
fn nest(values: BTreeMap<String, Value>) -> Table {
    let mut root = Table::new();
    for (key, value) in values {
        let path = match (keys::layer_of(&key), key.split_once('.')) {
            (Some(layer), _) => vec!["layers", layer, "sparsity"],
            (None, Some((section, name))) => vec![section, name],
            (None, None) => vec![key.as_str()],
        };
        let (name, sections) = path.split_last().expect("a key has at least one part");
        let mut table = &mut root;
        for section in sections {
            table = table
                .entry(*section)
                .or_insert_with(|| Value::Table(Table::new()))
                .as_table_mut()
                .expect("no key is the section of another");
        }
        table.insert((*name).to_owned(), value);
    }
    root
}

/// `layers."fc1".sparsity` as `layers.fc1.sparsity`, anything else as it is.
fn unquote_layer(key: &str) -> String {
    match keys::layer_of(key) {
        Some(layer) => {
            let bare = (layer.strip_prefix('"')).and_then(|layer| layer.strip_suffix('"'));
            format!("layers.{}.sparsity", bare.unwrap_or(layer))
        }
        None => key.to_owned(),
    }
}

fn unknown_key(key: String, value: Value, origin: Origin) -> ConfigError {
    let wanted = if keys::is_section(&key) {
        let legal = keys::siblings(&format!("{key}."));
        Some(format!("a section with {}", legal.join(", ")))
    } else if keys::is_layer_name(&key) {
        Some("a section with the key sparsity".to_owned())
    } else {
        None
    };
    match wanted {
        Some(wanted) => ConfigError::WrongType {
            example: example(&key, &origin).into(),
            origin,
            value: value.to_string().into(),
            wanted: wanted.into(),
            key,
        },
        None => ConfigError::UnknownKey {
            origin,
            nearest: keys::nearest_key(&key),
            legal: keys::siblings(&key),
            key,
        },
    }
}

fn refusal(row: &Key, misfit: Misfit, key: String, value: Value, origin: Origin) -> ConfigError {
    let text = value.as_float().and_then(power_of_ten);
    let text = text.unwrap_or_else(|| value.to_string()).into();
    let legal = row.legal.to_string();
    let example = example(&key, &origin).into();
    match misfit {
        Misfit::Type => ConfigError::WrongType {
            origin,
            key,
            value: text,
            wanted: legal.into(),
            example,
        },
        Misfit::Range => ConfigError::OutOfRange {
            origin,
            key,
            value: text,
            legal: legal.into(),
            example,
        },
        Misfit::Word(words) => ConfigError::UnknownWord {
            origin,
            key: key.into(),
            nearest: (value.as_str()).and_then(|word| keys::nearest(word, words.iter().copied())),
            value: text,
            legal: words,
            example,
        },
    }
}

/// Where the lines of a text end, so that many bytes can be placed quickly.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(byte, _)| byte).collect())
    }

    /// The line of a byte, from 1.
    fn at(&self, byte: usize) -> u32 {
        self.0.partition_point(|&end| end < byte) as u32 + 1
    }

    /// The line of every dotted key of the text, which is known to be TOML.
    fn of_keys(&self, text: &str) -> BTreeMap<String, u32> {
        let mut lines = BTreeMap::new();
        if let Ok(table) = DeTable::parse(text) {
            self.walk("", table.get_ref(), &mut lines);
        }
        lines
    }

    fn walk(&self, prefix: &str, table: &DeTable<'_>, lines: &mut BTreeMap<String, u32>) {
        for (name, value) in table {
            let key = match prefix {
                "" => name.get_ref().to_string(),
                _ => format!("{prefix}.{}", name.get_ref()),
            };
            if let DeValue::Table(inner) = value.get_ref() {
                self.walk(&key, inner, lines);
            }
            lines.insert(key, self.at(name.span().start));
        }
    }
}
