//! Kernels of one instruction: what hardware answered once, an emulator can be held to.
//!
//! A probe is one warp. Each lane gets some words, does one thing with them and leaves some words.
//! Inputs are a function of the probe alone, so that an answer recorded on a GPU (`fixtures/`) can be
//! compared with that of any other machine.
//!
//! Lanes that an instruction does not choose, such as those whose metadata a sparsity selector
//! passes over, get legal words of their own, so that a wrong belief about the choice shows.

mod answers;
mod matrices;
mod moves;
mod numbers;

use std::sync::LazyLock;

pub use answers::{AnswerError, Answers};

use crate::{Argument, Call, Code, Need, SizeError};

/// Lanes of a warp.
const LANES: usize = 32;

/// All probes, in the order in which they are recorded.
static PROBES: LazyLock<Vec<Probe>> = LazyLock::new(|| {
    let mut probes = matrices::probes();
    probes.extend(moves::probes());
    probes
});

/// A kernel of one instruction with its input.
#[derive(Clone, Debug)]
pub struct Probe {
    name: String,
    text: String,
    /// Words of each lane, lane after lane.
    input: Vec<u32>,
    output_words: usize,
    agreement: Agreement,
}

/// How equal the answers of two machines are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// To the bit.
    Exact,
    /// Each word is a single; the two differ by at most 1/this.
    Within(u32),
}

impl Probe {
    /// All of them.
    pub fn all() -> &'static [Self] {
        &PROBES
    }

    /// A probe of one warp: `body` finds the words of its lane in `%in0`, `%in1` … and leaves
    /// `output_words` in `%out0` …
    fn new(
        name: impl Into<String>,
        input: Vec<u32>,
        output_words: usize,
        agreement: Agreement,
        body: &str,
    ) -> Self {
        let text = text(input.len() / LANES, output_words, body);
        Self {
            name: name.into(),
            text,
            input,
            output_words,
            agreement,
        }
    }

    /// What is probed, such as `mma_sp_m16n8k32_bf16_selector1_whole`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The kernel. Its entry is called `probe`.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The words that the kernel gets, lane after lane.
    pub fn input(&self) -> &[u32] {
        &self.input
    }

    /// Words that it leaves, lane after lane.
    pub const fn output_words(&self) -> usize {
        LANES * self.output_words
    }

    /// How equal answers have to be.
    pub const fn agreement(&self) -> Agreement {
        self.agreement
    }

    /// The first word in which two answers differ more than they may: its number and the two words.
    pub fn difference(&self, left: &[u32], right: &[u32]) -> Option<(usize, u32, u32)> {
        let differs = |(left, right): (u32, u32)| match self.agreement {
            Agreement::Exact => left != right,
            Agreement::Within(parts) => {
                let (left, right) = (f32::from_bits(left), f32::from_bits(right));
                let distance = (f64::from(left) - f64::from(right)).abs();
                let is_close = distance <= 1.0 / f64::from(parts);
                // Not a number is close to nothing but itself.
                !is_close && left.to_bits() != right.to_bits()
            }
        };
        let pairs = left.iter().copied().zip(right.iter().copied());
        let at = pairs.enumerate().find(|&(_, pair)| differs(pair));
        at.map(|(at, (left, right))| (at, left, right))
    }

    /// What is compiled and launched.
    pub fn code(&'static self) -> Code {
        Code {
            name: &self.name,
            element: None,
            entry: "probe",
            text: &self.text,
        }
    }

    /// The call: input, output.
    ///
    /// # Errors
    /// None for a probe of one block.
    pub fn call(&'static self) -> Result<Call, SizeError> {
        let (read, written) = (4 * self.input.len() as u64, 4 * self.output_words() as u64);
        let arguments: Vec<Argument> = vec![
            Need::read("inputs", read, read),
            Need::write("outputs", written, written),
        ];
        Call::new(self.code(), 1, LANES as u32, 0, arguments, 0)
    }
}

/// The whole kernel around a body.
fn text(input_words: usize, output_words: usize, body: &str) -> String {
    let mut text = format!(
        "\
.version 8.5
.target sm_80
.address_size 64

.visible .entry probe(.param .u64 inputs, .param .u64 outputs)
.maxntid {LANES}, 1, 1
{{
    .reg .b32 %lane, %in<{input_words}>, %out<{output_words}>, %t<8>;
    .reg .b16 %h<8>;
    .reg .f32 %f<8>;
    .reg .pred %p;
    .reg .b64 %from, %to;
    .shared .align 128 .b8 image[4096];

    mov.u32 %lane, %tid.x;
    ld.param.u64 %from, [inputs];
    ld.param.u64 %to, [outputs];
    mad.wide.u32 %from, %lane, {}, %from;
    mad.wide.u32 %to, %lane, {}, %to;
",
        4 * input_words,
        4 * output_words
    );
    for word in 0..input_words {
        text += &format!("    ld.global.b32 %in{word}, [%from+{}];\n", 4 * word);
    }
    text += body;
    for word in 0..output_words {
        text += &format!("    st.global.b32 [%to+{}], %out{word};\n", 4 * word);
    }
    text + "    ret;\n}\n"
}

/// `%in3, %in4, %in5` for 3..6.
fn list(name: &str, range: std::ops::Range<usize>) -> String {
    let names: Vec<String> = range.map(|index| format!("%{name}{index}")).collect();
    names.join(", ")
}

/// The words of all lanes, from a function of the lane.
fn words(of_lane: impl FnMut(usize) -> Vec<u32>) -> Vec<u32> {
    (0..LANES).flat_map(of_lane).collect()
}
