//! Global memory: who meets whom there, in one block and between two.

use rewire_ptx::{FaultKind, Launch, Memory, MemorySpace, Module};

use crate::faults::{OPENING, fault};
use crate::rig::Kernel;

#[test]
fn blocks_that_write_the_same_byte_are_found() {
    blocks_race("st.global.u8 [%p+3], %t; // HERE");
}

#[test]
fn a_block_that_reads_what_another_wrote_is_found() {
    // Block 0 reads its own byte; block 1 meets it before it writes.
    blocks_race(
        "mov.u32 %t, %ctaid.x;
        setp.ne.u32 %q, %t, 0;
        @!%q st.global.u8 [%p+3], %t;
        ld.global.u8 %t, [%p+3]; // HERE",
    );
}

#[test]
fn threads_that_meet_in_global_memory_are_found() {
    // Thread 40 reads, writes or copies what thread 0 wrote; a barrier would order them.
    for (access, writes) in [
        ("ld.global.u32 %v, [%p]", false),
        ("st.global.u32 [%p], %t", true),
        ("red.global.add.u32 [%p], %t", true),
        ("cp.async.ca.shared.global [room], [%p], 4", false),
    ] {
        let body = |between: &str| {
            format!(
                "setp.eq.u32 %q, %t, 0; setp.eq.u32 %r, %t, 40;
                @%q st.global.u32 [%p], %t; {between}
                @%r {access}; // HERE"
            )
        };
        let found = fault(64, &body(""));
        let FaultKind::Race {
            space: MemorySpace::Global,
            writes: found_writes,
            earlier,
            ..
        } = found.kind
        else {
            panic!("{}", found.kind);
        };
        assert_eq!((found_writes, earlier.thread), (writes, 0), "{access}");
        assert!(found.kind.to_string().contains("race on global byte"));
        let ordered = Kernel::new(64, &format!("{OPENING}{}", body("bar.sync 0;")));
        assert!(ordered.run(&[0u32]).is_ok(), "{access}");
    }
    // All lanes of one instruction, into one word.
    let found = fault(32, "st.global.u32 [%p], %t; // HERE");
    assert!(matches!(found.kind, FaultKind::Race { writes: true, .. }));
}

fn blocks_race(body: &str) {
    let kernel = Kernel::new(1, &format!("{OPENING}{body}"));
    let module = Module::parse("k.ptx", &kernel.text).unwrap();
    let mut memory = Memory::default();
    let data = memory.upload(&[0u32]);
    let launch = Launch::new([2, 1, 1], [1, 1, 1], vec![data.into()]);
    let fault = launch
        .run(module.entry("k").unwrap(), &mut memory)
        .unwrap_err();
    assert_eq!(
        (fault.line, fault.block),
        (kernel.line_of("HERE"), [1, 0, 0])
    );
    assert_eq!(
        fault.kind,
        FaultKind::BlockRace {
            address: data + 3,
            other: 0
        }
    );
}
