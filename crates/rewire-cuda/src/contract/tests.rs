//! Each way to break a contract, without any device.

use rewire_kernels::{Activation, DenseSize, Element, GemmNt, PackedSize, Prune24, Spmm24};

use super::*;
use crate::buffer::Part;

/// A buffer whose memory is nowhere, at an address of its own.
fn buffer(device: DeviceId, address: u64, bytes: u64) -> Buffer<()> {
    Buffer::new(device, address, bytes, ()).written()
}

/// C = A·Bᵀ with 3 × 5 and 2 × 5 operands: rows lie 8 elements apart.
fn product() -> Call {
    let size = |rows| DenseSize::new(rows, 5).unwrap();
    let product = GemmNt {
        element: Element::F16,
        a: size(3),
        b: size(2),
        c: DenseSize::new(3, 2).unwrap(),
    };
    product.call().unwrap()
}

/// Bytes that the product needs of A, B and C.
const NEEDED: [u64; 3] = [2 * (8 + 8 + 5), 2 * (8 + 5), 2 * (8 + 8 + 2)];

/// Buffers that just fit.
fn fitting(device: DeviceId) -> [Buffer<()>; 3] {
    [0x1000, 0x2000, 0x3000]
        .into_iter()
        .zip(NEEDED)
        .map(|(address, bytes)| buffer(device, address, bytes))
        .collect::<Vec<_>>()
        .try_into()
        .unwrap()
}

