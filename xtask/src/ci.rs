//! `cargo xtask ci`: everything a change has to pass, with the time each stage took.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::cargo::{cargo, passes};
use crate::{consumers, test, tidy};

/// Options of `cargo xtask ci`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Leave the tests out, for a build machine that has just run them.
    #[arg(long)]
    no_test: bool,
}

/// One stage, done.
struct Stage {
    name: &'static str,
    seconds: Duration,
    passed: bool,
}

/// Runs all stages, the later ones too when one fails; `true` if all passed.
///
/// The last line counts the tests, unless they were left out.
pub(crate) fn run(arguments: &Arguments) -> Result<bool> {
    let mut stages = Vec::new();
    let mut tally = None;
    if !arguments.no_test {
        stages.push(timed("test", || {
            let (counts, passed) = test::run_all(false)?;
            tally = Some(counts);
            Ok(passed)
        })?);
    }
    stages.push(timed("fmt", || {
        let consumers = ["--manifest-path", consumers::MANIFEST];
        let workspace = passes(cargo().args(["fmt", "--all", "--check"]))?;
        Ok(passes(cargo().args(["fmt", "--all", "--check"]).args(consumers))? && workspace)
    })?);
    stages.push(timed("clippy", || {
        passes(cargo().args([
            "clippy",
            "--workspace",
            "--all-features",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]))
    })?);
    stages.push(timed("doc", || {
        passes(
            cargo()
                .args(["doc", "--workspace", "--all-features", "--no-deps"])
                .env("RUSTDOCFLAGS", "-D warnings"),
        )
    })?);
    stages.push(timed("tidy", tidy::run)?);

    for stage in &stages {
        println!(
            "{:<8}{:>8.1} s  {}",
            stage.name,
            stage.seconds.as_secs_f64(),
            if stage.passed { "ok" } else { "FAILED" }
        );
    }
    if let Some(tally) = tally {
        println!("{tally}");
    }
    Ok(stages.iter().all(|stage| stage.passed))
}

fn timed(name: &'static str, stage: impl FnOnce() -> Result<bool>) -> Result<Stage> {
    let start = Instant::now();
    let passed = stage()?;
    Ok(Stage {
        name,
        seconds: start.elapsed(),
        passed,
    })
}
