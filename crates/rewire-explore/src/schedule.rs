//! When a network is rewired, and how much of it.
//!
//! A [`Window`] says at which steps: t = ΔT, 2ΔT, … < T_end, where t counts batches from 1. A
//! [`Fraction`] says what part of the active weights is dropped at t; its [`Decay`] takes it from
//! α at the start towards 0 at T_end, so that late rewirings disturb a nearly trained network less.
//!
//! Nothing here looks at a loss or a clock: the whole schedule is known before the first step, and
//! a resumed run asks the same questions and gets the same answers.

use std::fmt;
use std::str::FromStr;

use crate::ExploreError;

/// The steps at which a network is rewired.
///
/// Steps are counted from 1. A step is an update time if it is a multiple of the interval of the
/// phase it falls into and comes before the end; the end itself is not an update time.
///
/// # Examples
/// ```
/// use rewire_explore::{Phase, Window};
///
/// let window = Window::every(100, 400)?;
/// assert_eq!(window.times().collect::<Vec<_>>(), [100, 200, 300]);
///
/// let slower = [Phase { from: 0, every: 10 }, Phase { from: 25, every: 20 }];
/// let window = Window::phased(slower.to_vec(), 70)?;
/// assert_eq!(window.times().collect::<Vec<_>>(), [10, 20, 40, 60]);
/// # Ok::<(), rewire_explore::ExploreError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    phases: Vec<Phase>,
    end: u64,
}

/// A stretch of a [`Window`] with one interval; it lasts until the next phase begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phase {
    /// The first step of the phase.
    pub from: u64,
    /// Update times of the phase are the multiples of this number of steps, ΔT.
    pub every: u64,
}

impl Window {
    /// The window without any update time.
    pub fn never() -> Self {
        Self {
            phases: Vec::new(),
            end: 0,
        }
    }

    /// Every `every` steps from step `every` on, before step `end`.
    ///
    /// # Errors
    /// [`ExploreError::Recipe`] if `every` is 0.
    pub fn every(every: u64, end: u64) -> Result<Self, ExploreError> {
        Self::phased(vec![Phase { from: 0, every }], end)
    }

    /// Intervals that change at fixed steps, all before step `end`.
    ///
    /// Update times are multiples of the interval counted from step 0, not from where the phase
    /// begins: a change from 100 to 200 steps halves the update times and shifts none.
    ///
    /// # Errors
    /// [`ExploreError::Recipe`] if an interval is 0 or the phases do not begin one after another.
    pub fn phased(phases: Vec<Phase>, end: u64) -> Result<Self, ExploreError> {
        if let Some(phase) = phases.iter().find(|phase| phase.every == 0) {
            return Err(ExploreError::recipe(
                "every",
                format!("0 in the phase from step {}", phase.from),
                "at least 1 step",
            ));
        }
        if let Some(pair) = phases.windows(2).find(|pair| pair[0].from >= pair[1].from) {
            return Err(ExploreError::recipe(
                "from",
                format!("{} after {}", pair[1].from, pair[0].from),
                "later than the phase before",
            ));
        }
        Ok(Self { phases, end })
    }

    /// Whether `step` is an update time. Cost: linear in the number of phases.
    pub fn contains(&self, step: u64) -> bool {
        let phase = self.phases.iter().rev().find(|phase| phase.from <= step);
        step > 0 && step < self.end && phase.is_some_and(|phase| step.is_multiple_of(phase.every))
    }

    /// The first step after which nothing is rewired any more, T_end.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// How many update times are multiples of `of`: with 1 all of them, with the steps of an epoch
    /// those at the end of one.
    ///
    /// # Cost
    /// Linear in the number of phases, not of update times.
    ///
    /// # Panics
    /// If `of` is 0.
    pub fn count_multiples(&self, of: u64) -> u64 {
        let phases = self.phases.iter().enumerate();
        let counts = phases.map(|(i, phase)| {
            let until = self.phases.get(i + 1).map_or(self.end, |next| next.from);
            let common = least_common_multiple(phase.every, of);
            let below = |step: u64| u128::from(step.saturating_sub(1)) / common;
            below(until.min(self.end)).saturating_sub(below(phase.from))
        });
        // At most one per step, and steps are counted in 64 bits.
        counts.sum::<u128>() as u64
    }

    /// All update times, ascending.
    pub fn times(&self) -> impl Iterator<Item = u64> + '_ {
        self.phases.iter().enumerate().flat_map(move |(i, phase)| {
            let until = self.phases.get(i + 1).map_or(self.end, |next| next.from);
            let first = phase.from.max(1).div_ceil(phase.every);
            (first..)
                .map_while(|multiple| multiple.checked_mul(phase.every))
                .take_while(move |&step| step < until.min(self.end))
        })
    }
}

fn least_common_multiple(a: u64, b: u64) -> u128 {
    let (mut divisor, mut rest) = (a, b);
    while rest > 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    u128::from(a / divisor) * u128::from(b)
}

/// The part of a layer's active weights that an update drops.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fraction {
    /// α (ζ in SET): the fraction before any decay, at least 0 and less than 1.
    pub initial: f64,
    /// How it falls until the end of the window.
    pub decay: Decay,
}

