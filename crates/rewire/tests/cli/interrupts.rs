//! Signals: the first saves, the second stops at once, and resuming repeats no bit differently.
#![cfg(unix)]

use std::process::Command;
use std::time::{Duration, Instant};

use crate::sandbox::{Process, SMALL, Sandbox};

/// Of the default network this lasts about a second, in epochs of many steps, so that signals come
/// before its end and mostly within an epoch.
const LENGTH: [&str; 4] = ["--epochs", "25", "--set", "rewire.every=7"];

/// Waits for the end of a run that was asked to stop; its status and the command it prints.
fn stopped(process: &mut Process) -> (Option<i32>, String) {
    let (status, lines) = process.wait();
    let command = lines
        .iter()
        .find_map(|line| line.strip_prefix("continue with: "));
    let command = command.unwrap_or_else(|| panic!("{status}: {lines:?}"));
    (status.code(), command.to_owned())
}

fn interrupted_equals_uninterrupted(method: &str, signals: &[(&str, i32)]) {
    let sandbox = Sandbox::new();
    let mut line = vec!["--method", method];
    line.extend(LENGTH);
    let whole = sandbox.train(&[&line[..], &["--out", "whole"]].concat());

    let mut process = sandbox.start(&[&["train"], &line[..], &["--out", "parts"]].concat());
    for (signal, status) in signals {
        // The first epoch of this part, whichever it is, so that every part does something.
        process.wait_for("epoch ");
        process.signal(signal);
        let (found, command) = stopped(&mut process);
        assert_eq!(found, Some(*status), "{signal}");
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("exec {command}")]);
        process = sandbox.start_command(shell);
    }
    let (status, lines) = process.wait();
    assert!(status.success(), "{status}: {lines:?}");

    let parts: serde_json::Value =
        serde_json::from_slice(&sandbox.read("parts/summary.json")).unwrap();
    assert_eq!(parts["weights_sha256"], whole["weights_sha256"]);
    assert_eq!(
        sandbox.read("parts/metrics.csv"),
        sandbox.read("whole/metrics.csv")
    );
    assert_eq!(
        sandbox.read("parts/last.safetensors"),
        sandbox.read("whole/last.safetensors")
    );
}

#[test]
fn rigl_interrupted_and_continued_as_told_ends_with_the_same_bits() {
    interrupted_equals_uninterrupted("rigl", &[("INT", 130), ("TERM", 143)]);
}

#[test]
fn dsr_interrupted_and_continued_as_told_ends_with_the_same_bits() {
    interrupted_equals_uninterrupted("dsr", &[("INT", 130), ("USR1", 0)]);
}

#[test]
fn a_second_interrupt_ends_at_once_with_the_files_whole() {
    let sandbox = Sandbox::new();
    // One step takes far longer than this test.
    let mut process = sandbox.start(&[
        "train",
        "--method",
        "dense",
        "--model",
        "mlp:3000,3000",
        "--batch",
        "1438",
        "--out",
        "a",
    ]);
    process.wait_for("a: ");
    process.signal("INT");
    std::thread::sleep(Duration::from_millis(100));
    let start = Instant::now();
    process.signal("INT");
    let (status, lines) = process.wait();
    assert_eq!(status.code(), Some(130));
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
    assert!(
        !lines.iter().any(|line| line.starts_with("continue")),
        "{lines:?}"
    );
    let inspect = sandbox.call(&["inspect", "a"]);
    assert_eq!(inspect.status, 0, "{}", inspect.stderr);
    assert!(inspect.stdout.contains("step 0"), "{}", inspect.stdout);
}

#[test]
fn a_run_whose_folder_looks_like_an_option_is_continued_as_told() {
    let sandbox = Sandbox::new();
    let mut line = vec!["train", "--epochs", "300", "--out=-x 'y'"];
    line.extend(SMALL);
    let mut process = sandbox.start(&line);
    process.wait_for("epoch 1/");
    process.signal("USR1");
    let (status, command) = stopped(&mut process);
    assert_eq!(status, Some(0));
    let continued = sandbox.shell(&format!("{command} --quiet"));
    assert_eq!(continued.status, 0, "{command}: {}", continued.stderr);
}

/// Whoever starts a run under `nohup` wants it to outlive the terminal.
#[test]
#[cfg(target_os = "linux")]
fn a_hangup_stops_a_run_unless_it_was_ignored_before() {
    let sandbox = Sandbox::new();
    let line = format!(
        "exec \"$REWIRE\" train --epochs 1000000 {}",
        SMALL.join(" ")
    );
    let start = |prefix: &str| -> Process {
        // The tests themselves may run under `nohup`.
        let mut shell = Command::new("env");
        shell.args(["--default-signal=HUP", "sh", "-c"]);
        shell.arg(format!("{prefix} {line}"));
        let process = sandbox.start_command(shell);
        process.wait_for("epoch 1/");
        process.signal("HUP");
        process
    };
    assert_eq!(stopped(&mut start("")).0, Some(129));
    let mut protected = start("trap '' HUP;");
    for _ in 0..50 {
        protected.wait_for("epoch ");
    }
    protected.signal("TERM");
    assert_eq!(stopped(&mut protected).0, Some(143));
}
