//! `rewire train` when all is well: what it prints and what it leaves.

use serde_json::Value;

use crate::sandbox::{SMALL, Sandbox};

/// What `--json` promises, with the types that a reader may rely on.
const NUMBERS: [&str; 12] = [
    "test_accuracy",
    "test_loss",
    "best_epoch_test_accuracy",
    "train_accuracy",
    "train_loss",
    "n_active",
    "n_total",
    "n_params",
    "sparsity",
    "coverage",
    "seconds",
    "train_flops",
];

#[test]
fn two_epochs_on_the_digits_learn_and_leave_a_run_folder() {
    let sandbox = Sandbox::new();
    let summary = sandbox.train(&["--epochs", "2", "--out", "a"]);
    for name in NUMBERS {
        assert!(summary[name].is_number(), "{name}: {summary}");
    }
    for name in ["train_flops_executed", "train_flops_dense"] {
        assert!(summary[name].is_number(), "{name}: {summary}");
    }
    // Chance is 0.1.
    assert!(
        summary["test_accuracy"].as_f64().unwrap() > 0.7,
        "{summary}"
    );
    // 64·300 + 300·100 + 100·10 weights, of which sparsity 0.9 leaves a tenth.
    assert_eq!(summary["n_total"], 50_200);
    assert_eq!(summary["n_active"], 5_020);
    assert_eq!(summary["n_params"], 5_020 + 410);
    assert_eq!(summary["weights_sha256"].as_str().unwrap().len(), 64);

    let stored: Value = serde_json::from_slice(&sandbox.read("a/summary.json")).unwrap();
    assert_eq!(stored, summary);
    let metrics = String::from_utf8(sandbox.read("a/metrics.csv")).unwrap();
    assert_eq!(metrics.lines().count(), 3, "{metrics}");
    for name in [
        "config.resolved.toml",
        "env.json",
        "last.safetensors",
        "timing.csv",
        "plots/loss.svg",
        "plots/accuracy.svg",
        "plots/coverage.svg",
        "plots/density.svg",
    ] {
        assert!(!sandbox.read(&format!("a/{name}")).is_empty(), "{name}");
    }
}

#[test]
fn the_result_is_one_json_object_and_nothing_else() {
    let sandbox = Sandbox::new();
    let mut line = vec!["train", "--json", "--epochs", "2"];
    line.extend(SMALL);
    line.extend(["--set", "rewire.every=3"]);
    let outcome = sandbox.call(&line);
    assert_eq!(outcome.status, 0, "{}", outcome.stderr);
    assert_eq!(outcome.stdout.lines().count(), 1, "{}", outcome.stdout);
    let summary: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert!(summary.is_object());
    // No terminal, not quiet: one line at the start and one per epoch.
    assert_eq!(outcome.stderr.lines().count(), 3, "{}", outcome.stderr);
    assert!(
        outcome
            .stderr
            .starts_with("runs/0001: 2 epochs of 6 steps\nepoch 1/2  loss ")
    );
}

#[test]
fn the_table_tells_a_stranger_what_was_trained_and_what_to_do_next() {
    let sandbox = Sandbox::new();
    let mut line = vec!["train", "--quiet", "--epochs", "2", "--valid", "38"];
    line.extend(SMALL);
    let outcome = sandbox.call(&line);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""));
    let table = outcome.stdout;
    for words in [
        "rigl at sparsity 0.9",
        "mlp:24 on digits, 2 epochs, seed 0",
        "accuracy",
        "held out",
        "fc1.weight",
        "fc2.weight",
        "R_s",
        "× dense",
        "run folder: runs/0001",
    ] {
        assert!(table.contains(words), "{words:?} is not in\n{table}");
    }
    let summary: Value = serde_json::from_slice(&sandbox.read("runs/0001/summary.json")).unwrap();
    let accuracy = 100.0 * summary["test_accuracy"].as_f64().unwrap();
    assert!(table.contains(&format!("{accuracy:.2} %")), "{table}");

    // The commands that it proposes work as they are printed.
    for beginning in ["next: ", "  or: "] {
        let command = table.lines().find_map(|line| line.strip_prefix(beginning));
        let outcome = sandbox.shell(command.unwrap());
        assert_eq!(outcome.status, 0, "{}", outcome.stderr);
        assert!(outcome.stdout.contains("runs/0001/last.safetensors"));
    }
}

/// The last value in this order wins: default, file, `--set`, flag.
#[test]
fn flags_override_set_overrides_the_file_overrides_defaults() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "run.toml",
        "seed = 1\n[schedule]\nepochs = 5\nlr = 0.5\n[data]\nbatch = 7\n[layers.\"fc1\"]\nsparsity = 0.5\n",
    );
    let outcome = sandbox.call(&[
        "train",
        "--dry-run",
        "--config",
        "run.toml",
        "--set",
        "schedule.epochs=6",
        "--set",
        "schedule.lr=0.25",
        "--lr",
        "0.125",
    ]);
    assert_eq!(outcome.status, 0, "{}", outcome.stderr);
    for line in [
        "seed = 1",
        "epochs = 6",
        "lr = 0.125",
        "batch = 7",
        "method = \"rigl\"",
    ] {
        assert!(
            outcome.stdout.lines().any(|printed| printed == line),
            "{line}\n{}",
            outcome.stdout
        );
    }
}