impl Fraction {
    /// f_t, the fraction at `step` of a window that ends at `end`.
    pub fn at(self, step: u64, end: u64) -> f64 {
        self.decay.at(self.initial, step, end)
    }

    /// ⌊f_t · n_active⌋, the number of weights to drop; at most `n_active − 1`.
    ///
    /// A product within four units in the last place of an integer counts as that integer: 0.29 is
    /// stored a little below 0.29, and still 29 of 100 weights are dropped.
    ///
    /// # Examples
    /// ```
    /// use rewire_explore::{Decay, Fraction};
    ///
    /// let fraction = Fraction { initial: 0.29, decay: Decay::Constant };
    /// assert_eq!(fraction.count(1, 10, 100), 29);
    /// assert_eq!(fraction.count(1, 10, 99), 28);
    /// ```
    pub fn count(self, step: u64, end: u64, n_active: u64) -> u64 {
        floor_count(self.at(step, end), n_active)
    }

    pub(crate) fn check(self) -> Result<(), ExploreError> {
        if !(0.0..1.0).contains(&self.initial) {
            return Err(ExploreError::recipe(
                "fraction",
                self.initial.to_string(),
                "at least 0 and less than 1",
            ));
        }
        self.decay.check()
    }
}

/// ⌊fraction · n⌋ as [`Fraction::count`] defines it.
pub(crate) fn floor_count(fraction: f64, n: u64) -> u64 {
    let product = fraction * n as f64;
    let nearest = product.round();
    let snaps = (product - nearest).abs() <= 4.0 * f64::EPSILON * product;
    let count = if snaps { nearest } else { product.floor() } as u64;
    count.min(n.saturating_sub(1))
}

/// How a fraction falls from α at step 0 until the end of a window, T_end.
///
/// Words: `cosine`, `constant`, `linear`, `cubic`, `power:K` with a number K.
///
/// # Source
/// Evci et al. 2020, section 3 and appendix G.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decay {
    /// α/2 · (1 + cos(π t / T_end)).
    Cosine,
    /// α at every step.
    Constant,
    /// α (1 − t / T_end).
    Linear,
    /// α (1 − t / T_end)^k.
    Power {
        /// k, positive.
        exponent: f64,
    },
    /// α (1 − t / T_end)³, the curve of gradual pruning.
    Cubic,
}

impl Decay {
    const WORDS: &str = "cosine, constant, linear, cubic, power:K with a positive number K";

    /// The value at `step` of a curve that starts at `initial` and ends at step `end`.
    ///
    /// From `end` on every curve but the constant one is 0.
    pub fn at(self, initial: f64, step: u64, end: u64) -> f64 {
        let left = if step < end {
            (end - step) as f64 / end as f64
        } else {
            0.0
        };
        match self {
            Self::Constant => initial,
            _ if left == 0.0 => 0.0,
            Self::Cosine => {
                initial / 2.0 * (1.0 + (std::f64::consts::PI * step as f64 / end as f64).cos())
            }
            Self::Linear => initial * left,
            Self::Power { exponent } => initial * left.powf(exponent),
            Self::Cubic => initial * left * left * left,
        }
    }

    fn check(self) -> Result<(), ExploreError> {
        match self {
            Self::Power { exponent } if !(exponent > 0.0 && exponent.is_finite()) => Err(
                ExploreError::recipe("exponent", exponent.to_string(), "positive and finite"),
            ),
            _ => Ok(()),
        }
    }
}

impl FromStr for Decay {
    type Err = ExploreError;

    fn from_str(word: &str) -> Result<Self, ExploreError> {
        let unknown = || ExploreError::recipe("decay", format!("`{word}`"), Self::WORDS);
        let decay = match word {
            "cosine" => Self::Cosine,
            "constant" => Self::Constant,
            "linear" => Self::Linear,
            "cubic" => Self::Cubic,
            _ => {
                let exponent = word.strip_prefix("power:").ok_or_else(unknown)?;
                let exponent = exponent.parse().map_err(|_| unknown())?;
                Self::Power { exponent }
            }
        };
        decay.check().map_err(|_| unknown())?;
        Ok(decay)
    }
}

