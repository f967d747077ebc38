//! What a configuration accepts, what it makes of it, and how it refuses the rest.

use std::collections::BTreeMap;

use crate::cases;
use proptest::prelude::*;
use rewire_train::config::{
    Activation, Allocation, Config, ConfigBuilder, ConfigError, Decay, LayerConfig, Method,
    ModelKind, Norm, OptimizerKind, ProductsKind, ScheduleKind, legal_keys,
};

fn from_file(text: &str) -> Result<Config, ConfigError> {
    Config::from_toml(text, "run.toml")
}

#[test]
fn the_defaults_are_the_documented_ones() {
    let text = r#"seed = 0
threads = 0
products = "auto"
crossover = [[4096, 1, 0.99, 0.99, 0.26], [4096, 16, 0.99, 0.98, 0.35], [4096, 128, 0.98, 0.96, 0.8], [4096, 512, 0.76, 0.79, 0.63], [65536, 1, 0.99, 0.76, 0.21], [65536, 16, 0.99, 0.99, 0.23], [65536, 128, 0.62, 0.57, 0.52], [65536, 512, 0.49, 0.62, 0.45], [1048576, 1, 0.99, 0.99, 0.21], [1048576, 16, 0.99, 0.99, 0.23], [1048576, 128, 0.68, 0.98, 0.45], [1048576, 512, 0.54, 0.77, 0.4], [16777216, 1, 0.99, 0.99, 0.3], [16777216, 16, 0.99, 0.99, 0.24], [16777216, 128, 0.77, 0.99, 0.51], [16777216, 512, 0.57, 0.88, 0.45]]

[data]
source = "digits"
batch = 32
valid = 0

[model]
kind = "mlp:300,100"
norm = "none"
activation = "relu"
dropout = 0.0

[sparsity]
method = "rigl"
sparsity = 0.9
allocation = "erk"
dense = []

[rewire]
every = 100
fraction = 0.3
decay = "cosine"
end = 0.75
two_sided = false
sample = 0
threshold = 0.001

[optimizer]
kind = "sgd"
momentum = 0.9
nesterov = true
weight_decay = 0.0005
beta1 = 0.9
beta2 = 0.999
epsilon = 0.00000001

[schedule]
lr = 0.05
kind = "cosine"
warmup = 0
epochs = 30
step_every = 25000
step_factor = 0.1
"#;
    let config = ConfigBuilder::new().build().unwrap();
    assert_eq!(config, Config::default());
    assert_eq!(config.to_toml(), text);
}

/// Every subset of the three layers above the defaults, added in either order: the highest wins.
#[test]
fn a_flag_beats_set_beats_file_beats_default() {
    for subset in 0..8u8 {
        for reversed in [false, true] {
            let mut layers = [0u8, 1, 2];
            if reversed {
                layers.reverse();
            }
            let mut builder = ConfigBuilder::new();
            for layer in layers
                .into_iter()
                .filter(|layer| subset & (1 << layer) != 0)
            {
                builder = match layer {
                    0 => builder.file("run.toml", "schedule.epochs = 40").unwrap(),
                    1 => builder.set("schedule.epochs=50").unwrap(),
                    _ => builder.flag("schedule.epochs", "60").unwrap(),
                };
            }
            let epochs = builder.build().unwrap().schedule.epochs;
            let expected = match subset {
                0 => 30,
                1 => 40,
                2 | 3 => 50,
                _ => 60,
            };
            assert_eq!(
                epochs, expected,
                "layers {subset:03b}, reversed: {reversed}"
            );
        }
    }
}

#[test]
fn within_a_layer_the_later_wins() {
    let builder = ConfigBuilder::new()
        .set("seed=1")
        .and_then(|builder| builder.set("seed=2"))
        .unwrap();
    assert_eq!(builder.build().unwrap().seed, 2);
}

