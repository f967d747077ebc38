//! Numbers as text.

/// `97.21 %` for 0.9721.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// A part of a whole as [`rate`] shows it; `-` of nothing.
pub(crate) fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "-".to_owned();
    }
    rate(part as f64 / whole as f64)
}

/// A number to three places after the point, or to three figures where those places would be
/// zeros: 0.079 and 0.00123. A share that falls short of 1 is never shown as 1.
pub(crate) fn rate(number: f64) -> String {
    let shown = format!("{number:.3}");
    if number == 0.0 {
        "0".to_owned()
    } else if number < 1.0 && shown == "1.000" {
        "> 0.999".to_owned()
    } else if number >= 0.01 {
        shown
    } else if number >= 1e-5 {
        // 0.00123 has its first figure at the third place.
        let first = -number.log10().floor();
        format!("{number:.*}", first as usize + 2)
    } else {
        format!("{number:.2e}")
    }
}

/// `1 step`, `2 steps`: a regular plural.
pub(crate) fn count(n: u64, what: &str) -> String {
    let ending = if n == 1 { "" } else { "s" };
    format!("{n} {what}{ending}")
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
    format!("{} × dense", rate(count as f64 / dense as f64))
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
        assert_eq!(count(0, "epoch"), "0 epochs");
        assert_eq!(count(1, "epoch"), "1 epoch");
        assert_eq!(count(2, "epoch"), "2 epochs");
        assert_eq!(flops(1_262_345_678_901), "1.26e12 FLOPs");
        assert_eq!(times_dense(113, 1000), "0.113 × dense");
        assert_eq!(times_dense(1, 0), "-");
    }

    /// However small it is, a share is told from 0, and however close, from 1.
    #[test]
    fn a_share_keeps_its_figures() {
        for (part, whole, text) in [
            (0, 7, "0"),
            (7, 7, "1.000"),
            (1, 3, "0.333"),
            (1, 100, "0.010"),
            (99, 10_000, "0.00990"),
            (1, 1000, "0.00100"),
            (123, 1_000_000, "0.000123"),
            (1, 99_999, "0.0000100"),
            (1, 1_000_000, "1.00e-6"),
            (1, u64::MAX, "5.42e-20"),
            (999_499, 1_000_000, "0.999"),
            (999_999, 1_000_000, "> 0.999"),
        ] {
            assert_eq!(share(part, whole), text);
        }
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
