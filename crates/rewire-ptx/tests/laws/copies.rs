//! Asynchronous copies: groups, sizes, and the same bits under every schedule.

use rewire_ptx::{FaultKind, Schedule};

use crate::rig::Kernel;

pub(crate) const SCHEDULES: [Schedule; 5] = [
    Schedule::Early,
    Schedule::Late,
    Schedule::Seeded(1),
    Schedule::Seeded(2),
    Schedule::Seeded(3),
];

/// One warp copies its words to shared memory in two groups and reads them back reversed.
fn two_groups(wait: &str, barrier: &str) -> Kernel {
    Kernel::new(
        64,
        &format!(
            ".shared .align 16 .b8 room[512]; .reg .b32 %t, %to, %v, %w; .reg .b64 %p, %at;
            ld.param.u64 %p, [data]; mov.u32 %t, %tid.x; mul.wide.u32 %at, %t, 4;
            add.u64 %p, %p, %at; mov.u32 %to, room; mad.lo.u32 %to, %t, 4, %to;
            cp.async.ca.shared.global [%to], [%p], 4; // FIRST
            cp.async.commit_group;
            cp.async.ca.shared.global [%to+256], [%p+256], 4;
            cp.async.commit_group;
            {wait}
            {barrier}
            mov.u32 %to, room; mad.lo.u32 %to, %t, -4, %to;
            ld.shared.u32 %v, [%to+252]; // READ
            cp.async.wait_all;
            bar.sync 0;
            ld.shared.u32 %w, [%to+508];
            st.global.v2.u32 [%p], {{%v, %w}};"
        )
        .replace(
            "st.global.v2.u32 [%p], {%v, %w};",
            "st.global.u32 [%p], %v; st.global.u32 [%p+256], %w;",
        ),
    )
}

#[test]
fn groups_arrive_in_order_under_every_schedule() {
    let data: Vec<u32> = (0..128).collect();
    let wanted: Vec<u32> = (0..64).rev().chain((64..128).rev()).collect();
    for schedule in SCHEDULES {
        let mut kernel = two_groups("cp.async.wait_group 1;", "bar.sync 0;");
        kernel.schedule = schedule;
        assert_eq!(kernel.run(&data).unwrap(), wanted, "{schedule:?}");
    }
}

#[test]
fn a_missing_wait_and_a_missing_barrier_are_found_under_every_schedule() {
    let data: Vec<u32> = (0..128).collect();
    for schedule in SCHEDULES {
        for (wait, barrier) in [
            ("", "bar.sync 0;"),
            ("cp.async.wait_group 2;", "bar.sync 0;"),
        ] {
            let mut kernel = two_groups(wait, barrier);
            kernel.schedule = schedule;
            let fault = kernel.run(&data).unwrap_err();
            assert_eq!(fault.line, kernel.line_of("READ"));
            let FaultKind::CopyUnderWay { copy, .. } = fault.kind else {
                panic!("{fault}");
            };
            assert_eq!(copy.line, kernel.line_of("FIRST"));
        }
        let mut kernel = two_groups("cp.async.wait_group 1;", "");
        kernel.schedule = schedule;
        let fault = kernel.run(&data).unwrap_err();
        assert_eq!(fault.line, kernel.line_of("READ"), "{fault}");
        // Which thread is ahead depends on the schedule; that it is not allowed does not.
        assert!(matches!(
            fault.kind,
            FaultKind::Race { .. } | FaultKind::CopyUnderWay { .. } | FaultKind::Unwritten { .. }
        ));
    }
}

#[test]
fn short_copies_fill_up_with_zeros() {
    for (operand, kept) in [("0", 0), ("5", 5), ("16", 16), ("%n", 9)] {
        let body = format!(
            ".shared .align 16 .b8 room[16]; .reg .b32 %n, %a<4>; .reg .b64 %p; mov.u32 %n, 9;
            ld.param.u64 %p, [data];
            cp.async.cg.shared.global.L2::128B [room], [%p], 16, {operand};
            cp.async.wait_all;
            ld.shared.v4.u32 {{%a0, %a1, %a2, %a3}}, [room];
            st.global.v4.u32 [%p], {{%a0, %a1, %a2, %a3}};"
        );
        for schedule in SCHEDULES {
            let mut kernel = Kernel::new(1, &body);
            kernel.schedule = schedule;
            let found = kernel
                .run(&[0x0403_0201, 0x0807_0605, 0x0C0B_0A09, 0x100F_0E0D])
                .unwrap();
            let bytes: Vec<u8> = found.iter().flat_map(|word| word.to_le_bytes()).collect();
            let wanted: Vec<u8> = (1..=16).map(|b| if b <= kept { b } else { 0 }).collect();
            assert_eq!(bytes, wanted, "{operand} {schedule:?}");
        }
    }
    let ignoring = ".shared .align 16 .b8 room[8]; .reg .b32 %a; .reg .b64 %p; .reg .pred %q;
        ld.param.u64 %p, [data]; setp.eq.u64 %q, %p, %p;
        cp.async.ca.shared.global [room], [%p+8], 8, %q; cp.async.wait_all;
        ld.shared.u32 %a, [room]; st.global.u32 [%p], %a;";
    assert_eq!(Kernel::new(1, ignoring).run(&[77, 0]).unwrap(), [0, 0]);
}

#[test]
fn a_copy_may_not_land_on_what_is_in_use() {
    // Thread 32 reads what thread 0 copies over without a barrier between them.
    let body = ".shared .align 16 .b8 room[16]; .reg .b32 %t, %a; .reg .b64 %p; .reg .pred %q, %r;
        ld.param.u64 %p, [data]; mov.u32 %t, %tid.x; setp.eq.u32 %q, %t, 0; setp.eq.u32 %r, %t, 32;
        @%q st.shared.u32 [room], %t; bar.sync 0;
        @%r ld.shared.u32 %a, [room]; // READ
        @%q cp.async.ca.shared.global [room], [%p], 4; // COPY
        cp.async.wait_all;";
    for schedule in SCHEDULES {
        let mut kernel = Kernel::new(64, body);
        kernel.schedule = schedule;
        let fault = kernel.run(&[1]).unwrap_err();
        let lines = [kernel.line_of("READ"), kernel.line_of("COPY")];
        assert!(lines.contains(&fault.line), "{fault}");
        assert!(matches!(
            fault.kind,
            FaultKind::Race { .. } | FaultKind::CopyUnderWay { .. }
        ));
    }
    // Two copies to one place are not ordered by program order either.
    let body = ".shared .align 16 .b8 room[16]; .reg .b64 %p; ld.param.u64 %p, [data];
        cp.async.ca.shared.global [room], [%p], 4; cp.async.commit_group;
        cp.async.ca.shared.global [room], [%p], 4; // SECOND";
    let kernel = Kernel::new(1, body);
    let fault = kernel.run(&[1]).unwrap_err();
    assert_eq!(fault.line, kernel.line_of("SECOND"));
}
