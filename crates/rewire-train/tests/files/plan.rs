//! What a plan says before a run, and what the run then does.

use std::time::{Duration, Instant};

use rewire_train::config::{Config, ConfigBuilder};
use rewire_train::plan::plan;
use rewire_train::trainer::Trainer;

fn config(settings: &[&str]) -> Config {
    let mut builder = ConfigBuilder::new();
    for setting in settings {
        builder = builder.set(setting).unwrap();
    }
    builder.build().unwrap()
}

/// 1438 samples in batches of 100 are 15 steps an epoch, of which the last has 38 samples; every
/// third rewiring of `every = 5` falls on such a step.
#[test]
fn a_plan_is_what_the_run_then_costs() {
    let rows = [
        ("dense", "5", "none", "0"),
        ("static", "5", "batch", "0"),
        ("set", "5", "layer", "0"),
        ("set", "7", "none", "0"),
        ("rigl", "5", "batch", "0"),
        ("rigl", "15", "none", "0"),
        ("rigl", "1", "none", "0"),
        ("rigl", "5", "none", "1"),
        ("rigl", "1", "none", "1000"),
    ];
    for (method, every, norm, sample) in rows {
        let config = config(&[
            &format!("sparsity.method={method}"),
            &format!("rewire.every={every}"),
            &format!("rewire.sample={sample}"),
            &format!("model.norm={norm}"),
            "model.kind=mlp:20,12",
            "data.batch=100",
            "schedule.epochs=3",
        ]);
        let plan = plan(&config).unwrap();
        let mut trainer = Trainer::new(&config).unwrap();
        assert_eq!(trainer.plan().unwrap(), plan);
        assert_eq!((plan.steps, trainer.total_steps()), (45, 45));
        let stored = |trainer: &Trainer| -> Vec<u64> {
            let weights = trainer.parameters().iter();
            let weights = weights.filter(|parameter| parameter.dims().len() == 2);
            weights.map(|parameter| parameter.n_active()).collect()
        };
        let planned: Vec<u64> = plan.layers.iter().map(|layer| layer.n_active).collect();
        assert_eq!(planned, stored(&trainer), "{method}");
        let all = trainer.parameters().iter();
        let n_params: u64 = all.map(|parameter| parameter.n_active()).sum();
        assert_eq!(plan.n_params, n_params, "{method} {norm}");

        let mut rewirings = 0;
        while trainer.steps_done() < trainer.total_steps() {
            let rounds = |trainer: &Trainer| trainer.snapshot().unwrap().meta["explorer"].clone();
            let before = rounds(&trainer);
            trainer.step_in_pool().unwrap();
            rewirings += u64::from(before != rounds(&trainer));
        }
        assert_eq!(rewirings, plan.rewirings, "{method} {every}");
        assert_eq!(
            trainer.flops().algorithmic,
            plan.train_flops,
            "{method} {every}"
        );
        assert_eq!(
            trainer.flops().dense,
            plan.train_flops_dense,
            "{method} {every}"
        );
    }
}

/// DSR moves weights between layers, so that what a step costs moves with them.
#[test]
fn the_cost_of_a_trainer_follows_its_positions() {
    let config = config(&[
        "sparsity.method=dsr",
        "rewire.every=3",
        "rewire.threshold=0.05",
        "rewire.target=40",
        "model.kind=mlp:24,16",
    ]);
    let mut trainer = Trainer::new(&config).unwrap();
    let start = trainer.cost().clone();
    let agree = |trainer: &Trainer| {
        for layer in &trainer.cost().layers {
            let mut parameters = trainer.parameters().iter();
            let weight = parameters
                .find(|weight| weight.name() == layer.name)
                .unwrap();
            assert_eq!(layer.cost.n_active, weight.n_active(), "{}", layer.name);
        }
    };
    for _ in 0..10 {
        trainer.step_in_pool().unwrap();
        agree(&trainer);
    }
    assert_ne!(*trainer.cost(), start, "no weight has changed its layer");
    let mut resumed = Trainer::new(&config).unwrap();
    let snapshot = trainer.snapshot().unwrap();
    resumed
        .restore(&snapshot, "last.safetensors".as_ref())
        .unwrap();
    agree(&resumed);
}

