//! The adaptive global threshold of dynamic sparse reparameterization.
//!
//! A magnitude below which weights are dropped needs no sorting and compares layers with one
//! another, but nobody knows how many weights lie below it. So it is steered: doubled after rounds
//! that drop too few weights, halved after rounds that drop too many.

use crate::ExploreError;

/// A threshold H on |w| that follows a wanted number of drops.
///
/// A round that drops K weights over all layers leaves H/2 behind if K > (1 + δ) N_p, 2H if
/// K < (1 − δ) N_p and H otherwise. H stays within the positive normal range of `f32`: a threshold
/// that has once become 0 or ∞ comes back by no halving or doubling.
///
/// # Source
/// Mostafa & Wang 2019, section 3 and algorithm 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// N_p, the number of weights that a round should drop over all layers; at least 1.
    pub target: u64,
    /// δ, the relative deviation from the target that leaves H alone; at least 0 and less than 1.
    pub tolerance: f64,
    /// H before the first round; within the positive normal range of `f32`.
    pub initial: f64,
}

impl Threshold {
    const RANGE: std::ops::RangeInclusive<f64> = f32::MIN_POSITIVE as f64..=f32::MAX as f64;

    /// `target` drops a round, with δ = 0.1 and H = 1e-3 to begin with.
    pub fn per_round(target: u64) -> Self {
        Self {
            target,
            tolerance: 0.1,
            initial: 1e-3,
        }
    }

    /// The threshold of the next round after one that dropped `dropped` weights below `threshold`.
    ///
    /// # Examples
    /// ```
    /// use rewire_explore::Threshold;
    ///
    /// let rule = Threshold::per_round(100);
    /// let after = [89, 90, 110, 111].map(|dropped| rule.adapted(0.5, dropped));
    /// assert_eq!(after, [1.0, 0.5, 0.5, 0.25]);
    /// ```
    pub fn adapted(self, threshold: f64, dropped: u64) -> f64 {
        let (dropped, target) = (dropped as f64, self.target as f64);
        let adapted = if dropped > (1.0 + self.tolerance) * target {
            threshold / 2.0
        } else if dropped < (1.0 - self.tolerance) * target {
            threshold * 2.0
        } else {
            threshold
        };
        adapted.clamp(*Self::RANGE.start(), *Self::RANGE.end())
    }

    /// Whether a stored or configured threshold is one this rule can have.
    pub(crate) fn admits(threshold: f64) -> bool {
        Self::RANGE.contains(&threshold)
    }

    pub(crate) fn check(self) -> Result<(), ExploreError> {
        if self.target == 0 {
            let value = self.target.to_string();
            return Err(ExploreError::recipe("target", value, "at least 1 weight"));
        }
        if !(0.0..1.0).contains(&self.tolerance) {
            let value = self.tolerance.to_string();
            let legal = "at least 0 and less than 1";
            return Err(ExploreError::recipe("tolerance", value, legal));
        }
        if !Self::admits(self.initial) {
            let value = self.initial.to_string();
            let legal = "positive and within the normal range of f32";
            return Err(ExploreError::recipe("threshold", value, legal));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// δ = ¼ and N_p = 4, exact in binary: from 3 to 5 drops the threshold stays.
    #[test]
    fn drops_at_the_edge_of_the_tolerance_leave_the_threshold_alone() {
        let rule = Threshold {
            tolerance: 0.25,
            ..Threshold::per_round(4)
        };
        let after = [2, 3, 4, 5, 6].map(|dropped| rule.adapted(0.5, dropped));
        assert_eq!(after, [1.0, 0.5, 0.5, 0.5, 0.25]);
    }

    #[test]
    fn a_threshold_leaves_its_range_on_no_road() {
        let rule = Threshold::per_round(100);
        let (mut low, mut high) = (rule.initial, rule.initial);
        for _ in 0..1_000 {
            low = rule.adapted(low, 1_000);
            high = rule.adapted(high, 0);
        }
        assert!(Threshold::admits(low) && Threshold::admits(high));
        assert!(low > 0.0 && high.is_finite());
    }

    #[test]
    fn impossible_thresholds_are_refused() {
        let rule = Threshold::per_round(10);
        assert!(rule.check().is_ok());
        let wrong = [
            Threshold { target: 0, ..rule },
            Threshold {
                tolerance: 1.0,
                ..rule
            },
            Threshold {
                tolerance: f64::NAN,
                ..rule
            },
            Threshold {
                initial: 0.0,
                ..rule
            },
            Threshold {
                initial: f64::INFINITY,
                ..rule
            },
        ];
        for rule in wrong {
            assert!(rule.check().is_err(), "{rule:?}");
        }
    }
}
