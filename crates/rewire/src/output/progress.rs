//! How far a run is, on stderr: a bar for people, lines for logs, nothing if unwanted.

use std::io::IsTerminal;
use std::path::Path;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rewire_train::records::EpochRecord;
use rewire_train::run::Event;

use super::{count, percent, say};

/// Without colours, so that `NO_COLOR` and every terminal are content.
const BAR: &str = "{wide_bar} {pos}/{len} steps  {msg}  {eta} left";

/// Shows the events of a run.
pub(crate) struct Progress {
    form: Form,
    folder: String,
    epochs: u64,
    start: Instant,
}

enum Form {
    Quiet,
    Lines,
    Bar(ProgressBar),
}

impl Progress {
    /// A bar if stderr is a terminal, one line per epoch if it is not, nothing if `quiet`.
    pub(crate) fn new(quiet: bool, folder: &Path) -> Self {
        let form = if quiet {
            Form::Quiet
        } else if std::io::stderr().is_terminal() {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template(BAR);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            Form::Bar(bar)
        } else {
            Form::Lines
        };
        Self {
            form,
            folder: folder.display().to_string(),
            epochs: 0,
            start: Instant::now(),
        }
    }

    /// Takes note of an event.
    pub(crate) fn show(&mut self, event: Event<'_>) {
        match event {
            Event::Start {
                step,
                total_steps,
                epochs,
                steps_per_epoch,
            } => {
                self.epochs = epochs;
                if let Form::Bar(bar) = &self.form {
                    bar.set_length(total_steps);
                    bar.set_position(step);
                    bar.reset_eta();
                    bar.set_message(format!("epoch {}/{epochs}", step / steps_per_epoch.max(1)));
                }
                // A budget may end within an epoch.
                let last = total_steps.saturating_sub(epochs.saturating_sub(1) * steps_per_epoch);
                let cut = if last < steps_per_epoch {
                    format!(", the last of {last}")
                } else {
                    String::new()
                };
                let before = match step {
                    0 => String::new(),
                    step => format!(", continued after step {step} of {total_steps}"),
                };
                self.say(&format!(
                    "{}: {} of {}{cut}{before}",
                    self.folder,
                    count(epochs, "epoch"),
                    count(steps_per_epoch, "step")
                ));
            }
            Event::Step(report) => {
                if let Form::Bar(bar) = &self.form {
                    bar.set_position(report.step);
                }
            }
            Event::Epoch(record) => match &self.form {
                Form::Quiet => {}
                Form::Lines => {
                    let seconds = self.start.elapsed().as_secs_f64();
                    self.say(&format!("{}  {seconds:.1} s", self.line(record)));
                }
                Form::Bar(bar) => bar.set_message(self.line(record)),
            },
        }
    }

    /// Takes the bar away, so that what follows stands on a line of its own.
    pub(crate) fn close(self) {
        if let Form::Bar(bar) = self.form {
            bar.finish_and_clear();
        }
    }

    fn line(&self, record: &EpochRecord) -> String {
        let held_out = match &record.valid {
            Some(valid) => format!("  held out {}", percent(valid.accuracy)),
            None => String::new(),
        };
        format!(
            "epoch {}/{}  loss {:.4}  test {}{held_out}",
            record.epoch,
            self.epochs,
            record.train_loss,
            percent(record.test_accuracy),
        )
    }

    fn say(&self, line: &str) {
        match &self.form {
            Form::Quiet => {}
            Form::Lines => say(line),
            Form::Bar(bar) => bar.println(line),
        }
    }
}
