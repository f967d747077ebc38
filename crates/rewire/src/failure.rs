//! A failure as the user sees it: what is wrong, what to do, and the exit status.

use std::{fmt, io};

use rewire_train::error::{ErrorKind, TrainError};

/// What ends a command early.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    message: String,
    hints: Vec<String>,
    status: u8,
}

impl Failure {
    /// A failure without a hint.
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hints: Vec::new(),
            status: kind.exit_code(),
        }
    }

    /// Adds a line of advice.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The exit status of the program.
    pub(crate) fn status(&self) -> u8 {
        self.status
    }

    /// A handler of signals that the system refuses.
    pub(crate) fn of_signals(error: io::Error) -> Self {
        Self::new(ErrorKind::Io, format!("cannot handle signals: {error}"))
            .hint(general_hint(ErrorKind::Io))
    }

    /// What clap refuses, in the form of every other failure: its tips are hints.
    pub(crate) fn of_arguments(error: &clap::Error) -> Self {
        let text = error.render().to_string();
        let mut message = Vec::new();
        let mut hints = Vec::new();
        let mut usage = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if let Some(tip) = line.strip_prefix("tip: ") {
                hints.push(tip.to_owned());
            } else if let Some(line) = line.strip_prefix("Usage: ") {
                usage.push(line.to_owned());
            } else if !line.starts_with("For more information") {
                message.push(line.strip_prefix("error: ").unwrap_or(line).to_owned());
            }
        }
        hints.extend(usage.into_iter().map(|usage| format!("usage: {usage}")));
        hints.push("--help lists every option with its default".to_owned());
        Self {
            message: message.join(" "),
            hints,
            status: ErrorKind::Usage.exit_code(),
        }
    }
}

impl From<TrainError> for Failure {
    fn from(error: TrainError) -> Self {
        let kind = error.kind();
        let hint = error
            .hint()
            .unwrap_or_else(|| general_hint(kind).to_owned());
        Self::new(kind, error.to_string()).hint(hint)
    }
}

/// What helps where nothing more is known than the kind of failure.
fn general_hint(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Usage => "train --help states what options take, train --dry-run lists all keys",
        ErrorKind::Data => "the file is damaged or of another kind; take a fresh copy",
        ErrorKind::Bug => "please report this with the command line and the folder of the run",
        ErrorKind::Io => "check the path, the permissions and the space on the disk",
        ErrorKind::Diverged => "lower the learning rate",
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "error: {}", self.message)?;
        for hint in &self.hints {
            writeln!(out, "hint: {hint}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::Cli;

    fn refuse(line: &[&str]) -> String {
        let line = ["rewire"].iter().chain(line);
        let error = Cli::try_parse_from(line).expect_err("the line is refused");
        let failure = Failure::of_arguments(&error);
        assert_eq!(failure.status(), 2);
        failure.to_string()
    }

    #[test]
    fn a_misspelt_flag_is_answered_with_the_nearest() {
        assert_eq!(
            refuse(&["train", "--sparsty", "0.9"]),
            "error: unexpected argument '--sparsty' found\n\
             hint: a similar argument exists: '--sparsity'\n\
             hint: usage: rewire train --sparsity <SHARE>\n\
             hint: --help lists every option with its default\n"
        );
    }

    #[test]
    fn what_excludes_each_other_is_named() {
        let rows: [(&[&str], &str, &str); 3] = [
            (
                &["train", "--resume", "a", "--out", "b"],
                "--resume",
                "--out",
            ),
            (
                &["train", "--resume", "a", "--overwrite"],
                "--resume",
                "--overwrite",
            ),
            (&["train", "--json", "--dry-run"], "--json", "--dry-run"),
        ];
        for (line, one, other) in rows {
            let text = refuse(line);
            assert!(text.starts_with("error: "), "{text}");
            assert!(text.contains(one) && text.contains(other), "{text}");
        }
    }
}
