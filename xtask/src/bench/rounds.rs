//! Turns in random order, and what is read from them.
//!
//! In each round every entry has one turn, in an order drawn anew, so that all of them meet the same
//! changes of the machine's speed and nobody always follows the same neighbour. Ratios are taken
//! within a round; medians and quartiles are those of the rounds.

use anyhow::Result;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::cases::{DENSE, Entry, OWN};
use super::side::Turn;

/// The turns of every entry, a round each.
pub(super) struct Rounds {
    entries: Vec<Entry>,
    turns: Vec<Vec<Turn>>,
}

/// Numbers of several rounds in short.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    /// First quartile.
    pub(super) low: f64,
    /// Third quartile.
    pub(super) high: f64,
}

/// One line of what was found.
pub(super) struct Finding {
    pub(super) product: &'static str,
    pub(super) candidate: &'static str,
    pub(super) seconds: Spread,
    /// The candidate's seconds over this project's, round by round.
    pub(super) ratio: Spread,
    /// The share of a turn that was waiting, on average.
    pub(super) waited: f64,
}

impl Rounds {
    /// Plays `count` rounds; `turn` gives one entry its turn.
    pub(super) fn play(
        entries: Vec<Entry>,
        count: usize,
        rng: &mut ChaCha8Rng,
        mut turn: impl FnMut(usize, Entry) -> Result<Turn>,
    ) -> Result<Self> {
        let mut turns = vec![Vec::with_capacity(count); entries.len()];
        let mut order: Vec<usize> = (0..entries.len()).collect();
        for _ in 0..count {
            order.shuffle(rng);
            for &index in &order {
                turns[index].push(turn(index, entries[index])?);
            }
        }
        Ok(Self { entries, turns })
    }

    /// A line per entry, then the lines that join products: all three against the best dense
    /// candidate of each, and forward with input gradient against MKL.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self
            .entries
            .iter()
            .zip(&self.turns)
            .filter_map(|(entry, turns)| {
                let own = self.seconds(entry.product, OWN)?;
                let seconds: Vec<f64> = turns.iter().map(|turn| turn.seconds).collect();
                let waited = turns
                    .iter()
                    .map(|turn| turn.waited / (turn.waited + turn.seconds));
                Some(Finding {
                    product: entry.product,
                    candidate: entry.candidate,
                    ratio: Spread::of(ratios(&seconds, &own)),
                    seconds: Spread::of(seconds),
                    waited: waited.sum::<f64>() / turns.len().max(1) as f64,
                })
            })
            .collect();
        findings.extend(self.three_products());
        findings.extend(self.against_mkl());
        findings
    }

    /// The seconds of one entry, a round each.
    fn seconds(&self, product: &str, candidate: &str) -> Option<Vec<f64>> {
        let at = self
            .entries
            .iter()
            .position(|entry| entry.product == product && entry.candidate == candidate)?;
        Some(self.turns[at].iter().map(|turn| turn.seconds).collect())
    }

    /// The three products of a layer together: this project's, and the best dense candidate's of
    /// each, by the median over the rounds.
    fn three_products(&self) -> Vec<Finding> {
        let products = ["forward", "input_gradient", "weight_gradient"];
        let Some(own) = self.sums(&products.map(|product| self.seconds(product, OWN))) else {
            return Vec::new();
        };
        let best = products.map(|product| {
            let dense = DENSE.iter().filter_map(|name| self.seconds(product, name));
            dense.min_by(|a, b| median(a).total_cmp(&median(b)))
        });
        let own_dense = products.map(|product| self.seconds(product, "own-dense"));
        let joined = [
            (OWN, Some(own.clone())),
            ("own-dense", self.sums(&own_dense)),
            ("best-dense", self.sums(&best)),
        ];
        joined
            .into_iter()
            .filter_map(|(candidate, seconds)| {
                let seconds = seconds?;
                Some(Finding {
                    product: "all",
                    candidate,
                    ratio: Spread::of(ratios(&seconds, &own)),
                    seconds: Spread::of(seconds),
                    waited: 0.0,
                })
            })
            .collect()
    }

    /// Geometric means of forward pass and input gradient, which are all that MKL has.
    fn against_mkl(&self) -> Option<Finding> {
        let mean = |candidate: &str| -> Option<Vec<f64>> {
            let forward = self.seconds("forward", candidate)?;
            let gradient = self.seconds("input_gradient", candidate)?;
            let pairs = forward.iter().zip(&gradient);
            Some(pairs.map(|(a, b)| (a * b).sqrt()).collect())
        };
        let (own, mkl) = (mean(OWN)?, mean("mkl-sparse")?);
        Some(Finding {
            product: "forward_and_input_gradient",
            candidate: "mkl-sparse",
            ratio: Spread::of(ratios(&mkl, &own)),
            seconds: Spread::of(mkl),
            waited: 0.0,
        })
    }

    /// Round by round the sum over products, if all of them were measured.
    fn sums(&self, products: &[Option<Vec<f64>>]) -> Option<Vec<f64>> {
        let rounds = self.turns.first()?.len();
        let mut sums = vec![0.0; rounds];
        for seconds in products {
            for (sum, seconds) in sums.iter_mut().zip(seconds.as_ref()?) {
                *sum += seconds;
            }
        }
        Some(sums)
    }
}

