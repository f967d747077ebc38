//! Planted faults: each is found, and named with its line and lane.

use rewire_ptx::{FaultKind, Launch, Memory, MemorySpace, Module, Waiting};

use crate::rig::Kernel;

/// Registers and a word of shared memory per thread, for kernels of up to 128 threads.
pub(crate) const OPENING: &str =
    ".shared .align 16 .b8 room[512]; .reg .b32 %t, %lane, %at, %v, %w;
    .reg .b64 %p; .reg .pred %q, %r; ld.param.u64 %p, [data]; mov.u32 %t, %tid.x;
    mov.u32 %lane, %laneid; mov.u32 %at, room; mad.lo.u32 %at, %t, 4, %at;\n";

pub(crate) struct Found {
    pub(crate) kind: FaultKind,
    warp: u32,
    lane: Option<u32>,
}

/// The fault of a kernel, which has to be in the line marked `// HERE`.
pub(crate) fn fault(threads: u32, body: &str) -> Found {
    let kernel = Kernel::new(threads, &format!("{OPENING}{body}"));
    let fault = kernel.run(&[0; 256]).expect_err("a fault is planted");
    assert_eq!(fault.line, kernel.line_of("// HERE"), "{fault}");
    assert_eq!(fault.file, "k.ptx");
    Found {
        kind: fault.kind,
        warp: fault.warp,
        lane: fault.lane,
    }
}

/// A kernel without a fault.
fn passes(threads: u32, body: &str) {
    Kernel::new(threads, &format!("{OPENING}{body}"))
        .run(&[0; 256])
        .unwrap_or_else(|fault| panic!("{fault}\n{body}"));
}

#[test]
fn writes_and_reads_need_order() {
    // Thread 63 writes a word that thread 0 wrote.
    let found = fault(
        64,
        "setp.eq.u32 %q, %t, 0; setp.eq.u32 %r, %t, 63;
        @%q st.shared.u32 [room], %t; // FIRST
        @%r st.shared.u32 [room], %t; // HERE",
    );
    let FaultKind::Race {
        writes: true,
        earlier,
        ..
    } = found.kind
    else {
        panic!("{}", found.kind);
    };
    assert_eq!((earlier.thread, earlier.writes), (0, true));
    assert_eq!((found.warp, found.lane), (1, Some(31)));
    // A read after a write, a write after a read by one of many, two lanes of one instruction.
    let found = fault(
        64,
        "setp.eq.u32 %q, %t, 0; setp.eq.u32 %r, %t, 40;
        @%q st.shared.u32 [room], %t;
        @%r ld.shared.u32 %v, [room]; // HERE",
    );
    assert!(matches!(found.kind, FaultKind::Race { writes: false, .. }));
    let found = fault(
        128,
        "setp.eq.u32 %q, %t, 0; setp.eq.u32 %r, %t, 127; @%q st.shared.u32 [room], %t;
        bar.sync 0; ld.shared.u32 %v, [room]; // READ
        @%r st.shared.u32 [room], %t; // HERE",
    );
    let FaultKind::Race { earlier, .. } = found.kind else {
        panic!("{}", found.kind);
    };
    assert!(earlier.thread < 127 && !earlier.writes);
    fault(32, "st.shared.u32 [room], %t; // HERE");
    fault(
        32,
        "mov.u32 %v, room; st.shared.u32 [%at], %v; shfl.sync.idx.b32 %w, %v, 0, 31, -1;
        xor.b32 %at, %at, 4; ld.shared.u32 %v, [%at]; // HERE",
    );
}

