//! Texts that are wrong: each error has its place, and no text makes the crate panic.

use proptest::prelude::*;
use rewire_ptx::{Launch, Memory, Module, PtxErrorKind, ScalarType};

use crate::rig::{HEADER, flaw};

/// A kernel whose body begins in line 5.
fn kernel(body: &str) -> String {
    format!("{HEADER}.entry k(.param .u64 data) {{\n{body}\n}}\n")
}

#[test]
fn unknown_words_are_errors_with_their_place() {
    let registers = ".reg .b32 %a, %b; .reg .b64 %p; .reg .f32 %f; .reg .pred %q;\n";
    let wrong = |code: &str| {
        let (line, column, kind) = flaw(&kernel(&format!("{registers}  {code}")));
        assert_eq!((line, column), (6, 3), "{code}: {kind}");
        kind
    };
    let instruction = |code: &str| {
        let kind = wrong(code);
        assert!(
            matches!(kind, PtxErrorKind::Instruction(_)),
            "{code}: {kind}"
        );
    };
    instruction("frobnicate.b32 %a, %b;");
    instruction("wgmma.fence.sync.aligned;");
    instruction("cp.async.bulk.commit_group;");
    instruction("tex.2d.v4.f32.s32 %a, %b;");
    let modifier = |code: &str| {
        let kind = wrong(code);
        assert!(
            matches!(kind, PtxErrorKind::Modifier { .. }),
            "{code}: {kind}"
        );
    };
    modifier("add.cc.u32 %a, %a, %b;");
    modifier("add.sat.s32 %a, %a, %b;");
    modifier("add %a, %a, %b;");
    modifier("min.f64 %p, %p, %p;");
    modifier("mul.u32 %a, %a, %b;");
    modifier("ld.local.u32 %a, [%p];");
    modifier("cvt.f32.s32 %f, %a;");
    modifier("cvt.s32.f32 %a, %f;");
    modifier("mma.sync.aligned.m8n8k4.row.col.f32.f16.f16.f32 %a, %a, %a, %a;");
    modifier("membar;");
    modifier("setp.u32 %q, %a, %b;");
    let count = |code: &str| {
        let kind = wrong(code);
        assert!(
            matches!(kind, PtxErrorKind::OperandCount { .. }),
            "{code}: {kind}"
        );
    };
    count("add.u32 %a, %b;");
    count("bar.sync;");
    count("ret %a;");
    let operand = |code: &str, index: usize| {
        let PtxErrorKind::Operand { index: found, .. } = wrong(code) else {
            panic!("{code}");
        };
        assert_eq!(found, index, "{code}");
    };
    operand("add.u32 5, %a, %b;", 1);
    operand("add.u32 %a, [%p], %b;", 2);
    operand("ld.global.u32 %a, %p;", 2);
    operand("cp.async.cg.shared.global [%a], [%p], 8;", 3);
    operand("lop3.b32 %a, %a, %a, %a, 256;", 5);
    operand("bra 7;", 1);
    operand("ldmatrix.sync.aligned.m8n8.x1.shared.b16 %a, [%b];", 1);
    operand("add.u32 %a, %a, 4294967296;", 3);
    operand("add.s32 %a, %a, -2147483649;", 3);
    operand("add.f32 %f, %f, 1;", 3);
    operand("mov.u32 %a, 0f3F800000;", 2);
    operand("add.u32 %a, %a, %tid.x;", 3);
    // Arithmetic of bfloat16 beyond fma, min and max came with sm_90.
    for code in ["add.rn.bf16x2 %a, %a, %b;", "cvt.rn.bf16.s32 %f, %a;"] {
        let kind = wrong(code);
        assert!(
            matches!(kind, PtxErrorKind::Target { least: 90, .. }),
            "{code}: {kind}"
        );
    }
    assert_eq!(
        wrong("add.u64 %p, %p, %a;"),
        PtxErrorKind::RegisterType {
            opcode: "add.u64".into(),
            index: 3,
            found: ScalarType::B32,
            wanted: ScalarType::U64
        }
    );
    assert_eq!(
        wrong("bra NOWHERE;"),
        PtxErrorKind::Unknown {
            name: "NOWHERE".into()
        }
    );
    assert_eq!(
        wrong("add.u32 %a, %a, b;"),
        PtxErrorKind::Unknown { name: "b".into() }
    );
}

