//! Float instructions against plain Rust and against exact arithmetic.

use crate::rig::{Numbers, lanewise};

/// Singles at the edges and random ones of all magnitudes.
fn singles() -> Vec<f32> {
    let mut values = vec![
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        1.5,
        2.5,
        -2.5,
        f32::MAX,
        f32::MIN,
        f32::MIN_POSITIVE,
        1e-45,
        -1e-40,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
        65504.0,
        65520.0,
        2147483648.0,
        -2147483904.0,
        4294967296.0,
    ];
    let mut numbers = Numbers(11);
    for _ in 0..200 {
        values.push(f32::from_bits(numbers.next() as u32));
        values.push((numbers.small(1 << 20) as f32) / 1024.0);
    }
    values
}

fn pairs() -> Vec<Vec<u64>> {
    let values = singles();
    let mut numbers = Numbers(5);
    let mut rows = Vec::new();
    for &a in &values {
        for &b in values.iter().take(21) {
            let c = values[numbers.below(values.len() as u64) as usize];
            rows.push([a, b, c].map(|value| u64::from(value.to_bits())).to_vec());
        }
    }
    rows
}

/// Equal bits, or both NaN.
fn same(found: u64, wanted: f32) -> bool {
    let found = f32::from_bits(found as u32);
    found.to_bits() == wanted.to_bits() || found.is_nan() && wanted.is_nan()
}

fn check(code: &str, count: usize, oracle: fn(f32, f32, f32) -> f32) {
    let mut rows = pairs();
    for row in &mut rows {
        row.truncate(count);
    }
    let found = lanewise(code, "f32", &["f32", "f32", "f32"][..count], &rows);
    for (row, found) in rows.iter().zip(found) {
        let [a, b, c] = [0, 1, 2].map(|i| f32::from_bits(row.get(i).copied().unwrap_or(0) as u32));
        let wanted = oracle(a, b, c);
        assert!(
            same(found, wanted),
            "{code} of {a:e} {b:e} {c:e}: {found:x}, not {wanted:e}"
        );
    }
}

#[test]
fn singles_round_to_nearest() {
    check("add.f32 %d, %a0, %a1;", 2, |a, b, _| a + b);
    check("sub.rn.f32 %d, %a0, %a1;", 2, |a, b, _| a - b);
    check("mul.f32 %d, %a0, %a1;", 2, |a, b, _| a * b);
    check("div.rn.f32 %d, %a0, %a1;", 2, |a, b, _| a / b);
    check("fma.rn.f32 %d, %a0, %a1, %a2;", 3, f32::mul_add);
    check("neg.f32 %d, %a0;", 1, |a, _, _| -a);
    check("abs.f32 %d, %a0;", 1, |a, _, _| a.abs());
    check("sqrt.rn.f32 %d, %a0;", 1, |a, _, _| a.sqrt());
    check("rcp.approx.f32 %d, %a0;", 1, |a, _, _| 1.0 / a);
    check("ex2.approx.f32 %d, %a0;", 1, |a, _, _| {
        f64::from(a).exp2() as f32
    });
    check("tanh.approx.f32 %d, %a0;", 1, |a, _, _| {
        f64::from(a).tanh() as f32
    });
    check("add.f32 %d, %a0, 0f3F800000;", 1, |a, _, _| a + 1.0);
    check("mul.f32 %d, %a0, 0.5;", 1, |a, _, _| a * 0.5);
}

#[test]
fn extremes_prefer_numbers_and_order_zeros() {
    check("max.f32 %d, %a0, %a1;", 2, |a, b, _| {
        if a == 0.0 && b == 0.0 {
            return if a.is_sign_positive() { a } else { b };
        }
        a.max(b)
    });
    check("min.f32 %d, %a0, %a1;", 2, |a, b, _| {
        if a == 0.0 && b == 0.0 {
            return if a.is_sign_negative() { a } else { b };
        }
        a.min(b)
    });
    check("max.NaN.f32 %d, %a0, %a1;", 2, |a, b, _| {
        if a.is_nan() || b.is_nan() {
            return f32::NAN;
        }
        if a > b || (a == b && a.is_sign_positive()) {
            a
        } else {
            b
        }
    });
}

#[test]
fn subnormals_are_flushed_on_request() {
    check("mul.ftz.f32 %d, %a0, %a1;", 2, |a, b, _| {
        let flush = |v: f32| {
            if v.is_subnormal() {
                0.0f32.copysign(v)
            } else {
                v
            }
        };
        flush(flush(a) * flush(b))
    });
}

#[test]
fn comparisons_with_nan_are_ordered_or_not() {
    type Holds = fn(f32, f32) -> bool;
    let cases: [(&str, Holds); 10] = [
        ("eq", |a, b| a == b),
        ("ne", |a, b| a != b && !a.is_nan() && !b.is_nan()),
        ("lt", |a, b| a < b),
        ("ge", |a, b| a >= b),
        ("equ", |a, b| a == b || a.is_nan() || b.is_nan()),
        ("neu", |a, b| a != b),
        ("gtu", |a, b| a > b || a.is_nan() || b.is_nan()),
        ("leu", |a, b| a <= b || a.is_nan() || b.is_nan()),
        ("num", |a, b| !a.is_nan() && !b.is_nan()),
        ("nan", |a, b| a.is_nan() || b.is_nan()),
    ];
    let rows = pairs();
    for (name, holds) in cases {
        let code = format!("setp.{name}.f32 %d, %a0, %a1;");
        let found = lanewise(&code, "pred", &["f32", "f32", "f32"], &rows);
        for (row, found) in rows.iter().zip(found) {
            let [a, b] = [row[0], row[1]].map(|bits| f32::from_bits(bits as u32));
            assert_eq!(found == 1, holds(a, b), "{name} of {a:e} and {b:e}");
        }
    }
}

