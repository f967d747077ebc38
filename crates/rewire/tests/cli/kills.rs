//! Killing a run that saves all the time: what it has reported as saved is there.

use std::time::Duration;

use crate::sandbox::{SMALL, Sandbox};

/// Kills in a run of all tests, about 5 s; with `REWIRE_DEEP` set the figure of the promise.
fn kills() -> u64 {
    if std::env::var_os("REWIRE_DEEP").is_some() {
        1000
    } else {
        30
    }
}

/// Numbers that look random and are the same in every run of this test.
fn scramble(number: u64) -> u64 {
    let mixed = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 33
}

fn epoch_of(line: &str) -> u64 {
    let digits = line
        .strip_prefix("epoch ")
        .and_then(|rest| rest.split('/').next());
    digits.unwrap().parse().unwrap()
}

#[test]
fn no_kill_tears_or_loses_an_epoch_that_was_reported() {
    let sandbox = Sandbox::new();
    let mut line = vec![
        "train",
        "--epochs",
        "1000000",
        "--out",
        "a",
        "--set",
        "rewire.every=5",
    ];
    line.extend(SMALL);
    let mut saved = 0;
    for kill in 0..kills() {
        let arguments = if kill == 0 {
            &line[..]
        } else {
            &["train", "--resume", "a"]
        };
        let mut process = sandbox.start(arguments);
        process.wait_for("a: ");
        let stale = temporaries(&sandbox);
        let own = format!("-{}", process.id());
        assert!(
            stale.iter().all(|name| name.ends_with(&own)),
            "{stale:?} are left by others"
        );
        std::thread::sleep(Duration::from_micros(scramble(kill) % 60_000));
        process.kill();
        let (_, lines) = process.wait();
        let reported = lines.iter().rfind(|line| line.starts_with("epoch "));
        saved = reported.map_or(saved, |line| epoch_of(line));

        let inspect = sandbox.call(&["inspect", "a"]);
        assert_eq!(inspect.status, 0, "kill {kill}: {}", inspect.stderr);
        let progress = inspect
            .stdout
            .lines()
            .find(|line| line.starts_with("progress"))
            .unwrap();
        let words: Vec<&str> = progress.split_whitespace().collect();
        let found: u64 = words[3].parse().unwrap();
        assert!(
            found >= saved,
            "kill {kill}: epoch {saved} was reported, {found} is there"
        );
        saved = found;
    }
    assert!(
        saved > kills() / 2,
        "the run must get on for kills to mean something: {saved}"
    );
    // One that is asked to stop leaves nothing behind.
    let mut process = sandbox.start(&["train", "--resume", "a"]);
    process.wait_for("a: ");
    process.signal("TERM");
    process.wait();
    assert!(temporaries(&sandbox).is_empty());
}

fn temporaries(sandbox: &Sandbox) -> Vec<String> {
    let entries = std::fs::read_dir(sandbox.path("a")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.contains(".tmp-")).collect()
}