impl Spread {
    /// Median and quartiles; of a quartile that falls between two values, the outer one.
    pub(super) fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let last = values.len().saturating_sub(1);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        Self {
            median: at(values.len() / 2),
            low: at(last / 4),
            high: at(last - last / 4),
        }
    }
}

fn ratios(theirs: &[f64], own: &[f64]) -> Vec<f64> {
    theirs.iter().zip(own).map(|(a, b)| a / b).collect()
}

fn median(values: &[f64]) -> f64 {
    Spread::of(values.to_vec()).median
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn quartiles_are_values_that_were_measured() {
        let spread = Spread::of(vec![5.0, 1.0, 3.0, 2.0, 4.0]);
        assert_eq!((spread.low, spread.median, spread.high), (2.0, 3.0, 4.0));
        let three = Spread::of(vec![1.0, 3.0, 2.0]);
        assert_eq!((three.low, three.median, three.high), (1.0, 2.0, 3.0));
        let one = Spread::of(vec![7.0]);
        assert_eq!((one.low, one.median, one.high), (7.0, 7.0, 7.0));
    }

    /// By hand: two rounds, in the second the machine is twice as slow; ratios do not notice.
    #[test]
    fn ratios_are_taken_within_a_round() {
        let products = ["forward", "input_gradient", "weight_gradient"];
        let candidates = [OWN, "own-dense", "torch-mm", "mkl-sparse"];
        let entries: Vec<Entry> = products
            .iter()
            .flat_map(|&product| candidates.map(|candidate| Entry { product, candidate }))
            .filter(|entry| entry.product != "weight_gradient" || entry.candidate != "mkl-sparse")
            .collect();
        let mut played = vec![0u32; entries.len()];
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let rounds = Rounds::play(entries, 2, &mut rng, |index, entry| {
            played[index] += 1;
            let base = match (entry.candidate, entry.product) {
                (OWN, _) => 1.0,
                ("own-dense", "forward") => 3.0,
                ("own-dense", _) => 9.0,
                ("torch-mm", _) => 5.0,
                ("mkl-sparse", "forward") => 2.0,
                _ => 8.0,
            };
            Ok(Turn {
                seconds: base * f64::from(played[index]),
                waited: 0.0,
            })
        })
        .unwrap();
        let findings = rounds.findings();
        let ratio = |product: &str, candidate: &str| {
            let found = findings
                .iter()
                .find(|found| found.product == product && found.candidate == candidate);
            found.unwrap().ratio
        };
        assert_eq!(ratio("forward", "own-dense").median, 3.0);
        assert_eq!(ratio("forward", "own-dense").low, 3.0);
        // (3 + 5 + 5) / 3: the best of each product.
        assert_eq!(ratio("all", "best-dense").median, 13.0 / 3.0);
        assert_eq!(ratio("all", "own-dense").median, 7.0);
        // √(2 · 8).
        assert_eq!(ratio("forward_and_input_gradient", "mkl-sparse").high, 4.0);
    }
}
