//! The table of keys: what each takes, and which flag sets it.
//!
//! The table is what values are checked against before the typed configuration is built from
//! them, because serde's own messages know neither where a value came from nor what is legal.

use super::legal::{Interval, Legal};
use super::words::{
    Activation, Allocation, Decay, Edges, Matching, Method, Norm, OptimizerKind, ProductsKind,
    ScheduleKind, TransformKind, words,
};

/// One key of the configuration.
pub(super) struct Key {
    /// Section and name; `layers.*.sparsity` stands for every layer.
    pub(super) path: &'static str,
    /// The flag of the command line that sets it, if there is one.
    pub(super) flag: Option<&'static str>,
    pub(super) legal: Legal,
}

const COUNT: Legal = Legal::Whole {
    low: 0,
    high: i64::MAX,
};
const POSITIVE_COUNT: Legal = Legal::Whole {
    low: 1,
    high: i64::MAX,
};
const fn key(path: &'static str, legal: Legal) -> Key {
    Key {
        path,
        flag: None,
        legal,
    }
}

const fn flagged(path: &'static str, flag: &'static str, legal: Legal) -> Key {
    Key {
        path,
        flag: Some(flag),
        legal,
    }
}

/// Every key, in the order of the text of a configuration.
pub(super) const KEYS: &[Key] = &[
    flagged("seed", "--seed", COUNT),
    flagged("threads", "--threads", Legal::Whole { low: 0, high: 4096 }),
    key("products", Legal::Words(words::<ProductsKind>)),
    key("crossover", Legal::Crossover),
    flagged("data.source", "--data", Legal::Text),
    flagged(
        "data.batch",
        "--batch",
        Legal::Whole {
            low: 1,
            high: 1_000_000,
        },
    ),
    flagged("data.valid", "--valid", COUNT),
    flagged("model.kind", "--model", Legal::Model),
    key("model.norm", Legal::Words(words::<Norm>)),
    key("model.activation", Legal::Words(words::<Activation>)),
    key("model.dropout", Legal::Number(Interval::SHARE)),
    flagged(
        "transform.kind",
        "--transform",
        Legal::Words(words::<TransformKind>),
    ),
    key("transform.match", Legal::Words(words::<Matching>)),
    key("transform.edges", Legal::Words(words::<Edges>)),
    key(
        "transform.multiple_of",
        Legal::Whole {
            low: 1,
            high: 65_536,
        },
    ),
    key("transform.linear", Legal::Switch),
    flagged("sparsity.method", "--method", Legal::Words(words::<Method>)),
    flagged(
        "sparsity.sparsity",
        "--sparsity",
        Legal::Number(Interval::SHARE),
    ),
    flagged(
        "sparsity.allocation",
        "--allocation",
        Legal::Words(words::<Allocation>),
    ),
    key("sparsity.pattern", Legal::Pattern),
    key("sparsity.dense", Legal::Names),
    key("rewire.every", POSITIVE_COUNT),
    key("rewire.fraction", Legal::Number(Interval::INNER_SHARE)),
    key("rewire.decay", Legal::Words(words::<Decay>)),
    key("rewire.end", Legal::Number(Interval::POSITIVE_SHARE)),
    key("rewire.two_sided", Legal::Switch),
    key("rewire.sample", COUNT),
    key("rewire.target", POSITIVE_COUNT),
    key("rewire.threshold", Legal::Number(Interval::POSITIVE_SINGLE)),
    flagged(
        "optimizer.kind",
        "--optimizer",
        Legal::Words(words::<OptimizerKind>),
    ),
    key("optimizer.momentum", Legal::Number(Interval::SINGLE_SHARE)),
    key("optimizer.nesterov", Legal::Switch),
    key(
        "optimizer.weight_decay",
        Legal::Number(Interval::NOT_NEGATIVE_SINGLE),
    ),
    key("optimizer.beta1", Legal::Number(Interval::SINGLE_SHARE)),
    key("optimizer.beta2", Legal::Number(Interval::SINGLE_SHARE)),
    key(
        "optimizer.epsilon",
        Legal::Number(Interval::POSITIVE_SINGLE),
    ),
    flagged(
        "schedule.lr",
        "--lr",
        Legal::Number(Interval::POSITIVE_SINGLE),
    ),
    key("schedule.kind", Legal::Words(words::<ScheduleKind>)),
    key("schedule.warmup", COUNT),
    flagged(
        "schedule.epochs",
        "--epochs",
        Legal::Whole {
            low: 1,
            high: 1_000_000_000,
        },
    ),
    key("schedule.budget", Legal::Number(Interval::MULTIPLE)),
    key("schedule.step_every", POSITIVE_COUNT),
    key(
        "schedule.step_factor",
        Legal::Number(Interval::POSITIVE_SHARE),
    ),
    key("layers.*.sparsity", Legal::Number(Interval::SHARE)),
];

