//! Exchange between lanes, divergence and its end, special registers.

use rewire_ptx::{Launch, Memory, Module, Schedule};

use crate::rig::{HEADER, Kernel, Numbers, lanewise};

/// A kernel of one warp: `%v` holds the lane's word, `%d` becomes it.
fn of_words(body: &str) -> Kernel {
    Kernel::new(
        32,
        &format!(
            ".reg .b32 %lane, %v, %d, %x<8>; .reg .b64 %p, %at; .reg .pred %q<4>;\n\
             ld.param.u64 %p, [data]; mov.u32 %lane, %laneid; mul.wide.u32 %at, %lane, 4;\n\
             add.u64 %p, %p, %at; ld.global.u32 %v, [%p];\n{body}\nst.global.u32 [%p], %d;\n"
        ),
    )
}

fn words() -> Vec<u32> {
    let mut numbers = Numbers(21);
    (0..32).map(|_| numbers.next() as u32).collect()
}

#[test]
fn shuffles_read_other_lanes() {
    type From = fn(usize) -> Option<usize>;
    // Where the value comes from; none if the lane keeps its own.
    let cases: [(&str, From); 7] = [
        ("shfl.sync.idx.b32 %d|%q0, %v, 5, 31, -1;", |_| Some(5)),
        (
            "shfl.sync.bfly.b32 %d|%q0, %v, 7, 31, 0xffffffff;",
            |lane| Some(lane ^ 7),
        ),
        ("shfl.sync.up.b32 %d|%q0, %v, 3, 0, -1;", |lane| {
            lane.checked_sub(3)
        }),
        ("shfl.sync.down.b32 %d|%q0, %v, 9, 31, -1;", |lane| {
            (lane + 9 < 32).then_some(lane + 9)
        }),
        // Segments of eight lanes: the segment mask is 0x18.
        ("shfl.sync.idx.b32 %d|%q0, %v, 2, 0x181f, -1;", |lane| {
            Some((lane & !7) + 2)
        }),
        ("shfl.sync.down.b32 %d|%q0, %v, 3, 0x1807, -1;", |lane| {
            (lane % 8 + 3 < 8).then_some(lane + 3)
        }),
        ("shfl.sync.up.b32 %d|%q0, %v, 1, 0x1800, -1;", |lane| {
            (lane % 8 > 0).then(|| lane - 1)
        }),
    ];
    let words = words();
    for (code, from) in cases {
        let found = of_words(code).run(&words).unwrap();
        // The predicate says whether the source lies within the segment.
        let valid = of_words(&format!("{code} selp.b32 %d, 1, 0, %q0;"))
            .run(&words)
            .unwrap();
        for lane in 0..32 {
            assert_eq!(
                found[lane],
                words[from(lane).unwrap_or(lane)],
                "{code} in lane {lane}"
            );
            assert_eq!(
                valid[lane],
                u32::from(from(lane).is_some()),
                "{code} in lane {lane}"
            );
        }
    }
}

#[test]
fn votes_and_reductions_see_every_lane() {
    let words = words();
    let odd = words
        .iter()
        .enumerate()
        .fold(0, |mask, (lane, word)| mask | (word & 1) << lane);
    let test = "and.b32 %x0, %v, 1; setp.ne.u32 %q0, %x0, 0; setp.ne.u32 %q1, %v, 0;";
    let check = |code: &str, wanted: u32| {
        let found = of_words(&format!("{test} {code}")).run(&words).unwrap();
        assert_eq!(found, [wanted; 32], "{code}");
    };
    check("vote.sync.ballot.b32 %d, %q0, -1;", odd);
    check("vote.sync.ballot.b32 %d, !%q0, -1;", !odd);
    check(
        "vote.sync.any.pred %q2, %q0, -1; selp.b32 %d, 1, 0, %q2;",
        1,
    );
    check(
        "vote.sync.all.pred %q2, %q0, -1; selp.b32 %d, 1, 0, %q2;",
        0,
    );
    check(
        "vote.sync.all.pred %q2, %q1, -1; selp.b32 %d, 1, 0, %q2;",
        1,
    );
    check(
        "vote.sync.uni.pred %q2, %q0, -1; selp.b32 %d, 1, 0, %q2;",
        0,
    );
    check(
        "redux.sync.add.u32 %d, %v, -1;",
        words.iter().fold(0, |a, &b| a.wrapping_add(b)),
    );
    check(
        "redux.sync.max.u32 %d, %v, -1;",
        words.iter().copied().max().unwrap(),
    );
    let least = words.iter().map(|&word| word as i32).min().unwrap();
    check("redux.sync.min.s32 %d, %v, -1;", least as u32);
    check(
        "redux.sync.xor.b32 %d, %v, -1;",
        words.iter().fold(0, |a, b| a ^ b),
    );
    check("activemask.b32 %d;", u32::MAX);
}

