//! One legal setting of a key, as an answer to one that is not: spelt where the wrong one stood.

use toml::Value;

use super::layers::flatten_config;
use super::{Config, Origin, keys};

/// A legal setting of `key` in the spelling of `origin`: `--lr 0.05`, `--set schedule.lr=0.05`, or
/// `lr = 0.05` and the section it belongs to.
///
/// A section stands for its key of the same name, or else for its first.
pub(super) fn example(key: &str, origin: &Origin) -> String {
    let key = match keys::find(key) {
        Some(_) => key.to_owned(),
        None => of_section(key),
    };
    let value = value(&key);
    match origin {
        Origin::Default | Origin::File { .. } => {
            let (section, name) = key.rsplit_once('.').unwrap_or(("", &key));
            let place = match (section, section.strip_prefix("layers.")) {
                ("", _) => String::new(),
                (_, Some(layer)) => format!(" under [layers.\"{layer}\"]"),
                (section, None) => format!(" under [{section}]"),
            };
            format!("`{name} = {value}`{place}")
        }
        Origin::Set => format!("--set {key}={}", bare(&value)),
        Origin::Flag(flag) => format!("{flag} {}", bare(&value)),
    }
}

/// The key that explains a section best.
fn of_section(section: &str) -> String {
    if section == "layers" {
        return "layers.fc1.sparsity".to_owned();
    }
    if section.starts_with("layers.") {
        return format!("{section}.sparsity");
    }
    let legal = keys::siblings(&format!("{section}."));
    let same_name = format!("{section}.{section}");
    if legal.contains(&same_name) {
        return same_name;
    }
    legal.into_iter().next().unwrap_or_default()
}

/// The default where it says something, otherwise a value somebody might want.
fn value(key: &str) -> Value {
    if keys::layer_of(key).is_some() {
        return Value::Float(0.98);
    }
    match key {
        "crossover" => Value::Array(vec![Value::Array(vec![
            Value::Integer(1 << 20),
            Value::Integer(128),
            Value::Float(0.7),
            Value::Float(0.9),
            Value::Float(0.5),
        ])]),
        "sparsity.pattern" => "nm:2:4".into(),
        "schedule.budget" => Value::Float(1.0),
        "sparsity.dense" => Value::Array(vec!["fc3".into()]),
        "rewire.sample" => Value::Integer(1),
        "rewire.target" => Value::Integer(rewire_explore::methods::dsr::TARGET as i64),
        _ => flatten_config(&Config::default())
            .remove(key)
            .expect("every other key has a default"),
    }
}

/// The value as the command line takes it: without quotes and brackets.
fn bare(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        // A table keeps its brackets, and no space, which a shell would split it at.
        Value::Array(rows) if rows.iter().any(Value::is_array) => {
            value.to_string().replace(' ', "")
        }
        Value::Array(values) => values.iter().map(bare).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ConfigBuilder, legal_keys};
    use super::*;

    /// An example that were refused itself would be no help.
    #[test]
    fn every_example_is_accepted_where_it_is_shown() {
        let file = Origin::File {
            name: "run.toml".into(),
            line: 1,
        };
        for (path, _) in legal_keys() {
            let key = path.replace('*', "fc1");
            let shown = example(&key, &Origin::Set);
            let assignment = shown.strip_prefix("--set ").unwrap();
            ConfigBuilder::new().set(assignment).unwrap();

            let shown = example(&key, &file);
            let (setting, section) = match shown.split_once(" under ") {
                Some((setting, section)) => (setting, section),
                None => (shown.as_str(), ""),
            };
            let text = format!("{section}\n{}", setting.trim_matches('`'));
            ConfigBuilder::new().file("run.toml", &text).unwrap();

            let Some(row) = keys::find(&key) else {
                panic!("{key} is a key");
            };
            if let Some(flag) = row.flag {
                let shown = example(&key, &Origin::Flag(flag.into()));
                let (_, text) = shown.split_once(' ').unwrap();
                ConfigBuilder::new().flag(&key, text).unwrap();
            }
        }
    }
}
