//! Laws that hold across crates: what a whole training run promises.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod budget;
mod flops;
mod patterns;
mod resume;
mod threads;
mod transforms;

use rewire_train::config::{Config, ConfigBuilder};

/// A short run on the embedded digits: 1438 samples in batches of 96 are 15 steps an epoch.
/// Dropout, batch normalisation and the ragged last batch make every kind of state take part.
fn config(method: &str, more: &[&str]) -> Config {
    let short = [
        "data.batch=96",
        "model.kind=mlp:20,12",
        "model.norm=batch",
        "model.dropout=0.1",
        "rewire.every=5",
        "rewire.end=1.0",
        "schedule.epochs=2",
        "schedule.warmup=3",
    ];
    let mut builder = ConfigBuilder::new();
    builder = builder.set(&format!("sparsity.method={method}")).unwrap();
    for assignment in short.iter().chain(more) {
        builder = builder.set(assignment).unwrap();
    }
    builder.build().unwrap()
}

/// Every method, with what makes it move weights in so short a run.
const METHODS: [(&str, &[&str]); 7] = [
    ("dense", &[]),
    ("static", &[]),
    ("set", &[]),
    (
        "set",
        &[
            "rewire.two_sided=true",
            "optimizer.kind=adamw",
            "schedule.lr=0.005",
        ],
    ),
    (
        "rigl",
        &[
            "optimizer.kind=adamw",
            "schedule.lr=0.005",
            "data.valid=100",
        ],
    ),
    ("rigl", &["rewire.sample=2"]),
    ("dsr", &["rewire.target=20", "rewire.threshold=0.05"]),
];