#[test]
fn lanes_part_and_meet_again() {
    // Collatz steps: lanes leave the loop at different times and meet behind it, where all of them
    // are needed.
    let code = "mov.u32 %d, 0; and.b32 %v, %v, 255; add.u32 %v, %v, 1;
        LOOP: setp.eq.u32 %q0, %v, 1; @%q0 bra DONE;
        and.b32 %x0, %v, 1; setp.eq.u32 %q1, %x0, 0; @%q1 bra EVEN;
        mad.lo.u32 %v, %v, 3, 1; bra NEXT;
        EVEN: shr.u32 %v, %v, 1;
        NEXT: add.u32 %d, %d, 1; bra LOOP;
        DONE: activemask.b32 %x1; setp.ne.u32 %q2, %x1, -1; @%q2 trap;";
    let words = words();
    let found = of_words(code).run(&words).unwrap();
    for (word, found) in words.iter().zip(found) {
        let (mut value, mut steps) = ((word & 255) + 1, 0);
        while value != 1 {
            value = if value % 2 == 0 {
                value / 2
            } else {
                3 * value + 1
            };
            steps += 1;
        }
        assert_eq!(found, steps);
    }
}

#[test]
fn halves_of_a_warp_exchange_apart() {
    // Each half executes a shuffle of its own with a mask of its own.
    let code = "setp.lt.u32 %q0, %lane, 16; @!%q0 bra UPPER;
        shfl.sync.bfly.b32 %d, %v, 1, 31, 0x0000ffff; bra DONE;
        UPPER: shfl.sync.bfly.b32 %d, %v, 2, 31, 0xffff0000;
        DONE:";
    let words = words();
    let found = of_words(code).run(&words).unwrap();
    for lane in 0..32 {
        assert_eq!(found[lane], words[lane ^ if lane < 16 { 1 } else { 2 }]);
    }
}

#[test]
fn labels_and_registers_of_a_scope_are_its_own() {
    let code = "mov.u32 %d, 0;
        { .reg .b32 %t; mov.u32 %t, 3; L: add.u32 %d, %d, 1; sub.u32 %t, %t, 1;
          setp.ne.u32 %q0, %t, 0; @%q0 bra L; }
        { .reg .b32 %t<2>; mov.u32 %t1, 4; L: add.u32 %d, %d, 10; sub.u32 %t1, %t1, 1;
          setp.ne.u32 %q0, %t1, 0; @%q0 bra.uni L; }";
    assert_eq!(of_words(code).run(&words()).unwrap(), [43; 32]);
}

#[test]
fn threads_know_their_place() {
    let text = format!(
        "{HEADER}.visible .entry places(.param .u64 out) .maxntid 64, 1, 1 .minnctapersm 1 {{
        .reg .b32 %v, %w, %b; .reg .b64 %p, %at;
        mov.u32 %v, %ctaid.z; mov.u32 %w, %nctaid.y; mov.u32 %b, %ctaid.y;
        mad.lo.u32 %v, %v, %w, %b; cvt.u32.u32 %w, %nctaid.x; mov.u32 %b, %ctaid.x;
        mad.lo.u32 %v, %v, %w, %b; mov.u32 %w, %ntid.z; mov.u32 %b, %tid.z;
        mad.lo.u32 %v, %v, %w, %b; mov.u32 %w, %ntid.y; mov.u32 %b, %tid.y;
        mad.lo.u32 %v, %v, %w, %b; mov.u32 %w, %ntid.x; mov.u32 %b, %tid.x;
        mad.lo.u32 %v, %v, %w, %b; ld.param.u64 %p, [out]; cvta.to.global.u64 %p, %p;
        mul.wide.u32 %at, %v, 8; add.s64 %p, %p, %at;
        mov.u32 %w, %warpid; mov.u32 %b, %laneid; mad.lo.u32 %b, %w, 32, %b;
        st.global.v2.b32 [%p], {{%v, %b}}; ret; }}"
    );
    let module = Module::parse("places.ptx", &text).unwrap();
    for schedule in [Schedule::Early, Schedule::Late, Schedule::Seeded(4)] {
        let mut memory = Memory::default();
        let out = memory.reserve(2 * 2 * 3 * 45 * 8);
        Launch::new([2, 2, 3], [5, 3, 3], vec![out.into()])
            .with_schedule(schedule)
            .run(module.entry("places").unwrap(), &mut memory)
            .unwrap();
        let found: Vec<u32> = memory.download(out, 2 * 2 * 2 * 3 * 45).unwrap();
        for (place, pair) in found.chunks(2).enumerate() {
            assert_eq!(pair, [place as u32, place as u32 % 45]);
        }
    }
}

#[test]
fn guards_leave_inactive_lanes_alone() {
    let code = "mov.b32 %d, 7; setp.gt.u32 %q0, %a0, 100; @!%q0 mov.b32 %d, %a0;";
    let rows = crate::rig::rows(1);
    let found = lanewise(code, "b32", &["b32"], &rows);
    for (row, found) in rows.iter().zip(found) {
        let value = row[0] as u32;
        assert_eq!(found, u64::from(if value > 100 { 7 } else { value }));
    }
}
