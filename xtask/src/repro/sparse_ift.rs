//! The runs of the Sparse-IFT tables: every member at equal FLOPs, and the controls of the paper.
//!
//! Recipe of both tables, after the paper's for CIFAR (section 4): SGD with Nesterov momentum 0.9,
//! learning rate 0.1 falling along a cosine, weight decay 5e-4, batch 128, batch normalisation,
//! ΔT = 100. Every run but those of the widened dense networks is as long as its budget lasts: the
//! FLOPs that the dense training of the original network executes in the epochs of the recipe.
//! Nothing is held out, because nothing is chosen.

use super::runs::Case;

/// Seeds of a table are 1, 2, … up to these.
pub(super) const MNIST_SEEDS: u64 = 5;
pub(super) const CIFAR10_SEEDS: u64 = 5;

pub(super) const SPARSITIES: [&str; 3] = ["0.5", "0.75", "0.9"];
pub(super) const MEMBERS: [&str; 4] = ["wide", "parallel", "factorized", "doped"];

/// The original network with its steps extended to equal FLOPs (appendix B.3.1).
pub(super) const EXTENDED: &str = "longer";

/// What all runs of Sparse-IFT have in common.
const RECIPE: &str = "--batch 128 --optimizer sgd --lr 0.1 --set optimizer.momentum=0.9 \
    --set optimizer.nesterov=true --set optimizer.weight_decay=5e-4 --set schedule.kind=cosine \
    --set schedule.warmup=0 --set model.norm=batch --set rewire.every=100 \
    --set rewire.fraction=0.3 --set rewire.end=0.75";

const MNIST: &str = "--model mlp:300,100 --epochs 5";
const CIFAR10: &str = "--model mlp:256,128 --epochs 5";
const EQUAL: &str = "--set schedule.budget=1";

/// Networks of the widths that Wide plans at 0.5, in multiples of four, and what their masks keep to.
pub(super) const PATTERNS: [(&str, &str); 3] = [
    ("wide, unstructured", "unstructured"),
    ("wide, transposable 2:4", "transposable:2:4"),
    ("wide, blocks 4x4", "block:4x4"),
];

/// The budget is that of the dense original: its dense training executes 2 · 784 · 300 + 3 · 300 · 100
/// + 3 · 100 · 10 = 563 400 multiply-adds per sample, and that of 784-424-140-10 executes 847 112.
const PATTERNED: &str = "--model mlp:424,140 --epochs 5 --set schedule.budget=0.66508325";

/// Every case of the table on MNIST with the flags it adds.
pub(super) fn mnist() -> Vec<(Case, String)> {
    let mut cases = grid(MNIST, &MEMBERS, &["static", "set", "rigl"]);
    let mut add = |network, method, sparsity, flags: &str| {
        let case = Case {
            network,
            method,
            sparsity,
        };
        cases.push((case, format!("{RECIPE} {flags}")));
    };
    for method in ["set", "rigl"] {
        for sparsity in SPARSITIES {
            add(
                EXTENDED,
                method,
                Some(sparsity),
                &format!("{MNIST} {EQUAL}"),
            );
        }
    }
    // The hidden widths that Wide plans at each sparsity, trained dense for as many epochs (Table 4).
    for (network, widths) in [
        ("wide of 0.5, dense", "424,141"),
        ("wide of 0.75, dense", "600,200"),
        ("wide of 0.9, dense", "949,316"),
    ] {
        add(
            network,
            "dense",
            None,
            &format!("--model mlp:{widths} --epochs 5"),
        );
    }
    // Patterns on the widened network (Table 5), every layer at half its weights.
    for (network, pattern) in PATTERNS {
        let mut flags = format!("{PATTERNED} --set sparsity.pattern={pattern}");
        if pattern == "unstructured" {
            flags += " --set sparsity.allocation=uniform";
        }
        for method in ["static", "rigl"] {
            add(network, method, Some("0.5"), &flags);
        }
    }
    // Nothing bends between the factors and branches.
    for (network, member) in [
        ("parallel, linear", "parallel"),
        ("factorized, linear", "factorized"),
        ("doped, linear", "doped"),
    ] {
        let flags = format!("{MNIST} {EQUAL} --transform {member} --set transform.linear=true");
        add(network, "rigl", Some("0.9"), &flags);
    }
    // Two dense factors in place of each layer (appendix B.3.3).
    for (network, linear) in [("low rank", false), ("low rank, linear", true)] {
        let flags =
            format!("{MNIST} {EQUAL} --transform factorized --set transform.linear={linear}");
        add(network, "static", Some("0"), &flags);
    }
    cases
}

/// Every case of the table on CIFAR-10 with the flags it adds.
pub(super) fn cifar10() -> Vec<(Case, String)> {
    grid(CIFAR10, &["wide", "parallel"], &["static", "rigl"])
}

/// The dense network and every member at every sparsity by every method.
fn grid(model: &str, members: &[&'static str], methods: &[&'static str]) -> Vec<(Case, String)> {
    let dense = Case {
        network: "",
        method: "dense",
        sparsity: None,
    };
    let mut cases = vec![(dense, format!("{RECIPE} {model}"))];
    for &network in members {
        for &method in methods {
            for sparsity in SPARSITIES {
                let case = Case {
                    network,
                    method,
                    sparsity: Some(sparsity),
                };
                let flags = format!("{RECIPE} {model} {EQUAL} --transform {network}");
                cases.push((case, flags));
            }
        }
    }
    cases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_hold_the_cases_they_promise() {
        // Dense, four members by three methods at three sparsities; longer, widened, patterns,
        // linear, low rank.
        assert_eq!(mnist().len(), 1 + 4 * 3 * 3 + 6 + 3 + 3 * 2 + 3 + 2);
        assert_eq!(cifar10().len(), 1 + 2 * 2 * 3);
    }

    /// Multiply-adds of a sample in dense training: two products in the first layer, three in the
    /// others.
    #[test]
    fn the_widened_network_has_the_budget_of_the_original() {
        let executed = |widths: [f64; 4]| {
            let layers = [0, 1, 2].map(|layer| widths[layer] * widths[layer + 1]);
            2.0 * layers[0] + 3.0 * (layers[1] + layers[2])
        };
        let budget = executed([784.0, 300.0, 100.0, 10.0]) / executed([784.0, 424.0, 140.0, 10.0]);
        assert!(
            PATTERNED.ends_with(&format!("schedule.budget={budget:.8}")),
            "{budget}"
        );
    }

    #[test]
    fn every_sparse_run_has_the_budget_of_the_dense_one() {
        for (case, flags) in mnist().iter().chain(&cifar10()) {
            let has_budget = flags.contains("schedule.budget=");
            assert_eq!(has_budget, case.method != "dense", "{case:?}");
        }
    }
}