#[test]
fn the_command_line_is_read_without_quotes() {
    let config = [
        "model.kind=mlp:20",
        "sparsity.method = set",
        "sparsity.sparsity=.75",
        "sparsity.dense=fc3, fc2",
        "data.source=data/mnist",
        "rewire.two_sided=true",
        "rewire.sample=2",
        "rewire.threshold=2e-3",
        "schedule.lr=1",
        "layers.\"fc1\".sparsity=0.5",
        "layers.block.conv1.sparsity=0.25",
    ]
    .into_iter()
    .try_fold(ConfigBuilder::new(), ConfigBuilder::set)
    .and_then(ConfigBuilder::build)
    .unwrap();
    assert_eq!(config.model.kind, ModelKind::Mlp { hidden: vec![20] });
    assert_eq!(config.sparsity.method, Method::Set);
    assert_eq!(config.sparsity.sparsity, 0.75);
    assert_eq!(config.sparsity.dense, ["fc2", "fc3"]);
    assert_eq!(config.data.source, "data/mnist");
    assert!(config.rewire.two_sided);
    assert_eq!(config.rewire.sample, 2);
    assert_eq!(config.rewire.threshold, 2e-3);
    assert_eq!(config.schedule.lr, 1.0);
    let layers: Vec<_> = config
        .layers
        .iter()
        .map(|(name, layer)| (name.as_str(), layer.sparsity))
        .collect();
    assert_eq!(layers, [("block.conv1", 0.25), ("fc1", 0.5)]);
    // The dotted and the quoted spelling of a file are the same layer.
    let quoted = from_file("[layers.\"block.conv1\"]\nsparsity = 0.25").unwrap();
    let dotted = from_file("[layers.block.conv1]\nsparsity = 0.25").unwrap();
    assert_eq!(quoted, dotted);
}

#[test]
fn what_depends_on_the_method_is_filled_in() {
    let rows = [
        ("dense", Decay::Constant, None, 0.0),
        ("static", Decay::Constant, None, 0.9),
        ("set", Decay::Constant, None, 0.9),
        ("rigl", Decay::Cosine, None, 0.9),
        ("dsr", Decay::Constant, Some(600), 0.9),
    ];
    for (method, decay, target, sparsity) in rows {
        let config = from_file(&format!("sparsity.method = \"{method}\"")).unwrap();
        assert_eq!(config.rewire.decay, decay, "{method}");
        assert_eq!(config.rewire.target, target, "{method}");
        assert_eq!(config.sparsity.sparsity, sparsity, "{method}");
        let told = format!(
            "sparsity.method = \"{method}\"\nrewire = {{ decay = \"linear\", target = 7 }}"
        );
        let config = from_file(&told).unwrap();
        assert_eq!(config.rewire.decay, Decay::Linear, "{method}");
        assert_eq!(config.rewire.target, Some(7), "{method}");
    }
}

