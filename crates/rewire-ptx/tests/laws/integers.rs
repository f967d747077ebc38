//! Integer and bit instructions against plain Rust, on edges and random numbers.

use crate::rig::{lanewise, low, rows};

type Oracle = fn(u64, u64, u64) -> u64;

fn check(code: &str, output: &str, inputs: &[&str], oracle: Oracle) {
    let rows = rows(inputs.len());
    let bits = if output == "pred" {
        1
    } else {
        output[1..].parse().unwrap()
    };
    let found = lanewise(code, output, inputs, &rows);
    for (row, found) in rows.iter().zip(found) {
        let [a, b, c] = [0, 1, 2].map(|index| row.get(index).copied().unwrap_or(0));
        assert_eq!(found, low(oracle(a, b, c), bits), "{code} of {row:x?}");
    }
}

fn check2(name: &str, scalar: &str, oracle: Oracle) {
    let code = format!("{name}.{scalar} %d, %a0, %a1;");
    check(&code, scalar, &[scalar; 2], oracle);
}

#[test]
fn sums_and_products_wrap() {
    for scalar in ["u16", "s16", "u32", "s32", "u64", "s64"] {
        check2("add", scalar, |a, b, _| a.wrapping_add(b));
        check2("sub", scalar, |a, b, _| a.wrapping_sub(b));
        check2("mul.lo", scalar, |a, b, _| a.wrapping_mul(b));
        let code = format!("mad.lo.{scalar} %d, %a0, %a1, %a2;");
        check(&code, scalar, &[scalar; 3], |a, b, c| {
            a.wrapping_mul(b).wrapping_add(c)
        });
    }
    check2("mul.hi", "u32", |a, b, _| {
        ((a & 0xFFFF_FFFF) * (b & 0xFFFF_FFFF)) >> 32
    });
    check2("mul.hi", "s32", |a, b, _| {
        ((i64::from(a as i32) * i64::from(b as i32)) >> 32) as u64
    });
    check2("mul.hi", "u64", |a, b, _| {
        ((u128::from(a) * u128::from(b)) >> 64) as u64
    });
    check2("mul.hi", "s64", |a, b, _| {
        ((i128::from(a as i64) * i128::from(b as i64)) >> 64) as u64
    });
    check2("mul.hi", "u16", |a, b, _| {
        ((a & 0xFFFF) * (b & 0xFFFF)) >> 16
    });
    check(
        "mul.wide.s32 %d, %a0, %a1;",
        "s64",
        &["s32"; 2],
        |a, b, _| (i64::from(a as i32) * i64::from(b as i32)) as u64,
    );
    check(
        "mul.wide.u16 %d, %a0, %a1;",
        "u32",
        &["u16"; 2],
        |a, b, _| (a & 0xFFFF) * (b & 0xFFFF),
    );
    check(
        "mad.wide.u32 %d, %a0, %a1, %a2;",
        "u64",
        &["u32", "u32", "u64"],
        |a, b, c| ((a & 0xFFFF_FFFF) * (b & 0xFFFF_FFFF)).wrapping_add(c),
    );
    check(
        "mad.wide.s16 %d, %a0, %a1, %a2;",
        "s32",
        &["s16", "s16", "s32"],
        |a, b, c| (i64::from(a as i16) * i64::from(b as i16)).wrapping_add(c as i64) as u64,
    );
}

#[test]
fn quotients_round_towards_zero() {
    check2("div", "u32", |a, b, _| {
        (a as u32).checked_div(b as u32).unwrap_or(u32::MAX).into()
    });
    check2("rem", "u32", |a, b, _| {
        (a as u32).checked_rem(b as u32).unwrap_or(a as u32).into()
    });
    check2("div", "s32", |a, b, _| match b as i32 {
        0 => u64::MAX,
        b => (i64::from(a as i32) / i64::from(b)) as u64,
    });
    check2("rem", "s32", |a, b, _| match b as i32 {
        0 => a,
        b => (i64::from(a as i32) % i64::from(b)) as u64,
    });
    check2("div", "u64", |a, b, _| a.checked_div(b).unwrap_or(u64::MAX));
    check2("rem", "s64", |a, b, _| match b as i64 {
        0 => a,
        b => (a as i64).wrapping_rem(b) as u64,
    });
}

#[test]
fn extremes_and_signs() {
    check2("min", "u32", |a, b, _| (a as u32).min(b as u32).into());
    check2("max", "s32", |a, b, _| (a as i32).max(b as i32) as u64);
    check2("min", "s16", |a, b, _| (a as i16).min(b as i16) as u64);
    check2("max", "u64", |a, b, _| a.max(b));
    check("abs.s32 %d, %a0;", "s32", &["s32"], |a, _, _| {
        (a as i32).wrapping_abs() as u64
    });
    check("neg.s64 %d, %a0;", "s64", &["s64"], |a, _, _| {
        a.wrapping_neg()
    });
    check("neg.s16 %d, %a0;", "s16", &["s16"], |a, _, _| {
        a.wrapping_neg()
    });
}

