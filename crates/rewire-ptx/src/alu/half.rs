//! The two 16-bit float formats: conversion and paired arithmetic, rounded to nearest even.

use super::{binary, ternary, unary};
use crate::ScalarType;
use crate::instruction::{Binary, Ternary, Unary};

/// The value of binary16 bits.
pub(crate) fn f16_to_f32(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let (exponent, fraction) = (u32::from(bits >> 10 & 0x1F), u32::from(bits & 0x3FF));
    let magnitude = match exponent {
        // A subnormal is a whole number of 2⁻²⁴.
        0 => (fraction as f32 * 2f32.powi(-24)).to_bits(),
        31 => 0x7F80_0000 | fraction << 13,
        _ => (exponent + 112) << 23 | fraction << 13,
    };
    f32::from_bits(sign | magnitude)
}

/// The value of bfloat16 bits.
pub(crate) fn bf16_to_f32(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// The nearest binary16, ties to even; NaN becomes 0x7FFF.
pub(crate) fn f64_to_f16(value: f64) -> u16 {
    if value.is_nan() {
        return 0x7FFF;
    }
    let rounded = nearest(value, 11, -14);
    let sign = (rounded.is_sign_negative() as u16) << 15;
    let magnitude = rounded.abs();
    if magnitude >= 65520.0 {
        return sign | 0x7C00;
    }
    let bits = if magnitude < 2f64.powi(-14) {
        (magnitude * 2f64.powi(24)) as u16
    } else {
        let single = (magnitude as f32).to_bits();
        ((single >> 13) - (112 << 10)) as u16
    };
    sign | bits
}

/// The nearest bfloat16, ties to even; NaN becomes 0x7FFF.
pub(crate) fn f64_to_bf16(value: f64) -> u16 {
    if value.is_nan() {
        return 0x7FFF;
    }
    // The rounded value is a single; one beyond the largest becomes its infinity.
    ((nearest(value, 8, -126) as f32).to_bits() >> 16) as u16
}

/// `value` rounded to `digits` binary digits, fewer below 2^`least`; ties to even.
fn nearest(value: f64, digits: i32, least: i32) -> f64 {
    if value == 0.0 || value.is_infinite() {
        return value;
    }
    let exponent = (value.to_bits() >> 52 & 0x7FF) as i32 - 1023;
    let quantum = 2f64.powi(exponent.max(least) - digits + 1);
    (value / quantum).round_ties_even() * quantum
}

/// a·b + c in double precision, rounded to odd, so that rounding once more gives what rounding the
/// exact value once would.
fn fused(a: f32, b: f32, c: f32) -> f64 {
    let (product, addend) = (f64::from(a) * f64::from(b), f64::from(c));
    let sum = product + addend;
    let virtual_addend = sum - product;
    let lost = (product - (sum - virtual_addend)) + (addend - virtual_addend);
    if lost == 0.0 || !sum.is_finite() || lost.is_nan() || sum.to_bits() & 1 == 1 {
        return sum;
    }
    let away = (lost > 0.0) == (sum > 0.0);
    f64::from_bits(if away {
        sum.to_bits() + 1
    } else {
        sum.to_bits() - 1
    })
}

fn low(bits: u64) -> u16 {
    bits as u16
}

fn high(bits: u64) -> u16 {
    (bits >> 16) as u16
}

fn join(low: u16, high: u16) -> u64 {
    u64::from(high) << 16 | u64::from(low)
}

/// The lesser of two; a NaN gives way to a number, −0 lies below +0.
fn least(a: f32, b: f32) -> f32 {
    match (a.is_nan(), b.is_nan()) {
        (true, _) => b,
        (_, true) => a,
        _ if a < b || (a == b && a.is_sign_negative()) => a,
        _ => b,
    }
}

fn greatest(a: f32, b: f32) -> f32 {
    -least(-a, -b)
}

/// The operations of one format, alone and in pairs.
macro_rules! format {
    ($unary:ident, $binary:ident, $fused:ident, $to:ident, $from:ident) => {
        fn $unary(name: &str) -> Option<(Unary, Unary)> {
            Some(match name {
                "neg" => (unary!(|a| a ^ 0x8000), unary!(|a| a ^ 0x8000_8000)),
                "abs" => (unary!(|a| a & 0x7FFF), unary!(|a| a & 0x7FFF_7FFF)),
                _ => return None,
            })
        }

        fn $binary(name: &str) -> Option<(Binary, Binary)> {
            macro_rules! both {
                (|$a:ident, $b:ident| $value:expr) => {{
                    fn one(a: u16, b: u16) -> u16 {
                        let ($a, $b) = ($to(a), $to(b));
                        $from($value)
                    }
                    (
                        binary!(|a, b| u64::from(one(low(a), low(b)))),
                        binary!(|a, b| join(one(low(a), low(b)), one(high(a), high(b)))),
                    )
                }};
            }
            Some(match name {
                "add" => both!(|a, b| fused(a, 1.0, b)),
                "sub" => both!(|a, b| fused(a, 1.0, -b)),
                "mul" => both!(|a, b| f64::from(a) * f64::from(b)),
                "min" => both!(|a, b| f64::from(least(a, b))),
                "max" => both!(|a, b| f64::from(greatest(a, b))),
                _ => return None,
            })
        }

        fn $fused() -> (Ternary, Ternary) {
            fn one(a: u16, b: u16, c: u16) -> u16 {
                $from(fused($to(a), $to(b), $to(c)))
            }
            (
                ternary!(|a, b, c| u64::from(one(low(a), low(b), low(c)))),
                ternary!(|a, b, c| join(
                    one(low(a), low(b), low(c)),
                    one(high(a), high(b), high(c))
                )),
            )
        }
    };
}

format!(f16_unary, f16_binary, f16_fused, f16_to_f32, f64_to_f16);
format!(
    bf16_unary,
    bf16_binary, bf16_fused, bf16_to_f32, f64_to_bf16
);

/// The one for a lone value or the one for a pair.
fn of<T>(scalar: ScalarType, f16: Option<(T, T)>, bf16: Option<(T, T)>) -> Option<T> {
    match scalar {
        ScalarType::F16 => f16.map(|(one, _)| one),
        ScalarType::F16x2 => f16.map(|(_, two)| two),
        ScalarType::Bf16 => bf16.map(|(one, _)| one),
        ScalarType::Bf16x2 => bf16.map(|(_, two)| two),
        _ => None,
    }
}

pub(crate) fn unary_of(name: &str, scalar: ScalarType) -> Option<Unary> {
    of(scalar, f16_unary(name), bf16_unary(name))
}

pub(crate) fn binary_of(name: &str, scalar: ScalarType) -> Option<Binary> {
    of(scalar, f16_binary(name), bf16_binary(name))
}

pub(crate) fn fused_of(scalar: ScalarType) -> Option<Ternary> {
    of(scalar, Some(f16_fused()), Some(bf16_fused()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every finite value of a format is its own nearest, and halfway between two goes to the even.
    #[test]
    fn rounding_is_to_nearest_even() {
        for bits in 0..0x7BFF_u16 {
            let (here, next) = (f16_to_f32(bits), f16_to_f32(bits + 1));
            assert_eq!(f64_to_f16(f64::from(here)), bits);
            assert_eq!(f64_to_f16(-f64::from(here)), bits | 0x8000);
            let middle = (f64::from(here) + f64::from(next)) / 2.0;
            let even = bits + (bits & 1);
            assert_eq!(f64_to_f16(middle), even, "between {here} and {next}");
        }
        for bits in 0..0x7F7F_u16 {
            let (here, next) = (bf16_to_f32(bits), bf16_to_f32(bits + 1));
            assert_eq!(f64_to_bf16(f64::from(here)), bits);
            let middle = (f64::from(here) + f64::from(next)) / 2.0;
            assert_eq!(f64_to_bf16(middle), bits + (bits & 1));
        }
        assert_eq!(f64_to_f16(65519.9), 0x7BFF);
        assert_eq!(f64_to_f16(65520.0), 0x7C00);
        assert_eq!(f64_to_bf16(f64::INFINITY), 0x7F80);
        assert_eq!(f64_to_bf16(f64::from(f32::MAX)), 0x7F80);
        assert_eq!(f64_to_f16(f64::NAN), 0x7FFF);
        assert!(f16_to_f32(0x7C01).is_nan());
        assert_eq!(f16_to_f32(1), 2f32.powi(-24));
    }
}
