//! What the program prints: results on stdout, progress and failures on stderr, never in colour.

use std::io::{self, ErrorKind as IoKind, Write};

use rewire_train::error::ErrorKind;

use crate::failure::Failure;

mod numbers;
mod progress;
mod shell;
mod table;

pub(crate) use numbers::{Interval, count, flops, percent, rate, share, times_dense};
pub(crate) use progress::Progress;
pub(crate) use shell::own_command;
pub(crate) use table::Table;

/// Writes to stdout, all of it at once.
///
/// A reader that has gone away, as `head` does, is no failure: it has seen what it wanted.
///
/// # Errors
/// If stdout cannot take it, for example on a full disk.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == IoKind::BrokenPipe => Ok(()),
        Err(error) => Err(
            Failure::new(ErrorKind::Io, format!("cannot write to stdout: {error}"))
                .hint("free some space, or send stdout elsewhere"),
        ),
    }
}

/// Writes a line to stderr; there is nobody to tell if that fails.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
