//! Loads, stores, constants, parameters and atomic operations.

use rewire_ptx::{Argument, FaultKind, Launch, Memory, MemoryError, MemorySpace, Module};

use crate::rig::{HEADER, Kernel, lanewise, rows};

#[test]
fn narrow_loads_widen_by_their_sign() {
    let rows = rows(1);
    // Operands reach the kernel through registers; the stack of shared memory narrows them.
    let through = |kind: &str, width: u32| {
        format!(
            ".shared .align 8 .b8 room[768]; .reg .b32 %s; .reg .b64 %w; mov.u32 %s, room;
             mad.lo.u32 %s, %t, 8, %s; st.shared.b64 [%s], %a0;
             ld.shared.{kind} %w, [%s]; cvt.u{width}.u64 %d, %w;"
        )
    };
    let found = lanewise(&through("s8", 32), "u32", &["u64"], &rows);
    assert!(
        rows.iter()
            .zip(found)
            .all(|(row, found)| found == row[0] as i8 as u32 as u64)
    );
    let found = lanewise(&through("u16", 32), "u32", &["u64"], &rows);
    assert!(
        rows.iter()
            .zip(found)
            .all(|(row, found)| found == row[0] & 0xFFFF)
    );
    let found = lanewise(&through("s32", 64), "u64", &["u64"], &rows);
    assert!(
        rows.iter()
            .zip(found)
            .all(|(row, found)| found == row[0] as i32 as u64)
    );
}

#[test]
fn vectors_keep_their_order() {
    let body = ".reg .b64 %p; .reg .b32 %a<4>; .reg .b16 %h<4>; ld.param.u64 %p, [data];
        ld.global.nc.L1::no_allocate.L2::128B.v4.u32 {%a0, %a1, %a2, %a3}, [%p];
        st.global.cs.v2.b32 [%p+8], {%a0, %a1};
        ld.global.v4.u16 {%h0, _, _, %h3}, [%p];
        mov.b32 %a0, {%h3, %h0}; st.global.u32 [%p], %a0;";
    let found = Kernel::new(1, body)
        .run(&[0x2222_1111, 0x4444_3333, 5, 6])
        .unwrap();
    assert_eq!(found, [0x1111_4444, 0x4444_3333, 0x2222_1111, 0x4444_3333]);
}

#[test]
fn generic_addresses_reach_both_memories() {
    let body = ".reg .b64 %p, %s; .reg .b32 %a, %b; .shared .b32 word; ld.param.u64 %p, [data];
        mov.u64 %s, word; cvta.shared.u64 %s, %s; ld.u32 %a, [%p]; st.u32 [%s], %a;
        ld.shared.u32 %b, [word]; add.u32 %b, %b, 1; cvta.to.shared.u64 %s, %s;
        st.shared.u32 [%s], %b; ld.shared.u32 %a, [word]; st.u32 [%p], %a;";
    assert_eq!(Kernel::new(1, body).run(&[41]).unwrap(), [42]);
}

#[test]
fn parameters_and_constants_are_read_in_place() {
    let text = format!(
        "{HEADER}.const .align 4 .b32 table[4] = {{10, -1, 0x20, 7}};
        .const .f32 half = 0.5;
        .visible .entry k(.param .u8 small, .param .align 8 .b8 block[16], .param .u64 out) {{
        .reg .b32 %a, %b; .reg .b64 %p, %t; .reg .b16 %h;
        ld.param.u64 %p, [out]; ld.param.u8 %h, [small]; cvt.u32.u16 %a, %h;
        ld.param.b32 %b, [block+12]; st.global.v2.u32 [%p], {{%a, %b}};
        mov.u64 %t, table; ld.const.u32 %a, [%t+4]; ld.const.b32 %b, [half];
        st.global.v2.u32 [%p+8], {{%a, %b}}; ret; }}"
    );
    let module = Module::parse("k.ptx", &text).unwrap();
    let entry = module.entry("k").unwrap();
    assert_eq!(entry.parameters()[1].offset, 8);
    assert_eq!(entry.parameters()[2].offset, 24);
    let mut memory = Memory::default();
    let out = memory.reserve(16);
    let mut block = [0; 16];
    block[12] = 99;
    let arguments = vec![Argument::from(200u8), Argument::bytes(&block), out.into()];
    Launch::new([1, 1, 1], [1, 1, 1], arguments)
        .run(entry, &mut memory)
        .unwrap();
    let found: Vec<u32> = memory.download(out, 4).unwrap();
    assert_eq!(found, [200, 99, u32::MAX, 0.5f32.to_bits()]);
    assert!(module.entry("other").is_err());
}