#[test]
fn an_unknown_key_names_file_line_and_the_nearest_key() {
    let rows = [
        (
            "[sparsity]\n\nmetod = \"set\"",
            "run.toml:3",
            "sparsity.metod",
            Some("sparsity.method"),
        ),
        (
            "[schedule]\nlearning_rate = 0.1",
            "run.toml:2",
            "schedule.learning_rate",
            Some("schedule.lr"),
        ),
        ("sede = 3", "run.toml:1", "sede", Some("seed")),
        (
            "[data]\nlr = 0.1",
            "run.toml:2",
            "data.lr",
            Some("schedule.lr"),
        ),
        (
            "[model]\nseed = 1",
            "run.toml:2",
            "model.seed",
            Some("seed"),
        ),
        (
            "[sparsty]\nmethod = \"set\"",
            "run.toml:2",
            "sparsty.method",
            Some("sparsity.method"),
        ),
        (
            "[layers.fc1]\nsparsty = 0.5",
            "run.toml:2",
            "layers.fc1.sparsty",
            Some("layers.fc1.sparsity"),
        ),
        (
            "[data.source]\nfolder = 1",
            "run.toml:2",
            "data.source.folder",
            Some("data.source"),
        ),
        ("[zzz]", "run.toml:1", "zzz", None),
    ];
    for (text, place, wrong, suggestion) in rows {
        let error = from_file(text).unwrap_err();
        let ConfigError::UnknownKey {
            origin,
            key,
            nearest,
            legal,
        } = &error
        else {
            panic!("{text}: {error}");
        };
        assert_eq!(origin.to_string(), place, "{text}");
        assert_eq!(key, wrong);
        assert_eq!(nearest.as_deref(), suggestion, "{text}");
        let hint = error.hint();
        assert!(legal.iter().all(|key| hint.contains(key)), "{hint}");
    }
    let error = from_file("[layers.\"fc9\"]\nstorage = \"dense\"").unwrap_err();
    assert_eq!(
        error.to_string(),
        "run.toml:2: unknown key `layers.fc9.storage`"
    );
    assert_eq!(
        error.hint(),
        "legal here: layers.fc9.sparsity; layers are called fc1, fc2, … from the input on, and \
         --dry-run lists them"
    );
    let error = ConfigBuilder::new().set("method=rigl").unwrap_err();
    assert_eq!(error.to_string(), "--set: unknown key `method`");
    assert_eq!(
        error.hint(),
        "did you mean `sparsity.method`? legal here: seed, threads, products, crossover, [data], [model], [sparsity], \
         [rewire], [optimizer], [schedule], [layers]"
    );
}

/// The edges of every interval: the last legal value on each side is accepted, the next refused.
#[test]
fn every_range_ends_where_it_says() {
    const SHARE: (&[&str], &[&str]) = (
        &["0", "0.0", "-0.0", "0.9999999999999999"],
        &["1", "1.0", "-0.1", "nan", "inf", "-inf"],
    );
    const POSITIVE_SHARE: (&[&str], &[&str]) = (
        &["1", "1.0", "5e-324"],
        &["0", "0.0", "-0.0", "1.0000000000000002", "nan", "inf"],
    );
    const INNER_SHARE: (&[&str], &[&str]) = (
        &["5e-324", "0.9999999999999999"],
        &["0", "-0.0", "1", "1.0", "nan", "inf"],
    );
    // What single precision takes for 0, for 1 or for ∞ is refused.
    const SINGLE_SHARE: (&[&str], &[&str]) = (
        &["0", "-0.0", "0.9999999"],
        &["0.99999991", "0.9999999999999999", "1", "-0.1", "nan"],
    );
    const POSITIVE: (&[&str], &[&str]) = (
        &["1.2e-38", "3.4e38"],
        &[
            "0", "-1", "1e-46", "1.19e-38", "3.41e38", "1e39", "inf", "nan",
        ],
    );
    const NOT_NEGATIVE: (&[&str], &[&str]) = (
        &["0", "5e-324", "3.4e38"],
        &["-5e-324", "3.41e38", "inf", "nan"],
    );
    const COUNT: (&[&str], &[&str]) = (&["0", "9223372036854775807"], &["-1"]);
    const POSITIVE_COUNT: (&[&str], &[&str]) = (&["1", "9223372036854775807"], &["0", "-1"]);
    let ranges = BTreeMap::from([
        ("seed", COUNT),
        ("threads", (&["0", "4096"], &["-1", "4097"])),
        ("data.batch", (&["1", "1000000"], &["0", "1000001"])),
        ("data.valid", COUNT),
        ("data.source", (&["digits"], &["\"\""])),
        (
            "model.kind",
            (
                &["mlp:1", "mlp:1000000,3"],
                &["cnn", "mlp:0", "mlp:1000001"],
            ),
        ),
        (
            "crossover",
            (
                &["[[1, 1, 0, 1, 0.5]]"],
                &["[]", "[[0, 1, 0, 0, 0]]", "[[1, 1, 0, 0, 1.1]]"],
            ),
        ),
        ("model.dropout", SHARE),
        ("sparsity.sparsity", SHARE),
        ("sparsity.dense", (&["[]", "[\"fc1\"]"], &["[\"\"]"])),
        ("rewire.every", POSITIVE_COUNT),
        ("rewire.fraction", INNER_SHARE),
        ("rewire.end", POSITIVE_SHARE),
        ("rewire.sample", COUNT),
        ("rewire.target", POSITIVE_COUNT),
        ("rewire.threshold", POSITIVE),
        ("optimizer.momentum", SINGLE_SHARE),
        ("optimizer.weight_decay", NOT_NEGATIVE),
        ("optimizer.beta1", SINGLE_SHARE),
        ("optimizer.beta2", SINGLE_SHARE),
        ("optimizer.epsilon", POSITIVE),
        ("schedule.lr", POSITIVE),
        ("schedule.warmup", COUNT),
        (
            "schedule.epochs",
            (&["1", "1000000000"], &["0", "1000000001"]),
        ),
        ("schedule.step_every", POSITIVE_COUNT),
        ("schedule.step_factor", POSITIVE_SHARE),
        ("layers.fc1.sparsity", SHARE),
    ]);
    for (path, legal) in legal_keys() {
        let words = legal.strip_prefix("one of ");
        let key = path.replace('*', "fc1");
        if words.is_none() && legal != "true or false" {
            assert!(ranges.contains_key(key.as_str()), "{path} has no row");
        }
    }
    for (key, (accepted, refused)) in ranges {
        for value in accepted {
            let built = ConfigBuilder::new()
                .set(&format!("{key}={value}"))
                .and_then(ConfigBuilder::build);
            built.unwrap_or_else(|error| panic!("{key}={value}: {error}"));
        }
        for value in refused {
            let error = ConfigBuilder::new()
                .set(&format!("{key}={value}"))
                .unwrap_err();
            let ConfigError::OutOfRange {
                key: named, legal, ..
            } = &error
            else {
                panic!("{key}={value}: {error}");
            };
            assert_eq!(named, key);
            let row = legal_keys()
                .into_iter()
                .find(|(path, _)| path.replace('*', "fc1") == key);
            assert_eq!(**legal, *row.unwrap().1);
        }
    }
}