#[test]
fn comparisons_know_signs() {
    let compare = |name: &str, scalar: &str, oracle: Oracle| {
        let code = format!("setp.{name}.{scalar} %d, %a0, %a1;");
        check(&code, "pred", &[scalar; 2], oracle);
    };
    compare("lt", "u32", |a, b, _| ((a as u32) < b as u32).into());
    compare("lt", "s32", |a, b, _| ((a as i32) < b as i32).into());
    compare("ge", "s64", |a, b, _| (a as i64 >= b as i64).into());
    compare("hi", "u64", |a, b, _| (a > b).into());
    compare("ls", "u16", |a, b, _| (a as u16 <= b as u16).into());
    compare("ne", "b32", |a, b, _| (a as u32 != b as u32).into());
    compare("eq", "b64", |a, b, _| (a == b).into());
    check(
        "setp.lt.s32 %q0, %a0, 5; setp.gt.or.u32 %d, %a0, %a1, %q0;",
        "pred",
        &["s32"; 2],
        |a, b, _| (a as u32 > b as u32 || (a as i32) < 5).into(),
    );
    // The second predicate is joined from the opposite of the comparison.
    check(
        "setp.lt.s32 %q0, %a0, 5; setp.gt.and.u32 %q1|%d, %a0, %a1, !%q0;",
        "pred",
        &["s32"; 2],
        |a, b, _| (a as u32 <= b as u32 && (a as i32) >= 5).into(),
    );
    check(
        "setp.ge.s32 %q0, %a0, 5; setp.eq.s32 %q1, %a1, 0; xor.pred %q2, %q0, %q1; not.pred %d, %q2;",
        "pred",
        &["s32"; 2],
        |a, b, _| (((a as i32) >= 5) == (b as u32 == 0)).into(),
    );
    check(
        "setp.ge.s32 %q0, %a0, %a1; selp.b32 %d, %a0, 17, %q0;",
        "b32",
        &["s32"; 2],
        |a, b, _| if a as i32 >= b as i32 { a } else { 17 },
    );
}

#[test]
fn shifts_clamp_their_distance() {
    let shift = |name: &str, scalar: &str, oracle: Oracle| {
        let code = format!("{name}.{scalar} %d, %a0, %a1;");
        check(&code, scalar, &[scalar, "u32"], oracle);
    };
    shift("shl", "b32", |a, b, _| a.checked_shl(b as u32).unwrap_or(0));
    shift("shl", "b64", |a, b, _| a.checked_shl(b as u32).unwrap_or(0));
    shift("shl", "b16", |a, b, _| a.checked_shl(b as u32).unwrap_or(0));
    shift("shr", "u32", |a, b, _| {
        (a as u32).checked_shr(b as u32).unwrap_or(0).into()
    });
    shift("shr", "s32", |a, b, _| {
        (i64::from(a as i32) >> (b as u32).min(63)) as u64
    });
    shift("shr", "s64", |a, b, _| {
        ((a as i64) >> (b as u32).min(63)) as u64
    });
    shift("shr", "b16", |a, b, _| {
        (a & 0xFFFF).checked_shr(b as u32).unwrap_or(0)
    });
    let funnel = |name: &str, oracle: Oracle| {
        check(
            &format!("shf.{name}.b32 %d, %a0, %a1, %a2;"),
            "b32",
            &["b32"; 3],
            oracle,
        );
    };
    funnel("l.wrap", |a, b, c| {
        ((b << 32 | a & 0xFFFF_FFFF) << (c & 31)) >> 32
    });
    funnel("r.wrap", |a, b, c| (b << 32 | a & 0xFFFF_FFFF) >> (c & 31));
    funnel("r.clamp", |a, b, c| {
        (b << 32 | a & 0xFFFF_FFFF) >> (c as u32).min(32)
    });
    funnel("l.clamp", |a, b, c| match (c as u32).min(32) {
        32 => a,
        by => ((b << 32 | a & 0xFFFF_FFFF) << by) >> 32,
    });
}