/// What is wrong with a product on these buffers.
fn fault(device: DeviceId, operands: &[Operand<'_, ()>]) -> ContractFault {
    let error = check(&product(), device, operands).unwrap_err();
    assert_eq!(error.kernel, "gemm_nt");
    error.fault
}

#[test]
fn buffers_that_fit_give_their_addresses() {
    let device = DeviceId::unique();
    let [a, b, mut c] = fitting(device);
    let call = product();
    let operands = [(&a).into(), (&b).into(), (&mut c).into()];
    let checked = check(&call, device, &operands).unwrap();
    let addresses = [0x1000, 0x2000, 0x3000].map(Value::Address);
    let numbers = [3, 2, 5, 8, 8, 8].map(Value::Number);
    assert_eq!(checked.values(), [&addresses[..], &numbers].concat());
    assert_eq!(checked.call(), &call);
}

#[test]
fn a_part_begins_later_and_is_shorter() {
    let device = DeviceId::unique();
    let [_, b, mut c] = fitting(device);
    let wide = buffer(device, 0x8000, NEEDED[0] + 48);
    let call = product();
    let part = Part::new(&wide, 48);
    let operands = [part.into(), (&b).into(), (&mut c).into()];
    let checked = check(&call, device, &operands).unwrap();
    assert_eq!(checked.values()[0], Value::Address(0x8030));

    for (offset, given) in [(64, NEEDED[0] - 16), (1 << 40, 0)] {
        let part = Part::new(&wide, offset);
        let found = fault(device, &[part.into(), (&b).into(), (&mut c).into()]);
        let short = ContractFault::Short {
            name: "a",
            given,
            needed: NEEDED[0],
        };
        assert_eq!(found, short);
    }
    let part = Part::new(&wide, 8);
    let found = fault(device, &[part.into(), (&b).into(), (&mut c).into()]);
    let misaligned = ContractFault::Misaligned {
        name: "a",
        address: 0x8008,
        align: 16,
    };
    assert_eq!(found, misaligned);
}

#[test]
fn every_buffer_has_to_be_there() {
    let device = DeviceId::unique();
    let [a, b, mut c] = fitting(device);
    let [mut d, ..] = fitting(device);
    let needed = 3;
    let found = fault(device, &[(&a).into(), (&b).into()]);
    assert_eq!(found, ContractFault::Count { given: 2, needed });
    let found = fault(
        device,
        &[(&a).into(), (&b).into(), (&mut c).into(), (&mut d).into()],
    );
    assert_eq!(found, ContractFault::Count { given: 4, needed });
}

#[test]
fn each_buffer_is_held_against_its_own_need() {
    let device = DeviceId::unique();
    let other = DeviceId::unique();
    let names = ["a", "b", "c"];
    for (index, name) in names.into_iter().enumerate() {
        let faults = [
            (
                buffer(device, 0x5000, NEEDED[index] - 1),
                ContractFault::Short {
                    name,
                    given: NEEDED[index] - 1,
                    needed: NEEDED[index],
                },
            ),
            (
                buffer(device, 0x5008, 0x1000),
                ContractFault::Misaligned {
                    name,
                    address: 0x5008,
                    align: 16,
                },
            ),
            (
                buffer(other, 0x5000, 0x1000),
                ContractFault::Foreign { name },
            ),
        ];
        for (wrong, expected) in faults {
            let mut buffers = fitting(device);
            buffers[index] = wrong;
            let [a, b, c] = &mut buffers;
            let operands = [(&*a).into(), (&*b).into(), c.into()];
            assert_eq!(fault(device, &operands), expected);
        }
    }
}

#[test]
fn buffers_are_lent_for_what_is_done_with_them() {
    let device = DeviceId::unique();
    let [mut a, b, mut c] = fitting(device);
    let found = fault(device, &[(&a).into(), (&b).into(), (&c).into()]);
    let needed = Access::Write;
    assert_eq!(found, ContractFault::Access { name: "c", needed });
    let found = fault(device, &[(&mut a).into(), (&b).into(), (&mut c).into()]);
    let needed = Access::Read;
    assert_eq!(found, ContractFault::Access { name: "a", needed });
}

#[test]
fn what_is_read_has_been_written() {
    let device = DeviceId::unique();
    let [_, b, _] = fitting(device);
    let fresh = |address, bytes| Buffer::new(device, address, bytes, ());
    let (mut a, mut c) = (fresh(0x1000, NEEDED[0]), fresh(0x3000, NEEDED[2]));
    let found = fault(device, &[(&a).into(), (&b).into(), (&mut c).into()]);
    assert_eq!(found, ContractFault::Unwritten { name: "a" });
    // A launch that writes the buffer makes it fit for reading; one that reads it does not.
    note_writes(&mut [(&mut a).into(), (&c).into()]);
    assert!(a.is_written() && !c.is_written());
    let call = product();
    assert!(check(&call, device, &[(&a).into(), (&b).into(), (&mut c).into()]).is_ok());

    // What is added to has been written as well.
    let weights = DenseSize::new(4, 4).unwrap();
    let element = Element::Bf16;
    let call = Prune24 { element, weights }.call().unwrap();
    let weights = buffer(device, 0, 4096);
    let mut rest = [1, 2].map(|at| fresh(0x1_0000 * at, 4096));
    let [values, metadata] = &mut rest;
    let mut status = fresh(0x8_0000, 4);
    let operands = [
        (&weights).into(),
        values.into(),
        metadata.into(),
        (&mut status).into(),
    ];
    let error = check(&call, device, &operands).unwrap_err();
    assert_eq!(error.fault, ContractFault::Unwritten { name: "status" });
}

#[test]
fn a_buffer_that_is_not_there_has_the_address_0() {
    let device = DeviceId::unique();
    let spmm = Spmm24 {
        element: Element::Bf16,
        weights: PackedSize::new(3, 5).unwrap(),
        x: DenseSize::new(2, 5).unwrap(),
        y: DenseSize::new(2, 3).unwrap(),
        has_bias: false,
        activation: Activation::Identity,
    };
    let buffers = [1, 2, 3].map(|at| buffer(device, 0x1_0000 * at, 4096));
    let mut y = buffer(device, 0x9_0000, 4096);
    let mut operands: Vec<Operand<'_, ()>> = buffers.iter().map(Operand::from).collect();
    operands.push((&mut y).into());
    let call = spmm.call().unwrap();
    let checked = check(&call, device, &operands).unwrap();
    let absent = call
        .arguments()
        .iter()
        .position(|argument| *argument == Argument::Absent);
    assert_eq!(checked.values()[absent.unwrap()], Value::Address(0));
}

#[test]
fn a_text_has_the_parameters_of_its_contract() {
    let device = DeviceId::unique();
    let [a, b, mut c] = fitting(device);
    let call = product();
    let operands = [(&a).into(), (&b).into(), (&mut c).into()];
    let checked = check(&call, device, &operands).unwrap();
    let text = [8, 8, 8, 4, 4, 4, 4, 4, 4];
    assert_eq!(checked.check_parameters(&text), Ok(()));
    for wrong in [&text[1..], &text[..8], &[8, 8, 8, 4, 4, 4, 4, 4, 8]] {
        let error = checked.check_parameters(wrong).unwrap_err();
        let expected = ContractFault::Parameters {
            text: wrong.to_vec(),
            contract: text.to_vec(),
        };
        assert_eq!(error.fault, expected);
    }
}

#[test]
fn messages_name_kernel_parameter_and_numbers() {
    let rows = [
        (
            ContractFault::Count {
                given: 2,
                needed: 3,
            },
            "k: 2 buffers for a kernel that takes 3",
        ),
        (
            ContractFault::Foreign { name: "x" },
            "k: `x` lies on another device or stream",
        ),
        (
            ContractFault::Short {
                name: "x",
                given: 1,
                needed: 2,
            },
            "k: `x` has 1 bytes, 2 are needed",
        ),
        (
            ContractFault::Misaligned {
                name: "x",
                address: 24,
                align: 16,
            },
            "k: `x` begins at 0x18, which is no multiple of 16",
        ),
        (
            ContractFault::Access {
                name: "x",
                needed: Access::Update,
            },
            "k: `x` is lent for reading, the kernel updates it",
        ),
        (
            ContractFault::Unwritten { name: "x" },
            "k: `x` would be read before anybody has written it",
        ),
        (
            ContractFault::Parameters {
                text: vec![8],
                contract: vec![8, 4],
            },
            "k: its text has parameters of [8] bytes, its contract [8, 4]",
        ),
    ];
    for (fault, text) in rows {
        let error = ContractError { kernel: "k", fault };
        assert_eq!(error.to_string(), text);
    }
}
