//! Operations on bits: logic, shifts, fields, permutations, counts.

use super::{binary, ternary, unary};
use crate::ScalarType;
use crate::instruction::{Binary, Ternary, Unary};

pub(crate) fn logic_of(name: &str) -> Option<Binary> {
    Some(match name {
        "and" => binary!(|a, b| a & b),
        "or" => binary!(|a, b| a | b),
        "xor" => binary!(|a, b| a ^ b),
        _ => return None,
    })
}

/// `not`, `cnot`, `popc`, `clz` and `brev` of untyped bits.
pub(crate) fn unary_of(name: &str, scalar: ScalarType) -> Option<Unary> {
    use ScalarType as T;
    Some(match (name, scalar) {
        ("not", T::B16) => unary!(|a| u64::from(!(a as u16))),
        ("not", T::B32) => unary!(|a| u64::from(!(a as u32))),
        ("not", T::B64) => unary!(|a: u64| !a),
        ("cnot", T::B16 | T::B32 | T::B64) => unary!(|a| u64::from(a == 0)),
        ("popc", T::B32 | T::B64) => unary!(|a: u64| u64::from(a.count_ones())),
        ("clz", T::B32) => unary!(|a| u64::from((a as u32).leading_zeros())),
        ("clz", T::B64) => unary!(|a: u64| u64::from(a.leading_zeros())),
        ("brev", T::B32) => unary!(|a| u64::from((a as u32).reverse_bits())),
        ("brev", T::B64) => unary!(|a: u64| a.reverse_bits()),
        _ => return None,
    })
}

/// Shifts; a distance beyond the width counts as the width.
pub(crate) fn shift_of(name: &str, scalar: ScalarType) -> Option<Binary> {
    use ScalarType as T;
    // Distances are 32-bit registers; the checked shifts fail from the width on.
    fn left(a: u64, by: u64) -> u64 {
        a.checked_shl(by as u32).unwrap_or(0)
    }
    fn right(a: u64, by: u64) -> u64 {
        a.checked_shr(by as u32).unwrap_or(0)
    }
    Some(match (name, scalar) {
        ("shl", T::B16) => binary!(|a, b| left(a, b) & 0xFFFF),
        ("shl", T::B32) => binary!(|a, b| left(a, b) & 0xFFFF_FFFF),
        ("shl", T::B64) => binary!(left),
        ("shr", T::B16 | T::B32 | T::B64 | T::U16 | T::U32 | T::U64) => binary!(right),
        ("shr", T::S16) => binary!(|a, b: u64| (a as i16 >> (b as u32).min(15)) as u16 as u64),
        ("shr", T::S32) => binary!(|a, b: u64| (a as i32 >> (b as u32).min(31)) as u32 as u64),
        ("shr", T::S64) => binary!(|a, b: u64| (a as i64 >> (b as u32).min(63)) as u64),
        _ => return None,
    })
}

/// `shf`: the pair b:a shifted by c, its upper or lower word kept.
pub(crate) fn funnel_of(left: bool, wraps: bool) -> Ternary {
    fn distance(c: u64, wraps: bool) -> u32 {
        let by = c as u32;
        if wraps { by & 31 } else { by.min(32) }
    }
    fn upper(a: u64, b: u64, by: u32) -> u64 {
        ((u128::from(b << 32 | a) << by >> 32) as u32).into()
    }
    fn lower(a: u64, b: u64, by: u32) -> u64 {
        (((b << 32 | a) >> by) as u32).into()
    }
    match (left, wraps) {
        (true, true) => ternary!(|a, b, c| upper(a, b, distance(c, true))),
        (true, false) => ternary!(|a, b, c| upper(a, b, distance(c, false))),
        (false, true) => ternary!(|a, b, c| lower(a, b, distance(c, true))),
        (false, false) => ternary!(|a, b, c| lower(a, b, distance(c, false))),
    }
}

/// `prmt`: each nibble of the selector picks one of eight bytes, or repeats its sign.
pub(crate) const PERMUTE: Ternary = ternary!(|a: u64, b: u64, c: u64| {
    let bytes = b << 32 | a;
    let pick = |place: u32| {
        let nibble = c >> (4 * place) & 0xF;
        let byte = bytes >> (8 * (nibble & 7)) & 0xFF;
        match nibble & 8 {
            0 => byte,
            _ if byte & 0x80 != 0 => 0xFF,
            _ => 0,
        }
    };
    (0..4).map(|place| pick(place) << (8 * place)).sum()
});

/// `lop3`: bit `4a + 2b + c` of the table, for each bit of the operands.
pub(crate) fn three_way(table: u8, a: u64, b: u64, c: u64) -> u64 {
    let mut result = 0;
    for row in 0..8u64 {
        if table >> row & 1 == 1 {
            let side = |value: u64, bit: u64| if row & bit == 0 { !value } else { value };
            result |= side(a, 4) & side(b, 2) & side(c, 1);
        }
    }
    result & 0xFFFF_FFFF
}

/// `bfe`: the field of length c at bit b, zero or sign extended.
pub(crate) fn extract_of(scalar: ScalarType) -> Option<Ternary> {
    use ScalarType as T;
    fn field(a: u64, b: u64, c: u64, bits: u32, signed: bool) -> u64 {
        let (at, length) = ((b & 0xFF) as u32, (c & 0xFF) as u32);
        let kept = length.min(bits.saturating_sub(at));
        let ones = |n: u32| u64::MAX.checked_shr(64 - n).unwrap_or(0);
        let value = a.checked_shr(at).unwrap_or(0) & ones(kept);
        if !signed || length == 0 {
            return value;
        }
        // The sign is the field's highest bit, or the operand's where the field passes its end.
        let sign = a >> (at.saturating_add(length) - 1).min(bits - 1) & 1;
        if sign == 0 {
            return value;
        }
        (value | !ones(kept)) & ones(bits)
    }
    Some(match scalar {
        T::U32 => ternary!(|a, b, c| field(a, b, c, 32, false)),
        T::U64 => ternary!(|a, b, c| field(a, b, c, 64, false)),
        T::S32 => ternary!(|a, b, c| field(a, b, c, 32, true)),
        T::S64 => ternary!(|a, b, c| field(a, b, c, 64, true)),
        _ => return None,
    })
}

/// `bfi`: the low `length` bits of a laid over b from bit `at` on.
pub(crate) fn insert(a: u64, b: u64, at: u64, length: u64, bits: u32) -> u64 {
    let (at, length) = ((at & 0xFF) as u32, (length & 0xFF) as u32);
    let ones = |n: u32| u64::MAX.checked_shr(64 - n.min(64)).unwrap_or(0);
    let field = ones(length).checked_shl(at).unwrap_or(0) & ones(bits);
    let moved = a.checked_shl(at).unwrap_or(0);
    b & !field | moved & field
}
