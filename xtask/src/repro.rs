//! `cargo xtask repro`: the tables of docs/results.md, made again.
//!
//! The runs of every table are data (`repro/runs.rs`). A run that has ended leaves one line in the
//! committed record (`repro/record.rs`), keyed by a hash of its configuration, and is not run
//! again while that line is there; so the record can be grown over several days and machines. The
//! tables (`repro/tables.rs`) are computed from the record alone.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};
use clap::ValueEnum;

use crate::cargo::{cargo, passes, root};

mod claims;
mod paired;
mod record;
mod runs;
mod sparse_ift;
mod tables;

use record::{Outcome, Record};
use runs::{DataSet, Run, Table};

/// The record, relative to the root.
const RECORD: &str = "bench/record/repro.csv";

/// The page that holds the tables, relative to the root.
const PAGE: &str = "docs/results.md";

/// Options of `cargo xtask repro`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The folder with the four files of MNIST; tables on the embedded digits do without.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The folder with the six files of CIFAR-10, as `rewire data convert` writes them.
    #[arg(long, value_name = "DIR")]
    cifar10: Option<PathBuf>,
    /// Only this table.
    #[arg(long, value_name = "TABLE")]
    only: Option<Table>,
    /// How many runs are done at once, one thread each.
    #[arg(long, value_name = "N", default_value_t = 2)]
    jobs: usize,
    /// Print the command of every run instead of running it.
    #[arg(long)]
    print: bool,
}

/// Does the runs that are missing, then prints the tables and puts them into the page; `true` if
/// every run ended well.
pub(crate) fn run(arguments: &Arguments) -> Result<bool> {
    let root = root();
    let tables: Vec<Table> = match arguments.only {
        Some(table) => vec![table],
        None => Table::value_variants().to_vec(),
    };
    if arguments.print {
        for run in tables.iter().flat_map(|table| table.runs()) {
            println!("{}", run.command());
        }
        return Ok(true);
    }
    let folders = Folders {
        mnist: found("--data", arguments.data.as_deref())?,
        cifar10: found("--cifar10", arguments.cifar10.as_deref())?,
    };
    let mut record = Record::open(root.join(RECORD))?;
    let mut missing: Vec<Run> = tables
        .iter()
        .flat_map(|table| table.runs())
        .filter(|run| !record.holds(&run.hash()))
        .collect();
    // Seed by seed, so that a table that is not finished has all its rows.
    missing.sort_by_key(|run| run.seed);
    let missing = VecDeque::from(missing);
    for run in &missing {
        folders.argument(run.table)?;
    }
    let all_ended = run_missing(&root, missing, &folders, arguments.jobs, &mut record)?;
    show(&root, &tables, &record)?;
    Ok(all_ended)
}

/// Where the data lie that are not in the binary.
struct Folders {
    mnist: Option<PathBuf>,
    cifar10: Option<PathBuf>,
}

impl Folders {
    /// What `rewire train --data` is given for the runs of a table.
    fn argument(&self, table: Table) -> Result<&Path> {
        let (folder, flag, name) = match table.data() {
            DataSet::Digits => return Ok(Path::new("digits")),
            DataSet::Mnist => (&self.mnist, "--data", "MNIST"),
            DataSet::Cifar10 => (&self.cifar10, "--cifar10", "CIFAR-10"),
        };
        folder.as_deref().ok_or_else(|| {
            anyhow!(
                "table {table} needs `{flag} DIR` with the files of {name} (`--only digits` does \
                 without)"
            )
        })
    }
}

/// The folder as an absolute path.
fn found(flag: &str, folder: Option<&Path>) -> Result<Option<PathBuf>> {
    let canonical = |folder: &Path| {
        (folder.canonicalize()).with_context(|| format!("{flag} {}", folder.display()))
    };
    folder.map(canonical).transpose()
}

/// Builds the binary and works through the runs, `jobs` at a time.
fn run_missing(
    root: &Path,
    missing: VecDeque<Run>,
    folders: &Folders,
    jobs: usize,
    record: &mut Record,
) -> Result<bool> {
    if missing.is_empty() {
        eprintln!("every run is in {RECORD}");
        return Ok(true);
    }
    if !passes(cargo().args(["build", "--release", "--package", "rewire"]))? {
        bail!("the binary does not build");
    }
    let total = missing.len();
    let binary = root
        .join("target/release/rewire")
        .with_extension(std::env::consts::EXE_EXTENSION);
    let queue = Mutex::new(missing);
    let progress = Mutex::new((record, 0usize, 0usize));
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1).min(total) {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().ok().and_then(|mut runs| runs.pop_front());
                    let Some(run) = next else { break };
                    let start = Instant::now();
                    let ended = run_one(root, &binary, &run, folders);
                    let Ok(mut progress) = progress.lock() else {
                        break;
                    };
                    let (record, done, failed) = &mut *progress;
                    *done += 1;
                    let ended = ended.and_then(|outcome| {
                        let accuracy = outcome.test_accuracy;
                        record.append(run.line(outcome)).map(|()| accuracy)
                    });
                    let seconds = start.elapsed().as_secs_f64();
                    match ended {
                        Ok(accuracy) => {
                            eprintln!(
                                "{done}/{total} {run}: {:.2} % in {seconds:.0} s",
                                100.0 * accuracy
                            );
                        }
                        Err(error) => {
                            *failed += 1;
                            eprintln!("{done}/{total} {run}: error: {error:#}");
                        }
                    }
                }
            });
        }
    });
    let (_, done, failed) = progress
        .into_inner()
        .map_err(|_| anyhow!("a worker died"))?;
    eprintln!("{done} runs, {failed} failed");
    Ok(failed == 0 && done == total)
}

/// Trains once and reads the summary from standard output.
fn run_one(root: &Path, binary: &Path, run: &Run, folders: &Folders) -> Result<Outcome> {
    let out = root.join("target/repro").join(run.hash());
    let mut command = Command::new(binary);
    command.arg("train");
    command.arg("--data").arg(folders.argument(run.table)?);
    command
        .args(&run.flags)
        .args(run.table.products())
        .args(["--threads", "1"])
        .args(["--quiet", "--json", "--overwrite"])
        .arg("--out")
        .arg(out);
    let output = command
        .output()
        .with_context(|| format!("could not start {}", binary.display()))?;
    if !output.status.success() {
        bail!(
            "{}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    serde_json::from_slice(&output.stdout).context("the summary on standard output")
}

/// Prints the tables and puts those into the page that it has room for.
fn show(root: &Path, tables: &[Table], record: &Record) -> Result<()> {
    let path = root.join(PAGE);
    let page = fs::read_to_string(&path).ok();
    let mut renewed = page.clone();
    for table in tables {
        let text = tables::markdown(*table, record.lines());
        println!("{table}\n\n{text}");
        if let Some(old) = &renewed
            && let Some(new) = tables::put_into(old, &table.to_string(), &text)
        {
            renewed = Some(new);
        }
    }
    let ledger = claims::markdown(record.lines());
    println!("{}\n\n{ledger}", claims::NAME);
    renewed = renewed.map(|page| tables::put_into(&page, claims::NAME, &ledger).unwrap_or(page));
    if let Some(renewed) = renewed
        && page.as_deref() != Some(&renewed)
    {
        fs::write(&path, renewed).with_context(|| format!("writing {PAGE}"))?;
        eprintln!("{PAGE} holds the tables above");
    }
    Ok(())
}