#[test]
fn ordered_accesses_pass() {
    passes(
        128,
        "st.shared.u32 [%at], %t; bar.sync 0; mov.u32 %at, room; mad.lo.u32 %at, %t, -4, %at;
        ld.shared.u32 %v, [%at+508]; bar.sync 0; st.shared.u32 [%at+508], %v;",
    );
    // Two halves of a word, lanes of a warp by bar.warp.sync, half of them by a mask.
    passes(
        32,
        "cvt.u16.u32 %h, %t; mad.lo.u32 %v, %t, -2, %at; st.shared.u16 [%v], %h;"
            .replacen("cvt", ".reg .b16 %h; cvt", 1)
            .as_str(),
    );
    passes(
        64,
        "st.shared.u32 [%at], %t; bar.warp.sync -1; xor.b32 %v, %at, 4; ld.shared.u32 %w, [%v];
        bar.warp.sync -1; st.shared.u32 [%at], %w;",
    );
    // A producer that arrives and a consumer that waits.
    passes(
        64,
        "setp.lt.u32 %q, %t, 32; @%q bra PRODUCE; bar.sync 1, 64; mov.u32 %v, room;
        ld.shared.u32 %w, [%v]; bra DONE;
        PRODUCE: st.shared.u32 [%at], %t; bar.arrive 1, 64; DONE:",
    );
    // Barriers of parts of a block, threads that end before a barrier of all.
    passes(
        96,
        "setp.ge.u32 %q, %t, 64; @%q ret; st.shared.u32 [%at], %t; barrier.sync 3, 64;
        xor.b32 %at, %at, 128; ld.shared.u32 %v, [%at]; bar.sync 0;",
    );
}

#[test]
fn a_barrier_orders_only_those_who_are_there() {
    // Warps 0 and 1 meet, warp 2 does not.
    let found = fault(
        96,
        "setp.ge.u32 %r, %t, 64; @%r bra LATE; st.shared.u32 [%at], %t; bar.sync 1, 64; bra DONE;
        LATE: mov.u32 %v, room;
        ld.shared.u32 %w, [%v]; // HERE
        DONE:",
    );
    assert_eq!((found.warp, found.lane), (2, Some(0)));
    // What is done after bar.arrive is not part of the arrival.
    fault(
        64,
        "setp.lt.u32 %q, %t, 32; st.shared.u32 [%at], %t; bar.sync 0; @%q bra PRODUCE;
        bar.sync 1, 64; mad.lo.u32 %v, %lane, 4, 0; mov.u32 %w, room; add.u32 %v, %v, %w;
        ld.shared.u32 %w, [%v]; // HERE
        bra DONE;
        PRODUCE: bar.arrive 1, 64; st.shared.u32 [%at], %t; DONE:",
    );
}

#[test]
fn uninitialised_bytes_and_registers_are_found() {
    let found = fault(
        32,
        "setp.ne.u32 %q, %t, 7; @%q st.shared.u32 [%at], %t;
        ld.shared.u32 %v, [%at]; // HERE",
    );
    assert_eq!(found.lane, Some(7));
    assert_eq!(
        found.kind,
        FaultKind::Unwritten {
            space: MemorySpace::Shared,
            address: 1024 + 28
        }
    );
    let found = fault(
        32,
        "setp.ne.u32 %q, %t, 9; @%q mov.u32 %v, 1;
        add.u32 %w, %v, 1; // HERE",
    );
    assert_eq!(found.lane, Some(9));
    assert_eq!(
        found.kind,
        FaultKind::UnwrittenRegister { name: "%v".into() }
    );
    let found = fault(1, "@%q add.u32 %t, %t, 1; // HERE");
    assert_eq!(
        found.kind,
        FaultKind::UnwrittenRegister { name: "%q".into() }
    );
    fault(1, "atom.shared.add.u32 %v, [room], 1; // HERE");
}