#[test]
fn a_dry_run_writes_nothing_and_prints_a_configuration_that_says_the_same() {
    let sandbox = Sandbox::new();
    let line = ["train", "--dry-run", "--method", "dsr", "--sparsity", "0.8"];
    let first = sandbox.call(&line);
    assert_eq!((first.status, first.stderr.as_str()), (0, ""));
    assert!(sandbox.contents("").is_empty());
    for words in [
        "# fc1.weight",
        "300 × 64",
        "× dense",
        "1438 training, 0 held out, 359 test",
    ] {
        assert!(
            first.stdout.contains(words),
            "{words:?} is not in\n{}",
            first.stdout
        );
    }
    sandbox.write("printed.toml", &first.stdout);
    let second = sandbox.call(&["train", "--dry-run", "--config", "printed.toml"]);
    assert_eq!(second.stdout, first.stdout);
}

#[test]
fn runs_without_a_name_get_numbers() {
    let sandbox = Sandbox::new();
    let mut line = vec!["--epochs", "1"];
    line.extend(SMALL);
    sandbox.train(&line);
    sandbox.train(&line);
    assert_eq!(
        sandbox.read("runs/0001/metrics.csv"),
        sandbox.read("runs/0002/metrics.csv")
    );
}

#[test]
fn every_method_and_optimizer_has_the_same_bits_at_any_number_of_threads() {
    let sandbox = Sandbox::new();
    for (method, optimizer) in [
        ("dense", "sgd"),
        ("static", "adamw"),
        ("set", "sgd"),
        ("rigl", "adamw"),
        ("dsr", "sgd"),
    ] {
        let hashes = ["1", "2"].map(|threads| {
            let out = format!("{method}{threads}");
            let mut line = vec![
                "--method",
                method,
                "--optimizer",
                optimizer,
                "--epochs",
                "2",
            ];
            line.extend([
                "--set",
                "rewire.every=3",
                "--threads",
                threads,
                "--out",
                &out,
            ]);
            line.extend(SMALL);
            sandbox.train(&line)["weights_sha256"].clone()
        });
        assert_eq!(hashes[0], hashes[1], "{method}");
        let metrics = ["1", "2"].map(|n| sandbox.read(&format!("{method}{n}/metrics.csv")));
        assert_eq!(metrics[0], metrics[1], "{method}");
    }
}

#[test]
fn overwriting_replaces_the_run_and_another_seed_is_another_run() {
    let sandbox = Sandbox::new();
    let mut line = vec!["--epochs", "1", "--out", "a"];
    line.extend(SMALL);
    let first = sandbox.train(&line);
    line.extend(["--overwrite", "--seed", "1"]);
    let second = sandbox.train(&line);
    assert_ne!(first["weights_sha256"], second["weights_sha256"]);
    let stored: Value = serde_json::from_slice(&sandbox.read("a/summary.json")).unwrap();
    assert_eq!(stored, second);
}

#[test]
fn a_finished_run_that_is_resumed_prints_its_result_again() {
    let sandbox = Sandbox::new();
    let mut line = vec!["--epochs", "1", "--out", "a"];
    line.extend(SMALL);
    let first = sandbox.train(&line);
    let metrics = sandbox.read("a/metrics.csv");
    assert_eq!(sandbox.train(&["--resume", "a"]), first);
    // The number of threads changes no result, so it may change.
    assert_eq!(sandbox.train(&["--resume", "a", "--threads", "2"]), first);
    assert_eq!(sandbox.read("a/metrics.csv"), metrics);
}

#[test]
fn eval_agrees_with_the_summary_and_inspect_with_the_hash() {
    let sandbox = Sandbox::new();
    let mut line = vec!["--epochs", "2", "--out", "a"];
    line.extend(SMALL);
    let summary = sandbox.train(&line);
    let eval = sandbox.call(&["eval", "a"]);
    assert_eq!((eval.status, eval.stderr.as_str()), (0, ""));
    let accuracy = 100.0 * summary["test_accuracy"].as_f64().unwrap();
    assert!(
        eval.stdout.contains(&format!("{accuracy:.2} % (")),
        "{}",
        eval.stdout
    );
    let loss = summary["test_loss"].as_f64().unwrap();
    assert!(
        eval.stdout.contains(&format!("{loss:.4}\n")),
        "{}",
        eval.stdout
    );
    assert!(eval.stdout.contains("digits, test part of 359 samples"));

    let inspect = sandbox.call(&["inspect", "a/last.safetensors"]);
    assert_eq!((inspect.status, inspect.stderr.as_str()), (0, ""));
    assert!(
        inspect
            .stdout
            .contains(summary["weights_sha256"].as_str().unwrap())
    );
    assert!(
        inspect.stdout.contains("step 12, 2 of 2 epochs"),
        "{}",
        inspect.stdout
    );
}