#[test]
fn every_key_refuses_a_value_of_another_type() {
    for (path, legal) in legal_keys() {
        let key = path.replace('*', "fc1");
        // A date is what no key takes.
        let error = from_file(&format!("{key} = 1979-05-27")).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("run.toml:1: `{key}` is 1979-05-27, it takes {legal}")
        );
        let error = from_file(&format!("{key} = {{}}")).unwrap_err();
        assert!(matches!(error, ConfigError::WrongType { .. }), "{error}");
    }
    let rows = [
        ("sparsity = 0.9", "sparsity", "a section"),
        ("layers = 3", "layers", "a section"),
        ("seed = 1.5", "seed", "a whole number"),
        (
            "sparsity.sparsity = \"0.9\"",
            "sparsity.sparsity",
            "a number",
        ),
        (
            "sparsity.dense = [\"fc3\", 4]",
            "sparsity.dense",
            "a list of layer names",
        ),
        (
            "sparsity.dense = \"fc3\"",
            "sparsity.dense",
            "a list of layer names",
        ),
    ];
    for (text, named, takes) in rows {
        let error = from_file(text).unwrap_err();
        let ConfigError::WrongType { key, wanted, .. } = &error else {
            panic!("{text}: {error}");
        };
        assert_eq!(key, named);
        assert!(wanted.starts_with(takes), "{wanted}");
    }
    for assignment in [
        "seed=three",
        "seed=",
        "rewire.two_sided=yes",
        "schedule.lr=fast",
        "seed=1\nthreads=2",
    ] {
        let error = ConfigBuilder::new().set(assignment).unwrap_err();
        assert!(
            matches!(error, ConfigError::WrongType { .. }),
            "{assignment}: {error}"
        );
    }
}