#[test]
fn stray_accesses_are_found() {
    let found = fault(
        32,
        "add.u32 %at, %at, 2; setp.eq.u32 %q, %t, 3;\n@%q st.shared.u32 [%at], %t; // HERE",
    );
    assert_eq!(found.lane, Some(3));
    assert!(matches!(
        found.kind,
        FaultKind::Misaligned {
            space: MemorySpace::Shared,
            bytes: 4,
            ..
        }
    ));
    let found = fault(1, "ld.global.v4.u32 {%v, %w, _, _}, [%p+8]; // HERE");
    assert!(matches!(
        found.kind,
        FaultKind::Misaligned {
            space: MemorySpace::Global,
            bytes: 16,
            ..
        }
    ));
    let found = fault(1, "ld.global.u32 %v, [%p+1024]; // HERE");
    assert!(matches!(
        found.kind,
        FaultKind::OutOfBounds {
            space: MemorySpace::Global,
            ..
        }
    ));
    fault(1, "ld.global.u32 %v, [%p+-4]; // HERE");
    let found = fault(128, "st.shared.u32 [%at+4], %t; // HERE");
    assert_eq!((found.warp, found.lane), (3, Some(31)));
    fault(1, "mov.u32 %at, 0; st.shared.u32 [%at], %t; // HERE");
    fault(1, "cp.async.ca.shared.global [room+2], [%p], 4; // HERE");
    fault(1, "cp.async.cg.shared.global [room], [%p+8], 16; // HERE");
    fault(1, "cp.async.ca.shared.global [room], [%p+1024], 4; // HERE");
    fault(
        32,
        ".reg .b32 %m; st.shared.u32 [%at], %t; bar.warp.sync -1;
        ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%m}, [%at]; // HERE",
    );
    fault(1, "ld.param.u32 %v, [data+8]; // HERE");
}

#[test]
fn divergence_at_aligned_instructions_is_found() {
    let mma =
        "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%d0, %d1, %d2, %d3}, {%t, %t}, {%t},
        {%d0, %d1, %d2, %d3};";
    let opening = ".reg .f32 %d<4>; mov.f32 %d0, 0.0; mov.f32 %d1, %d0; mov.f32 %d2, %d0;
        mov.f32 %d3, %d0; setp.lt.u32 %q, %lane, 16;";
    passes(64, &format!("{opening} {mma}"));
    let here = mma.replacen(';', "; // HERE", 1);
    let found = fault(
        64,
        &format!(
            "{opening}\n @!%q bra DONE;\n {}\n DONE:",
            here.replace('\n', " ")
        ),
    );
    assert_eq!(
        found.kind,
        FaultKind::Divergence {
            needed: u32::MAX,
            present: 0xFFFF
        }
    );
    // Lanes that ended are missing too; a block whose last warp is not full cannot multiply.
    fault(
        32,
        &format!("{opening}\n @!%q ret;\n {}", here.replace('\n', " ")),
    );
    fault(16, &format!("{opening}\n {}", here.replace('\n', " ")));
    // bar.sync wants every lane of the warp that has not ended.
    let found = fault(64, "setp.lt.u32 %q, %lane, 4;\n@%q bar.sync 0; // HERE");
    assert_eq!(
        found.kind,
        FaultKind::Divergence {
            needed: u32::MAX,
            present: 0xF
        }
    );
    passes(64, "setp.lt.u32 %q, %lane, 4; @%q ret; bar.sync 0;");
    // A branch that says it is uniform has to be.
    fault(
        64,
        "setp.lt.u32 %q, %lane, 4;\n@%q bra.uni DONE; // HERE\n DONE:",
    );
    passes(64, "setp.lt.u32 %q, %t, 32; @%q bra.uni DONE; DONE:");
    // A warp-uniform predicate is no divergence.
    passes(64, "setp.lt.u32 %q, %t, 32; @%q bar.sync 1, 32;");
}

