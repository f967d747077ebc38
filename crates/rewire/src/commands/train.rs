//! `rewire train`: a configuration from all its sources, a run, its result.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rewire_train::config::{Config, ConfigBuilder};
use rewire_train::disk::DiskError;
use rewire_train::error::{ErrorKind, TrainError};
use rewire_train::inspect::inspect;
use rewire_train::run::{Ending, Run};
use rewire_train::run_folder::RunFolder;
use rewire_train::stop::Stop;
use rewire_train::trainer::Trainer;

use super::report;
use crate::args::TrainArgs;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output::{self, Progress};

/// No configuration is longer; a device or a data file given by mistake is not read to its end.
const CONFIG_LIMIT: u64 = 1 << 20;

/// Trains, or shows what would be trained.
pub(crate) fn run(args: &TrainArgs) -> Result<u8, Failure> {
    // The folder comes first, so that nobody else replaces the configuration that is read from it.
    let resumed = match &args.run.resume {
        Some(dir) if !args.run.dry_run => Some(RunFolder::open(dir)?),
        _ => None,
    };
    let config = configuration(args)?;
    if args.run.dry_run {
        let plan = rewire_train::plan::plan(&config)?;
        output::print(&report::plan(&config, &plan))?;
        return Ok(0);
    }
    // Signals are listened to before anything is written, so that no file outlives its run.
    let stop = Stop::new();
    let interrupt = Interrupt::listen(&stop).map_err(Failure::of_signals)?;
    let mut run = match resumed {
        Some(folder) => Run::resume(&config, folder)?,
        None => {
            let trainer = Trainer::new(&config)?;
            let plan = trainer.plan()?;
            let folder = RunFolder::create(args.run.out.as_deref(), args.run.overwrite)?;
            let run = Run::start(trainer, folder)?;
            let kernels = format!("kernels: {}", report::kernels(&plan));
            run.folder().log(&kernels)?;
            for note in plan.notes.iter().map(|note| format!("note: {note}")) {
                run.folder().log(&note)?;
                if !args.run.quiet {
                    output::say(&note);
                }
            }
            run
        }
    };
    let mut progress = Progress::new(args.run.quiet, run.folder().path());
    let ended = run.drive(&stop, &mut |event| progress.show(event));
    progress.close();
    let folder = run.folder().path();
    let resume = output::own_command("train --resume", folder);
    match ended {
        Ok(Ending::Finished(summary)) => {
            if args.run.json {
                let json = serde_json::to_string(&summary).map_err(|error| {
                    Failure::new(ErrorKind::Bug, format!("summary as JSON: {error}"))
                })?;
                output::print(&format!("{json}\n"))?;
            } else {
                let inspection = inspect(folder)?;
                output::print(&report::result(&config, &summary, &inspection, folder))?;
            }
            Ok(0)
        }
        Ok(Ending::Stopped { step }) => {
            output::say(&format!(
                "stopped after step {step}; the run is saved in {}",
                folder.display()
            ));
            output::say(&format!("continue with: {resume}"));
            Ok(interrupt.status())
        }
        Err(error) => {
            let kind = error.kind();
            let failure = Failure::from(error);
            // A run that diverged would do so again.
            if kind == ErrorKind::Io {
                return Err(failure.hint(format!("then continue with: {resume}")));
            }
            Err(failure)
        }
    }
}

/// Layers everything the command line names: resolved file of the run to resume, file, --set, flags.
fn configuration(args: &TrainArgs) -> Result<Config, Failure> {
    let mut builder = ConfigBuilder::new();
    if let Some(dir) = &args.run.resume {
        builder = add_file(builder, &RunFolder::config_in(dir)?)?;
    }
    for path in &args.config {
        builder = add_file(builder, path)?;
    }
    for assignment in &args.set {
        builder = builder.set(assignment).map_err(TrainError::from)?;
    }
    for (key, value) in args.keys.given() {
        builder = builder.flag(key, value).map_err(TrainError::from)?;
    }
    Ok(builder.build().map_err(TrainError::from)?)
}

fn add_file(builder: ConfigBuilder, path: &Path) -> Result<ConfigBuilder, Failure> {
    let name = path.display().to_string();
    let text = read_text(path)?;
    Ok(builder.file(&name, &text).map_err(TrainError::from)?)
}

fn read_text(path: &Path) -> Result<String, Failure> {
    let io = |error| TrainError::from(DiskError::at("read", path)(error));
    let is_file = std::fs::metadata(path).map_err(io)?.is_file();
    let refuse = |what: &str| {
        Failure::new(ErrorKind::Data, format!("{}: {what}", path.display()))
            .hint("a configuration is a text file in TOML")
    };
    if !is_file {
        return Err(refuse("not a regular file"));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(io)?;
    file.take(CONFIG_LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(io)?;
    if bytes.len() as u64 > CONFIG_LIMIT {
        return Err(refuse(&format!("longer than {CONFIG_LIMIT} bytes")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        refuse(&format!("not UTF-8 at byte {at}"))
    })
}