#[test]
fn grammar_errors_have_their_place() {
    let cases = [
        ("", 1, 1),
        (".version 8.5\n.target", 2, 8),
        (".version 8\n", 1, 10),
        (".version 8.5 .target sm_80 .func f() {}", 1, 28),
        (
            ".version 8.5 .target sm_80\n.entry k( .param .u64 a .param",
            2,
            25,
        ),
        (".version 8.5 .target sm_80\n.entry k() {", 2, 13),
        (
            ".version 8.5 .target sm_80 .entry k() {} .entry k() {}",
            1,
            42,
        ),
        (".version 8.5 .target sm_80 .entry k() { /* }", 1, 41),
        (".version 8.5 .target sm_80 .entry k() { L: L: }", 1, 44),
        (
            ".version 8.5 .target sm_80 .entry k() { .reg .b32 %a, %a; }",
            1,
            55,
        ),
        (
            ".version 8.5 .target sm_80 .entry k() { add.u32 %a, %a, 1; }",
            1,
            49,
        ),
        (
            ".version 8.5 .target sm_80 .entry k() { .reg .b31 %a; }",
            1,
            46,
        ),
        (
            ".version 8.5 .target sm_80 .entry k() { .local .b32 a; }",
            1,
            41,
        ),
        (
            ".version 8.5 .target sm_80 .entry k() { .reg .b32 %a; @%a ret; }",
            1,
            56,
        ),
        (".version 8.5 .target sm_80 .entry k() { \u{20ac} }", 1, 41),
        (
            ".version 8.5 .target sm_80 .shared .align 3 .b8 a[4];",
            1,
            43,
        ),
        (".version 8.5 .target sm_80 .global .b32 a;", 1, 28),
        (".version 8.5 .target host", 1, 22),
        (
            ".version 8.5 .target sm_80 .entry k() { ld.u32 _, [8]; }",
            1,
            52,
        ),
    ];
    for (text, line, column) in cases {
        let (found_line, found_column, kind) = flaw(text);
        assert_eq!((found_line, found_column), (line, column), "{text}: {kind}");
        assert!(!kind.to_string().is_empty());
    }
    let error = Module::parse("a.ptx", ".version 8.5 .target sm_80 oops").unwrap_err();
    assert_eq!(
        error.to_string(),
        "a.ptx:1:28: the directive `oops` is not supported"
    );
}

#[test]
fn what_only_tools_read_is_passed_over() {
    let text = format!(
        "{HEADER}.file 1 \"kernel.cu\"\n.visible .entry k(.param .u64 .ptr .global .align 16 data)
        .reqntid 32 .minnctapersm 1 {{ .pragma \"nounroll\"; .loc 1 5 3
        .reg .b32 %unused<1000000000>; ; ret; }}"
    );
    let module = Module::parse("k.ptx", &text).unwrap();
    assert_eq!(module.entries()[0].instructions(), 1);
}

