//! Differences of runs that share a seed, with the interval that holds their mean.

use std::fmt;

use super::record::Line;
use super::runs::{Case, Table};

/// A mean with its two-sided 95 % interval by Student's t over the seeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Interval {
    /// In points of accuracy.
    pub(super) mean: f64,
    /// Half its width; infinite for fewer than two values.
    pub(super) half: f64,
    /// How many values it is the mean of.
    pub(super) seeds: usize,
}

/// The 0.975 quantile of Student's t with 1 to 9 degrees of freedom.
const T975: [f64; 9] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262,
];

impl Interval {
    /// Of values that are independent of each other.
    ///
    /// # Panics
    /// For more than ten values, which no table has.
    pub(super) fn of(values: &[f64]) -> Self {
        let n = values.len();
        let mean = values.iter().sum::<f64>() / n as f64;
        let half = if n < 2 {
            f64::INFINITY
        } else {
            let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
            let deviation = (squares / (n as f64 - 1.0)).sqrt();
            T975[n - 2] * deviation / (n as f64).sqrt()
        };
        Self {
            mean,
            half,
            seeds: n,
        }
    }

    pub(super) fn low(self) -> f64 {
        self.mean - self.half
    }

    pub(super) fn high(self) -> f64 {
        self.mean + self.half
    }
}

/// `+0.21 [+0.05, +0.37]`
impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.half.is_finite() {
            let (low, high) = (self.low(), self.high());
            write!(f, "{:+.2} [{low:+.2}, {high:+.2}]", self.mean)
        } else {
            write!(f, "{:+.2}", self.mean)
        }
    }
}

/// For each seed that all pairs have, the mean over the pairs of what the first case is ahead of
/// the second, in points of test accuracy.
pub(super) fn differences(table: Table, lines: &[Line], pairs: &[(Case, Case)]) -> Vec<f64> {
    let runs = table.runs();
    let accuracy = |case: Case, seed: u64| -> Option<f64> {
        let run = runs
            .iter()
            .find(|run| run.case == case && run.seed == seed)?;
        let hash = run.hash();
        let line = lines.iter().find(|line| line.run.configuration == hash)?;
        Some(100.0 * line.outcome.test_accuracy)
    };
    let last = runs.iter().map(|run| run.seed).max().unwrap_or_default();
    (1..=last)
        .filter_map(|seed| {
            let ahead = pairs
                .iter()
                .map(|&(first, second)| Some(accuracy(first, seed)? - accuracy(second, seed)?))
                .collect::<Option<Vec<f64>>>()?;
            (!ahead.is_empty()).then(|| ahead.iter().sum::<f64>() / ahead.len() as f64)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::line;
    use super::*;

    #[test]
    fn an_interval_by_hand() {
        // Mean 2, deviation 1, n = 3: 4.303 / √3 = 2.4843.
        let interval = Interval::of(&[1.0, 2.0, 3.0]);
        assert_eq!((interval.mean, interval.seeds), (2.0, 3));
        assert!((interval.half - 2.484_3).abs() < 1e-4, "{interval:?}");
        assert_eq!(interval.to_string(), "+2.00 [-0.48, +4.48]");
        assert_eq!(Interval::of(&[-0.5]).to_string(), "-0.50");
    }

    /// What seeds have in common cancels, and a seed that one side lacks counts on neither.
    #[test]
    fn runs_of_one_seed_are_compared() {
        let runs = Table::SparseIft.runs();
        let dense = runs[0].case;
        let other = runs
            .iter()
            .map(|run| run.case)
            .find(|case| *case != dense)
            .expect("a sparse case");
        let recorded = |case: Case, seed: u64, accuracy: f64| {
            let run = runs.iter().find(|run| run.case == case && run.seed == seed);
            let mut line = line("", "", seed, accuracy);
            line.run.configuration = run.expect("a run of the table").hash();
            line
        };
        let lines = [
            recorded(dense, 1, 0.90),
            recorded(dense, 2, 0.95),
            recorded(dense, 3, 0.99),
            recorded(other, 2, 0.96),
            recorded(other, 1, 0.92),
        ];
        let found = differences(Table::SparseIft, &lines, &[(other, dense)]);
        assert_eq!(found.len(), 2);
        assert!((found[0] - 2.0).abs() < 1e-9 && (found[1] - 1.0).abs() < 1e-9);
        // Two pairs that are each other's reverse cancel.
        let both = [(other, dense), (dense, other)];
        let found = differences(Table::SparseIft, &lines, &both);
        assert!(found.iter().all(|difference| difference.abs() < 1e-9));
    }
}