/// The hint says what is legal with an example, in the spelling of the place of the mistake.
#[test]
fn a_value_that_does_not_fit_is_answered_with_one_that_does() {
    let set = |text: &str| ConfigBuilder::new().set(text).unwrap_err().hint();
    let flag = |key: &str, text: &str| ConfigBuilder::new().flag(key, text).unwrap_err().hint();
    let file = |text: &str| from_file(text).unwrap_err().hint();
    let rows = [
        (
            flag("schedule.lr", "1e39"),
            "`schedule.lr` takes a number in [1.2e-38, 3.4e38]; for example --lr 0.05",
        ),
        (
            file("[schedule]\nepochs = \"many\""),
            "`schedule.epochs` takes a whole number from 1 to 1000000000; for example `epochs = 30` \
             under [schedule]",
        ),
        (
            set("rewire.fraction=1"),
            "`rewire.fraction` takes a number in (0, 1); for example --set rewire.fraction=0.3",
        ),
        (
            file("seed = -1"),
            "`seed` takes a whole number from 0 to 2⁶³ − 1; for example `seed = 0`",
        ),
        (
            file("sparsity.dense = \"fc3\""),
            "`sparsity.dense` takes a list of layer names; for example `dense = [\"fc3\"]` under \
             [sparsity]",
        ),
        (
            file("sparsity = 0.9"),
            "`sparsity` takes a section with sparsity.method, sparsity.sparsity, \
             sparsity.allocation, sparsity.dense; for example `sparsity = 0.9` under [sparsity]",
        ),
        (
            file("[layers]\nfc1 = 0.9"),
            "`layers.fc1` takes a section with the key sparsity; for example `sparsity = 0.98` \
             under [layers.\"fc1\"]",
        ),
        (
            file("[layers.\"fc2\"]\nsparsity = 1.0"),
            "`layers.fc2.sparsity` takes a number in [0, 1); for example `sparsity = 0.98` under \
             [layers.\"fc2\"]",
        ),
        (
            set("layers.fc1=0.9"),
            "`layers.fc1` takes a section with the key sparsity; for example --set \
             layers.fc1.sparsity=0.98",
        ),
    ];
    for (hint, expected) in rows {
        assert_eq!(hint, expected);
    }
}

#[test]
fn an_unknown_word_lists_the_legal_ones() {
    let error = ConfigBuilder::new()
        .flag("sparsity.method", "rigel")
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "--method: `sparsity.method` is \"rigel\", legal is one of dense, static, set, rigl, dsr"
    );
    assert_eq!(error.hint(), "did you mean `rigl`?");
    let error = ConfigBuilder::new()
        .flag("sparsity.method", "zzzzzz")
        .unwrap_err();
    assert_eq!(error.hint(), "for example --method rigl");
}

/// Reading a word is the types' business, listing them the table's: both must know the same.
#[test]
fn every_listed_word_is_read_and_no_variant_is_missing() {
    let variants: BTreeMap<&str, usize> = BTreeMap::from([
        ("products", PRODUCTS.len()),
        ("model.norm", [Norm::None, Norm::Batch, Norm::Layer].len()),
        (
            "model.activation",
            [Activation::Relu, Activation::Gelu].len(),
        ),
        ("sparsity.method", METHODS.len()),
        ("sparsity.allocation", ALLOCATIONS.len()),
        ("rewire.decay", DECAYS.len()),
        (
            "optimizer.kind",
            [OptimizerKind::Sgd, OptimizerKind::AdamW].len(),
        ),
        ("schedule.kind", SCHEDULES.len()),
    ]);
    let mut seen = 0;
    for (key, legal) in legal_keys() {
        let Some(words) = legal.strip_prefix("one of ") else {
            continue;
        };
        assert_eq!(words.split(", ").count(), variants[key], "{key}");
        seen += 1;
        for word in words.split(", ") {
            let config = ConfigBuilder::new()
                .set(&format!("{key}={word}"))
                .and_then(ConfigBuilder::build)
                .unwrap();
            let name = key.split_once('.').map_or(key, |(_, name)| name);
            assert!(
                config.to_toml().contains(&format!("{name} = \"{word}\"\n")),
                "{key}={word}"
            );
        }
    }
    assert_eq!(seen, variants.len());
}

