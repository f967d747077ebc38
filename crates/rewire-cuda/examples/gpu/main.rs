//! What needs a GPU, in one run of one program: `cargo xtask gpu`.
//!
//! Facts of the device; every kernel against an oracle on the CPU, on many shapes; the probes, whose
//! answers are compared with those recorded before or recorded themselves; then each kernel timed
//! alone. The program holds the texts of the kernels, so it can be built on one machine and carried to
//! another that has a GPU and nothing else.
#![forbid(unsafe_code)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is a command for a terminal"
)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::Parser;
use rewire_cuda::{DeviceError, Emulator, Gpu};

mod bench;
mod cases;
mod check;
mod data;
mod host;
mod oracle;
mod peer;
mod probes;
mod rows;
mod work;

/// Shapes that a check takes unless it is told otherwise.
const SHAPES: usize = 240;

/// Checks, probes and times the GPU kernels, where there is a GPU; all of it without a command.
#[derive(clap::Parser)]
#[command(name = "cargo xtask gpu", bin_name = "cargo xtask gpu")]
struct Arguments {
    #[command(subcommand)]
    part: Option<Part>,
    /// Where results and recorded answers go; without it bench/record/DEVICE and kernels/fixtures.
    #[arg(long, value_name = "DIR", global = true)]
    out: Option<PathBuf>,
    /// Record the answers of the probes in kernels/fixtures; of one part alone: `probes --record`.
    #[arg(long)]
    record: bool,
}

/// One part of the run.
#[derive(clap::Subcommand)]
enum Part {
    /// What the device is.
    Facts,
    /// Every kernel against an oracle on the CPU.
    Check(check::Arguments),
    /// One instruction at a time against recorded answers.
    Probes {
        /// Record the answers instead.
        #[arg(long)]
        record: bool,
    },
    /// Each kernel alone, by the clock of the GPU.
    Bench(bench::Arguments),
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The repository, if the program still lies in it; elsewhere the folder it runs in.
fn root() -> PathBuf {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    if built.join("kernels").is_dir() {
        built
    } else {
        PathBuf::from(".")
    }
}

/// A name in small letters, digits and hyphens.
fn file_name(name: &str) -> String {
    let name = name.to_lowercase();
    let words: Vec<&str> = name
        .split(|character: char| !character.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    words.join("-")
}

/// Runs the parts asked for, all without one; `true` if everything agreed.
fn run(arguments: &Arguments) -> Result<bool> {
    ensure!(
        !arguments.record || arguments.part.is_none(),
        "`--record` stands alone, or behind `probes`"
    );
    if let Some(Part::Check(check)) = &arguments.part
        && check.emulated
    {
        return check::run(&Emulator::default(), check);
    }
    let gpu = match Gpu::open() {
        Ok(gpu) => gpu,
        Err(reason @ (DeviceError::NoDriver | DeviceError::NoDevice { .. })) => {
            eprintln!("skipped: {reason}; `check --emulated` needs none");
            return Ok(true);
        }
        Err(reason) => return Err(reason.into()),
    };
    println!("{:#?}", gpu.facts());
    let out = arguments.out.as_deref();
    match &arguments.part {
        Some(Part::Facts) => Ok(true),
        Some(Part::Check(check)) => check::run(&gpu, check),
        Some(Part::Probes { record }) => probes::run(&gpu, *record, out),
        Some(Part::Bench(bench)) => bench::run(&gpu, bench, out),
        None => {
            let agrees = check::run(&gpu, &check::Arguments::default())?;
            let answers = probes::run(&gpu, arguments.record, out)?;
            Ok(bench::run(&gpu, &bench::Arguments::default(), out)? && agrees && answers)
        }
    }
}
