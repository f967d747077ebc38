//! Two processes and one run folder: the first keeps it until it ends, however it ends.
#![cfg(unix)]

use crate::sandbox::{SMALL, Sandbox};

#[test]
fn a_run_that_is_running_is_neither_continued_nor_replaced() {
    let sandbox = Sandbox::new();
    let line = [&["train", "--epochs", "1000000", "--out", "a"], &SMALL[..]].concat();
    let mut process = sandbox.start(&line);
    process.wait_for("epoch 1/");
    let resume = &["train", "--resume", "a"][..];
    let overwrite = [&line[..], &["--overwrite"]].concat();
    for second in [resume, &line, &overwrite] {
        sandbox.call(second).is_refused(
            2,
            &["the run folder a is in use by another process", "wait"],
        );
    }
    // Whoever reads changes nothing, so the run gets on and saves.
    for reader in [
        &["inspect", "a"][..],
        &["eval", "a"],
        &["train", "--resume", "a", "--dry-run"],
    ] {
        for _ in 0..10 {
            let outcome = sandbox.call(reader);
            assert_eq!(outcome.status, 0, "{reader:?}: {}", outcome.stderr);
        }
    }
    process.signal("USR1");
    let (status, lines) = process.wait();
    assert!(status.success(), "{status}: {lines:?}");
}

#[test]
fn a_killed_process_holds_nothing() {
    let sandbox = Sandbox::new();
    let line = [&["train", "--epochs", "1000000", "--out", "a"], &SMALL[..]].concat();
    let mut process = sandbox.start(&line);
    process.wait_for("epoch 1/");
    process.kill();
    process.wait();
    assert!(sandbox.path("a/.lock").exists());

    let mut process = sandbox.start(&["train", "--resume", "a"]);
    process.wait_for("epoch ");
    process.kill();
    process.wait();
    let line = [&["--epochs", "1", "--out", "a", "--overwrite"], &SMALL[..]].concat();
    assert_eq!(sandbox.train(&line)["epochs"], 1);
}

/// Of many that want the same folder at the same time one gets it.
#[test]
fn one_of_many_starts_the_run() {
    let sandbox = Sandbox::new();
    let line = [&["train", "--epochs", "40", "--out", "a"], &SMALL[..]].concat();
    let processes: Vec<_> = (0..6).map(|_| sandbox.start(&line)).collect();
    let codes: Vec<_> = processes
        .into_iter()
        .map(|mut process| process.wait().0.code().unwrap())
        .collect();
    let won = codes.iter().filter(|&&code| code == 0).count();
    let refused = codes.iter().filter(|&&code| code == 2).count();
    assert_eq!((won, refused), (1, 5), "{codes:?}");
    let metrics = String::from_utf8(sandbox.read("a/metrics.csv")).unwrap();
    assert_eq!(metrics.lines().count(), 41);
}