#[test]
fn atomic_operations_add_up_across_blocks() {
    let text = format!(
        "{HEADER}.visible .entry k(.param .u64 out) {{
        .shared .align 4 .b32 sum; .reg .b32 %t, %old, %v; .reg .b64 %p; .reg .pred %first;
        ld.param.u64 %p, [out]; mov.u32 %t, %tid.x; setp.eq.u32 %first, %t, 0;
        @%first st.shared.u32 [sum], 0; bar.sync 0;
        atom.shared.add.u32 %old, [sum], %t; red.shared.max.u32 [sum], 5; bar.sync 0;
        ld.shared.u32 %v, [sum]; @%first red.global.add.u32 [%p], %v;
        atom.global.max.s32 _, [%p+4], %t; ret; }}"
    );
    let module = Module::parse("k.ptx", &text).unwrap();
    let mut memory = Memory::default();
    let out = memory.upload(&[0u32, 0]);
    Launch::new([3, 1, 1], [100, 1, 1], vec![out.into()])
        .run(module.entry("k").unwrap(), &mut memory)
        .unwrap();
    assert_eq!(memory.download::<u32>(out, 2).unwrap(), [3 * 4950, 99]);
}

#[test]
fn buffers_have_bounds_of_their_own() {
    let mut memory = Memory::default();
    let first = memory.upload(&[1u8; 7]);
    let second = memory.reserve(8);
    assert!(second > first + 256 && second.is_multiple_of(256));
    assert_eq!(memory.download::<u8>(first, 7).unwrap(), [1; 7]);
    let outside = MemoryError::OutOfBounds {
        address: first,
        bytes: 8,
    };
    assert_eq!(memory.download::<u64>(first, 1), Err(outside));
    assert_eq!(
        memory.download::<u8>(second, 1),
        Err(MemoryError::Unwritten { address: second })
    );
    memory.overwrite(second + 2, &[7u16]).unwrap();
    assert_eq!(memory.download::<u16>(second + 2, 1).unwrap(), [7]);
    assert!(memory.overwrite(second + 4, &[7u64]).is_err());
    let body = ".reg .b64 %p; .reg .b32 %a; ld.param.u64 %p, [data];\nld.global.u32 %a, [%p+-4];";
    let fault = Kernel::new(1, body).run(&[1]).unwrap_err();
    assert_eq!(fault.line, 6);
    assert!(matches!(
        fault.kind,
        FaultKind::OutOfBounds {
            space: MemorySpace::Global,
            bytes: 4,
            ..
        }
    ));
}

#[test]
fn a_buffer_that_was_given_back_belongs_to_nobody() {
    let mut memory = Memory::default();
    let buffers = [(); 3].map(|()| memory.upload(&[1u8; 300]));
    assert_eq!(memory.release(buffers[1]), Ok(()));
    let gone = MemoryError::NoBuffer {
        address: buffers[1],
    };
    assert_eq!(memory.release(buffers[1]), Err(gone));
    assert!(memory.release(buffers[0] + 1).is_err());
    assert!(memory.download::<u8>(buffers[1], 1).is_err());
    assert_eq!(memory.release(buffers[2]), Ok(()));
    // Its address is not used again, not even that of the last one.
    assert!(memory.reserve(8) > buffers[2]);
    assert_eq!(memory.download::<u8>(buffers[0], 300).unwrap(), [1; 300]);
}
