//! What a key takes: reading it from the command line, checking it, saying it.

use std::fmt;

use serde::Deserialize;
use toml::Value;

use super::crossover::Rows;
use super::{ModelKind, PatternKind};

/// What a key takes.
pub(super) enum Legal {
    Whole {
        low: i64,
        high: i64,
    },
    Number(Interval),
    /// The words, asked for rather than listed: the enum behind the key knows them.
    Words(fn() -> &'static [&'static str]),
    Switch,
    Text,
    Names,
    Model,
    Pattern,
    Crossover,
}

/// An interval of finite numbers; a side is part of it unless said otherwise.
pub(super) struct Interval {
    low: f64,
    without_low: bool,
    high: f64,
    without_high: bool,
}

/// Why a value is not what its key takes.
pub(super) enum Misfit {
    Type,
    Range,
    Word(&'static [&'static str]),
}

impl Legal {
    /// The value that a text on the command line stands for, checked by [`Legal::check`] after.
    ///
    /// Words and texts need no quotes; names may be separated by commas.
    pub(super) fn read(&self, text: &str) -> Value {
        let as_toml = || {
            let table: toml::Table = toml::from_str(&format!("value = {text}")).ok()?;
            // A text with a line break could smuggle in further keys.
            (table.len() == 1).then(|| table["value"].clone())
        };
        let bare = || Value::String(text.to_owned());
        match self {
            Self::Whole { .. } | Self::Switch => as_toml().unwrap_or_else(bare),
            // Rust also reads `.9`, which TOML does not.
            Self::Number(_) => as_toml()
                .or_else(|| text.parse().ok().map(Value::Float))
                .unwrap_or_else(bare),
            Self::Words(_) | Self::Text | Self::Model | Self::Pattern => as_toml()
                .filter(|_| text.starts_with(['"', '\'']))
                .unwrap_or_else(bare),
            Self::Crossover => as_toml().unwrap_or_else(bare),
            Self::Names => match as_toml() {
                Some(list @ Value::Array(_)) => list,
                _ => text
                    .split(',')
                    .map(str::trim)
                    .filter(|name| !name.is_empty())
                    .map(Value::from)
                    .collect::<Vec<_>>()
                    .into(),
            },
        }
    }

    /// The value in its one form, or why it does not fit.
    ///
    /// A whole number becomes a float where a number is wanted; names are sorted, each once.
    pub(super) fn check(&self, value: &Value) -> Result<Value, Misfit> {
        match (self, value) {
            (Self::Whole { low, high }, Value::Integer(n)) => {
                if (low..=high).contains(&n) {
                    Ok(value.clone())
                } else {
                    Err(Misfit::Range)
                }
            }
            (Self::Number(interval), Value::Float(_) | Value::Integer(_)) => {
                let number = match value {
                    Value::Integer(n) => *n as f64,
                    _ => value.as_float().unwrap_or(f64::NAN),
                };
                // Adding 0 turns −0 into 0, so that equal settings have equal texts.
                let number = number + 0.0;
                if interval.holds(number) {
                    Ok(number.into())
                } else {
                    Err(Misfit::Range)
                }
            }
            (Self::Words(words), Value::String(word)) => {
                if words().contains(&word.as_str()) {
                    Ok(value.clone())
                } else {
                    Err(Misfit::Word(words()))
                }
            }
            (Self::Switch, Value::Boolean(_)) => Ok(value.clone()),
            (Self::Text, Value::String(text)) => {
                if text.is_empty() {
                    Err(Misfit::Range)
                } else {
                    Ok(value.clone())
                }
            }
            (Self::Names, Value::Array(names)) => {
                let mut sorted = Vec::new();
                for name in names {
                    sorted.push(name.as_str().ok_or(Misfit::Type)?);
                }
                sorted.sort_unstable();
                sorted.dedup();
                if sorted.contains(&"") {
                    return Err(Misfit::Range);
                }
                Ok(sorted
                    .into_iter()
                    .map(Value::from)
                    .collect::<Vec<_>>()
                    .into())
            }
            (Self::Crossover, Value::Array(_)) => {
                let rows = Rows::deserialize(value.clone()).map_err(|_| Misfit::Type)?;
                let table = rows.table().map_err(|_| Misfit::Range)?;
                Value::try_from(Rows::of(&table)).map_err(|_| Misfit::Type)
            }
            (Self::Model, Value::String(text)) => {
                if text.parse::<ModelKind>().is_ok() {
                    Ok(value.clone())
                } else {
                    Err(Misfit::Range)
                }
            }
            (Self::Pattern, Value::String(text)) => {
                if text.parse::<PatternKind>().is_ok() {
                    Ok(value.clone())
                } else {
                    Err(Misfit::Range)
                }
            }
            _ => Err(Misfit::Type),
        }
    }
}

