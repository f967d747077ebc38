//! Small kernels around one instruction, and numbers to try it on.

use rewire_ptx::{Argument, Fault, Launch, Memory, Module, PtxErrorKind};

/// Opens every text.
pub(crate) const HEADER: &str = ".version 8.5\n.target sm_80\n.address_size 64\n";

/// Values at the edges of every width, and a few between.
pub(crate) const EDGES: [u64; 21] = [
    0,
    1,
    2,
    3,
    31,
    32,
    33,
    63,
    64,
    0x7F,
    0xFF,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x7FFF_FFFF,
    0x8000_0000,
    0xFFFF_FFFF,
    0x1_0000_0000,
    0x7FFF_FFFF_FFFF_FFFF,
    0x8000_0000_0000_0000,
    u64::MAX,
];

/// A sequence of random numbers (splitmix64).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// A whole number from −`most` to `most`.
    pub(crate) fn small(&mut self, most: i64) -> i64 {
        self.below(2 * most as u64 + 1) as i64 - most
    }
}

/// The bits of a type such as `b32`.
pub(crate) fn bits_of(scalar: &str) -> u32 {
    match scalar {
        "bf16" => 16,
        "pred" => 1,
        _ => scalar[1..].parse().unwrap(),
    }
}

fn untyped(scalar: &str) -> String {
    format!("b{}", bits_of(scalar))
}

/// The low bits of a value.
pub(crate) fn low(value: u64, bits: u32) -> u64 {
    if bits == 64 {
        value
    } else {
        value & ((1 << bits) - 1)
    }
}

/// The text of a kernel whose threads each put operands into `%a0`, `%a1` … and what `code` leaves
/// in `%d` into the output.
fn lanewise_text(code: &str, output: &str, inputs: &[&str]) -> String {
    let mut text = format!("{HEADER}.visible .entry one(.param .u64 out, .param .u32 n");
    for index in 0..inputs.len() {
        text += &format!(", .param .u64 in{index}");
    }
    text += ")\n{\n.reg .b32 %n, %i, %t, %size; .reg .b64 %p, %at; .reg .pred %end, %q<4>;\n";
    text += "mov.u32 %i, %ctaid.x; mov.u32 %size, %ntid.x; mov.u32 %t, %tid.x;\n";
    text += "mad.lo.u32 %i, %i, %size, %t; ld.param.u32 %n, [n]; setp.ge.u32 %end, %i, %n;\n";
    text += "@%end bra DONE;\n";
    for (index, input) in inputs.iter().enumerate() {
        let untyped = untyped(input);
        text += &format!(
            ".reg .{untyped} %a{index}; ld.param.u64 %p, [in{index}]; mul.wide.u32 %at, %i, 8;\n\
             add.u64 %p, %p, %at; ld.global.{untyped} %a{index}, [%p];\n"
        );
    }
    let kind = if output == "pred" {
        "pred".into()
    } else {
        untyped(output)
    };
    text += &format!(".reg .{kind} %d;\n{code}\n");
    text += "ld.param.u64 %p, [out]; mul.wide.u32 %at, %i, 8; add.u64 %p, %p, %at;\n";
    text += match bits_of(output) {
        1 => ".reg .b64 %o; selp.b64 %o, 1, 0, %d; st.global.b64 [%p], %o;\n".to_owned(),
        bits => format!(
            ".reg .b64 %zero; mov.b64 %zero, 0; st.global.b64 [%p], %zero; st.global.b{bits} [%p], %d;\n"
        ),
    }
    .as_str();
    text + "DONE: ret;\n}\n"
}

/// What `code` makes of each row of operands.
pub(crate) fn lanewise(code: &str, output: &str, inputs: &[&str], rows: &[Vec<u64>]) -> Vec<u64> {
    let text = lanewise_text(code, output, inputs);
    let module = Module::parse("one.ptx", &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let mut memory = Memory::default();
    let out = memory.reserve(8 * rows.len());
    let mut arguments = vec![Argument::from(out), Argument::from(rows.len() as u32)];
    for index in 0..inputs.len() {
        let column: Vec<u64> = rows.iter().map(|row| row[index]).collect();
        arguments.push(memory.upload(&column).into());
    }
    let grid = [(rows.len() as u32).div_ceil(96), 1, 1];
    Launch::new(grid, [96, 1, 1], arguments)
        .run(module.entry("one").unwrap(), &mut memory)
        .unwrap_or_else(|fault| panic!("{fault}\n{text}"));
    memory.download(out, rows.len()).unwrap()
}

/// Rows of `count` operands: every pair of edges in the first two, and random ones.
pub(crate) fn rows(count: usize) -> Vec<Vec<u64>> {
    let mut numbers = Numbers(7);
    let mut rows = Vec::new();
    for &a in &EDGES {
        for &b in &EDGES {
            let c = EDGES[numbers.below(EDGES.len() as u64) as usize];
            rows.push(vec![a, b, c]);
        }
    }
    for _ in 0..300 {
        let width = numbers.below(64);
        rows.push((0..3).map(|_| numbers.next() >> width).collect());
    }
    for row in &mut rows {
        row.truncate(count);
    }
    rows
}

/// A kernel `k(.param .u64 data)` with this body, launched on one buffer.
pub(crate) struct Kernel {
    pub(crate) text: String,
    pub(crate) block: [u32; 3],
    pub(crate) dynamic_shared: u32,
    pub(crate) schedule: rewire_ptx::Schedule,
}

impl Kernel {
    /// The kernel of a body, which begins in line 5 of the text.
    pub(crate) fn new(threads: u32, body: &str) -> Self {
        let text = format!("{HEADER}.visible .entry k(.param .u64 data) {{\n{body}\n}}\n");
        Self {
            text,
            block: [threads, 1, 1],
            dynamic_shared: 0,
            schedule: rewire_ptx::Schedule::Early,
        }
    }

    /// What the kernel leaves of `data`.
    pub(crate) fn run(&self, data: &[u32]) -> Result<Vec<u32>, Fault> {
        let module = Module::parse("k.ptx", &self.text)
            .unwrap_or_else(|error| panic!("{error}\n{}", self.text));
        let mut memory = Memory::default();
        let address = memory.upload(data);
        Launch::new([1, 1, 1], self.block, vec![address.into()])
            .with_shared(self.dynamic_shared)
            .with_schedule(self.schedule)
            .run(module.entry("k").unwrap(), &mut memory)?;
        Ok(memory.download(address, data.len()).unwrap())
    }

    /// The line of the text that holds `mark`.
    pub(crate) fn line_of(&self, mark: &str) -> u32 {
        let holds = |line: &str| line.contains(mark);
        self.text.lines().position(holds).unwrap() as u32 + 1
    }
}

/// What is wrong with a text, and where.
pub(crate) fn flaw(text: &str) -> (u32, u32, PtxErrorKind) {
    let error = Module::parse("wrong.ptx", text).expect_err("the text is wrong");
    (error.line, error.column, error.kind)
}