#[test]
fn bits_are_picked_and_counted() {
    check2("and", "b32", |a, b, _| a & b);
    check2("or", "b16", |a, b, _| a | b);
    check2("xor", "b64", |a, b, _| a ^ b);
    check("not.b32 %d, %a0;", "b32", &["b32"], |a, _, _| !a);
    check("cnot.b32 %d, %a0;", "b32", &["b32"], |a, _, _| {
        (a as u32 == 0).into()
    });
    check("popc.b64 %d, %a0;", "b32", &["b64"], |a, _, _| {
        a.count_ones().into()
    });
    check("clz.b32 %d, %a0;", "b32", &["b32"], |a, _, _| {
        (a as u32).leading_zeros().into()
    });
    check("brev.b32 %d, %a0;", "b32", &["b32"], |a, _, _| {
        (a as u32).reverse_bits().into()
    });
    // Tables of the ISA's own examples: a & b & c, a | b | c, a & b & !c, (a & b | c) ^ a.
    let tables: [(u32, Oracle); 4] = [
        (0x80, |a, b, c| a & b & c),
        (0xFE, |a, b, c| a | b | c),
        (0x40, |a, b, c| a & b & !c),
        (0x1A, |a, b, c| (a & b | c) ^ a),
    ];
    for (table, oracle) in tables {
        let code = format!("lop3.b32 %d, %a0, %a1, %a2, {table};");
        check(&code, "b32", &["b32"; 3], oracle);
    }
    check(
        "prmt.b32 %d, %a0, %a1, %a2;",
        "b32",
        &["b32"; 3],
        |a, b, c| {
            let bytes = [(a as u32).to_le_bytes(), (b as u32).to_le_bytes()].concat();
            let pick = |place: u32| {
                let nibble = (c >> (4 * place) & 15) as usize;
                let byte = bytes[nibble & 7];
                if nibble < 8 {
                    byte
                } else {
                    (byte as i8 >> 7) as u8
                }
            };
            u32::from_le_bytes([pick(0), pick(1), pick(2), pick(3)]).into()
        },
    );
}

#[test]
fn fields_are_taken_and_laid() {
    check(
        "bfe.u32 %d, %a0, %a1, %a2;",
        "u32",
        &["u32"; 3],
        |a, b, c| {
            let (at, length) = (b & 255, c & 255);
            (0..length.min(64))
                .filter(|bit| at + bit < 32 && a >> (at + bit) & 1 == 1)
                .fold(0, |field, bit| field | 1 << bit)
        },
    );
    check(
        "bfe.s32 %d, %a0, %a1, %a2;",
        "s32",
        &["s32"; 3],
        |a, b, c| {
            let (at, length) = (b & 255, c & 255);
            let bit = |place: u64| a >> place.min(31) & 1;
            if length == 0 {
                return 0;
            }
            let sign = bit(at + length - 1);
            (0..32).fold(0, |field, place| {
                let taken = if place < length && at + place <= 31 {
                    bit(at + place)
                } else {
                    sign
                };
                field | taken << place
            })
        },
    );
    check(
        "bfi.b32 %d, %a0, %a1, %a2, 9;",
        "b32",
        &["b32"; 3],
        |a, b, c| {
            let at = c & 255;
            (0..32).fold(0, |word, place| {
                let inside = place >= at && place < at + 9;
                let bit = if inside {
                    a >> (place - at) & 1
                } else {
                    b >> place & 1
                };
                word | bit << place
            })
        },
    );
}

#[test]
fn moves_pack_and_unpack() {
    check("mov.b32 %d, {%a0, %a1};", "b32", &["b16"; 2], |a, b, _| {
        a & 0xFFFF | b << 16
    });
    check("mov.b64 %d, {%a0, %a1};", "b64", &["b32"; 2], |a, b, _| {
        a & 0xFFFF_FFFF | b << 32
    });
    check(
        ".reg .b16 %x, %y; mov.b32 {%x, %y}, %a0; mov.b32 %d, {%y, %x};",
        "b32",
        &["b32"],
        |a, _, _| (a as u32).rotate_left(16).into(),
    );
    check(
        ".reg .b32 %y; mov.b64 {_, %y}, %a0; mov.b32 %d, %y;",
        "b32",
        &["b64"],
        |a, _, _| a >> 32,
    );
    check("mov.u64 %d, -3;", "b64", &[], |_, _, _| -3i64 as u64);
}

#[test]
fn integers_change_their_width() {
    check("cvt.u64.u32 %d, %a0;", "u64", &["u32"], |a, _, _| {
        u64::from(a as u32)
    });
    check("cvt.s64.s32 %d, %a0;", "s64", &["s32"], |a, _, _| {
        a as i32 as u64
    });
    check("cvt.u16.u32 %d, %a0;", "u16", &["u32"], |a, _, _| a);
    check("cvt.s32.s8 %d, %a0;", "s32", &["b32"], |a, _, _| {
        a as i8 as u64
    });
    check("cvt.u32.u8 %d, %a0;", "u32", &["b16"], |a, _, _| {
        u64::from(a as u8)
    });
    check("cvt.s8.s32 %d, %a0;", "s32", &["b32"], |a, _, _| {
        a as i8 as u64
    });
    check("cvt.sat.u8.s32 %d, %a0;", "u32", &["s32"], |a, _, _| {
        (a as i32).clamp(0, 255) as u64
    });
    check("cvt.sat.s16.s32 %d, %a0;", "s32", &["s32"], |a, _, _| {
        (a as i32).clamp(-32768, 32767) as u64
    });
}