#[test]
fn sparsity_and_dense_contradict_each_other() {
    let rows = [
        (
            "sparsity = { method = \"dense\", sparsity = 0.9 }",
            "",
            "run.toml:1: `sparsity.sparsity` is 0.9, but the method is dense (run.toml:1)",
        ),
        (
            "sparsity.sparsity = 0.9",
            "dense",
            "run.toml:1: `sparsity.sparsity` is 0.9, but the method is dense (--method)",
        ),
        (
            "layers.fc1.sparsity = 0.5",
            "dense",
            "run.toml:1: `layers.fc1.sparsity` is 0.5, but the method is dense (--method)",
        ),
    ];
    for (text, method, message) in rows {
        let mut builder = ConfigBuilder::new().file("run.toml", text).unwrap();
        if !method.is_empty() {
            builder = builder.flag("sparsity.method", method).unwrap();
        }
        assert_eq!(builder.build().unwrap_err().to_string(), message);
    }
    for sparsity in ["0.9", "0"] {
        let error = ConfigBuilder::new()
            .flag("sparsity.method", "dense")
            .and_then(|builder| builder.flag("sparsity.sparsity", sparsity))
            .and_then(ConfigBuilder::build)
            .unwrap_err();
        assert!(
            matches!(error, ConfigError::SparsityOfDense { .. }),
            "{error}"
        );
    }
    // The text of a dense run says 0 and starts the same run again.
    let dense = from_file("sparsity.method = \"dense\"").unwrap();
    assert_eq!(from_file(&dense.to_toml()).unwrap(), dense);
}

#[test]
fn a_layer_is_either_dense_or_sparse() {
    let error = from_file("sparsity.dense = [\"fc3\"]\n[layers.fc3]\nsparsity = 0.5").unwrap_err();
    assert_eq!(
        error.to_string(),
        "run.toml:3: layer `fc3` has a sparsity and is listed in `sparsity.dense`"
    );
}

#[test]
fn layers_are_held_against_the_model() {
    let names = ["fc1", "fc2", "output"];
    let config = from_file("sparsity.dense = [\"output\"]\nlayers.fc1.sparsity = 0.5").unwrap();
    assert_eq!(config.check_layers(&names), Ok(()));
    let rows = [
        (
            "sparsity.dense = [\"ouput\"]",
            "sparsity.dense",
            "did you mean `output`? the model has fc1, fc2, output",
        ),
        (
            "layers.zzzzzz.sparsity = 0.5",
            "layers",
            "the model has fc1, fc2, output",
        ),
    ];
    for (text, named, hint) in rows {
        let error = from_file(text).unwrap().check_layers(&names).unwrap_err();
        assert!(
            matches!(error, ConfigError::UnknownLayer { key, .. } if key == named),
            "{error}"
        );
        assert_eq!(error.hint(), hint);
    }
}

#[test]
fn broken_toml_names_the_line() {
    for (text, line) in [
        ("seed = ", 1),
        ("seed = 1\n\n[data\n", 3),
        ("seed = 1\nseed = 2", 2),
        ("\"", 1),
        ("\u{0}", 1),
    ] {
        let error = from_file(text).unwrap_err();
        let ConfigError::Syntax { origin, message } = &error else {
            panic!("{text:?}: {error}");
        };
        assert_eq!(origin.to_string(), format!("run.toml:{line}"), "{text:?}");
        assert!(
            !message.contains('\n') && !message.is_empty(),
            "{message:?}"
        );
    }
    let error = ConfigBuilder::new().set("seed").unwrap_err();
    assert_eq!(
        error.to_string(),
        "--set: `seed` is not of the form key=value"
    );
}