#[test]
fn lanes_that_never_come_are_found() {
    let found = fault(
        32,
        "setp.lt.u32 %q, %lane, 8; @!%q bra DONE;
        shfl.sync.idx.b32 %v, %t, 0, 31, 0xffff; // HERE
        DONE: bar.warp.sync 0xffffff00;",
    );
    assert!(
        matches!(found.kind, FaultKind::Divergence { present: 0xFF, .. }),
        "{}",
        found.kind
    );
    let found = fault(32, "vote.sync.any.pred %q, 1, 0xfffffffe; // HERE");
    assert_eq!(
        (found.kind, found.lane),
        (FaultKind::LaneMask { mask: 0xFFFF_FFFE }, Some(0))
    );
    // Reading a lane that does not take part.
    fault(
        32,
        "setp.lt.u32 %q, %lane, 8; @!%q bra DONE;
        shfl.sync.idx.b32 %v, %t, 20, 31, 0xff; // HERE
        DONE:",
    );
}

#[test]
fn a_deadlock_names_barriers_and_lines() {
    let kernel = Kernel::new(
        96,
        &format!(
            "{OPENING}setp.lt.u32 %q, %t, 32; @%q bra ONE;
            bar.sync 0; // ALL
            bra DONE;
            ONE: bar.sync 5, 64; // TWO
            DONE:"
        ),
    );
    let fault = kernel.run(&[0; 256]).unwrap_err();
    let (all, two) = (kernel.line_of("// ALL"), kernel.line_of("// TWO"));
    let waiting = |warp, barrier, line, arrived, expected| Waiting {
        warp,
        lanes: u32::MAX,
        barrier,
        line,
        arrived,
        expected,
    };
    assert_eq!(
        fault.kind,
        FaultKind::Deadlock {
            waiting: vec![
                waiting(0, 5, two, 32, 64),
                waiting(1, 0, all, 64, 96),
                waiting(2, 0, all, 64, 96)
            ]
        }
    );
    assert_eq!(fault.line, two);
    let message = fault.to_string();
    assert!(
        message.contains("warp 0 (lanes 0xffffffff) at barrier 5"),
        "{message}"
    );
    assert!(
        message.starts_with(&format!("k.ptx:{two}: block (0, 0, 0), warp 0")),
        "{message}"
    );
}

#[test]
fn misused_barriers_are_found() {
    let misuse = |threads, body: &str| {
        let found = fault(threads, body);
        assert!(
            matches!(found.kind, FaultKind::Barrier { .. }),
            "{}",
            found.kind
        );
    };
    misuse(32, "bar.sync 16; // HERE");
    misuse(32, "bar.sync 1, 40; // HERE");
    misuse(64, "bar.sync %lane; // HERE");
    misuse(
        64,
        "setp.lt.u32 %q, %t, 32; @%q bar.sync 0;\n@!%q bar.sync 0, 64; // HERE",
    );
}

#[test]
fn endless_and_wrong_launches_end() {
    let kernel = Kernel::new(32, "L: bra L;");
    let module = Module::parse("k.ptx", &kernel.text).unwrap();
    let entry = module.entry("k").unwrap();
    let mut memory = Memory::default();
    let data = memory.upload(&[0u32]);
    let mut launch = Launch::new([1, 1, 1], [32, 1, 1], vec![data.into()]);
    launch.step_limit = 1000;
    let fault = launch.run(entry, &mut memory).unwrap_err();
    assert_eq!(fault.kind, FaultKind::StepLimit { steps: 1000 });
    let refused = |launch: Launch| {
        let fault = launch.run(entry, &mut Memory::default()).unwrap_err();
        assert!(matches!(fault.kind, FaultKind::Launch(_)), "{fault}");
        assert_eq!(fault.line, 4);
    };
    refused(Launch::new([1, 1, 1], [32, 1, 1], vec![]));
    refused(Launch::new([1, 1, 1], [32, 1, 1], vec![1u32.into()]));
    refused(Launch::new([0, 1, 1], [32, 1, 1], vec![data.into()]));
    refused(Launch::new([1, 1, 1], [32, 64, 1], vec![data.into()]));
    refused(Launch::new([1, 1, 1], [32, 1, 1], vec![data.into()]).with_shared(1 << 20));
    assert!(fault_of_trap());
}

fn fault_of_trap() -> bool {
    fault(32, "trap; // HERE").kind == FaultKind::Trap
}
