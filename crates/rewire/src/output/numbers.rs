//! Numbers as text.

/// `97.21 %` for 0.9721.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// A share to three figures after the point.
pub(crate) fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "-".to_owned();
    }
    format!("{:.3}", part as f64 / whole as f64)
}

/// `1.26e12 FLOPs`.
pub(crate) fn flops(count: u128) -> String {
    format!("{:.2e} FLOPs", count as f64)
}

/// `0.113 × dense`.
pub(crate) fn times_dense(count: u128, dense: u128) -> String {
    if dense == 0 {
        return "-".to_owned();
    }
    format!("{:.3} × dense", count as f64 / dense as f64)
}

/// The accuracies that a count of correct samples is compatible with at 95 % confidence.
///
/// Treats the samples as independent draws and the model as given: it says how far another test
/// part of this size may disagree, not what another seed would do.
///
/// # Source
/// Wilson 1927, "Probable inference, the law of succession, and statistical inference".
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Interval {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Interval {
    /// The interval for a share of `accuracy` among `samples`, at least one.
    pub(crate) fn wilson(accuracy: f64, samples: usize) -> Self {
        const Z: f64 = 1.959_963_984_540_054;
        let n = samples as f64;
        let scale = 1.0 / (1.0 + Z * Z / n);
        let centre = scale * (accuracy + Z * Z / (2.0 * n));
        let variance = accuracy * (1.0 - accuracy) / n + Z * Z / (4.0 * n * n);
        let half = scale * Z * variance.sqrt();
        // An end that equals the accuracy, at 0 and 1, may be a rounding beyond it.
        Self {
            low: (centre - half).clamp(0.0, accuracy),
            high: (centre + half).clamp(accuracy, 1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_to_what_is_read() {
        assert_eq!(percent(0.972_144), "97.21 %");
        assert_eq!(percent(1.0), "100.00 %");
        assert_eq!(share(1512, 19_200), "0.079");
        assert_eq!(share(0, 0), "-");
        assert_eq!(flops(1_262_345_678_901), "1.26e12 FLOPs");
        assert_eq!(times_dense(113, 1000), "0.113 × dense");
        assert_eq!(times_dense(1, 0), "-");
    }

    /// The ends are by definition where |accuracy − p| = z·√(p(1 − p)/n); half of 10 comes to
    /// 0.5 ± 0.2634 by hand.
    #[test]
    fn the_interval_solves_its_equation() {
        let ends = Interval::wilson(0.5, 10);
        assert!((ends.low - 0.236_6).abs() < 5e-5, "{ends:?}");
        assert!((ends.high - 0.763_4).abs() < 5e-5, "{ends:?}");
        for (accuracy, samples) in [(0.0, 7), (0.2, 5), (0.97, 359), (0.5, 1), (1.0, 3)] {
            let Interval { low, high } = Interval::wilson(accuracy, samples);
            assert!(0.0 <= low && low <= accuracy && accuracy <= high && high <= 1.0);
            for end in [low, high] {
                let deviation = (accuracy - end).abs();
                let expected = 1.959_964 * (end * (1.0 - end) / samples as f64).sqrt();
                // z is given to seven figures here.
                assert!(
                    (deviation - expected).abs() < 1e-6,
                    "{accuracy} of {samples}"
                );
            }
        }
    }
}
