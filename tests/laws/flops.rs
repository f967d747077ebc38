//! What the records say a run cost is what its products ran.

use rewire_train::trainer::Trainer;

use crate::config;

/// Per sample, in multiply-adds of 2 FLOPs: the algorithmic count takes every layer's three
/// products; what ran lacks the first layer's input gradient.
#[test]
fn executed_flops_are_the_algorithmic_ones_less_the_first_input_gradient() {
    for method in ["dense", "static", "set", "rigl"] {
        let mut trainer = Trainer::new(&config(method, &[])).unwrap();
        let cost = trainer.cost().clone();
        let first = cost.layers[0].cost.forward(1);
        let (mut algorithmic, mut executed, mut samples) = (0u128, 0u128, 0u128);
        for step in 1..=15u128 {
            trainer.step_in_pool().unwrap();
            // 14 batches of 96 and one of 94 are 1438 samples.
            let batch = if step == 15 { 94 } else { 96 };
            let grows = method == "rigl" && step % 5 == 0;
            let step_cost = if grows {
                2 * cost.f_sparse() + cost.f_dense()
            } else {
                3 * cost.f_sparse()
            };
            algorithmic += batch * step_cost;
            executed += batch * (step_cost - first);
            samples += batch;
            let flops = trainer.flops();
            assert_eq!(flops.algorithmic, algorithmic, "{method}, step {step}");
            assert_eq!(flops.executed, executed, "{method}, step {step}");
            assert_eq!(
                flops.dense,
                3 * cost.f_dense() * samples,
                "{method}, step {step}"
            );
            if method == "dense" {
                assert_eq!(flops.dense_executed, flops.executed, "step {step}");
            }
        }
    }
}

/// Growth from a sample runs what it is counted for: f_C for as many weights as are compared, here
/// two per active weight.
#[test]
fn a_sample_costs_what_it_runs() {
    let more = [
        "rewire.sample=2",
        "model.kind=mlp:60,50",
        "sparsity.allocation=uniform",
        "sparsity.sparsity=0.98",
    ];
    let mut trainer = Trainer::new(&config("rigl", &more)).unwrap();
    let cost = trainer.cost().clone();
    let first = cost.layers[0].cost.forward(1);
    let (mut algorithmic, mut executed) = (0u128, 0u128);
    for step in 1..=14u128 {
        trainer.step_in_pool().unwrap();
        let products = if step % 5 == 0 { 2 + 2 } else { 3 };
        algorithmic += 96 * products * cost.f_sparse();
        executed += 96 * (products * cost.f_sparse() - first);
        assert_eq!(trainer.flops().algorithmic, algorithmic, "step {step}");
        assert_eq!(trainer.flops().executed, executed, "step {step}");
    }
}
