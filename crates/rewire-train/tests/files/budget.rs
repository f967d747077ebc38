//! Runs as long as a budget of FLOPs lasts.

use rewire_train::config::{Config, ConfigBuilder};
use rewire_train::plan::plan;
use rewire_train::run::{Ending, Event, Run};
use rewire_train::run_folder::RunFolder;
use rewire_train::stop::Stop;
use rewire_train::trainer::Trainer;

fn config(settings: &[&str]) -> Config {
    let small = [
        "model.kind=mlp:20,12",
        "data.batch=100",
        "schedule.epochs=2",
        "rewire.every=7",
        "products=plain",
    ];
    let builder = (small.iter().chain(settings)).fold(ConfigBuilder::new(), |builder, setting| {
        builder.set(setting).unwrap()
    });
    builder.build().unwrap()
}

/// What dense training over the epochs of the configuration executes.
fn dense_flops(settings: &[&str]) -> u128 {
    let dense = [
        settings,
        &[
            "sparsity.method=dense",
            "sparsity.sparsity=0",
            "transform.kind=none",
        ],
    ];
    let mut trainer = Trainer::new(&config(&dense.concat())).unwrap();
    finish(&mut trainer);
    trainer.flops().executed
}

fn finish(trainer: &mut Trainer) {
    while trainer.steps_done() < trainer.total_steps() {
        trainer.step_in_pool().unwrap();
    }
}

/// The run executes what its plan says: no more than the budget, and one more ordinary step would.
#[test]
fn a_run_spends_its_budget_to_less_than_a_step() {
    let whole = dense_flops(&[]);
    for method in ["static", "set", "rigl"] {
        for transform in ["none", "wide", "parallel"] {
            for (budget, share) in [("1", 1.0), ("0.35", 0.35)] {
                let config = config(&[
                    &format!("sparsity.method={method}"),
                    &format!("transform.kind={transform}"),
                    &format!("schedule.budget={budget}"),
                    "sparsity.sparsity=0.75",
                    // So that every growth step moves weights of every layer.
                    "rewire.decay=constant",
                ]);
                let plan = plan(&config).unwrap();
                let mut trainer = Trainer::new(&config).unwrap();
                assert_eq!(trainer.plan().unwrap(), plan);
                assert_eq!(plan.epochs, plan.steps.div_ceil(15));
                let mut largest = 0;
                let mut before = 0;
                while trainer.steps_done() < trainer.total_steps() {
                    trainer.step_in_pool().unwrap();
                    let executed = trainer.flops().executed;
                    largest = largest.max(executed - before);
                    before = executed;
                }
                let case = format!("{method} {transform} {budget}");
                let executed = trainer.flops().executed;
                assert_eq!(executed, plan.train_flops_executed, "{case}");
                // The budget is rounded down once in double precision.
                let paid = (whole as f64 * share) as u128;
                assert!(executed <= paid, "{case}: {executed} > {paid}");
                assert!(paid < executed + largest, "{case}: {executed} of {paid}");
                if transform == "none" {
                    let longer = plan.steps as f64 / (30.0 * share);
                    assert!(longer > 2.0, "{case}: {longer} times as many steps");
                }
            }
        }
    }
}

#[test]
fn a_dense_run_on_a_budget_of_one_is_the_dense_run() {
    for (budget, steps) in [("1", 30), ("2", 60), ("0", 30)] {
        let config = config(&[
            "sparsity.method=dense",
            &format!("schedule.budget={budget}"),
        ]);
        assert_eq!(plan(&config).unwrap().steps, steps);
    }
}

/// The last epoch is cut short, recorded and resumed like any other.
#[test]
fn an_epoch_that_the_budget_cuts_short_is_recorded() {
    let config = config(&["sparsity.sparsity=0.8", "schedule.budget=0.7"]);
    let steps = plan(&config).unwrap().steps;
    assert!(!steps.is_multiple_of(15), "the last epoch is whole");
    let directory = tempfile::tempdir().unwrap();
    let run_to = |name: &str, stop_after: Option<u64>| {
        let path = directory.path().join(name);
        let folder = RunFolder::create(Some(&path), false).unwrap();
        let mut run = Run::start(Trainer::new(&config).unwrap(), folder).unwrap();
        let stop = Stop::new();
        let mut watch = |event: Event<'_>| {
            if let Event::Step(report) = event
                && Some(report.step) == stop_after
            {
                stop.request();
            }
        };
        (run.drive(&stop, &mut watch).unwrap(), path)
    };
    let (Ending::Finished(whole), folder) = run_to("whole", None) else {
        panic!("nobody asked to stop");
    };
    assert_eq!((whole.steps, whole.epochs), (steps, steps.div_ceil(15)));
    let rows = std::fs::read_to_string(folder.join("metrics.csv")).unwrap();
    assert_eq!(rows.lines().count() as u64, 1 + whole.epochs);
    let last = rows.lines().last().unwrap();
    assert!(
        last.starts_with(&format!("{},{steps},", whole.epochs)),
        "{last}"
    );

    let (ending, folder) = run_to("parts", Some(steps - 2));
    assert_eq!(ending, Ending::Stopped { step: steps - 2 });
    let opened = RunFolder::open(&folder).unwrap();
    let mut run = Run::resume(&config, opened).unwrap();
    let Ending::Finished(resumed) = run.drive(&Stop::new(), &mut |_| {}).unwrap() else {
        panic!("nobody asked to stop");
    };
    assert_eq!(resumed.weights_sha256, whole.weights_sha256);
    assert_eq!(resumed.train_flops_executed, whole.train_flops_executed);
    assert_eq!(
        std::fs::read_to_string(folder.join("metrics.csv")).unwrap(),
        rows
    );
}

#[test]
fn a_budget_below_one_step_is_refused_with_its_numbers() {
    let error = plan(&config(&["schedule.budget=0.000001"])).unwrap_err();
    let message = error.to_string();
    assert!(
        message.starts_with("schedule.budget = 0.000001 pays for "),
        "{message}"
    );
    assert!(error.hint().unwrap().contains("schedule.epochs"));
}
