//! 16-bit numbers to singles and back, and what is done with a sum before it is rounded.

use super::address;
use crate::{Activation, Element};

/// The two numbers of a 32-bit word as singles, the lower half first.
///
/// A bfloat16 is the upper half of a single; `cvt.f32.bf16` would need sm_90.
pub(crate) fn widen(element: Element, word: &str, low: &str, high: &str) -> String {
    match element {
        Element::Bf16 => format!(
            "shl.b32 {low}, {word}, 16;
            and.b32 {high}, {word}, 0xFFFF0000;"
        ),
        Element::F16 => format!(
            "{{
            .reg .b16 %lower, %upper;
            mov.b32 {{%lower, %upper}}, {word};
            cvt.f32.f16 {low}, %lower;
            cvt.f32.f16 {high}, %upper;
            }}"
        ),
    }
}

/// Two singles to a 32-bit word, the first in its lower half; to nearest, ties to even.
pub(crate) fn narrow(element: Element, word: &str, low: &str, high: &str) -> String {
    format!("cvt.rn.{element}x2.f32 {word}, {high}, {low};")
}

/// Declares what [`activate`] needs and reads the parameter `activation`.
pub(crate) fn choose_activation() -> String {
    let (relu, gelu) = (Activation::Relu as u32, Activation::Gelu as u32);
    format!(
        "// Which activation: the same for the whole grid.
        .reg .pred %is_relu, %is_gelu;
        .reg .f32 %power;
        {{
        .reg .b32 %activation;
        ld.param.u32 %activation, [activation];
        setp.eq.u32 %is_relu, %activation, {relu};
        setp.eq.u32 %is_gelu, %activation, {gelu};
        }}"
    )
}

/// Puts singles through the activation; `label` makes the labels of this place unlike others.
///
/// ReLU keeps NaN. GELU is x·σ(2u) = x / (1 + 2^(v·(a + b·v²))) with u = √(2/π)·(x + 0.044715 x³),
/// a = −2·√(2/π)·log₂e and b = 0.044715·a; as by the formula −∞ gives NaN.
pub(crate) fn activate(values: &[String], label: &str) -> String {
    let mut lines = format!(
        "@%is_relu bra RELU{label};
        @%is_gelu bra GELU{label};
        bra ACTIVATED{label};
        RELU{label}:\n"
    );
    for value in values {
        lines += &format!("max.NaN.f32 {value}, {value}, 0f00000000;\n");
    }
    lines += &format!("bra ACTIVATED{label};\nGELU{label}:\n");
    let linear = -2.0 * (2.0 / std::f64::consts::PI).sqrt() * std::f64::consts::LOG2_E;
    let (linear, cubic) = (single(linear), single(0.044715 * linear));
    for value in values {
        lines += &format!(
            "mul.f32 %power, {value}, {value};
            fma.rn.f32 %power, %power, {cubic}, {linear};
            mul.f32 %power, %power, {value};
            ex2.approx.ftz.f32 %power, %power;
            add.f32 %power, %power, 0f3F800000;
            rcp.approx.ftz.f32 %power, %power;
            mul.f32 {value}, {value}, %power;\n"
        );
    }
    lines + &format!("ACTIVATED{label}:")
}

/// A single as PTX writes it.
fn single(value: f64) -> String {
    format!("0f{:08X}", (value as f32).to_bits())
}

/// Loads 16 bytes, eight numbers, into `words`, those from `%inside` on as zeros.
///
/// `at` is a global address, a multiple of 16; nothing beyond the numbers inside is read.
pub(crate) fn load_chunk(at: &str, inside: &str, words: [&str; 4], label: &str) -> String {
    let [w0, w1, w2, w3] = words;
    let mut lines = format!(
        "{{
        .reg .pred %whole, %here;
        .reg .b16 %number<8>;
        setp.ge.s32 %whole, {inside}, 8;
        @%whole ld.global.nc.v4.u32 {{{w0}, {w1}, {w2}, {w3}}}, [{at}];
        @%whole bra LOADED{label};\n"
    );
    for index in 0..8 {
        let number = address(at, 2 * index);
        lines += &format!(
            "setp.gt.s32 %here, {inside}, {index};
            mov.u16 %number{index}, 0;
            @%here ld.global.nc.u16 %number{index}, {number};\n"
        );
    }
    for (index, word) in words.into_iter().enumerate() {
        let (low, high) = (2 * index, 2 * index + 1);
        lines += &format!("mov.b32 {word}, {{%number{low}, %number{high}}};\n");
    }
    lines + &format!("LOADED{label}:\n}}")
}