/// A kernel with most kinds of instructions in it, to be damaged.
const WHOLE: &str = ".version 8.5
.target sm_80
.address_size 64
.extern .shared .align 16 .b8 smem[];
.visible .entry k(.param .u64 data, .param .u32 n) .maxntid 64, 1, 1 {
  .reg .b32 %r<16>; .reg .b64 %p, %q; .reg .pred %a, %b; .reg .f32 %f<4>; .reg .b16 %h<2>;
  ld.param.u64 %p, [data]; ld.param.u32 %r0, [n]; mov.u32 %r1, %tid.x;
  setp.ge.u32 %a|%b, %r1, %r0; @%a bra DONE;
  mul.wide.u32 %q, %r1, 16; add.u64 %p, %p, %q;
  mov.u32 %r2, smem; mad.lo.u32 %r2, %r1, 16, %r2;
  cp.async.cg.shared.global [%r2], [%p], 16, 8; cp.async.commit_group; cp.async.wait_group 0;
  bar.sync 0;
  ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r3, %r4, %r5, %r6}, [%r2];
  mov.f32 %f0, 0f00000000; mov.f32 %f1, %f0; mov.f32 %f2, %f0; mov.f32 %f3, %f0;
  mov.b32 %r7, 0x44444444;
  mma.sp::ordered_metadata.sync.aligned.m16n8k32.row.col.f32.bf16.bf16.f32 {%f0, %f1, %f2, %f3},
    {%r3, %r4, %r5, %r6}, {%r3, %r4, %r5, %r6}, {%f0, %f1, %f2, %f3}, %r7, 0x0;
LOOP: shr.u32 %r0, %r0, 1; setp.ne.u32 %b, %r0, 0; @%b bra LOOP;
  shfl.sync.bfly.b32 %r8|%a, %r3, 1, 31, 0xffffffff; vote.sync.ballot.b32 %r9, %a, -1;
  cvt.rn.bf16x2.f32 %r10, %f0, %f1; mov.b32 {%h0, %h1}, %r10; prmt.b32 %r11, %r8, %r9, 0x5410;
  st.global.v2.b32 [%p], {%r10, %r11}; atom.global.add.u32 %r12, [%p+8], 1;
DONE: ret;
}
";

/// Parses, and runs what parses; anything but a panic will do.
fn try_out(text: &str) {
    let Ok(module) = Module::parse("k.ptx", text) else {
        return;
    };
    for entry in module.entries() {
        let mut memory = Memory::default();
        let data = memory.upload(&[0x3F80u16; 512]);
        let mut launch = Launch::new([1, 1, 1], [64, 1, 1], vec![data.into(), 64u32.into()]);
        launch.dynamic_shared = 1024;
        launch.step_limit = 2000;
        let _ = launch.run(entry, &mut memory);
    }
}

#[test]
fn the_whole_kernel_runs() {
    let module = Module::parse("k.ptx", WHOLE).unwrap_or_else(|error| panic!("{error}"));
    let mut memory = Memory::default();
    let data = memory.upload(&[0x3F80u16; 512]);
    let mut launch = Launch::new([1, 1, 1], [64, 1, 1], vec![data.into(), 64u32.into()]);
    launch.dynamic_shared = 1024;
    launch
        .run(module.entry("k").unwrap(), &mut memory)
        .unwrap_or_else(|fault| panic!("{fault}"));
}

/// The words of the whole kernel, to be exchanged.
fn words() -> Vec<&'static str> {
    WHOLE.split_inclusive([' ', ',', ';', '.', '\n']).collect()
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in "\\PC*") {
        try_out(&text);
    }

    #[test]
    fn arbitrary_bodies_never_panic(body in "[a-z0-9 .,;:%@!{}\\[\\]<>|+\\-_\"/*\n]{0,80}") {
        try_out(&kernel(&body));
    }

    #[test]
    fn damaged_kernels_never_panic(
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..4),
        kind in 0..3,
    ) {
        let mut words = words();
        for (from, to) in places {
            let (from, to) = (from.index(words.len()), to.index(words.len()));
            match kind {
                0 => words[to] = words[from],
                1 => drop(words.remove(to)),
                _ => words.swap(from, to),
            }
        }
        try_out(&words.concat());
    }

    #[test]
    fn other_characters_never_panic(place in any::<prop::sample::Index>(), new in any::<char>()) {
        let mut text: Vec<char> = WHOLE.chars().collect();
        let place = place.index(text.len());
        text[place] = new;
        try_out(&text.into_iter().collect::<String>());
    }
}
