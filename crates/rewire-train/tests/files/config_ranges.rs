//! What each key takes: where its range ends, which words it knows, what it is shown instead.

use std::collections::BTreeMap;

use rewire_train::config::{
    Activation, Allocation, ConfigBuilder, ConfigError, Decay, Edges, Matching, Method, Norm,
    OptimizerKind, ProductsKind, ScheduleKind, TransformKind, legal_keys,
};

use crate::config::from_file;

pub(crate) const PRODUCTS: [ProductsKind; 4] = [
    ProductsKind::Auto,
    ProductsKind::Tiled,
    ProductsKind::Dense,
    ProductsKind::Plain,
];
pub(crate) const METHODS: [Method; 5] = [
    Method::Dense,
    Method::Static,
    Method::Set,
    Method::Rigl,
    Method::Dsr,
];
pub(crate) const TRANSFORMS: [TransformKind; 5] = [
    TransformKind::None,
    TransformKind::Wide,
    TransformKind::Parallel,
    TransformKind::Factorized,
    TransformKind::Doped,
];
pub(crate) const EDGES: [Edges; 3] = [Edges::Matched, Edges::Dense, Edges::Uniform];
pub(crate) const ALLOCATIONS: [Allocation; 3] =
    [Allocation::Uniform, Allocation::Er, Allocation::Erk];
pub(crate) const DECAYS: [Decay; 4] = [Decay::Cosine, Decay::Constant, Decay::Linear, Decay::Cubic];
pub(crate) const SCHEDULES: [ScheduleKind; 4] = [
    ScheduleKind::Constant,
    ScheduleKind::Step,
    ScheduleKind::Cosine,
    ScheduleKind::Linear,
];

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
        (
            "sparsity.pattern",
            (
                &["nm:2:4", "transposable:1:1", "block:1x1024"],
                &["nm:5:4", "2:4", "block:0x1"],
            ),
        ),
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
        (
            "transform.multiple_of",
            (&["1", "65536"], &["0", "65537", "-1"]),
        ),
        ("schedule.lr", POSITIVE),
        ("schedule.warmup", COUNT),
        (
            "schedule.epochs",
            (&["1", "1000000000"], &["0", "1000000001"]),
        ),
        (
            "schedule.budget",
            (&["0", "1e-9", "1000000"], &["-0.1", "1000000.1", "nan"]),
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
             sparsity.allocation, sparsity.pattern, sparsity.dense; for example `sparsity = 0.9` under [sparsity]",
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
        ("transform.kind", TRANSFORMS.len()),
        (
            "transform.match",
            [Matching::Network, Matching::Layer].len(),
        ),
        ("transform.edges", EDGES.len()),
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
