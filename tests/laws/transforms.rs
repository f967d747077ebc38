//! Sparse-IFT networks in training: they cost what was planned, keep their budgets and resume.

use rewire_ift::{StepKind, TrainingMethod};
use rewire_train::config::Config;
use rewire_train::run::{Ending, Run};
use rewire_train::run_folder::RunFolder;
use rewire_train::stop::Stop;
use rewire_train::trainer::Trainer;

use crate::config;

const MEMBERS: [(&str, &[&str]); 6] = [
    ("wide", &[]),
    ("wide", &["transform.multiple_of=8", "model.norm=none"]),
    ("parallel", &[]),
    ("parallel", &["transform.linear=true"]),
    ("factorized", &["transform.match=layer"]),
    ("doped", &["model.norm=layer"]),
];

const METHODS: [(&str, TrainingMethod); 4] = [
    ("static", TrainingMethod::Static),
    ("set", TrainingMethod::Set),
    ("rigl", TrainingMethod::Rigl),
    ("dsr", TrainingMethod::Dsr),
];

fn transformed(member: &str, method: &str, more: &[&str]) -> Config {
    let kind = format!("transform.kind={member}");
    let all = [
        &[
            kind.as_str(),
            "sparsity.sparsity=0.75",
            "products=plain",
            "model.kind=mlp:24,16",
            "rewire.threshold=0.05",
        ][..],
        more,
    ];
    config(method, &all.concat())
}

/// The dense network of the same shape: 64 · 24 + 24 · 16 + 16 · 10 weights.
const DENSE: u128 = 2 * (64 * 24 + 24 * 16 + 16 * 10);

#[test]
fn a_step_runs_what_the_plan_costs() {
    for (member, more) in MEMBERS {
        for (method, counted) in METHODS {
            let mut trainer = Trainer::new(&transformed(member, method, more)).unwrap();
            let what = format!("{member} {more:?} {method}");
            let cost = trainer.cost().clone();
            // Normalisation is part of the match and not of the products: a wider network pays for
            // it with weights.
            assert!(cost.f_sparse() <= DENSE, "{what}: {}", cost.f_sparse());
            assert!(
                cost.f_sparse() > DENSE * 8 / 10,
                "{what}: {}",
                cost.f_sparse()
            );
            assert!(cost.f_dense() > DENSE, "{what}");
            let active = |trainer: &Trainer| -> u64 {
                let weights = trainer.parameters().iter().filter(|p| p.dims().len() == 2);
                weights.map(|parameter| parameter.n_active()).sum()
            };
            let budget = active(&trainer);
            let mut executed = 0;
            for step in 1..=12u128 {
                trainer.step_in_pool().unwrap();
                let kind = match step % 5 {
                    0 => StepKind::Grow,
                    _ => StepKind::Train,
                };
                // DSR moves weights between layers, also to and from those that read the data.
                let cost = match method {
                    "dsr" => trainer.cost(),
                    _ => &cost,
                };
                if method != "dsr" {
                    executed += counted.executed_step(kind, cost, 96);
                    assert_eq!(trainer.flops().executed, executed, "{what}, step {step}");
                }
                // Divided by the network before its transform, not by the wider one.
                let dense = 3 * DENSE * 96 * step;
                assert_eq!(trainer.flops().dense, dense, "{what}, step {step}");
                assert_eq!(active(&trainer), budget, "{what}, step {step}");
                assert_eq!(
                    trainer.cost().f_sparse(),
                    cost.f_sparse(),
                    "{what}, step {step}"
                );
            }
        }
    }
}

/// Without normalisation the whole network costs exactly what the dense one does.
#[test]
fn networks_without_normalisation_cost_exactly_the_same() {
    for member in ["wide", "parallel", "factorized", "doped"] {
        for sparsity in ["0.5", "0.75", "0.9"] {
            let sparsity = format!("sparsity.sparsity={sparsity}");
            let config = transformed(member, "static", &["model.norm=none", &sparsity]);
            let trainer = Trainer::new(&config).unwrap();
            assert_eq!(trainer.cost().f_sparse(), DENSE, "{member} {sparsity}");
        }
    }
}

/// At sparsity 0 a doped layer has no low rank, but its σ: what is built is what was planned.
#[test]
fn a_doped_network_without_sparsity_has_its_non_linearity() {
    for norm in ["none", "batch", "layer"] {
        let norm = format!("model.norm={norm}");
        let config = transformed("doped", "static", &["sparsity.sparsity=0", &norm]);
        let trainer = Trainer::new(&config).unwrap();
        let inner = trainer.parameters().by_name("fc1.bn.weight");
        assert_eq!(inner.is_some(), norm == "model.norm=batch");
        assert!(trainer.cost().f_sparse() <= DENSE);
    }
}

#[test]
fn a_resumed_transform_is_bit_equal() {
    for (member, more) in MEMBERS {
        let config = transformed(member, "rigl", more);
        let dir = tempfile::tempdir().unwrap();
        let drive = |run: &mut Run, stop_at: u64| -> Ending {
            let stop = Stop::new();
            let flag = stop.clone();
            let mut watch = |event: rewire_train::run::Event<'_>| {
                if let rewire_train::run::Event::Step(report) = event
                    && report.step == stop_at
                {
                    flag.request();
                }
            };
            run.drive(&stop, &mut watch).unwrap()
        };
        let results = |name: &str| -> Vec<Vec<u8>> {
            ["last.safetensors", "metrics.csv"]
                .map(|file| std::fs::read(dir.path().join(name).join(file)).unwrap())
                .into()
        };
        let start = |name: &str| {
            let trainer = Trainer::new(&config).unwrap();
            let path = dir.path().join(name);
            Run::start(trainer, RunFolder::create(Some(&path), false).unwrap()).unwrap()
        };
        drive(&mut start("whole"), u64::MAX);
        drive(&mut start("part"), 11);
        let folder = RunFolder::open(&dir.path().join("part")).unwrap();
        drive(&mut Run::resume(&config, folder).unwrap(), u64::MAX);
        assert!(results("part") == results("whole"), "{member} {more:?}");
    }
}
