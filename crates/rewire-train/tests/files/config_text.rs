//! A configuration as text: complete, read back as it was, and no text that breaks the reader.

use proptest::prelude::*;
use rewire_train::config::{
    Allocation, Config, ConfigBuilder, LayerConfig, Method, ModelKind, TransformKind,
};

use crate::cases;
use crate::config::from_file;
use crate::config_ranges::{ALLOCATIONS, DECAYS, EDGES, METHODS, SCHEDULES, TRANSFORMS};

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

prop_compose! {
    fn any_config()(
        seed in 0..=i64::MAX as u64,
        counts in (0..=4096usize, 1..=1_000_000usize, 0..1000usize, 1..1000u64, 1..1000u64, 1..1000u64),
        hidden in proptest::collection::vec(1..=1_000_000usize, 1..5),
        shares in proptest::collection::vec(f64::EPSILON..0.9999999, 10),
        scales in proptest::collection::vec(any::<f32>().prop_map(|x| f64::from(x.abs()).clamp(1.2e-38, 3.4e38)), 4),
        words in (0..5usize, 0..3usize, 0..4usize, 0..4usize),
        transform in (0..5usize, 0..3usize, any::<bool>(), 1..=65_536u64),
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
        config.transform.kind = TRANSFORMS[transform.0];
        config.transform.edges = EDGES[transform.1];
        config.transform.linear = transform.2;
        config.transform.multiple_of = transform.3;
        // A transform decides by itself what these say.
        if config.transform.kind != TransformKind::None {
            config.sparsity.allocation = Allocation::Erk;
            config.sparsity.dense.clear();
            config.layers.clear();
            if config.sparsity.method == Method::Dense {
                config.sparsity.method = Method::Static;
            }
        }
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
