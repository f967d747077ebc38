//! What the library would be asked, without the library.

use rewire_kernels::{Call, DenseSize, GemmNt, GemmTn, Prune24};

use super::*;
use crate::buffer::{Buffer, DeviceId, Operand};
use crate::contract;

/// What the library would be asked for a call, with buffers at multiples of 2¹⁶ but for `offset`.
fn product(call: &Call, offset: u64) -> Option<Product> {
    let device = DeviceId::unique();
    let mut buffers: Vec<Buffer<()>> = (1..=call.needs().count() as u64)
        .map(|at| Buffer::new(device, (at << 16) + offset, 1 << 16, ()).written())
        .collect();
    let operands: Vec<Operand<'_, ()>> = buffers
        .iter_mut()
        .zip(call.needs())
        .map(|(buffer, need)| match need.access {
            rewire_kernels::Access::Read => Operand::from(&*buffer),
            _ => Operand::from(buffer),
        })
        .collect();
    Product::of(&contract::check(call, device, &operands).unwrap())
}

#[test]
fn the_library_sees_transposes_in_the_other_order() {
    let size = |rows, cols| DenseSize::new(rows, cols).unwrap();
    let (m, n, k) = (3, 5, 9);
    let nt = GemmNt {
        element: Element::Bf16,
        a: size(m, k),
        b: size(n, k),
        c: size(m, n),
    };
    // Columns of the library have the pitch: 16 for 9 numbers, 8 for 5 and for 3.
    let found = product(&nt.call().unwrap(), 0).unwrap();
    assert_eq!(found.layouts(), [(9, 5, 16), (9, 3, 16), (5, 3, 8)]);
    assert_eq!(found.transposes(), [true, false]);
    let tn = GemmTn {
        element: Element::F16,
        a: size(k, m),
        b: size(k, n),
        c: size(m, n),
    };
    let found = product(&tn.call().unwrap(), 0).unwrap();
    assert_eq!(found.layouts(), [(5, 9, 8), (3, 9, 8), (5, 3, 8)]);
    assert_eq!(found.transposes(), [false, true]);
    let weights = size(m, n);
    let element = Element::F16;
    let prune = Prune24 { element, weights };
    assert!(product(&prune.call().unwrap(), 0).is_none());
}

#[test]
fn an_algorithm_is_chosen_for_sizes_and_alignment() {
    let size = DenseSize::new(8, 8).unwrap();
    let call = GemmNt {
        element: Element::Bf16,
        a: size,
        b: size,
        c: size,
    };
    let call = call.call().unwrap();
    let choice = |offset| product(&call, offset).unwrap().choice();
    assert_eq!(choice(0), choice(256));
    assert_eq!(choice(0).1, [256; 3]);
    assert_eq!(choice(16).1, [16; 3]);
    assert_eq!(choice(64 + 256).1, [64; 3]);
}