/// A hostile file is refused without exhausting the stack or the patience of its reader.
#[test]
fn deep_and_long_texts_are_refused() {
    let n = 100_000;
    let texts = [
        format!("a = {}", "[".repeat(n)),
        format!("a = {}", "{a=".repeat(n)),
        format!("a{} = 1", ".a".repeat(n)),
        format!("[a{}]", ".a".repeat(n)),
        format!("[layers{}]\nsparsity = 0.5", ".a".repeat(n)),
        format!("{} = 1", "a".repeat(10 * n)),
        (0..n).map(|index| format!("a{index} = 1\n")).collect(),
    ];
    let start = std::time::Instant::now();
    for text in &texts {
        let is_layer = text.starts_with("[layers");
        let result = from_file(text).map(|config| config.to_toml());
        // A name of any length is a name; only the model can say that it has no such layer.
        assert!(is_layer || result.is_err(), "{}", &text[..20]);
    }
    assert!(start.elapsed().as_secs() < 10, "took {:?}", start.elapsed());
}

#[test]
fn a_difference_lists_the_keys_that_differ() {
    let here = from_file("schedule.epochs = 40\nlayers.fc1.sparsity = 0.5").unwrap();
    let there = from_file("sparsity.method = \"set\"").unwrap();
    let row =
        |key: &str, here: &str, there: &str| (key.to_owned(), here.to_owned(), there.to_owned());
    assert_eq!(
        here.difference(&there),
        [
            row("layers.fc1.sparsity", "0.5", "(not set)"),
            row("rewire.decay", "\"cosine\"", "\"constant\""),
            row("schedule.epochs", "40", "30"),
            row("sparsity.method", "\"rigl\"", "\"set\""),
        ]
    );
    assert_eq!(here.difference(&here), []);
}

#[test]
fn the_hash_sees_every_key_but_the_threads() {
    let plain = Config::default();
    assert_eq!(plain.hash().len(), 64);
    let threads = Config {
        threads: 7,
        ..plain.clone()
    };
    assert_eq!(threads.hash(), plain.hash());
    let seed = Config {
        seed: 1,
        ..plain.clone()
    };
    assert_ne!(seed.hash(), plain.hash());
}

const PRODUCTS: [ProductsKind; 4] = [
    ProductsKind::Auto,
    ProductsKind::Tiled,
    ProductsKind::Dense,
    ProductsKind::Plain,
];
const METHODS: [Method; 5] = [
    Method::Dense,
    Method::Static,
    Method::Set,
    Method::Rigl,
    Method::Dsr,
];
const ALLOCATIONS: [Allocation; 3] = [Allocation::Uniform, Allocation::Er, Allocation::Erk];
const DECAYS: [Decay; 4] = [Decay::Cosine, Decay::Constant, Decay::Linear, Decay::Cubic];
const SCHEDULES: [ScheduleKind; 4] = [
    ScheduleKind::Constant,
    ScheduleKind::Step,
    ScheduleKind::Cosine,
    ScheduleKind::Linear,
];

