//! `cargo xtask test`: every test of the project.
//!
//! The workspace's tests and doctests come first, with every feature on, then each public crate
//! with the package in `tests/consumers/` that uses nothing else. With `--deep` the same tests run in
//! the release profile with many more cases per property (a million for the mask algebra) and the long
//! proofs of reliability, each consumer is checked by itself, and the arithmetic crates run under Miri
//! where it is installed.

use anyhow::Result;

use crate::cargo::{cargo, streams};
use crate::tally::Tally;
use crate::{consumers, miri};

/// Cases per property of the mask algebra in a deep run, where a case takes microseconds; the
/// property tests read it from `PROPTEST_CASES`.
const ALGEBRA_CASES: &str = "1000000";

/// Cases per property of the other crates in a deep run: many of theirs train, write files or run
/// products.
const OTHER_CASES: &str = "20000";

/// Options of `cargo xtask test`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The long proofs as well: release profile, up to a million cases per property, Miri.
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
    let (consumers, consumers_passed) = consumers::run_all(deep)?;
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
    if !deep {
        return run_packages(&["--workspace"], None);
    }
    let (mut tally, mut passed) = run_packages(&["--package", "rewire-mask"], Some(ALGEBRA_CASES))?;
    let others = ["--workspace", "--exclude", "rewire-mask"];
    let (other, other_passed) = run_packages(&others, Some(OTHER_CASES))?;
    tally += other;
    passed &= other_passed;
    Ok((tally, passed))
}

/// Runs the tests of some packages; with a number of cases they are the long proofs.
fn run_packages(packages: &[&str], deep_cases: Option<&str>) -> Result<(Tally, bool)> {
    let mut command = cargo();
    command.arg("test").args(packages);
    command.args(["--all-features", "--no-fail-fast"]);
    if let Some(cases) = deep_cases {
        command.arg("--release").env("REWIRE_DEEP", "1");
        // A smaller number from outside shortens a deep run while a long proof is being written.
        if std::env::var_os("PROPTEST_CASES").is_none() {
            command.env("PROPTEST_CASES", cases);
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
