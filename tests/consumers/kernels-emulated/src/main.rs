//! A kernel that reverses 64 numbers, with its barrier and without.

use rewire_ptx::{FaultKind, Launch, Memory, Module};

const REVERSE: &str = "
.version 8.5
.target sm_80
.address_size 64
.visible .entry reverse(.param .u64 numbers)
{
    .reg .b32 %thread, %value, %place, %mirror;
    .reg .b64 %at, %offset;
    .shared .align 4 .b8 tile[256];
    mov.u32 %thread, %tid.x;
    ld.param.u64 %at, [numbers];
    mul.wide.u32 %offset, %thread, 4;
    add.u64 %at, %at, %offset;
    ld.global.u32 %value, [%at];
    mov.u32 %place, tile;
    mad.lo.u32 %mirror, %thread, -4, 252;
    add.u32 %mirror, %mirror, %place;
    mad.lo.u32 %place, %thread, 4, %place;
    st.shared.u32 [%place], %value;
    bar.sync 0;
    ld.shared.u32 %value, [%mirror];
    st.global.u32 [%at], %value;
    ret;
}";

fn main() {
    let numbers: Vec<u32> = (0..64).collect();
    let run = |text: &str| {
        let module = Module::parse("reverse.ptx", text).expect("the text is PTX");
        let kernel = module.entry("reverse").expect("the kernel is there");
        let mut memory = Memory::default();
        let at = memory.upload(&numbers);
        Launch::new([1, 1, 1], [64, 1, 1], vec![at.into()])
            .run(kernel, &mut memory)
            .map(|_| memory.download::<u32>(at, 64).expect("it was uploaded"))
    };
    let reversed: Vec<u32> = numbers.iter().rev().copied().collect();
    assert_eq!(run(REVERSE), Ok(reversed));

    let fault = run(&REVERSE.replace("bar.sync 0;", "")).expect_err("the barrier is missing");
    assert!(matches!(
        fault.kind,
        FaultKind::Unwritten { .. } | FaultKind::Race { .. }
    ));
    println!("without its barrier: {fault}");
}
