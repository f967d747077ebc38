//! One set of equations, read in two ways: as f64, and as f64 with a bound on what f32 may give.
//!
//! [`Rounded`] is running error analysis (Higham 2002, *Accuracy and Stability of Numerical
//! Algorithms*, section 3.3). Next to the exact value it carries how far an f32 evaluation of the
//! same expression can lie from it: what the operands bring along to first order, and one rounding
//! for the operation itself. Tolerances follow from the equations and the data; nobody chooses them.

use std::fmt;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// Twice the largest relative error of one rounding to f32; the factor covers all second-order
/// terms, which are below 10⁻³ of the first-order ones here.
const ROUND: f64 = f32::EPSILON as f64;

/// The smallest f32: what a rounding may cost below the range of normal numbers.
const UNDERFLOW: f64 = 1.401_298_464_324_817e-45;

/// A number of the oracle's equations.
pub(crate) trait Number:
    Copy
    + fmt::Debug
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// A constant, as near as f32 can hold it.
    fn of(value: f64) -> Self;
    /// The exact value.
    fn value(self) -> f64;
    fn sqrt(self) -> Self;
    fn exp(self) -> Self;
    fn ln(self) -> Self;
    /// The complementary error function.
    fn erfc(self) -> Self;
    /// A sum of f32 values in any order.
    fn sum(terms: impl IntoIterator<Item = Self>) -> Self;
    /// A sum that the code promises to take in f64 and to round once.
    fn wide_sum(terms: impl IntoIterator<Item = Self>) -> Self;
}

impl Number for f64 {
    fn of(value: f64) -> Self {
        value
    }
    fn value(self) -> f64 {
        self
    }
    fn sqrt(self) -> Self {
        f64::sqrt(self)
    }
    fn exp(self) -> Self {
        f64::exp(self)
    }
    fn ln(self) -> Self {
        f64::ln(self)
    }
    fn erfc(self) -> Self {
        libm::erfc(self)
    }
    fn sum(terms: impl IntoIterator<Item = Self>) -> Self {
        terms.into_iter().sum()
    }
    fn wide_sum(terms: impl IntoIterator<Item = Self>) -> Self {
        terms.into_iter().sum()
    }
}

/// An exact value and how far its f32 evaluation may lie from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rounded {
    pub(crate) value: f64,
    pub(crate) slack: f64,
}

impl Rounded {
    /// `value` after one more rounding, given what its operands bring along; an exact zero stays
    /// exact.
    fn after(value: f64, brought: f64) -> Self {
        let own = match value == 0.0 && brought == 0.0 {
            true => 0.0,
            false => ROUND * value.abs() + UNDERFLOW,
        };
        Self {
            value,
            slack: brought + own,
        }
    }
}

impl Add for Rounded {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self::after(self.value + other.value, self.slack + other.slack)
    }
}

impl Sub for Rounded {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Neg for Rounded {
    type Output = Self;
    fn neg(self) -> Self {
        Self {
            value: -self.value,
            ..self
        }
    }
}

impl Mul for Rounded {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let brought = self.value.abs() * other.slack
            + other.value.abs() * self.slack
            + self.slack * other.slack;
        Self::after(self.value * other.value, brought)
    }
}

impl Div for Rounded {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        let value = self.value / other.value;
        let nearest_zero = (other.value.abs() - other.slack).max(0.0);
        Self::after(
            value,
            (self.slack + value.abs() * other.slack) / nearest_zero,
        )
    }
}

impl Number for Rounded {
    fn of(value: f64) -> Self {
        let slack = (f64::from(value as f32) - value).abs();
        Self { value, slack }
    }
    fn value(self) -> f64 {
        self.value
    }
    fn sqrt(self) -> Self {
        let value = self.value.sqrt();
        Self::after(value, value - (self.value - self.slack).max(0.0).sqrt())
    }
    fn exp(self) -> Self {
        let value = self.value.exp();
        // The library's function may be off by one unit in the last place: another rounding.
        Self::after(value, value * (self.slack.exp_m1() + ROUND))
    }
    fn ln(self) -> Self {
        let value = self.value.ln();
        let brought = -(-self.slack / self.value).ln_1p();
        Self::after(value, brought + ROUND * value.abs())
    }
    fn erfc(self) -> Self {
        let value = libm::erfc(self.value);
        // The slope is −2/√π · exp(−x²), steepest where |x| is smallest.
        let nearest_zero = (self.value.abs() - self.slack).max(0.0);
        let slope = std::f64::consts::FRAC_2_SQRT_PI * (-nearest_zero * nearest_zero).exp();
        Self::after(value, slope * self.slack + ROUND * value)
    }
    fn sum(terms: impl IntoIterator<Item = Self>) -> Self {
        let mut total = Self::of(0.0);
        let (mut magnitude, mut count) = (0.0, 0.0);
        for term in terms {
            total.value += term.value;
            total.slack += term.slack;
            if term.value != 0.0 || term.slack > 0.0 {
                magnitude += term.value.abs() + term.slack;
                count += 1.0;
            }
        }
        // γ_n · Σ|terms|: every addition rounds a partial sum that is no larger than Σ|terms|.
        total.slack += count * ROUND * magnitude;
        total
    }
    fn wide_sum(terms: impl IntoIterator<Item = Self>) -> Self {
        let (mut value, mut brought) = (0.0, 0.0);
        for term in terms {
            value += term.value;
            brought += term.slack;
        }
        Self::after(value, brought)
    }
}
