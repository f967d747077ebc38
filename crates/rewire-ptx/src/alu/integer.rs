//! Integer arithmetic modulo the width of its type.
//!
//! A division by zero gives all ones and a remainder by zero its dividend, as current hardware
//! does; PTX leaves both open.

#![allow(
    clippy::unnecessary_cast,
    reason = "the same text serves every width, and one of them is that of a register"
)]

use super::{binary, comparison, ternary, unary};
use crate::ScalarType;
use crate::instruction::{Binary, Comparison, Ternary, Unary};

pub(crate) const ADD_64: Binary = binary!(|a: u64, b: u64| a.wrapping_add(b));
pub(crate) const SUBTRACT_64: Binary = binary!(|a: u64, b: u64| a.wrapping_sub(b));

/// Gives `$body`, in which `$int` is the Rust type of the integer `$scalar`, its unsigned sibling
/// `$bits` and the type of twice its width `$wide`.
macro_rules! for_integer {
    ($scalar:expr, ($int:ident, $bits:ident, $wide:ident) => $body:expr) => {
        for_integer!(@arms $scalar, $int, $bits, $wide, $body,
            (U16, u16, u16, u32), (S16, i16, u16, i32), (U32, u32, u32, u64),
            (S32, i32, u32, i64), (U64, u64, u64, u128), (S64, i64, u64, i128))
    };
    (@arms $scalar:expr, $int:ident, $bits:ident, $wide:ident, $body:expr,
     $(($name:ident, $i:ident, $b:ident, $w:ident)),*) => {
        match $scalar {
            $(ScalarType::$name => {
                #[allow(dead_code, reason = "not every operation needs all three")]
                type $int = $i;
                #[allow(dead_code, reason = "not every operation needs all three")]
                type $bits = $b;
                #[allow(dead_code, reason = "not every operation needs all three")]
                type $wide = $w;
                Some($body)
            })*
            _ => None,
        }
    };
}

/// The operation of two operands called `name` in PTX.
#[rustfmt::skip]
pub(crate) fn binary_of(name: &str, scalar: ScalarType) -> Option<Binary> {
    for_integer!(scalar, (Int, Bits, Wide) => match name {
        "add" => binary!(|a, b| (a as Int).wrapping_add(b as Int) as Bits as u64),
        "sub" => binary!(|a, b| (a as Int).wrapping_sub(b as Int) as Bits as u64),
        "mul.lo" => binary!(|a, b| (a as Int).wrapping_mul(b as Int) as Bits as u64),
        "mul.hi" => binary!(|a, b| high(a as Int as Wide * (b as Int as Wide), Int::BITS) as Bits as u64),
        "div" => binary!(|a, b| match b as Int {
            0 => Bits::MAX as u64,
            b => (a as Int).wrapping_div(b) as Bits as u64,
        }),
        "rem" => binary!(|a, b| match b as Int {
            0 => a as Bits as u64,
            b => (a as Int).wrapping_rem(b) as Bits as u64,
        }),
        "min" => binary!(|a, b| (a as Int).min(b as Int) as Bits as u64),
        "max" => binary!(|a, b| (a as Int).max(b as Int) as Bits as u64),
        _ => return None,
    })
}

/// The upper half of a product.
fn high<T: std::ops::Shr<u32, Output = T>>(product: T, bits: u32) -> T {
    product >> bits
}

/// The product of two operands in a register of twice their width.
pub(crate) fn wide_product(scalar: ScalarType) -> Option<Binary> {
    match scalar {
        ScalarType::U16 => Some(binary!(|a, b| u64::from(a as u16) * u64::from(b as u16))),
        ScalarType::S16 => Some(binary!(|a, b| {
            (i32::from(a as i16) * i32::from(b as i16)) as u32 as u64
        })),
        ScalarType::U32 => Some(binary!(|a, b| u64::from(a as u32) * u64::from(b as u32))),
        ScalarType::S32 => Some(binary!(|a, b| {
            (i64::from(a as i32) * i64::from(b as i32)) as u64
        })),
        _ => None,
    }
}

/// `mad.wide`: the wide product plus an addend of its width.
pub(crate) fn wide_multiply_add(scalar: ScalarType) -> Option<Ternary> {
    match scalar {
        ScalarType::U16 => Some(ternary!(|a, b, c: u64| {
            (u32::from(a as u16) * u32::from(b as u16)).wrapping_add(c as u32) as u64
        })),
        ScalarType::S16 => Some(ternary!(|a, b, c: u64| {
            (i32::from(a as i16) * i32::from(b as i16)).wrapping_add(c as i32) as u32 as u64
        })),
        ScalarType::U32 => Some(ternary!(|a, b, c: u64| {
            (u64::from(a as u32) * u64::from(b as u32)).wrapping_add(c)
        })),
        ScalarType::S32 => Some(ternary!(|a, b, c: u64| {
            ((i64::from(a as i32) * i64::from(b as i32)) as u64).wrapping_add(c)
        })),
        _ => None,
    }
}

/// `mad.lo` and `mad.hi`.
#[rustfmt::skip]
pub(crate) fn multiply_add(name: &str, scalar: ScalarType) -> Option<Ternary> {
    for_integer!(scalar, (Int, Bits, Wide) => match name {
        "mad.lo" => ternary!(|a, b, c| {
            (a as Int).wrapping_mul(b as Int).wrapping_add(c as Int) as Bits as u64
        }),
        "mad.hi" => ternary!(|a, b, c| {
            let product = high(a as Int as Wide * (b as Int as Wide), Int::BITS) as Int;
            product.wrapping_add(c as Int) as Bits as u64
        }),
        _ => return None,
    })
}

/// `abs` and `neg` of signed types.
pub(crate) fn unary_of(name: &str, scalar: ScalarType) -> Option<Unary> {
    use ScalarType as T;
    Some(match (name, scalar) {
        ("abs", T::S16) => unary!(|a| (a as i16).unsigned_abs() as u64),
        ("abs", T::S32) => unary!(|a| (a as i32).unsigned_abs() as u64),
        ("abs", T::S64) => unary!(|a: u64| (a as i64).unsigned_abs()),
        ("neg", T::S16) => unary!(|a| (a as u16).wrapping_neg() as u64),
        ("neg", T::S32) => unary!(|a| (a as u32).wrapping_neg() as u64),
        ("neg", T::S64) => unary!(|a: u64| a.wrapping_neg()),
        _ => return None,
    })
}

/// The comparison called `name`; `lo`, `ls`, `hi`, `hs` are those of unsigned types.
pub(crate) fn compare(name: &str, scalar: ScalarType) -> Option<Comparison> {
    use ScalarType as T;
    let ordered = match scalar {
        T::B16 if matches!(name, "eq" | "ne") => T::U16,
        T::B32 if matches!(name, "eq" | "ne") => T::U32,
        T::B64 if matches!(name, "eq" | "ne") => T::U64,
        other => other,
    };
    let name = match (name, ordered.is_signed()) {
        ("lo", false) => "lt",
        ("ls", false) => "le",
        ("hi", false) => "gt",
        ("hs", false) => "ge",
        (name, _) => name,
    };
    for_integer!(ordered, (Int, Bits, Wide) => match name {
        "eq" => comparison!(|a, b| a as Int == b as Int),
        "ne" => comparison!(|a, b| a as Int != b as Int),
        "lt" => comparison!(|a, b| (a as Int) < b as Int),
        "le" => comparison!(|a, b| a as Int <= b as Int),
        "gt" => comparison!(|a, b| a as Int > b as Int),
        "ge" => comparison!(|a, b| a as Int >= b as Int),
        _ => return None,
    })
}