impl fmt::Display for Decay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cosine => f.write_str("cosine"),
            Self::Constant => f.write_str("constant"),
            Self::Linear => f.write_str("linear"),
            Self::Power { exponent } => write!(f, "power:{exponent}"),
            Self::Cubic => f.write_str("cubic"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn update_times_are_multiples_before_the_end() {
        let rows: [(u64, u64, &[u64]); 6] = [
            (100, 300, &[100, 200]),
            (100, 301, &[100, 200, 300]),
            (100, 100, &[]),
            (1, 4, &[1, 2, 3]),
            (7, 0, &[]),
            (u64::MAX, u64::MAX, &[]),
        ];
        for (every, end, times) in rows {
            let window = Window::every(every, end).unwrap();
            assert_eq!(window.times().collect::<Vec<_>>(), times, "{every} {end}");
        }
        assert_eq!(Window::never().times().count(), 0);
        assert!(!Window::never().contains(0));
    }

    #[test]
    fn times_and_contains_agree_over_phases() {
        let phases = vec![
            Phase { from: 3, every: 2 },
            Phase { from: 11, every: 5 },
            Phase { from: 31, every: 3 },
            Phase { from: 60, every: 1 },
        ];
        let window = Window::phased(phases, 41).unwrap();
        let by_hand = [4, 6, 8, 10, 15, 20, 25, 30, 33, 36, 39];
        assert_eq!(window.times().collect::<Vec<_>>(), by_hand);
        let asked: Vec<u64> = (0..100).filter(|&t| window.contains(t)).collect();
        assert_eq!(asked, by_hand);
    }

    /// Against the times themselves, over intervals with and without common divisors.
    #[test]
    fn multiples_are_counted_as_if_one_by_one() {
        let phases = vec![
            Phase { from: 3, every: 2 },
            Phase { from: 11, every: 5 },
            Phase { from: 31, every: 6 },
            Phase { from: 60, every: 1 },
        ];
        for end in [0, 1, 3, 4, 5, 11, 12, 31, 36, 37, 60, 61, 99] {
            let window = Window::phased(phases.clone(), end).unwrap();
            for of in 1..=40 {
                let by_one = window.times().filter(|step| step.is_multiple_of(of));
                assert_eq!(
                    window.count_multiples(of),
                    by_one.count() as u64,
                    "{end} {of}"
                );
            }
        }
        assert_eq!(Window::never().count_multiples(1), 0);
        let endless = Window::every(1, u64::MAX).unwrap();
        assert_eq!(endless.count_multiples(1), u64::MAX - 1);
        assert_eq!(endless.count_multiples(u64::MAX), 0);
    }

    #[test]
    fn impossible_windows_are_refused() {
        let error = Window::every(0, 10).unwrap_err().to_string();
        assert!(error.contains("every"), "{error}");
        let phases = vec![Phase { from: 5, every: 1 }, Phase { from: 5, every: 2 }];
        let error = Window::phased(phases, 10).unwrap_err().to_string();
        assert!(error.contains("5 after 5"), "{error}");
    }

    /// Curves from α = 0.3 over 100 steps at points a reader can compute.
    #[test]
    fn decay_curves_pass_through_points_worked_by_hand() {
        let half_root = std::f64::consts::FRAC_1_SQRT_2;
        let square = Decay::Power { exponent: 2.0 };
        let rows = [
            (Decay::Cosine, 0, 0.3),
            (Decay::Cosine, 25, 0.15 * (1.0 + half_root)),
            (Decay::Cosine, 50, 0.15),
            (Decay::Cosine, 75, 0.15 * (1.0 - half_root)),
            (Decay::Cosine, 100, 0.0),
            (Decay::Cosine, 101, 0.0),
            (Decay::Constant, 0, 0.3),
            (Decay::Constant, 99, 0.3),
            (Decay::Linear, 0, 0.3),
            (Decay::Linear, 20, 0.24),
            (Decay::Linear, 100, 0.0),
            (square, 0, 0.3),
            (square, 50, 0.075),
            (square, 90, 0.003),
            (Decay::Cubic, 0, 0.3),
            (Decay::Cubic, 50, 0.0375),
            (Decay::Cubic, 90, 0.0003),
        ];
        for (decay, step, expected) in rows {
            let value = decay.at(0.3, step, 100);
            // A handful of roundings of numbers no larger than α.
            let error = (value - expected).abs();
            assert!(error <= 4.0 * 0.3 * f64::EPSILON, "{decay} {step}: {value}");
        }
    }

    #[test]
    fn counts_are_floors_that_forgive_binary_fractions() {
        let constant = |initial| Fraction {
            initial,
            decay: Decay::Constant,
        };
        let rows = [
            (0.3, 10, 3),
            (0.3, 9, 2),
            (0.29, 100, 29),
            (0.57, 100, 57),
            (0.999_999, 1_000, 999),
            (0.3, 1, 0),
            (0.3, 0, 0),
            (0.0, 1_000, 0),
            // The fraction next below 1 must not take the last weight.
            (1.0 - f64::EPSILON / 2.0, 10, 9),
        ];
        for (initial, n_active, count) in rows {
            assert_eq!(constant(initial).count(1, 10, n_active), count, "{initial}");
        }
    }

    #[test]
    fn words_and_decays_are_the_same_thing() {
        for word in ["cosine", "constant", "linear", "cubic", "power:2.5"] {
            assert_eq!(word.parse::<Decay>().unwrap().to_string(), word);
        }
        for word in [
            "Cosine",
            "",
            "power",
            "power:",
            "power:-1",
            "power:0",
            "power:nan",
        ] {
            let error = word.parse::<Decay>().unwrap_err().to_string();
            assert!(error.contains(word) && error.contains("cubic"), "{error}");
        }
    }

    #[test]
    fn fractions_outside_the_unit_interval_are_refused() {
        for initial in [-0.1, 1.0, f64::NAN, f64::INFINITY] {
            let decay = Decay::Constant;
            assert!(Fraction { initial, decay }.check().is_err(), "{initial}");
        }
    }
}
