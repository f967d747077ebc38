//! Signals: the first asks the run to stop, the second ends the program at once.
//!
//! ```text
//! SIGINT, SIGTERM, SIGHUP   finish the step, save, exit with 128 + the signal's number
//! SIGUSR1                   the same, exit with 0: schedulers send it to runs they will start again
//! any of the first three after any signal   exit at once; files stay whole, being replaced by rename
//! ```
//!
//! A second SIGUSR1 changes nothing, because its status of 0 promises that the run is saved.
//! SIGHUP is left alone if it was ignored at the start: that is how `nohup` protects a run.
//!
//! SIGXFSZ comes with a write beyond the limit on the size of files. It would end the program
//! without a word; caught, the write fails instead and is reported as every other failure is.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rewire_train::stop::Stop;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGXFSZ};
use signal_hook::flag;

/// Remembers which signal asked for the stop.
#[derive(Debug)]
pub(crate) struct Interrupt {
    received: Arc<AtomicUsize>,
}

impl Interrupt {
    /// Connects the signals to `stop`.
    ///
    /// # Errors
    /// If the system refuses a handler.
    pub(crate) fn listen(stop: &Stop) -> io::Result<Self> {
        let received = Arc::new(AtomicUsize::new(0));
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGUSR1] {
            if signal == SIGHUP && ignored_at_start(signal) {
                continue;
            }
            // The order is that of the actions when the signal comes: only a flag that an earlier
            // signal has raised ends the program.
            if signal != SIGUSR1 {
                flag::register_conditional_shutdown(signal, 128 + signal, stop.flag())?;
            }
            flag::register_usize(signal, Arc::clone(&received), signal as usize)?;
            flag::register(signal, stop.flag())?;
        }
        Ok(Self { received })
    }

    /// The exit status of a run that was stopped.
    pub(crate) fn status(&self) -> u8 {
        status_of(self.received.load(Ordering::SeqCst))
    }
}

/// Lets writes beyond the limit on the size of files fail rather than end the program.
///
/// # Errors
/// If the system refuses a handler.
pub(crate) fn survive_file_limits() -> io::Result<()> {
    // That there is a handler is what counts; nobody asks whether it was called.
    flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
    Ok(())
}

fn status_of(signal: usize) -> u8 {
    if signal == 0 || signal == SIGUSR1 as usize {
        return 0;
    }
    u8::try_from(128 + signal).unwrap_or(u8::MAX)
}

/// Whether the process was started with this signal ignored; unknown counts as no.
fn ignored_at_start(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    is_ignored(&status, signal)
}

/// Linux lists ignored signals as a hexadecimal mask in which bit n − 1 is signal n.
fn is_ignored(status: &str, signal: i32) -> bool {
    status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_is_reported_as_shells_report_signals() {
        for (signal, status) in [(SIGINT, 130), (SIGTERM, 143), (SIGHUP, 129), (SIGUSR1, 0)] {
            assert_eq!(status_of(signal as usize), status);
        }
        assert_eq!(status_of(0), 0);
    }

    #[test]
    fn the_mask_of_ignored_signals_is_read() {
        // As under nohup: SIGHUP is 1, and Rust ignores SIGPIPE, 13.
        let status = "Name:\trewire\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\n";
        assert!(is_ignored(status, SIGHUP));
        assert!(!is_ignored(status, SIGINT));
        assert!(!is_ignored("Name:\trewire\n", SIGHUP));
        assert!(!is_ignored("SigIgn:\tdamaged\n", SIGHUP));
    }
}
