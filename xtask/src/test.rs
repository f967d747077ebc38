//! `cargo xtask test`: every test of the project.
//!
//! The workspace's tests and doctests come first, with every feature on, then each public crate
//! alone with the package in `tests/consumers/` that uses nothing else. With `--deep` the same tests
//! run in the release profile with a million cases per property and the long proofs of reliability,
//! and the arithmetic crates run under Miri where it is installed.

use anyhow::Result;

use crate::cargo::{cargo, streams};
use crate::tally::Tally;
use crate::{consumers, miri};

/// Cases per property in a deep run; the property tests read it from `PROPTEST_CASES`.
const DEEP_CASES: &str = "1000000";

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
        let (miri, miri_passed) = miri::run_all()?;
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

/// Runs a test command and sums the results of its binaries. A command that fails without a failed
/// test (it does not build, a test process died) counts as one failure, so that the last line never
/// looks better than what happened.
pub(crate) fn counted(command: &mut std::process::Command) -> Result<(Tally, bool)> {
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
