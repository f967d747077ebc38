//! `cargo xtask test`: every test of the project.
//!
//! The workspace's tests and doctests come first, with every feature on, then each public crate
//! alone with the package in `tests/consumers/` that uses nothing else. With `--deep` the same tests
//! run in the release profile with a million cases per property and the long proofs of reliability,
//! and the arithmetic crates run under Miri where it is installed.

use anyhow::Result;

use crate::cargo::{cargo, output, streams};
use crate::consumers;
use crate::tally::Tally;

/// Cases per property in a deep run; the property tests read it from `PROPTEST_CASES`.
const DEEP_CASES: &str = "1000000";

/// Crates whose tests run under Miri. They hold the index arithmetic that everything stands on and
/// touch no file.
const MIRI_CRATES: [&str; 4] = ["rewire-rng", "rewire-mask", "rewire-ift", "rewire-explore"];

/// Cases per property under Miri, which is some hundred times slower than the machine.
const MIRI_CASES: &str = "2";

/// Parts of the names of tests that Miri leaves out: statistics over many draws take hours there
/// and say nothing about memory.
const MIRI_SKIPPED: [&str; 3] = ["as_expected", "equally_", "uniform"];

/// Options of `cargo xtask test`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The long proofs as well: release profile, a million cases per property, Miri.
    #[arg(long)]
    deep: bool,
}

/// Runs the tests and prints their count as the last line; `true` if all passed.
pub(crate) fn run(arguments: &Arguments) -> Result<bool> {
    let (tally, passed) = run_all(arguments.deep)?;
    println!("{tally}");
    Ok(passed)
}

/// Runs every test: the counts, and whether everything passed that has no count of its own too.
pub(crate) fn run_all(deep: bool) -> Result<(Tally, bool)> {
    let (mut tally, mut passed) = run_workspace(deep)?;
    let (consumers, consumers_passed) = consumers::run_all()?;
    tally += consumers;
    passed &= consumers_passed;
    if deep {
        let (miri, miri_passed) = run_miri()?;
        tally += miri;
        passed &= miri_passed;
    }
    Ok((tally, passed))
}

fn run_workspace(deep: bool) -> Result<(Tally, bool)> {
    let mut command = cargo();
    command.args(["test", "--workspace", "--all-features", "--no-fail-fast"]);
    if deep {
        command.arg("--release").env("REWIRE_DEEP", "1");
        // A smaller number from outside shortens a deep run while a long proof is being written.
        if std::env::var_os("PROPTEST_CASES").is_none() {
            command.env("PROPTEST_CASES", DEEP_CASES);
        }
    }
    counted(&mut command)
}

fn run_miri() -> Result<(Tally, bool)> {
    let installed = output(cargo_nightly().args(["miri", "--version"])).is_ok();
    if !installed {
        eprintln!(
            "skipped: Miri is not installed \
             (`rustup component add miri --toolchain nightly` installs it)"
        );
        return Ok((Tally::default(), true));
    }
    let mut command = cargo_nightly();
    command.args([
        "miri",
        "test",
        "--no-fail-fast",
        "--target-dir",
        "target/miri",
    ]);
    command.args(["--lib", "--test", "laws"]);
    for name in MIRI_CRATES {
        command.args(["--package", name]);
    }
    command.arg("--");
    for part in MIRI_SKIPPED {
        command.args(["--skip", part]);
    }
    command
        .env("PROPTEST_CASES", MIRI_CASES)
        // Property tests look for their file of regressions; the thread pool outlives main.
        .env("MIRIFLAGS", "-Zmiri-disable-isolation -Zmiri-ignore-leaks");
    counted(&mut command)
}

/// Cargo of the nightly toolchain. The `cargo` that runs us is a fixed toolchain and does not know
/// `+nightly`, so the one on the path is asked.
fn cargo_nightly() -> std::process::Command {
    let mut command = std::process::Command::new("cargo");
    command
        .arg("+nightly")
        .current_dir(crate::cargo::root())
        // Set by the toolchain that runs us; it would win over `+nightly`.
        .env_remove("RUSTUP_TOOLCHAIN");
    command
}

/// Runs a test command and sums the results of its binaries. A command that fails without a failed
/// test (it does not build, a test process died) counts as one failure, so that the last line never
/// looks better than what happened.
fn counted(command: &mut std::process::Command) -> Result<(Tally, bool)> {
    let mut tally = Tally::default();
    let passed = streams(command, |line| {
        if let Some(counts) = Tally::from_line(line) {
            tally += counts;
        }
    })?;
    if !passed && tally.failed == 0 {
        eprintln!("error: the tests ended without saying which one failed; see above");
        tally += Tally::one(false);
    }
    Ok((tally, passed))
}