prop_compose! {
    fn any_config()(
        seed in 0..=i64::MAX as u64,
        counts in (0..=4096usize, 1..=1_000_000usize, 0..1000usize, 1..1000u64, 1..1000u64, 1..1000u64),
        hidden in proptest::collection::vec(1..=1_000_000usize, 1..5),
        shares in proptest::collection::vec(f64::EPSILON..0.9999999, 10),
        scales in proptest::collection::vec(any::<f32>().prop_map(|x| f64::from(x.abs()).clamp(1.2e-38, 3.4e38)), 4),
        words in (0..5usize, 0..3usize, 0..4usize, 0..4usize),
        source in "[^\\p{C}]{1,12}",
        names in proptest::collection::btree_set("[^\\p{C}]{1,6}", 0..4),
        switch in any::<bool>(),
    ) -> Config {
        let mut config = Config { seed, threads: counts.0, ..Config::default() };
        config.data.source = source;
        config.data.batch = counts.1;
        config.data.valid = counts.2;
        config.model.kind = ModelKind::Mlp { hidden };
        config.model.dropout = shares[0];
        config.sparsity.method = METHODS[words.0];
        config.sparsity.sparsity = shares[1];
        config.sparsity.allocation = ALLOCATIONS[words.1];
        config.rewire.decay = DECAYS[words.2];
        config.rewire.fraction = shares[2];
        config.rewire.end = shares[3];
        config.rewire.two_sided = switch;
        config.rewire.sample = counts.3 / 2;
        config.rewire.target = Some(counts.3);
        config.rewire.threshold = scales[0];
        config.optimizer.momentum = shares[4];
        config.optimizer.weight_decay = scales[1];
        config.optimizer.epsilon = scales[2];
        config.schedule.kind = SCHEDULES[words.3];
        config.schedule.lr = scales[3];
        config.schedule.warmup = counts.4;
        config.schedule.step_every = counts.5;
        config.schedule.step_factor = shares[5];
        let mut names = names.into_iter();
        config.sparsity.dense = names.by_ref().take(2).collect();
        config.layers = names.map(|name| (name, LayerConfig { sparsity: shares[6] })).collect();
        if config.sparsity.method == Method::Dense {
            config.sparsity.sparsity = 0.0;
            config.layers.clear();
        }
        config
    }
}

proptest! {
    // 1000 configurations take about half a second.
    #![proptest_config(ProptestConfig::with_cases(cases(1000)))]

    #[test]
    fn the_text_of_a_configuration_is_the_configuration(config in any_config()) {
        let text = config.to_toml();
        let again = from_file(&text).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        prop_assert_eq!(&again, &config);
        prop_assert_eq!(again.to_toml(), text);
        prop_assert_eq!(again.hash(), config.hash());
    }

    #[test]
    fn no_text_panics(text in "[\\[\\]a-z.=\"0-9 \n{},-]{0,60}") {
        let _ = from_file(&text);
        let _ = ConfigBuilder::new().set(&text);
    }
}

/// A table of crossovers comes back in order, and what is none is refused with what is legal.
#[test]
fn a_table_of_crossovers_is_read_from_a_file_and_from_the_command_line() {
    let rows = "[[1024, 64, 1, 0.5, 0], [16, 1, 0.25, 1.0, 0.75]]";
    let sorted = "crossover = [[16, 1, 0.25, 1.0, 0.75], [1024, 64, 1.0, 0.5, 0.0]]\n";
    let config = from_file(&format!("crossover = {rows}")).unwrap();
    assert!(config.to_toml().contains(sorted));
    assert_eq!(Config::crossover_text(&config.crossover), sorted);
    let set = ConfigBuilder::new().set(&format!("crossover={rows}"));
    assert_eq!(set.unwrap().build().unwrap(), config);
    for bad in [
        "[]",
        "[[16, 1, 0.5, 0.5]]",
        "[[0, 1, 0.5, 0.5, 0.5]]",
        "[[16, 1, 1.5, 0.5, 0.5]]",
        "[[16, 1, nan, 0.5, 0.5]]",
        "[[16, 1, 0, 0, 0], [16, 1, 1, 1, 1]]",
        "[[-16, 1, 0.5, 0.5, 0.5]]",
        "0.5",
    ] {
        let error = from_file(&format!("crossover = {bad}")).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("run.toml:1: `crossover` is "), "{text}");
        assert!(
            text.contains("a list of [weights, samples, forward,"),
            "{text}"
        );
    }
}
