//! The command line of rewire.
//!
//! Results go to stdout, progress and failures to stderr. Every failure is an `error:` line that
//! names file, field and numbers, and `hint:` lines that say what to do; the exit status tells the
//! kinds apart. Everything that is decided here is about words, streams and signals: training
//! itself is a call of `rewire-train`.
#![forbid(unsafe_code)]

use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind as HelpKind;
use rewire_train::error::ErrorKind;

mod args;
mod commands;
mod failure;
mod interrupt;
mod output;

use args::{Cli, Command, DataCommand};
use failure::Failure;

fn main() -> ExitCode {
    panic::set_hook(Box::new(report_bug));
    let ended = panic::catch_unwind(AssertUnwindSafe(run));
    let status = match ended {
        Ok(Ok(status)) => status,
        Ok(Err(failure)) => {
            output::say(failure.to_string().trim_end());
            failure.status()
        }
        // The hook has reported it.
        Err(_) => ErrorKind::Bug.exit_code(),
    };
    ExitCode::from(status)
}

/// Runs the command of the command line; its value is the exit status.
fn run() -> Result<u8, Failure> {
    interrupt::survive_file_limits().map_err(Failure::of_signals)?;
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(answer) if answer.exit_code() == 0 => {
            output::print(&answer.render().to_string())?;
            return Ok(0);
        }
        // Without a command nothing is wrong and nothing is done: the help says what there is.
        Err(answer) if answer.kind() == HelpKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            output::say(answer.render().to_string().trim_end());
            return Ok(ErrorKind::Usage.exit_code());
        }
        Err(error) => return Err(Failure::of_arguments(&error)),
    };
    match cli.command {
        Command::Train(args) => commands::train::run(&args),
        Command::Eval(args) => commands::eval::run(&args),
        Command::Inspect(args) => commands::inspect::run(&args),
        Command::Export(args) => commands::export::run(&args),
        Command::Tune(args) => commands::tune::run(&args),
        Command::Flops(args) => commands::flops::run(&args),
        Command::Plan(args) => commands::plan::run(&args),
        Command::Data(DataCommand::Check(args)) => commands::data::check(&args),
        Command::Data(DataCommand::Convert(args)) => commands::data::convert(&args),
    }
}

/// A panic is a fault of this program, whatever the user has asked for.
fn report_bug(info: &PanicHookInfo<'_>) {
    let payload = info.payload();
    let what = (payload.downcast_ref::<&str>().copied())
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic");
    let place = info
        .location()
        .map_or_else(String::new, |place| format!(" at {place}"));
    let failure = Failure::new(ErrorKind::Bug, format!("internal fault{place}: {what}"))
        .hint("please report this with the command line and the folder of the run")
        .hint("what was saved before is whole");
    output::say(failure.to_string().trim_end());
}
