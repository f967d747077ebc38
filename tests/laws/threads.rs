//! The number of threads changes no bit.

use rewire_train::summary::weights_sha256;
use rewire_train::trainer::Trainer;

use crate::{METHODS, config};

/// Layers large enough that forward, backward and weight gradient run in parallel.
const LARGE: [&str; 3] = [
    "model.kind=mlp:600,500",
    "data.batch=130",
    "sparsity.sparsity=0.8",
];

fn hash_after(method: &str, more: &[&str], threads: usize, steps: u64) -> String {
    let threads = format!("threads={threads}");
    let mut settings: Vec<&str> = more.iter().copied().chain(LARGE).collect();
    if method == "dense" {
        settings.pop();
    }
    settings.push(&threads);
    let mut trainer = Trainer::new(&config(method, &settings)).unwrap();
    for _ in 0..steps {
        trainer.step_in_pool().unwrap();
    }
    weights_sha256(trainer.parameters())
}

#[test]
fn every_method_gives_the_same_bits_at_any_number_of_threads() {
    for (method, more) in METHODS {
        let one = hash_after(method, more, 1, 11);
        for threads in [2, 3, 4] {
            assert_eq!(
                hash_after(method, more, threads, 11),
                one,
                "{method}, {threads}"
            );
        }
    }
}
