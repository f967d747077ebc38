//! Matrix instructions: products, sparse products with every selector, loads and transposes.

use super::numbers::{Kind, Numbers};
use super::{Agreement, Probe, list, words};
use crate::Element;

/// Products of at most 64 numbers up to 1, summed with numbers up to 1. A matrix unit cuts each
/// off at 2⁻²³ of the largest or finer and rounds once, so that answers differ by far less than this.
const SUMS: Agreement = Agreement::Within(1 << 14);

pub(super) fn probes() -> Vec<Probe> {
    let mut probes = Vec::new();
    for element in Element::ALL {
        for kind in [Kind::Whole, Kind::Real] {
            for k in [8, 16] {
                probes.push(product(element, kind, k));
            }
            for (k, selectors) in [(16, 4), (32, 2)] {
                for selector in 0..selectors {
                    probes.push(sparse_product(element, kind, k, selector));
                }
            }
        }
    }
    for count in [1, 2, 4] {
        for transposed in [false, true] {
            probes.push(load(count, transposed));
        }
    }
    probes.push(transpose());
    probes
}

fn agreement(kind: Kind) -> Agreement {
    match kind {
        Kind::Whole => Agreement::Exact,
        Kind::Real => SUMS,
    }
}

fn suffix(kind: Kind) -> &'static str {
    match kind {
        Kind::Whole => "whole",
        Kind::Real => "real",
    }
}

/// D = A·B + C of 16 × 8 outputs.
fn product(element: Element, kind: Kind, k: usize) -> Probe {
    let name = format!("mma_m16n8k{k}_{element}_{}", suffix(kind));
    let mut numbers = Numbers::of(&name);
    let (of_a, of_b) = (k / 4, k / 8);
    let input = words(|_| {
        let mut words: Vec<u32> = (0..of_a + of_b)
            .map(|_| numbers.halves(element, kind))
            .collect();
        words.extend((0..4).map(|_| numbers.single(kind).to_bits()));
        words
    });
    let body = format!(
        "    mma.sync.aligned.m16n8k{k}.row.col.f32.{element}.{element}.f32\n        \
         {{{}}}, {{{}}}, {{{}}}, {{{}}};\n",
        "%f0, %f1, %f2, %f3",
        list("in", 0..of_a),
        list("in", of_a..of_a + of_b),
        "%f4, %f5, %f6, %f7",
    );
    let body = with_sums(of_a + of_b, &body);
    Probe::new(name, input, 4, agreement(kind), &body)
}

/// The same with a 2:4 matrix A.
fn sparse_product(element: Element, kind: Kind, k: usize, selector: usize) -> Probe {
    let name = format!(
        "mma_sp_m16n8k{k}_{element}_selector{selector}_{}",
        suffix(kind)
    );
    let mut numbers = Numbers::of(&name);
    let (of_a, of_b) = (k / 8, k / 8);
    let input = words(|_| {
        let mut words: Vec<u32> = (0..of_a + of_b)
            .map(|_| numbers.halves(element, kind))
            .collect();
        words.extend((0..4).map(|_| numbers.single(kind).to_bits()));
        words.push(numbers.pairs());
        words
    });
    let body = format!(
        "    mma.sp::ordered_metadata.sync.aligned.m16n8k{k}.row.col.f32.{element}.{element}.f32\n        \
         {{{}}}, {{{}}}, {{{}}}, {{{}}}, %in{}, {selector:#x};\n",
        "%f0, %f1, %f2, %f3",
        list("in", 0..of_a),
        list("in", of_a..of_a + of_b),
        "%f4, %f5, %f6, %f7",
        of_a + of_b + 4,
    );
    let body = with_sums(of_a + of_b, &body);
    Probe::new(name, input, 4, agreement(kind), &body)
}

/// The four sums before, which begin at input `first`, and those after.
fn with_sums(first: usize, body: &str) -> String {
    let mut text = String::new();
    for sum in 0..4 {
        text += &format!("    mov.b32 %f{}, %in{};\n", 4 + sum, first + sum);
    }
    text += body;
    for sum in 0..4 {
        text += &format!("    mov.b32 %out{sum}, %f{sum};\n");
    }
    text
}

/// Every lane puts four words into shared memory; then rows of 16 bytes are read in another order.
fn load(count: usize, transposed: bool) -> Probe {
    let trans = if transposed { ".trans" } else { "" };
    let name = format!("ldmatrix_x{count}{}", trans.replace('.', "_"));
    let mut numbers = Numbers::of(&name);
    let input = words(|lane| {
        let mut words: Vec<u32> = (0..4).map(|_| numbers.word()).collect();
        // Row `lane` of the matrices is one of the 32 rows there are; 5 is odd, so each comes once.
        words.push(16 * ((5 * lane as u32 + 3) % 32));
        words
    });
    let mut body = String::from(
        "    mov.u32 %t0, image;\n    mad.lo.u32 %t1, %lane, 16, %t0;\n    \
         st.shared.v4.b32 [%t1], {%in0, %in1, %in2, %in3};\n    bar.sync 0;\n    \
         add.u32 %t1, %t0, %in4;\n",
    );
    body += &format!(
        "    ldmatrix.sync.aligned.m8n8.x{count}{trans}.shared.b16 {{{}}}, [%t1];\n",
        list("out", 0..count)
    );
    Probe::new(name, input, count, Agreement::Exact, &body)
}

fn transpose() -> Probe {
    let mut numbers = Numbers::of("movmatrix");
    let input = words(|_| vec![numbers.word()]);
    let body = "    movmatrix.sync.aligned.m8n8.trans.b16 %out0, %in0;\n";
    Probe::new("movmatrix", input, 1, Agreement::Exact, body)
}