impl fmt::Display for Legal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole {
                low,
                high: i64::MAX,
            } => write!(out, "a whole number from {low} to 2⁶³ − 1"),
            Self::Whole { low, high } => write!(out, "a whole number from {low} to {high}"),
            Self::Number(interval) => write!(out, "a number in {interval}"),
            Self::Words(words) => write!(out, "one of {}", words().join(", ")),
            Self::Switch => out.write_str("true or false"),
            Self::Text => out.write_str("a text that is not empty"),
            Self::Names => out.write_str("a list of layer names"),
            Self::Model => out.write_str(ModelKind::LEGAL),
            Self::Pattern => out.write_str(PatternKind::LEGAL),
            Self::Crossover => out.write_str(Rows::LEGAL),
        }
    }
}

impl Interval {
    /// [0, 1)
    pub(super) const SHARE: Self = Self {
        low: 0.0,
        without_low: false,
        high: 1.0,
        without_high: true,
    };
    /// [0, 0.9999999]: a share below 1 that is still below 1 in single precision.
    pub(super) const SINGLE_SHARE: Self = Self {
        low: 0.0,
        without_low: false,
        high: 0.999_999_9,
        without_high: false,
    };
    /// (0, 1)
    pub(super) const INNER_SHARE: Self = Self {
        low: 0.0,
        without_low: true,
        high: 1.0,
        without_high: true,
    };
    /// (0, 1]
    pub(super) const POSITIVE_SHARE: Self = Self {
        low: 0.0,
        without_low: true,
        high: 1.0,
        without_high: false,
    };
    /// [1.2e-38, 3.4e38]: what the optimizers, which compute in single precision, can tell from
    /// 0 and from ∞.
    pub(super) const POSITIVE_SINGLE: Self = Self {
        low: 1.2e-38,
        without_low: false,
        high: 3.4e38,
        without_high: false,
    };
    /// [0, 3.4e38]
    pub(super) const NOT_NEGATIVE_SINGLE: Self = Self {
        low: 0.0,
        ..Self::POSITIVE_SINGLE
    };

    /// [0, 1000000]
    pub(super) const MULTIPLE: Self = Self {
        low: 0.0,
        without_low: false,
        high: 1e6,
        without_high: false,
    };

    fn holds(&self, number: f64) -> bool {
        let above = if self.without_low {
            number > self.low
        } else {
            number >= self.low
        };
        let below = if self.without_high {
            number < self.high
        } else {
            number <= self.high
        };
        above && below
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = if self.without_low { '(' } else { '[' };
        let close = if self.without_high { ')' } else { ']' };
        write!(out, "{open}{}, {}{close}", end(self.low), end(self.high))
    }
}

/// An end of an interval.
fn end(number: f64) -> String {
    power_of_ten(number).unwrap_or_else(|| number.to_string())
}

/// The number as a power of ten, if it would be a long row of zeros otherwise.
pub(super) fn power_of_ten(number: f64) -> Option<String> {
    let is_long = number.is_finite() && number != 0.0 && !(1e-9..1e9).contains(&number.abs());
    is_long.then(|| format!("{number:e}"))
}
