//! The copy, on the emulator: every byte, and none beside them.

use rewire_kernels::{Argument, Copy};
use rewire_ptx::{Launch, Memory, Module};

#[test]
fn all_bytes_arrive_and_no_others() {
    let module = Module::parse("copy.ptx", Copy::CODE.text()).unwrap();
    for bytes in [16, 31, 32, 4080, 4096, 4112, 16368, 16384, 16400, 40_000] {
        let call = Copy { bytes }.call().unwrap();
        let moved = bytes as usize / 16 * 16;
        let source: Vec<u8> = (0..moved).map(|index| (index * 7 % 251) as u8).collect();
        let mut memory = Memory::default();
        // Buffers end where the copy does, so that one chunk too many is a fault.
        let (from, to) = (memory.upload(&source), memory.reserve(moved));
        let [_, _, Argument::U32(chunks)] = *call.arguments() else {
            panic!("two buffers and a number");
        };
        let arguments = vec![from.into(), to.into(), chunks.into()];
        Launch::new([call.blocks(), 1, 1], [call.threads(), 1, 1], arguments)
            .run(module.entry("copy").unwrap(), &mut memory)
            .unwrap_or_else(|fault| panic!("{bytes} bytes: {fault}"));
        assert_eq!(memory.download::<u8>(to, moved).unwrap(), source);
        assert_eq!(call.bytes(), 2 * moved as u64);
    }
}

#[test]
fn nothing_and_too_much_are_refused() {
    for bytes in [0, 15, 1 << 36, u64::MAX] {
        let message = Copy { bytes }.call().unwrap_err().to_string();
        assert!(message.contains(&bytes.to_string()), "{message}");
    }
}