/// Every key with what it takes, in the order of the text of a configuration.
///
/// `layers.*.sparsity` stands for one key per layer.
pub fn legal_keys() -> Vec<(&'static str, String)> {
    KEYS.iter()
        .map(|key| (key.path, key.legal.to_string()))
        .collect()
}

/// The row of a key, or `None` if there is no such key. A layer may have any name, `*` too.
pub(super) fn find(path: &str) -> Option<&'static Key> {
    let row = if layer_of(path).is_some() {
        "layers.*.sparsity"
    } else {
        path
    };
    KEYS.iter().find(|key| key.path == row)
}

/// The layer of a `layers.NAME.sparsity`; the name may contain dots.
pub(super) fn layer_of(path: &str) -> Option<&str> {
    let name = path.strip_prefix("layers.")?.strip_suffix(".sparsity")?;
    (!name.is_empty()).then_some(name)
}

/// Whether this names a layer where one of its keys was expected, as in `layers.fc1 = 0.9`.
pub(super) fn is_layer_name(path: &str) -> bool {
    let name = path.strip_prefix("layers.");
    name.is_some_and(|name| !name.is_empty() && !name.contains('.'))
}

/// The keys of the section that `path` lies in, or the sections if it lies in none.
///
/// Below a layer that is its one key.
pub(super) fn siblings(path: &str) -> Vec<String> {
    if let Some((layer, _)) = in_layer(path) {
        return vec![format!("layers.{layer}.sparsity")];
    }
    let section = path.split_once('.').map_or("", |(section, _)| section);
    let in_section: Vec<String> = KEYS
        .iter()
        .filter(|key| !section.is_empty() && section_of(key.path) == section)
        .map(|key| key.path.to_owned())
        .collect();
    if !in_section.is_empty() {
        return in_section;
    }
    let mut top: Vec<String> = Vec::new();
    for key in KEYS {
        let name = match section_of(key.path) {
            "" => key.path.to_owned(),
            section => format!("[{section}]"),
        };
        if !top.contains(&name) {
            top.push(name);
        }
    }
    top
}

/// Whether keys lie below this name.
pub(super) fn is_section(name: &str) -> bool {
    !name.is_empty() && KEYS.iter().any(|key| section_of(key.path) == name)
}

/// The legal key that looks most like `path`, by its full name or by its last part alone.
pub(super) fn nearest_key(path: &str) -> Option<String> {
    if let Some((layer, name)) = in_layer(path) {
        // No other key resembles what a layer takes.
        return nearest(name, ["sparsity"]).map(|name| format!("layers.{layer}.{name}"));
    }
    fn last(path: &str) -> &str {
        path.rsplit_once('.').map_or(path, |(_, name)| name)
    }
    let full = nearest_scored(path, KEYS.iter().map(|key| (key.path, key.path)));
    let part = nearest_scored(
        last(path),
        KEYS.iter().map(|key| (last(key.path), key.path)),
    );
    // A good name in the wrong section says more than a resemblance of the whole.
    let best = match (full, part) {
        (Some(full), Some(part)) if part.0 > full.0 => Some(part),
        (full, part) => full.or(part),
    };
    best.map(|(_, key)| key.to_owned())
}

/// The candidate that looks most like `word`, the first of equals, if one does at all.
pub(super) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    nearest_scored(word, candidates.into_iter().map(|word| (word, word))).map(|best| best.1)
}

/// Half of the letters must agree: below that, a suggestion is noise.
fn nearest_scored<'a>(
    word: &str,
    candidates: impl Iterator<Item = (&'a str, &'a str)>,
) -> Option<(f64, &'a str)> {
    // The comparison takes memory for the product of both lengths, and no key is that long.
    if word.len() > 100 {
        return None;
    }
    let mut best: Option<(f64, &str)> = None;
    for (spelling, candidate) in candidates {
        let score = strsim::normalized_damerau_levenshtein(word, spelling);
        if score >= 0.5 && best.is_none_or(|(highest, _)| score > highest) {
            best = Some((score, candidate));
        }
    }
    best
}

/// The layer and the last part of a path below a layer, whether or not there is such a key.
fn in_layer(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix("layers.")?.rsplit_once('.')
}

fn section_of(path: &str) -> &str {
    path.split_once('.').map_or("", |(section, _)| section)
}
