//! A process that runs candidates when it is told to, one line at a time.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};

/// One side of the comparison; it ends when it is dropped.
pub(super) struct Side {
    /// How errors call it.
    name: &'static str,
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// What one turn of a candidate took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Turn {
    /// Median of its runs.
    pub(super) seconds: f64,
    /// How long its threads stood ready without a processor, over all of them.
    pub(super) waited: f64,
}

impl Side {
    /// Starts the process.
    pub(super) fn start(name: &'static str, command: &mut Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("could not start {name}"))?;
        let (Some(requests), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            bail!("{name} has no standard input and output");
        };
        Ok(Self {
            name,
            child,
            requests: Some(requests),
            answers: BufReader::new(answers),
        })
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// If the side ended, or could not do what it was asked; the message names the request.
    pub(super) fn ask(&mut self, request: &str) -> Result<String> {
        let name = self.name;
        let Some(requests) = &mut self.requests else {
            bail!("{name} has ended");
        };
        let sent = writeln!(requests, "{request}").and_then(|()| requests.flush());
        sent.with_context(|| format!("{name} does not listen to `{request}`"))?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        match line.trim_end().split_once(' ') {
            Some(("ok", answer)) => Ok(answer.to_owned()),
            Some(("error", what)) => bail!("{name} was asked `{request}`: {what}"),
            _ if line.trim_end() == "ok" => Ok(String::new()),
            _ if line.is_empty() => bail!("{name} ended while it was asked `{request}`"),
            _ => bail!("{name} answered `{}` to `{request}`", line.trim_end()),
        }
    }

    /// One turn of a candidate.
    pub(super) fn time(&mut self, entry: &str, warm: usize, runs: usize) -> Result<Turn> {
        let request = format!("time {entry} {warm} {runs}");
        let answer = self.ask(&request)?;
        turn(&answer).with_context(|| format!("{} answered `{answer}` to `{request}`", self.name))
    }
}

fn turn(answer: &str) -> Option<Turn> {
    let (seconds, waited) = answer.split_once(' ')?;
    Some(Turn {
        seconds: seconds.parse().ok().filter(|seconds| *seconds > 0.0)?,
        waited: waited.parse().ok()?,
    })
}

impl Drop for Side {
    /// Without further requests the process ends by itself.
    fn drop(&mut self) {
        self.requests = None;
        // A process that is gone already is what is wanted.
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_two_numbers_of_which_the_first_is_positive() {
        assert_eq!(
            turn("1.5e-3 0e0"),
            Some(Turn {
                seconds: 1.5e-3,
                waited: 0.0
            })
        );
        for wrong in ["", "1", "0 0", "a 1", "1 b", "NaN 0"] {
            assert_eq!(turn(wrong), None, "{wrong}");
        }
    }
}
