//! `cargo xtask gpu`: the program of `rewire-cuda` that checks, probes and times kernels.
//!
//! It is an example of that crate, so that no other command of xtask waits for it, and so that the
//! binary, `target/release/examples/gpu`, can be carried to a machine with a GPU.

use anyhow::Result;

use crate::cargo::{cargo, passes};

/// Options of `cargo xtask gpu`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Passed on: `--help` lists what there is.
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "ARGUMENT"
    )]
    passed: Vec<String>,
}

/// Builds the program and runs it; `true` if it ended well.
pub(crate) fn run(arguments: &Arguments) -> Result<bool> {
    let mut command = cargo();
    command.args(["run", "--quiet", "--release", "--package", "rewire-cuda"]);
    command.args(["--features", "emulator", "--example", "gpu", "--"]);
    passes(command.args(&arguments.passed))
}
