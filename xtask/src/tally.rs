//! Counting tests from the lines in which test binaries sum themselves up.

use std::fmt;
use std::ops::AddAssign;

/// How many tests passed and failed.
///
/// Displayed as `12 passed, 0 failed`: the last line of `cargo xtask test` and of the build
/// machine's run, by which both are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Tests that passed.
    pub(crate) passed: u64,
    /// Tests that failed.
    pub(crate) failed: u64,
}

impl Tally {
    /// One test, passed or failed.
    pub(crate) fn one(passed: bool) -> Self {
        Self {
            passed: u64::from(passed),
            failed: u64::from(!passed),
        }
    }

    /// The counts in a line `test result: ok. 5 passed; 1 failed; …`; `None` for any other line.
    pub(crate) fn from_line(line: &str) -> Option<Self> {
        let counts = line.trim_start().strip_prefix("test result: ")?;
        Some(Self {
            passed: count_before(counts, " passed;")?,
            failed: count_before(counts, " failed;")?,
        })
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// The number that ends where `word` begins.
fn count_before(text: &str, word: &str) -> Option<u64> {
    let (before, _) = text.split_once(word)?;
    before.rsplit(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_lines_that_sum_up_are_counted() {
        let rows = [
            (
                "test result: ok. 5 passed; 0 failed; 0 ignored; 0 measured; 2 filtered out; finished in 0.00s",
                Some((5, 0)),
            ),
            (
                "test result: FAILED. 11 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out",
                Some((11, 3)),
            ),
            ("test tests::a_stream ... ok", None),
            ("running 5 tests", None),
            ("test result: ok.", None),
            ("", None),
        ];
        for (line, expected) in rows {
            let counted = Tally::from_line(line).map(|tally| (tally.passed, tally.failed));
            assert_eq!(counted, expected, "{line}");
        }
    }

    #[test]
    fn tallies_add_and_display_in_the_form_that_is_searched_for() {
        let mut tally = Tally::one(true);
        tally += Tally::one(false);
        tally += Tally {
            passed: 121,
            failed: 0,
        };
        assert_eq!(tally.to_string(), "122 passed, 1 failed");
    }
}
