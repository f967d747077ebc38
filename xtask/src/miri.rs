//! `cargo xtask miri`: the arithmetic crates under Miri, which finds undefined behaviour.
//!
//! Miri belongs to the nightly toolchain and is not on every machine; where it is missing the command
//! says so and counts nothing.

use anyhow::Result;

use crate::cargo::output;
use crate::tally::Tally;
use crate::test::counted;

/// Crates whose tests run under Miri. They hold the index arithmetic that everything stands on and
/// touch no file.
const MIRI_CRATES: [&str; 4] = ["rewire-rng", "rewire-mask", "rewire-ift", "rewire-explore"];

/// Cases per property under Miri, which is some hundred times slower than the machine.
const MIRI_CASES: &str = "2";

/// Parts of the names of tests that Miri leaves out: statistics over many draws take hours there
/// and say nothing about memory.
const MIRI_SKIPPED: [&str; 3] = ["as_expected", "equally_", "uniform"];

/// Options of `cargo xtask miri`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only this package.
    #[arg(long, value_name = "NAME")]
    package: Option<String>,
}

/// Runs Miri and prints the count of tests as the last line; `true` if all passed.
pub(crate) fn run(arguments: &Arguments) -> Result<bool> {
    let (tally, passed) = match &arguments.package {
        Some(package) => run_packages(&[package])?,
        None => run_all()?,
    };
    println!("{tally}");
    Ok(passed)
}

/// Runs the tests of every crate that Miri can check.
pub(crate) fn run_all() -> Result<(Tally, bool)> {
    run_packages(&MIRI_CRATES)
}

fn run_packages(packages: &[&str]) -> Result<(Tally, bool)> {
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
    for name in packages {
        command.args(["--package", name]);
    }
    command.arg("--");
    for part in MIRI_SKIPPED {
        command.args(["--skip", part]);
    }
    command
        .env("PROPTEST_CASES", MIRI_CASES)
        // Property tests look for their file of regressions; the thread pool outlives main, and its
        // queues are written for tree borrows.
        .env(
            "MIRIFLAGS",
            "-Zmiri-disable-isolation -Zmiri-ignore-leaks -Zmiri-tree-borrows",
        );
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
