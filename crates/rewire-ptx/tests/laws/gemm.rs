//! A tiled product with everything a real one has: asynchronous copies into two buffers, swizzled
//! shared memory, `ldmatrix`, `mma.sync`, edges in every direction. On small whole numbers it is
//! exact to the bit; with something taken out, the fault is named with its line.

use rewire_ptx::{Fault, FaultKind, Launch, Memory, MemorySpace, Module, Report, Schedule};

use crate::copies::SCHEDULES;
use crate::rig::{HEADER, Numbers};

/// C (m × n, singles) = A (m × k) · Bᵀ (n × k), both bfloat16 with rows of `stride` bytes, a
/// multiple of 16.
///
/// A block of 128 threads computes 32 × 32 of C in steps of 32 columns of A. Rows of 64 bytes lie
/// in shared memory with their four 16-byte chunks exchanged: chunk c of row r is at c ^ (r/2 mod
/// 4), so that eight rows of one chunk meet all banks.
fn text() -> String {
    let mut text = format!(
        "{HEADER}
.extern .shared .align 128 .b8 smem[];
.visible .entry gemm(.param .u64 a, .param .u64 b, .param .u64 c,
                     .param .u32 m, .param .u32 n, .param .u32 k, .param .u32 stride)
.maxntid 128, 1, 1
{{
    .reg .pred %p<8>, %in_a, %in_b;
    .reg .b32 %r<40>, %m, %n, %k, %stride, %t, %lane, %warp, %row, %chunk, %to_a, %size, %k0;
    .reg .b32 %row_a, %row_b, %stage, %left, %wm, %wn, %fa<4>, %fb<4>, %sw;
    .reg .b64 %a, %b, %c, %x, %y;
    .reg .f32 %d<8>;
    ld.param.u64 %a, [a]; ld.param.u64 %b, [b]; ld.param.u64 %c, [c];
    ld.param.u32 %m, [m]; ld.param.u32 %n, [n]; ld.param.u32 %k, [k];
    ld.param.u32 %stride, [stride];
    mov.u32 %t, %tid.x; mov.u32 %lane, %laneid; shr.u32 %warp, %t, 5;
    // Thread t copies chunk t mod 4 of row t div 4 of A and of B.
    shr.u32 %row, %t, 2; and.b32 %chunk, %t, 3;
    mov.u32 %r0, %ctaid.y; mad.lo.u32 %row_a, %r0, 32, %row; setp.lt.u32 %in_a, %row_a, %m;
    mov.u32 %r0, %ctaid.x; mad.lo.u32 %row_b, %r0, 32, %row; setp.lt.u32 %in_b, %row_b, %n;
    mul.wide.u32 %x, %row_a, %stride; add.u64 %a, %a, %x;
    mul.wide.u32 %x, %row_b, %stride; add.u64 %b, %b, %x;
    mul.wide.u32 %x, %chunk, 16; add.u64 %a, %a, %x; add.u64 %b, %b, %x;
    bfe.u32 %r1, %row, 1, 2; xor.b32 %r1, %r1, %chunk; shl.b32 %r1, %r1, 4;
    mov.u32 %to_a, smem; mad.lo.u32 %to_a, %row, 64, %to_a; add.u32 %to_a, %to_a, %r1;
    shl.b32 %k0, %chunk, 3;
    mov.u32 %stage, 0;
    add.u32 %left, %k, 31; shr.u32 %left, %left, 5;
"
    );
    for index in 0..8 {
        text += &format!("    mov.f32 %d{index}, 0f00000000;\n");
    }
    text += &copy_stage("0");
    text += "
    // Where a warp reads: 16 rows of A from 16(warp div 2), 16 of B from 16(warp mod 2).
    shr.u32 %wm, %warp, 1; and.b32 %wn, %warp, 1;
    and.b32 %r2, %lane, 15; mad.lo.u32 %r2, %wm, 16, %r2; shr.u32 %r3, %lane, 4;
    and.b32 %r4, %lane, 7; shr.u32 %r5, %lane, 4; mad.lo.u32 %r4, %r5, 8, %r4;
    mad.lo.u32 %r4, %wn, 16, %r4; bfe.u32 %r5, %lane, 3, 1;
    mov.u32 %r6, smem; mad.lo.u32 %r7, %r2, 64, %r6; mad.lo.u32 %r8, %r4, 64, %r6;
    bfe.u32 %r9, %r2, 1, 2; bfe.u32 %r10, %r4, 1, 2;
LOOP:
    sub.u32 %left, %left, 1; setp.eq.u32 %p0, %left, 0;
    xor.b32 %r11, %stage, 4096;
    @%p0 bra LAST;
";
    text += &copy_stage("%r11");
    text += "
    bra READY;
LAST:
    cp.async.commit_group;
READY:
    cp.async.wait_group 1; // WAIT
    bar.sync 0; // ARRIVED
";
    for half in 0..2 {
        text += &format!(
            "    add.u32 %r12, %r3, {chunk}; xor.b32 %r12, %r12, %r9; shl.b32 %r12, %r12, 4;
    add.u32 %r12, %r12, %r7; add.u32 %r12, %r12, %stage;
    ldmatrix.sync.aligned.m8n8.x4.shared.b16 {{%fa0, %fa1, %fa2, %fa3}}, [%r12]; // READ A {half}
    add.u32 %r13, %r5, {chunk}; xor.b32 %r13, %r13, %r10; shl.b32 %r13, %r13, 4;
    add.u32 %r13, %r13, %r8; add.u32 %r13, %r13, %stage;
    ldmatrix.sync.aligned.m8n8.x4.shared.b16 {{%fb0, %fb1, %fb2, %fb3}}, [%r13+2048];
    mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {{%d0, %d1, %d2, %d3}},
        {{%fa0, %fa1, %fa2, %fa3}}, {{%fb0, %fb1}}, {{%d0, %d1, %d2, %d3}};
    mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {{%d4, %d5, %d6, %d7}},
        {{%fa0, %fa1, %fa2, %fa3}}, {{%fb2, %fb3}}, {{%d4, %d5, %d6, %d7}};
",
            chunk = 2 * half
        );
    }
    text += "    bar.sync 0; // READ BY ALL
    mov.u32 %stage, %r11;
    @!%p0 bra LOOP;
    // Rows g and g + 8, columns 2t and 2t + 1 of two tiles.
    mov.u32 %r14, %ctaid.y; mad.lo.u32 %r14, %wm, 16, 0; mov.u32 %r15, %ctaid.y;
    mad.lo.u32 %r14, %r15, 32, %r14; shr.u32 %r15, %lane, 2; add.u32 %r14, %r14, %r15;
    mov.u32 %r16, %ctaid.x; shl.b32 %r16, %r16, 5; mad.lo.u32 %r16, %wn, 16, %r16;
    and.b32 %r17, %lane, 3; mad.lo.u32 %r16, %r17, 2, %r16;
";
    for index in 0..8 {
        let (tile, row, col) = (index / 4, index / 2 % 2, index % 2);
        text += &format!(
            "    add.u32 %r18, %r14, {}; setp.lt.u32 %p1, %r18, %m; // ROW
    add.u32 %r19, %r16, {}; setp.lt.and.u32 %p1, %r19, %n, %p1; // COLUMN
    mad.lo.u32 %r20, %r18, %n, %r19; mul.wide.u32 %x, %r20, 4; add.u64 %y, %c, %x;
    @%p1 st.global.f32 [%y], %d{index}; // STORE {index}
",
            8 * row,
            8 * tile + col
        );
    }
    text + "    ret;\n}\n"
}

/// Copies 32 columns of both operands and moves on; `stage` is the offset of the buffer.
fn copy_stage(stage: &str) -> String {
    format!(
        "
    add.u32 %r30, %to_a, {stage};
    sub.s32 %size, %k, %k0; shl.b32 %size, %size, 1; max.s32 %size, %size, 0; // LOWEST
    min.s32 %size, %size, 16;
    selp.b32 %r31, %size, 0, %in_a; // ROWS A
    cp.async.cg.shared.global [%r30], [%a], 16, %r31; // COPY A
    selp.b32 %r31, %size, 0, %in_b;
    cp.async.cg.shared.global [%r30+2048], [%b], 16, %r31;
    cp.async.commit_group;
    add.u32 %k0, %k0, 32; add.u64 %a, %a, 64; add.u64 %b, %b, 64;
"
    )
}

struct Case {
    m: usize,
    n: usize,
    k: usize,
}

fn bf16(value: i64) -> u16 {
    ((value as f32).to_bits() >> 16) as u16
}

/// A matrix of small whole numbers and its rows with the padding that nobody may read.
fn operand(memory: &mut Memory, rows: usize, k: usize, seed: u64) -> (Vec<Vec<i64>>, u64) {
    let mut numbers = Numbers(seed);
    let matrix: Vec<Vec<i64>> = (0..rows)
        .map(|_| (0..k).map(|_| numbers.small(8)).collect())
        .collect();
    let mut words = Vec::new();
    for row in &matrix {
        words.extend(row.iter().map(|&value| bf16(value)));
        // The padding of the last row is not there at all.
        words.resize(words.len().next_multiple_of(8), 0x7FC0);
    }
    words.truncate((rows - 1) * k.next_multiple_of(8) + k);
    (matrix, memory.upload(&words))
}

fn run(text: &str, case: &Case, schedule: Schedule) -> Result<Report, Fault> {
    let &Case { m, n, k } = case;
    let module = Module::parse("gemm.ptx", text).unwrap_or_else(|error| panic!("{error}"));
    let mut memory = Memory::default();
    let (a, at_a) = operand(&mut memory, m, k, 1);
    let (b, at_b) = operand(&mut memory, n, k, 2);
    let out = memory.reserve(4 * m * n);
    let stride = 2 * k.next_multiple_of(8) as u32;
    let mut arguments = vec![at_a.into(), at_b.into(), out.into()];
    arguments.extend([m as u32, n as u32, k as u32, stride].map(Into::into));
    let grid = [n.div_ceil(32) as u32, m.div_ceil(32) as u32, 1];
    let report = Launch::new(grid, [128, 1, 1], arguments)
        .with_shared(8192)
        .with_schedule(schedule)
        .run(module.entry("gemm").unwrap(), &mut memory)?;
    let found: Vec<f32> = memory.download(out, m * n).unwrap();
    for (row, a) in a.iter().enumerate() {
        for (col, b) in b.iter().enumerate() {
            let wanted: i64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
            let found = found[row * n + col];
            assert_eq!(
                found.to_bits(),
                (wanted as f32).to_bits(),
                "row {row}, column {col}"
            );
        }
    }
    Ok(report)
}

#[test]
fn products_of_any_shape_are_exact_under_every_schedule() {
    let shapes = [
        (1, 1, 1),
        (32, 32, 32),
        (31, 33, 64),
        (33, 17, 65),
        (40, 70, 7),
        (65, 2, 100),
    ];
    for (m, n, k) in shapes {
        for schedule in SCHEDULES {
            run(&text(), &Case { m, n, k }, schedule)
                .unwrap_or_else(|fault| panic!("{m}×{n}×{k}, {schedule:?}: {fault}"));
        }
    }
}

#[test]
fn a_large_product_takes_seconds() {
    let case = Case {
        m: 256,
        n: 256,
        k: 256,
    };
    // Sixty-four blocks of four warps and eight rounds, about a hundred instructions a round.
    let report = run(&text(), &case, Schedule::Early).unwrap_or_else(|fault| panic!("{fault}"));
    assert!(
        (100_000..200_000).contains(&report.steps),
        "{} steps",
        report.steps
    );
}

/// Runs the kernel with one line changed and gives the fault with the text of its line.
fn planted(from: &str, to: &str, schedule: Schedule) -> (Fault, String) {
    let whole = text();
    assert!(whole.contains(from), "nothing to change");
    let changed = whole.replace(from, to);
    let case = Case {
        m: 33,
        n: 40,
        k: 100,
    };
    let fault = run(&changed, &case, schedule).expect_err("a fault is planted");
    let line = changed
        .lines()
        .nth(fault.line as usize - 1)
        .unwrap()
        .to_owned();
    (fault, line)
}

#[test]
fn a_missing_wait_is_found() {
    for schedule in SCHEDULES {
        let (fault, line) = planted("cp.async.wait_group 1; // WAIT", "", schedule);
        assert!(line.contains("READ A 0"), "{fault}");
        assert!(
            matches!(fault.kind, FaultKind::CopyUnderWay { .. }),
            "{fault}"
        );
        // One group too many is left under way.
        let (fault, line) = planted("wait_group 1; // WAIT", "wait_group 2;", schedule);
        assert!(line.contains("READ A 0"), "{fault}");
    }
}

#[test]
fn a_missing_barrier_is_found() {
    for schedule in SCHEDULES {
        let (fault, line) = planted("bar.sync 0; // ARRIVED", "", schedule);
        assert!(
            line.contains("ldmatrix") || line.contains("cp.async"),
            "{fault}"
        );
        // The buffer is filled again while other warps still read it.
        let (fault, line) = planted("bar.sync 0; // READ BY ALL", "", schedule);
        assert!(
            line.contains("cp.async") || line.contains("ldmatrix"),
            "{fault}"
        );
        assert!(
            matches!(
                fault.kind,
                FaultKind::Race { .. } | FaultKind::CopyUnderWay { .. }
            ),
            "{fault}"
        );
    }
}

#[test]
fn tails_that_are_off_by_one_are_found() {
    let global = |fault: &Fault| {
        matches!(
            fault.kind,
            FaultKind::OutOfBounds {
                space: MemorySpace::Global,
                ..
            }
        )
    };
    let early = Schedule::Early;
    let (fault, line) = planted(
        "setp.lt.u32 %p1, %r18, %m; // ROW",
        "setp.le.u32 %p1, %r18, %m;",
        early,
    );
    assert!(global(&fault) && line.contains("STORE 0"), "{fault}");
    let (fault, line) = planted(
        "setp.lt.u32 %in_a, %row_a, %m;",
        "setp.le.u32 %in_a, %row_a, %m;",
        early,
    );
    assert!(global(&fault) && line.contains("COPY A"), "{fault}");
    // The last columns are read in whole chunks.
    let (fault, line) = planted(
        "min.s32 %size, %size, 16;",
        "setp.gt.s32 %p7, %size, 0; selp.b32 %size, 16, 0, %p7;",
        early,
    );
    assert!(line.contains("cp.async"), "{fault}");
    let (fault, _) = planted("max.s32 %size, %size, 0; // LOWEST", "", early);
    assert!(matches!(fault.kind, FaultKind::CopySize { .. }), "{fault}");
}

#[test]
fn a_read_of_the_wrong_buffer_is_found() {
    // B is read from the buffer that is being filled for the round after.
    let (fault, line) = planted(
        "mad.lo.u32 %r8, %r4, 64, %r6;",
        "mad.lo.u32 %r8, %r4, 64, %r6; add.u32 %r8, %r8, 4096;",
        Schedule::Early,
    );
    assert!(line.contains("ldmatrix"), "{fault}");
    assert!(
        matches!(fault.kind, FaultKind::CopyUnderWay { .. }),
        "{fault}"
    );
}
