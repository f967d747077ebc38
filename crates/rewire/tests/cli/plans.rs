//! What is said before a run and beside it: size, cost, and settings that have no effect.

use std::time::{Duration, Instant};

use crate::sandbox::{SMALL, Sandbox};

const RUN_FOLDER: &str = include_str!("../../../../docs/formats/run-folder.md");

/// A rewiring that comes too late for two epochs of six steps.
const LATE: &str = "note: positions never change: the first rewiring would be at step 100";

#[test]
fn a_setting_without_effect_is_noted_in_plan_log_and_progress() {
    let sandbox = Sandbox::new();
    let mut line = vec!["train", "--epochs", "2"];
    line.extend(SMALL);
    let log = |run: &str| String::from_utf8(sandbox.read(&format!("{run}/log.txt"))).unwrap();

    let loud = sandbox.call(&line);
    assert!(loud.stderr.starts_with(LATE), "{}", loud.stderr);
    assert!(log("runs/0001").contains(LATE));

    line.push("--quiet");
    let quiet = sandbox.call(&line);
    assert_eq!((quiet.status, quiet.stderr.as_str()), (0, ""));
    assert!(log("runs/0002").contains(LATE));

    line.pop();
    line.push("--dry-run");
    let plan = sandbox.call(&line);
    assert_eq!((plan.status, plan.stderr.as_str()), (0, ""));
    assert!(
        plan.stdout.contains(&format!("\n# {LATE}")),
        "{}",
        plan.stdout
    );

    line.extend(["--set", "rewire.every=3"]);
    let plan = sandbox.call(&line);
    assert!(!plan.stdout.contains("note:"), "{}", plan.stdout);
    assert!(
        plan.stdout.contains("12 steps in 2 epochs, 2 rewirings"),
        "{}",
        plan.stdout
    );
}

#[test]
fn one_is_not_many() {
    let sandbox = Sandbox::new();
    let line = ["train", "--dry-run", "--epochs", "1", "--batch", "1438"];
    let plan = sandbox.call(&line);
    assert_eq!(plan.status, 0, "{}", plan.stderr);
    assert!(
        plan.stdout.contains("1 step in 1 epoch, 0 rewirings"),
        "{}",
        plan.stdout
    );
}

#[test]
fn a_plan_of_terabytes_takes_no_time_and_the_run_is_refused() {
    let sandbox = Sandbox::new();
    let large = ["--model", "mlp:1000000,1000000", "--sparsity", "0.9"];
    let start = Instant::now();
    let mut line = vec!["train", "--dry-run"];
    line.extend(large);
    let plan = sandbox.call(&line);
    assert_eq!(plan.status, 0, "{}", plan.stderr);
    assert!(
        plan.stdout.contains("# memory      at least 2.4 TB"),
        "{}",
        plan.stdout
    );
    if cfg!(target_os = "linux") {
        let mut line = vec!["train"];
        line.extend(large);
        sandbox
            .call(&line)
            .is_refused(2, &["needs at least 2.4 TB of memory", "model.kind"]);
        assert!(sandbox.contents("").is_empty());
    }
    // What takes longest is to start the program.
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
}

/// A density below a thousandth is no 0, in the plan and in what comes of it.
#[test]
fn a_tiny_density_keeps_its_figures() {
    let sandbox = Sandbox::new();
    let line = [
        "--model",
        "mlp:2000,30",
        "--sparsity",
        "0.9991",
        "--epochs",
        "1",
    ];
    let mut plan = vec!["train", "--dry-run"];
    plan.extend(line);
    let mut train = vec!["train", "--quiet"];
    train.extend(line);
    for (command, has_legend) in [
        (plan, false),
        (train, true),
        (vec!["inspect", "runs/0001"], true),
    ] {
        let outcome = sandbox.call(&command);
        assert_eq!(outcome.status, 0, "{}", outcome.stderr);
        assert!(outcome.stdout.contains(" 0.000"), "{}", outcome.stdout);
        assert!(!outcome.stdout.contains(" 0.000 "), "{}", outcome.stdout);
        let legend = "R_s: share of the positions that were ever active\n";
        assert_eq!(outcome.stdout.contains(legend), has_legend, "{command:?}");
    }
}

#[test]
fn a_title_names_the_layers_outside_the_shared_sparsity() {
    let sandbox = Sandbox::new();
    let mut line = vec!["train", "--quiet", "--epochs", "1"];
    line.extend(SMALL);
    line.extend([
        "--set",
        "layers.fc1.sparsity=0.95",
        "--set",
        "sparsity.dense=fc2",
    ]);
    let outcome = sandbox.call(&line);
    assert_eq!(outcome.status, 0, "{}", outcome.stderr);
    let title = "rigl at sparsity 0.9 (fc1 0.95, fc2 dense): mlp:24 on digits, 1 epoch, seed 0\n";
    assert!(outcome.stdout.starts_with(title), "{}", outcome.stdout);
}

#[test]
fn a_title_names_pattern_transform_and_budget() {
    let sandbox = Sandbox::new();
    let title = |rest: &[&str]| {
        let mut line = vec!["train", "--quiet", "--epochs", "1"];
        line.extend(SMALL);
        line.extend(rest);
        let outcome = sandbox.call(&line);
        assert_eq!(outcome.status, 0, "{}", outcome.stderr);
        let title = outcome.stdout.lines().next();
        title.unwrap_or_default().to_owned()
    };
    let found = title(&["--sparsity", "0.5", "--set", "sparsity.pattern=nm:2:4"]);
    assert!(
        found.starts_with("rigl at sparsity 0.5 in nm:2:4: "),
        "{found}"
    );
    let found = title(&["--transform", "wide", "--set", "schedule.budget=0.5"]);
    assert!(found.contains(": mlp:24 made wide on digits, "), "{found}");
    assert!(found.contains(" steps for budget 0.5, "), "{found}");
}

#[test]
fn every_field_of_the_json_is_explained() {
    let sandbox = Sandbox::new();
    let mut line = vec!["--epochs", "1"];
    line.extend(SMALL);
    let summary = sandbox.train(&line);
    let (_, rest) = RUN_FOLDER.split_once("## `summary.json`").unwrap();
    let (section, _) = rest.split_once("\n## ").unwrap();
    for field in summary.as_object().unwrap().keys() {
        assert!(
            section.contains(&format!("`{field}`")),
            "{field} is not explained"
        );
    }
}