#[test]
fn floats_become_integers_and_back() {
    let rows: Vec<Vec<u64>> = pairs().into_iter().map(|row| vec![row[0]]).collect();
    type Oracle = fn(f32) -> u64;
    let cases: [(&str, &str, Oracle); 6] = [
        ("cvt.rzi.s32.f32", "s32", |a| u64::from(a as i32 as u32)),
        ("cvt.rni.s32.f32", "s32", |a| {
            u64::from(a.round_ties_even() as i32 as u32)
        }),
        ("cvt.rmi.s32.f32", "s32", |a| {
            u64::from(a.floor() as i32 as u32)
        }),
        ("cvt.rpi.u32.f32", "u32", |a| u64::from(a.ceil() as u32)),
        ("cvt.rzi.u32.f32", "u32", |a| u64::from(a as u32)),
        ("cvt.rzi.u64.f32", "u64", |a| a as u64),
    ];
    for (name, output, oracle) in cases {
        let found = lanewise(&format!("{name} %d, %a0;"), output, &["f32"], &rows);
        for (row, found) in rows.iter().zip(found) {
            let a = f32::from_bits(row[0] as u32);
            assert_eq!(found, oracle(a), "{name} of {a:e}");
        }
    }
    let integers = crate::rig::rows(1);
    let found = lanewise("cvt.rn.f32.s32 %d, %a0;", "f32", &["s32"], &integers);
    for (row, found) in integers.iter().zip(found) {
        assert_eq!(found as u32, (row[0] as i32 as f32).to_bits());
    }
    let found = lanewise("cvt.rn.f32.u64 %d, %a0;", "f32", &["u64"], &integers);
    for (row, found) in integers.iter().zip(found) {
        assert_eq!(found as u32, (row[0] as f32).to_bits());
    }
}

/// bfloat16 by the rule of hardware: add half of the last place, minus one for even.
fn bf16(value: f32) -> u64 {
    if value.is_nan() {
        return 0x7FFF;
    }
    let bits = value.to_bits();
    u64::from((bits + 0x7FFF + (bits >> 16 & 1)) >> 16)
}

#[test]
fn halves_round_to_nearest_even() {
    let rows = pairs();
    let found = lanewise("cvt.rn.bf16x2.f32 %d, %a0, %a1;", "b32", &["f32"; 3], &rows);
    for (row, found) in rows.iter().zip(found) {
        let [a, b] = [row[0], row[1]].map(|bits| bf16(f32::from_bits(bits as u32)));
        assert_eq!(found, a << 16 | b);
    }
    let found = lanewise("cvt.rn.bf16.f32 %d, %a0;", "b16", &["f32"; 3], &rows);
    for (row, found) in rows.iter().zip(found) {
        assert_eq!(found, bf16(f32::from_bits(row[0] as u32)));
    }
    // Every binary16 is the nearest to itself; a third of a step above it changes nothing.
    let halves: Vec<Vec<u64>> = (0..0x7C00).step_by(7).map(|bits| vec![bits]).collect();
    let code = ".reg .f32 %f; cvt.f32.f16 %f, %a0; cvt.rn.f16.f32 %d, %f;";
    let found = lanewise(code, "b16", &["f16"], &halves);
    assert!(halves.iter().zip(found).all(|(row, found)| row[0] == found));
}

#[test]
fn pairs_of_halves_are_rounded_once() {
    // Small whole numbers and quarters: exact in double precision, rounded by the crate's own
    // conversion, which has its own proof.
    let mut numbers = Numbers(3);
    let value = |numbers: &mut Numbers| numbers.small(1 << 9) as f32 / 4.0;
    let rows: Vec<Vec<u64>> = (0..400)
        .map(|_| {
            (0..3)
                .map(|_| {
                    let (low, high) = (value(&mut numbers), value(&mut numbers));
                    bf16(high) << 16 | bf16(low)
                })
                .collect()
        })
        .collect();
    let halves = |word: u64| [word << 16, word & 0xFFFF_0000].map(|b| f32::from_bits(b as u32));
    let found = lanewise(
        "fma.rn.bf16x2 %d, %a0, %a1, %a2;",
        "b32",
        &["b32"; 3],
        &rows,
    );
    for (row, found) in rows.iter().zip(found) {
        let [a, b, c] = [row[0], row[1], row[2]].map(halves);
        let wanted = [0, 1].map(|half| bf16(a[half].mul_add(b[half], c[half])));
        assert_eq!(found, wanted[1] << 16 | wanted[0]);
    }
    let found = lanewise("max.bf16x2 %d, %a0, %a1;", "b32", &["b32"; 3], &rows);
    for (row, found) in rows.iter().zip(found) {
        let [a, b] = [row[0], row[1]].map(halves);
        let wanted = [0, 1].map(|half| bf16(if a[half] > b[half] { a[half] } else { b[half] }));
        assert_eq!(found, wanted[1] << 16 | wanted[0]);
    }
}

#[test]
fn halves_compare_as_their_values() {
    // The bits of positive halves ascend as their values do.
    let mut numbers = Numbers(8);
    let rows: Vec<Vec<u64>> = (0..400)
        .map(|_| (0..2).map(|_| numbers.below(0x1_0000) & 0xFBFF).collect())
        .collect();
    let order = |bits: u64| {
        let magnitude = (bits & 0x7FFF) as i64;
        if bits & 0x8000 == 0 {
            magnitude
        } else {
            -magnitude
        }
    };
    let found = lanewise("setp.gt.f16 %d, %a0, %a1;", "pred", &["f16"; 2], &rows);
    for (row, found) in rows.iter().zip(found) {
        assert_eq!(found == 1, order(row[0]) > order(row[1]), "{row:x?}");
    }
}
