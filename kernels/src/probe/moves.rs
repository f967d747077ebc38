//! Copies, exchanges between lanes and conversions.

use super::numbers::Numbers;
use super::{Agreement, Probe, words};

/// `ex2.approx` and `rcp.approx` promise 2⁻²² of the result; those here stay below 4.
const APPROXIMATE: Agreement = Agreement::Within(1 << 19);

/// Singles at the edges of 16-bit types: ties, overflow, subnormals, zeros, infinities.
const EDGES: [f32; 16] = [
    0.0,
    -0.0,
    1.0 + 1.0 / 256.0,
    1.0 + 3.0 / 256.0,
    -1.0 - 1.0 / 256.0,
    1.0 + 1.0 / 2048.0,
    1.0 + 3.0 / 2048.0,
    65_504.0,
    65_519.0,
    65_520.0,
    3.39e38,
    5.960_464_5e-8,
    2.980_232_2e-8,
    1e-40,
    f32::INFINITY,
    f32::NEG_INFINITY,
];

pub(super) fn probes() -> Vec<Probe> {
    let mut probes = Vec::new();
    for size in [4, 8, 16] {
        probes.push(copy(size));
    }
    for mode in ["up", "down", "bfly", "idx"] {
        probes.push(exchange(mode));
    }
    for element in ["bf16", "f16"] {
        probes.push(round(element));
    }
    probes.push(widen());
    for operation in ["ex2.approx.f32", "rcp.approx.f32"] {
        probes.push(approximate(operation));
    }
    probes.push(permute());
    probes
}

/// `cp.async` of fewer bytes than it writes: the rest is zeros.
fn copy(size: usize) -> Probe {
    let name = format!("cp_async_{size}");
    let mut numbers = Numbers::of(&name);
    let count = size / 4;
    let input = words(|lane| {
        let mut words: Vec<u32> = (0..4).map(|_| numbers.word()).collect();
        words.push((lane % (size + 1)) as u32);
        words
    });
    let how = if size == 16 { "cg" } else { "ca" };
    // Rows of input are 20 bytes; the copied ones have to be aligned, so they go by way of the
    // output, which is as wide as a copy.
    let mut body = String::from("    mov.u32 %t0, image;\n");
    for word in 0..count {
        body += &format!("    st.global.b32 [%to+{}], %in{word};\n", 4 * word);
    }
    body += &format!(
        "    mad.lo.u32 %t1, %lane, {size}, %t0;\n    \
         cp.async.{how}.shared.global [%t1], [%to], {size}, %in4;\n    \
         cp.async.commit_group;\n    cp.async.wait_group 0;\n    bar.sync 0;\n"
    );
    for word in 0..count {
        body += &format!("    ld.shared.b32 %out{word}, [%t1+{}];\n", 4 * word);
    }
    Probe::new(name, input, count, Agreement::Exact, &body)
}

/// `shfl.sync` over the whole warp and over segments of 8, and whether the source was in reach.
fn exchange(mode: &str) -> Probe {
    let name = format!("shfl_{mode}");
    let mut numbers = Numbers::of(&name);
    let input = words(|_| vec![numbers.word(), numbers.below(8)]);
    // Segments of 8 lanes; `up` stops at the first lane of one, the others at the last.
    let (whole, segment) = if mode == "up" {
        ("0x0", "0x1800")
    } else {
        ("0x1f", "0x181f")
    };
    let mut body = String::new();
    for (out, clamp) in [(0, whole), (2, segment)] {
        body += &format!(
            "    shfl.sync.{mode}.b32 %out{out}|%p, %in0, %in1, {clamp}, 0xffffffff;\n    \
             selp.u32 %out{}, 1, 0, %p;\n",
            out + 1
        );
    }
    Probe::new(name, input, 4, Agreement::Exact, &body)
}

fn edge(numbers: &mut Numbers, index: usize) -> u32 {
    match EDGES.get(index) {
        Some(edge) => edge.to_bits(),
        // Between 2⁻¹⁶ and 2¹⁵, of either sign.
        None => numbers.word() & 0x807F_FFFF | (111 + numbers.below(32)) << 23,
    }
}

/// Two singles into one word of 16-bit numbers.
fn round(element: &str) -> Probe {
    let name = format!("cvt_rn_{element}x2_f32");
    let mut numbers = Numbers::of(&name);
    let input = words(|lane| vec![edge(&mut numbers, lane), edge(&mut numbers, lane + 5)]);
    let body = format!(
        "    mov.b32 %f0, %in0;\n    mov.b32 %f1, %in1;\n    cvt.rn.{element}x2.f32 %out0, %f0, %f1;\n"
    );
    Probe::new(name, input, 1, Agreement::Exact, &body)
}

/// An IEEE half into a single; bfloat16 needs no instruction.
fn widen() -> Probe {
    let mut numbers = Numbers::of("cvt_f32_f16");
    let special = [
        0x0000, 0x8000, 0x0001, 0x83FF, 0x7BFF, 0x7C00, 0xFC00, 0x3C00,
    ];
    let input = words(|lane| {
        vec![
            special
                .get(lane)
                .copied()
                .unwrap_or(numbers.word() & 0xBBFF),
        ]
    });
    let body = "    cvt.u16.u32 %h0, %in0;\n    cvt.f32.f16 %f0, %h0;\n    mov.b32 %out0, %f0;\n";
    Probe::new("cvt_f32_f16", input, 1, Agreement::Exact, body)
}

/// A function that hardware computes approximately, of numbers from 1/2 to 2 of either sign.
fn approximate(operation: &str) -> Probe {
    let name = operation.replace('.', "_");
    let mut numbers = Numbers::of(&name);
    let input = words(|_| vec![numbers.word() & 0x807F_FFFF | (126 + numbers.below(2)) << 23]);
    let body =
        format!("    mov.b32 %f0, %in0;\n    {operation} %f1, %f0;\n    mov.b32 %out0, %f1;\n");
    Probe::new(name, input, 1, APPROXIMATE, &body)
}

/// Bytes chosen from two words.
fn permute() -> Probe {
    let mut numbers = Numbers::of("prmt");
    let input = words(|_| vec![numbers.word(), numbers.word(), numbers.word() & 0xFFFF]);
    let body = "    prmt.b32 %out0, %in0, %in1, %in2;\n";
    Probe::new("prmt", input, 1, Agreement::Exact, body)
}