#[test]
fn a_plan_costs_the_same_however_large_the_run() {
    let start = Instant::now();
    let config = config(&[
        "model.kind=mlp:1000000,1000000",
        "sparsity.method=rigl",
        "sparsity.sparsity=0.5",
        "sparsity.allocation=uniform",
        "schedule.epochs=1000000000",
        "rewire.every=1",
    ]);
    let plan = plan(&config).unwrap();
    assert_eq!(plan.layers[1].n_active, 500_000_000_000);
    assert_eq!(plan.steps, 45_000_000_000);
    // Steps 1, 2, … before three quarters of the run.
    assert_eq!(plan.rewirings, 33_749_999_999);
    // Reading the digits takes longest.
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
}

#[test]
#[cfg(target_os = "linux")]
fn a_run_that_no_machine_can_hold_is_refused_with_what_it_needs() {
    let config = config(&["model.kind=mlp:1000000,1000000", "sparsity.method=dense"]);
    let Err(error) = Trainer::new(&config) else {
        panic!("terabytes were allocated");
    };
    // 10¹² weights of the middle layer, each with value, gradient and momentum of 4 bytes.
    let message = error.to_string();
    assert!(
        message.starts_with("the run needs at least 12.0 TB of memory, "),
        "{message}"
    );
    assert!(error.hint().unwrap().contains("model.kind"));
}

/// Every row: settings, and what the notes say, in order.
#[test]
fn what_has_no_effect_is_said() {
    let rows: &[(&[&str], &[&str])] = &[
        (&[], &[]),
        (&["sparsity.method=dsr"], &[]),
        (&["sparsity.method=dense"], &[]),
        (
            &["schedule.warmup=5000"],
            &[
                "`schedule.warmup` is 5000 steps, but the run has 1350: the learning rate only rises, \
               to 1.350e-2 instead of `schedule.lr` = 0.05",
            ],
        ),
        (
            &["schedule.warmup=1350"],
            &["`schedule.warmup` takes all 1350 steps of the run"],
        ),
        (&["schedule.warmup=1349"], &[]),
        (
            &["schedule.kind=step"],
            &["`schedule.step_every` is 25000 steps, but the run has 1350"],
        ),
        (&["schedule.kind=step", "schedule.step_every=1349"], &[]),
        (
            &["sparsity.sparsity=0"],
            &[
                "every layer keeps all its weights, so that `rigl` trains a dense network; its \
               rewirings move nothing and still take the place of optimizer steps",
            ],
        ),
        (
            &["sparsity.sparsity=0", "sparsity.method=static"],
            &["every layer keeps all its weights, so that `static` trains a dense network: "],
        ),
        (
            &["sparsity.dense=fc1,fc2,fc3", "sparsity.method=set"],
            &[
                "every layer keeps all its weights, so that `set` trains a dense network; its \
               rewirings move nothing: ",
            ],
        ),
        (&["sparsity.dense=fc1,fc2"], &[]),
        (
            &["sparsity.pattern=transposable:2:4"],
            &[
                "200 of the 1000 weights of `fc3` fit into no whole unit of transposable:2:4 and stay \
                 active",
            ],
        ),
        (
            &["sparsity.pattern=block:4x4", "sparsity.sparsity=0.98"],
            &[
                "200 of the 1000 weights of `fc3` fit into no whole unit of block:4x4",
                "`fc1` has 24 active blocks in 75 rows and 16 columns of blocks: some of its outputs \
                 have no weight in any of them",
                "`fc2` has 38 active blocks in 25 rows and 75 columns of blocks: some of its inputs",
                "`fc3` has 1 active blocks in 2 rows and 25 columns of blocks: some of its outputs \
                 and inputs have no weight in any of them",
            ],
        ),
        (
            &[
                "sparsity.method=dsr",
                "schedule.budget=1",
                "crossover=[[1,1,1,1,1]]",
            ],
            &["`schedule.budget` = 1 counts the densities of the start; dsr moves weights"],
        ),
        (
            &["schedule.budget=1"],
            &["`schedule.budget` = 1 counts products on active weights, but the kernels of `fc"],
        ),
        (&["schedule.budget=1", "crossover=[[1,1,1,1,1]]"], &[]),
        (&["schedule.budget=1", "sparsity.method=dense"], &[]),
        (
            &["transform.kind=parallel", "transform.multiple_of=8"],
            &["`transform.multiple_of` has no effect with transform parallel"],
        ),
        (
            &["rewire.every=1012"],
            &[
                "positions never change: the first rewiring would be at step 1012 (`rewire.every`), \
               but rewiring ends before step 1012, `rewire.end` = 0.75 of 1350 steps",
            ],
        ),
        (&["rewire.every=1011", "rewire.decay=constant"], &[]),
        (
            &["rewire.fraction=0.00001"],
            &["positions never change: `rewire.fraction` = 0.00001"],
        ),
        (
            &["data.batch=5000"],
            &[
                "positions never change",
                "`data.batch` is 5000, but the training part has 1438 samples",
            ],
        ),
        (&["data.batch=1438", "rewire.every=10"], &[]),
        (
            &[
                "rewire.threshold=0.01",
                "rewire.target=600",
                "rewire.two_sided=true",
            ],
            &[
                "`rewire.target` has no effect with method rigl",
                "`rewire.threshold` has no effect with method rigl",
                "`rewire.two_sided` has no effect with method rigl",
            ],
        ),
        (
            &[
                "sparsity.method=static",
                "rewire.every=10",
                "rewire.decay=linear",
                "rewire.sample=3",
            ],
            &[
                "`rewire.decay` has no effect with method static",
                "`rewire.every` has no effect with method static",
                "`rewire.sample` has no effect with method static",
            ],
        ),
        (
            &[
                "optimizer.kind=adamw",
                "optimizer.momentum=0.5",
                "schedule.step_factor=0.5",
            ],
            &[
                "`optimizer.momentum` has no effect with optimizer adamw",
                "`schedule.step_factor` has no effect with schedule cosine",
            ],
        ),
        (
            &["optimizer.beta1=0.8"],
            &["`optimizer.beta1` has no effect with optimizer sgd"],
        ),
    ];
    for (settings, expected) in rows {
        let notes = plan(&config(settings)).unwrap().notes;
        assert_eq!(notes.len(), expected.len(), "{settings:?}: {notes:#?}");
        for (note, beginning) in notes.iter().zip(*expected) {
            assert!(note.starts_with(beginning), "{settings:?}: {note}");
        }
    }
}

