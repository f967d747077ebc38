//! The project's own commands: `cargo xtask test | ci | tidy | bench | miri | ptx | gpu | repro`.
//!
//! Everything that is checked on this project is checked from here, so that a person and a build
//! machine run the same commands. Each command is one file; what they share is how cargo is called
//! (`cargo.rs`) and how tests are counted (`tally.rs`).
//!
//! This crate installs nothing outside `target/`, and downloads nothing but what cargo itself fetches
//! and, for `ptx`, NVIDIA's assembler.
#![forbid(unsafe_code)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "these are commands for a terminal"
)]

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench;
mod cargo;
mod ci;
mod consumers;
mod gpu;
mod miri;
mod ptx;
mod repro;
mod tally;
mod test;
mod tidy;

/// The project's own commands.
///
/// The two that matter: `cargo xtask test` runs every test, `cargo xtask ci` adds every other check.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run every test: the workspace's, the doctests, and each crate alone with its consumer.
    Test(test::Arguments),
    /// Run everything a change has to pass: tests, format, lints, documentation, tidy.
    Ci(ci::Arguments),
    /// Check the shape of the project: dependency edges, file placement, links, manifests.
    Tidy,
    /// Run the benches, measure cases, beside other libraries if asked, and record what is found.
    Bench(bench::Arguments),
    /// Run the arithmetic crates under Miri, where it is installed.
    Miri(miri::Arguments),
    /// Assemble the GPU kernels for every processor, where the assembler can be had.
    Ptx(ptx::Arguments),
    /// Check, probe and time the GPU kernels, where there is a GPU.
    #[command(disable_help_flag = true)]
    Gpu(gpu::Arguments),
    /// Make the tables of docs/results.md again.
    Repro(repro::Arguments),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Test(arguments) => test::run(&arguments),
        Command::Ci(arguments) => ci::run(&arguments),
        Command::Tidy => tidy::run(),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Miri(arguments) => miri::run(&arguments),
        Command::Ptx(arguments) => ptx::run(&arguments),
        Command::Gpu(arguments) => gpu::run(&arguments),
        Command::Repro(arguments) => repro::run(&arguments),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
