//! A training step between two rewirings takes its memory from the steps before it.
//!
//! A binary of its own, because counting replaces the allocator of the whole process. The steps run
//! in a pool of one thread, so that the thread that is counted is the one that does everything.
//!
//! Layers are sparse here: the libraries that multiply densely pack their operands into memory that
//! they ask for in every product.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use allocation_counter::measure;
use rayon::ThreadPoolBuilder;
use rewire_train::config::ConfigBuilder;
use rewire_train::trainer::Trainer;

/// Step and allocations of every step after the first epoch and an evaluation.
///
/// Batches of 200 leave a smaller one at the end of each epoch.
fn later_steps(settings: &str) -> Vec<(u64, u64)> {
    let mut builder = ConfigBuilder::new();
    for setting in settings.split(' ') {
        builder = builder.set(setting).unwrap();
    }
    builder = builder.set("threads=1").unwrap();
    builder = builder.set("data.batch=200").unwrap();
    let mut trainer = Trainer::new(&builder.build().unwrap()).unwrap();
    let pool = ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| {
        while !trainer.step().unwrap().epoch_ended {}
        trainer.evaluate_test();
        let mut counts = Vec::new();
        while trainer.steps_done() < trainer.total_steps() {
            let mut taken = None;
            let info = measure(|| taken = Some(trainer.step()));
            counts.push((taken.unwrap().unwrap().step, info.count_total));
        }
        counts
    })
}

/// Every kind of op and optimizer; the wide networks are large enough for the products to be shared
/// among threads.
const NETWORKS: [&str; 5] = [
    "model.kind=mlp:40,30 model.norm=none",
    "model.kind=mlp:40,30 model.norm=batch optimizer.kind=adamw",
    "model.kind=mlp:40,30 model.norm=layer model.activation=gelu model.dropout=0.1",
    "model.kind=mlp:300,200 model.norm=batch sparsity.sparsity=0.5",
    "model.kind=mlp:300,200 model.norm=none sparsity.sparsity=0.5 optimizer.kind=adamw",
];

#[test]
fn a_step_of_a_static_network_allocates_nothing() {
    for products in ["tiled", "plain"] {
        for network in NETWORKS {
            let method = "sparsity.method=static schedule.epochs=2";
            let settings = format!("products={products} {method} {network}");
            let counts = later_steps(&settings);
            let sum: u64 = counts.iter().map(|(_, count)| count).sum();
            assert_eq!(sum, 0, "step and allocations, {settings}: {counts:?}");
        }
    }
}

/// A rewiring makes new lists and, in the step that follows it, the products' new layouts.
#[test]
fn a_step_between_rewirings_allocates_nothing() {
    for method in ["rigl", "set"] {
        for network in NETWORKS {
            let method = format!("sparsity.method={method} rewire.every=5 schedule.epochs=3");
            let settings = format!("products=tiled {method} {network}");
            for (step, count) in later_steps(&settings) {
                if step % 5 > 1 {
                    assert_eq!(count, 0, "step {step}, {settings}");
                }
            }
        }
    }
}
