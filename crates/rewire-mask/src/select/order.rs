//! The two orders that scores are ranked by, as integers.
//!
//! The bits of a non-negative float ascend with its value, so |x| ranks as an integer once the
//! sign is gone. For signed values the magnitude is negated where the sign is set, as in two's
//! complement; −0 and 0 then share one key.

/// What makes a score better than another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// The larger |x|.
    Magnitude,
    /// The larger x.
    Value,
}

/// The bits of ±∞ without the sign: those of a finite number are smaller.
pub(crate) const INFINITE: u32 = 0x7f80_0000;

impl Order {
    /// The score of a value.
    #[inline(always)]
    pub(crate) fn score(self, value: f32) -> f32 {
        match self {
            Self::Magnitude => value.abs(),
            Self::Value => value,
        }
    }

    /// An integer that ascends as finite scores do; equal scores have the same one.
    #[inline(always)]
    pub(crate) fn key(self, score: f32) -> i32 {
        let magnitude = (score.to_bits() & 0x7fff_ffff) as i32;
        match self {
            Self::Magnitude => magnitude,
            Self::Value => {
                let sign = score.to_bits() as i32 >> 31;
                (magnitude ^ sign) - sign
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_order_as_the_numbers_they_stand_for() {
        let ascending = [
            f32::NEG_INFINITY,
            f32::MIN,
            -1.0,
            -f32::MIN_POSITIVE,
            -1e-45,
            0.0,
            1e-45,
            f32::MIN_POSITIVE,
            1.0,
            f32::MAX,
            f32::INFINITY,
        ];
        for pair in ascending.windows(2) {
            let keys = [0, 1].map(|i| Order::Value.key(pair[i]));
            assert!(keys[0] < keys[1], "{pair:?}");
            let (low, high) = (pair[0].abs(), pair[1].abs());
            let keys = [low, high].map(|score| Order::Magnitude.key(score));
            assert_eq!(keys[0] < keys[1], low < high, "{pair:?}");
            assert_eq!(
                Order::Magnitude.key(pair[0]),
                Order::Magnitude.key(-pair[0])
            );
        }
        assert_eq!(Order::Value.key(-0.0), Order::Value.key(0.0));
    }
}
