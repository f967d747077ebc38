//! Arithmetic of singles and doubles.
//!
//! `.rn` operations round as IEEE 754 asks. The approximations of the hardware (`ex2.approx`,
//! `tanh.approx`, `rcp.approx` …) are computed in double precision and rounded once: a kernel that
//! depends on their error needs a tolerance. `.ftz` flushes subnormal operands and results.

use super::half::{bf16_to_f32, f16_to_f32};
use super::{binary, comparison, ternary, unary};
use crate::ScalarType;
use crate::instruction::{Binary, Comparison, Ternary, Unary};

fn single(bits: u64) -> f32 {
    f32::from_bits(bits as u32)
}

fn double(bits: u64) -> f64 {
    f64::from_bits(bits)
}

/// Bits of a result; every NaN becomes the canonical one of the hardware.
fn bits(value: f32) -> u64 {
    if value.is_nan() {
        return 0x7FFF_FFFF;
    }
    u64::from(value.to_bits())
}

fn bits_of_double(value: f64) -> u64 {
    if value.is_nan() {
        return 0x7FFF_FFFF_FFFF_FFFF;
    }
    value.to_bits()
}

/// A subnormal becomes a zero of its sign.
fn flush(value: f32) -> f32 {
    if value.is_subnormal() {
        return 0.0f32.copysign(value);
    }
    value
}

/// The lesser operand; a NaN gives way to a number, −0 lies below +0.
fn least(a: f32, b: f32) -> f32 {
    if a.is_nan() || b.is_nan() {
        return if a.is_nan() { b } else { a };
    }
    if a < b || (a == b && a.is_sign_negative()) {
        a
    } else {
        b
    }
}

fn greatest(a: f32, b: f32) -> f32 {
    -least(-a, -b)
}

fn propagating(f: fn(f32, f32) -> f32, a: f32, b: f32) -> f32 {
    if a.is_nan() || b.is_nan() {
        f32::NAN
    } else {
        f(a, b)
    }
}

macro_rules! singles {
    ($flush:expr, |$a:ident| $value:expr) => {
        if $flush {
            unary!(|a| {
                let $a = flush(single(a));
                bits(flush($value))
            })
        } else {
            unary!(|a| {
                let $a = single(a);
                bits($value)
            })
        }
    };
    ($flush:expr, |$a:ident, $b:ident| $value:expr) => {
        if $flush {
            binary!(|a, b| {
                let ($a, $b) = (flush(single(a)), flush(single(b)));
                bits(flush($value))
            })
        } else {
            binary!(|a, b| {
                let ($a, $b) = (single(a), single(b));
                bits($value)
            })
        }
    };
}

pub(crate) fn unary_of(name: &str, scalar: ScalarType, flushes: bool) -> Option<Unary> {
    if scalar == ScalarType::F64 {
        return Some(match name {
            "abs" => unary!(|a: u64| a & (u64::MAX >> 1)),
            "neg" => unary!(|a: u64| a ^ 1 << 63),
            "sqrt" => unary!(|a| bits_of_double(double(a).sqrt())),
            "rcp" => unary!(|a| bits_of_double(double(a).recip())),
            _ => return None,
        });
    }
    Some(match name {
        "abs" => singles!(flushes, |a| a.abs()),
        "neg" => singles!(flushes, |a| -a),
        "rcp" => singles!(flushes, |a| a.recip()),
        "sqrt" => singles!(flushes, |a| a.sqrt()),
        "rsqrt" => singles!(flushes, |a| f64::from(a).sqrt().recip() as f32),
        "ex2" => singles!(flushes, |a| f64::from(a).exp2() as f32),
        "lg2" => singles!(flushes, |a| f64::from(a).log2() as f32),
        "tanh" => singles!(flushes, |a| f64::from(a).tanh() as f32),
        _ => return None,
    })
}

pub(crate) fn binary_of(name: &str, scalar: ScalarType, flushes: bool) -> Option<Binary> {
    if scalar == ScalarType::F64 {
        return Some(match name {
            "add" => binary!(|a, b| bits_of_double(double(a) + double(b))),
            "sub" => binary!(|a, b| bits_of_double(double(a) - double(b))),
            "mul" => binary!(|a, b| bits_of_double(double(a) * double(b))),
            "div" => binary!(|a, b| bits_of_double(double(a) / double(b))),
            _ => return None,
        });
    }
    Some(match name {
        "add" => singles!(flushes, |a, b| a + b),
        "sub" => singles!(flushes, |a, b| a - b),
        "mul" => singles!(flushes, |a, b| a * b),
        "div" => singles!(flushes, |a, b| a / b),
        "min" => singles!(flushes, |a, b| least(a, b)),
        "max" => singles!(flushes, |a, b| greatest(a, b)),
        "min.NaN" => singles!(flushes, |a, b| propagating(least, a, b)),
        "max.NaN" => singles!(flushes, |a, b| propagating(greatest, a, b)),
        _ => return None,
    })
}

pub(crate) fn fused(scalar: ScalarType, flushes: bool) -> Option<Ternary> {
    Some(match (scalar, flushes) {
        (ScalarType::F32, false) => {
            ternary!(|a, b, c| bits(single(a).mul_add(single(b), single(c))))
        }
        (ScalarType::F32, true) => ternary!(|a, b, c| {
            let [a, b, c] = [a, b, c].map(|value| flush(single(value)));
            bits(flush(a.mul_add(b, c)))
        }),
        (ScalarType::F64, _) => {
            ternary!(|a, b, c| bits_of_double(double(a).mul_add(double(b), double(c))))
        }
        _ => return None,
    })
}

/// The comparison called `name`; those that end in `u` hold for NaN too.
pub(crate) fn compare(name: &str, scalar: ScalarType) -> Option<Comparison> {
    macro_rules! of_all {
        (|$a:ident, $b:ident| $holds:expr) => {
            match scalar {
                ScalarType::F32 => comparison!(|a, b| {
                    let ($a, $b) = (single(a), single(b));
                    $holds
                }),
                ScalarType::F64 => comparison!(|a, b| {
                    let ($a, $b) = (double(a), double(b));
                    $holds
                }),
                ScalarType::F16 => comparison!(|a, b| {
                    let ($a, $b) = (f16_to_f32(a as u16), f16_to_f32(b as u16));
                    $holds
                }),
                ScalarType::Bf16 => comparison!(|a, b| {
                    let ($a, $b) = (bf16_to_f32(a as u16), bf16_to_f32(b as u16));
                    $holds
                }),
                _ => return None,
            }
        };
    }
    #[allow(clippy::neg_cmp_op_on_partial_ord, reason = "NaN has to pass")]
    Some(match name {
        "eq" => of_all!(|a, b| a == b),
        "ne" => of_all!(|a, b| a.partial_cmp(&b).is_some_and(|order| order.is_ne())),
        "lt" => of_all!(|a, b| a < b),
        "le" => of_all!(|a, b| a <= b),
        "gt" => of_all!(|a, b| a > b),
        "ge" => of_all!(|a, b| a >= b),
        "equ" => of_all!(|a, b| a.partial_cmp(&b).is_none_or(|order| order.is_eq())),
        "neu" => of_all!(|a, b| a != b),
        "ltu" => of_all!(|a, b| !(a >= b)),
        "leu" => of_all!(|a, b| !(a > b)),
        "gtu" => of_all!(|a, b| !(a <= b)),
        "geu" => of_all!(|a, b| !(a < b)),
        "num" => of_all!(|a, b| !a.is_nan() && !b.is_nan()),
        "nan" => of_all!(|a, b| a.is_nan() || b.is_nan()),
        _ => return None,
    })
}
