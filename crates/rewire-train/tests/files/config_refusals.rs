//! How a configuration refuses what it does not accept: the place, the value, the way out.

use rewire_train::config::{ConfigBuilder, ConfigError};

use crate::config::from_file;

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
        "did you mean `sparsity.method`? legal here: seed, threads, products, crossover, [data], [model], [transform], [sparsity], \
         [rewire], [optimizer], [schedule], [layers]"
    );
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
        // A name like any other.
        (
            "layers.\"*\".sparsity = 0.5",
            "layers",
            "the model has fc1, fc2, output",
        ),
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

/// What a pattern decides itself, and what would break it.
#[test]
fn a_pattern_refuses_what_contradicts_it() {
    let rows = [
        ("sparsity = 0.9", "sparsity.sparsity"),
        ("allocation = \"erk\"", "sparsity.allocation"),
        ("method = \"dsr\"", "sparsity.method"),
        ("method = \"dense\"", "sparsity.method"),
        (
            "method = \"set\"\n[rewire]\ntwo_sided = true",
            "rewire.two_sided",
        ),
        ("[rewire]\nsample = 1", "rewire.sample"),
    ];
    for (text, expected) in rows {
        let text = format!("[sparsity]\npattern = \"nm:2:4\"\n{text}");
        let error = from_file(&text).unwrap_err();
        let ConfigError::WithPattern { key, pattern, .. } = &error else {
            panic!("{text}: {error}");
        };
        assert_eq!((key.as_str(), pattern.as_str()), (expected, "nm:2:4"));
        assert!(error.to_string().contains("run.toml:"), "{error}");
        assert!(!error.hint().is_empty());
    }
    let transformed = "[transform]\nkind = \"wide\"\n[sparsity]\npattern = \"block:4x4\"";
    let error = from_file(transformed).unwrap_err();
    assert!(
        matches!(error, ConfigError::WithTransform { .. }),
        "{error}"
    );
}

#[test]
fn a_pattern_decides_density_and_allocation() {
    let config = from_file("[sparsity]\npattern = \"transposable:2:8\"").unwrap();
    assert_eq!(config.sparsity.sparsity, 0.75);
    assert_eq!(config.sparsity.allocation.to_string(), "uniform");
    let again = rewire_train::config::Config::from_toml(&config.to_toml(), "run.toml").unwrap();
    assert_eq!(again, config);
    // Blocks have the density that is asked for.
    let config = from_file("[sparsity]\npattern = \"block:4x4\"\nsparsity = 0.8").unwrap();
    assert_eq!(config.sparsity.sparsity, 0.8);
}