/// The complete text of a configuration asks for no more than the few words it came from.
#[test]
fn a_resolved_configuration_has_the_notes_of_its_source() {
    for method in ["dense", "static", "set", "rigl", "dsr"] {
        let short = config(&[&format!("sparsity.method={method}")]);
        let complete = Config::from_toml(&short.to_toml(), "run.toml").unwrap();
        assert_eq!(plan(&complete).unwrap().notes, [""; 0], "{method}");
    }
}

/// A layer with whole units keeps at least one; a layer without any stays dense and is no error.
#[test]
fn a_pattern_leaves_no_layer_empty_and_no_tiny_layer_refused() {
    let planned = |settings: &[&str]| {
        let builder = settings
            .iter()
            .fold(ConfigBuilder::new(), |builder, setting| {
                builder.set(setting).unwrap()
            });
        plan(&builder.build().unwrap())
    };
    for tiny in [
        &["model.kind=mlp:1", "sparsity.pattern=nm:1:32"][..],
        &["model.kind=mlp:1", "sparsity.pattern=transposable:1:32"],
        &[
            "model.kind=mlp:4",
            "sparsity.pattern=block:16x16",
            "sparsity.sparsity=0.99",
        ],
    ] {
        let plan = planned(tiny).unwrap_or_else(|error| panic!("{tiny:?}: {error}"));
        let last = plan.layers.last().unwrap();
        assert_eq!(last.n_active, last.n_total, "{tiny:?}");
    }
    for (settings, expected) in [
        (
            &[
                "model.kind=mlp:64",
                "sparsity.pattern=block:10x10",
                "sparsity.sparsity=0.999",
            ],
            "sparsity 0.999 leaves layer `fc1` without a unit of block:10x10 (3600 weights lie in \
             whole units)",
        ),
        (
            &[
                "model.kind=mlp:64",
                "sparsity.pattern=block:2x16",
                "sparsity.sparsity=0.98",
            ],
            "sparsity 0.98 leaves layer `fc2` without a unit of block:2x16 (640 weights lie in \
             whole units)",
        ),
    ] {
        let error = planned(settings).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert!(
            error
                .hint()
                .is_some_and(|hint| hint.contains("smaller units"))
        );
    }
}
