//! The wish to stop, as one flag that signal handlers raise and the loop polls between steps.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A request to finish the current step, save and return.
///
/// Clones share one flag: the trainer keeps one, whoever may interrupt it another. A request is
/// never withdrawn, and raising it twice is the same as once; what a second interrupt means is
/// the business of the program that receives it.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// A flag that nobody has raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the run to stop after the step it is in; may be called from any thread.
    pub fn request(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether somebody has asked.
    pub fn requested(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// The flag itself, for signal handlers: setting it is [`Stop::request`].
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_clone_sees_a_request_and_a_fresh_flag_is_down() {
        let stop = Stop::new();
        let other = stop.clone();
        assert!(!other.requested());
        std::thread::spawn(move || stop.request()).join().unwrap();
        assert!(other.requested());
        assert!(!Stop::new().requested());
    }

    #[test]
    fn the_raw_flag_is_the_request() {
        let stop = Stop::new();
        stop.flag().store(true, Ordering::SeqCst);
        assert!(stop.requested());
    }
}
