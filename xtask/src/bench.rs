//! `cargo xtask bench`: what a product, a training step and a forward pass cost, measured and kept.
//!
//! First every bench that prints its own table runs; then the cases of `bench/cases.rs` are measured
//! by the candidates of this project, with `--peers` in turn with other libraries. A run that was
//! completed is merged into `bench/record/MACHINE/`, and charts and summary there are made again from
//! the merged record alone. docs/benchmarks.md says how to read it.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::cargo::{Package, cargo, metadata, passes, root};

mod answers;
mod cases;
mod charts;
mod machine;
mod measurement;
mod python;
mod record;
mod rounds;

mod side;
mod summary;

use cases::Effort;
use machine::Machine;
use record::Record;

/// Where the records of all machines lie, relative to the root.
const RECORDS: &str = "bench/record";

/// The bench whose candidates answer requests and print nothing by themselves.
const SERVED: &str = "peers";

/// Options of `cargo xtask bench`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only the benches and cases whose name contains this; `step` or `128x1024x1024`, for example.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Measure PyTorch, MKL, SciPy and ONNX Runtime too, and leave out the benches that print their
    /// own tables.
    #[arg(long)]
    peers: bool,
    /// Few rounds, for a first look; the record says how many they were.
    #[arg(long)]
    quick: bool,
    /// A Python that has the peers; without it one is made in target/peers/venv.
    #[arg(long, value_name = "PATH", requires = "peers")]
    python: Option<PathBuf>,
    /// The seed of data, positions and the order of candidates.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The folder of the record; without it the processor's name.
    #[arg(long, value_name = "NAME")]
    machine: Option<String>,
    /// Measure without keeping what is found.
    #[arg(long)]
    dry: bool,
    /// Measure nothing; draw the charts and the summary of a record again.
    #[arg(long, conflicts_with_all = ["peers", "quick", "dry"])]
    redraw: bool,
}

/// Measures, records, draws; `true` if all ended well.
pub(crate) fn run(arguments: &Arguments) -> Result<bool> {
    let mut machine = Machine::detect();
    let folder = root().join(RECORDS).join(match &arguments.machine {
        Some(name) => name.clone(),
        None => machine.name(),
    });
    if arguments.redraw {
        let record = Record::open(&folder)?;
        println!("{}", summary::markdown(&record));
        charts::draw(&folder, &record)?;
        summary::write(&folder, &record)?;
        return Ok(true);
    }
    if !arguments.peers && !print_tables(arguments.filter.as_deref())? {
        return Ok(false);
    }
    let effort = Effort::new(arguments.quick);
    let chosen = cases::all(arguments.filter.as_deref());
    let with_memory = cases::wants_memory(arguments.filter.as_deref());
    if chosen.is_empty() && !with_memory {
        println!("no case is named so");
        return Ok(true);
    }
    let python = match (arguments.peers, &arguments.python) {
        (false, _) => None,
        (true, Some(python)) => Some(python.clone()),
        (true, None) => Some(python::environment(&root())?),
    };
    let server = server()?;
    let measurement = measurement::Measurement {
        root: root(),
        server,
        python,
        seed: arguments.seed,
        effort,
        pinned: machine.pins,
    };
    let found = measurement.measure(&chosen, with_memory)?;
    machine.libraries = found.libraries;
    let mut record = Record::open(&folder)?;
    record.merge(found.rows, found.memory);
    println!("{}", summary::markdown(&record));
    if !arguments.dry {
        record.write(&folder)?;
        machine.write(&folder)?;
        charts::draw(&folder, &record)?;
        summary::write(&folder, &record)?;
        println!("recorded in {}", folder.display());
    }
    Ok(true)
}

/// Runs the benches that print their own tables, one target after another; `true` if all ended well.
///
/// Each target is named on the command line, because the test binaries, which `cargo bench
/// --workspace` would start too, do not understand a bench's options.
fn print_tables(filter: Option<&str>) -> Result<bool> {
    let metadata = metadata("Cargo.toml")?;
    let mut benches = bench_targets(&metadata.packages);
    benches.sort_unstable();
    let mut passed = true;
    for (package, bench) in benches {
        if bench == SERVED {
            continue;
        }
        let mut command = cargo();
        command.args(["bench", "--package", package, "--bench", bench, "--"]);
        command.args(filter);
        passed &= passes(&mut command)?;
    }
    Ok(passed)
}

/// Package and name of every bench target.
fn bench_targets(packages: &[Package]) -> Vec<(&str, &str)> {
    packages
        .iter()
        .flat_map(|package| {
            package
                .targets
                .iter()
                .filter(|target| target.kind.iter().any(|kind| kind == "bench"))
                .map(|target| (package.name.as_str(), target.name.as_str()))
        })
        .collect()
}

/// Builds the bench that serves this project's candidates; returns its program.
fn server() -> Result<PathBuf> {
    let text = crate::cargo::output(cargo().args([
        "bench",
        "--quiet",
        "--package",
        "rewire-train",
        "--bench",
        SERVED,
        "--no-run",
        "--message-format=json",
    ]))?;
    for line in text.lines() {
        let Ok(message) = serde_json::from_str::<serde_json::Value>(line) else {
            continue;
        };
        if message["target"]["name"] == SERVED
            && let Some(program) = message["executable"].as_str()
        {
            return Ok(PathBuf::from(program));
        }
    }
    bail!("cargo named no program for the bench `{SERVED}`")
}
