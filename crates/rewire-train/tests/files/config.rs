//! What a configuration accepts and what it makes of it.

use rewire_train::config::{Config, ConfigBuilder, ConfigError, Decay, Method, ModelKind};

pub(crate) fn from_file(text: &str) -> Result<Config, ConfigError> {
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

[transform]
kind = "none"
match = "network"
edges = "matched"
multiple_of = 1
linear = false

[sparsity]
method = "rigl"
sparsity = 0.9
allocation = "erk"
pattern = "unstructured"
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
budget = 0.0
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
