//! Launches that break a contract do not happen, and the device goes on.

use half::bf16;
use rewire_cuda::kernels::{Call, DenseSize, Element as Kind, GemmNt};
use rewire_cuda::{
    Buffer, ContractFault, Device, DeviceError, Matrix, Operand, Part, Rows, gemm_nt, prune24,
};

use crate::rig::{laws, whole};

laws!(
    views_between_multiples_of_16_bytes_are_refused,
    raw_launches_are_checked,
    copies_stay_within_their_buffer,
    what_nobody_wrote_is_not_read,
    empty_buffers_are_refused,
);

fn fault(error: DeviceError) -> ContractFault {
    match error {
        DeviceError::Contract(error) => error.fault,
        other => panic!("{other}"),
    }
}

fn views_between_multiples_of_16_bytes_are_refused<D: Device>(device: &D) {
    let numbers = whole(8, 40, 2, 40);
    let matrix = Matrix::<bf16, D>::from_f32(device, numbers.view()).unwrap();
    for first in 1..8 {
        let view = matrix.block(0..8, first..first + 16).unwrap();
        let refused = gemm_nt(matrix.block(0..8, 0..16).unwrap(), view).unwrap_err();
        let address = matrix.buffer().address() + 2 * u64::from(first);
        let expected = ContractFault::Misaligned {
            name: "b",
            address,
            align: 16,
        };
        assert_eq!(fault(refused), expected);
        assert!(prune24(view).is_err());
        // A copy has no such needs.
        assert_eq!(view.to_host().unwrap().dim(), (8, 16));
    }
    let whole_numbers = gemm_nt(matrix.view(), matrix.view()).unwrap();
    assert_eq!(whole_numbers.to_f32().unwrap(), numbers.dot(&numbers.t()));
}

/// C = A·Bᵀ of 4 × 8 operands, and buffers for it.
fn product<D: Device>(device: &D) -> (Call, [Buffer<D::Memory>; 3]) {
    let operand = DenseSize::new(4, 8).unwrap();
    let product = GemmNt {
        element: Kind::Bf16,
        a: operand,
        b: operand,
        c: DenseSize::new(4, 4).unwrap(),
    };
    let put = || device.upload(&ones(), Rows::one(64)).unwrap();
    let buffers = [put(), put(), device.reserve(64).unwrap()];
    (product.call().unwrap(), buffers)
}

/// 32 times the bfloat16 1.
fn ones() -> Vec<u8> {
    [0x80, 0x3F].repeat(32)
}

fn raw_launches_are_checked<D: Device>(device: &D) {
    let (call, [a, b, mut c]) = product(device);
    let refused = device.run(&call, &mut [(&a).into(), (&b).into()]);
    assert_eq!(
        fault(refused.unwrap_err()),
        ContractFault::Count {
            given: 2,
            needed: 3
        }
    );
    let refused = device.run(&call, &mut [(&a).into(), (&b).into(), (&c).into()]);
    assert!(matches!(
        fault(refused.unwrap_err()),
        ContractFault::Access { name: "c", .. }
    ));
    let part = Operand::from(Part::new(&a, 16));
    let refused = device.run(&call, &mut [part, (&b).into(), (&mut c).into()]);
    assert!(matches!(
        fault(refused.unwrap_err()),
        ContractFault::Short {
            name: "a",
            given: 48,
            needed: 64
        }
    ));
    assert!(!c.is_written());
    device
        .run(&call, &mut [(&a).into(), (&b).into(), (&mut c).into()])
        .unwrap();
    assert!(c.is_written());
    // Four rows of four, 16 bytes apart: each is 8.
    let rows = Rows {
        count: 4,
        bytes: 8,
        stride: 16,
    };
    let mut bytes = [0; 32];
    device.download(Part::whole(&c), rows, &mut bytes).unwrap();
    assert_eq!(bytes, *[0x00, 0x41].repeat(16));
}

fn copies_stay_within_their_buffer<D: Device>(device: &D) {
    let buffer = device.upload(&[1, 2, 3, 4, 5, 6, 7], Rows::one(7)).unwrap();
    let rows = Rows {
        count: 2,
        bytes: 2,
        stride: 3,
    };
    let mut bytes = [0; 4];
    for offset in 0..=2 {
        let part = Part::new(&buffer, offset);
        device.download(part, rows, &mut bytes).unwrap();
        let first = offset as u8 + 1;
        assert_eq!(bytes, [first, first + 1, first + 3, first + 4]);
    }
    let beyond = Part::new(&buffer, 3);
    assert!(matches!(
        device.download(beyond, rows, &mut bytes),
        Err(DeviceError::Length {
            given: 4,
            needed: 5,
            ..
        })
    ));
    assert!(
        device
            .download(Part::new(&buffer, 8), Rows::one(1), &mut [0])
            .is_err()
    );
    assert!(
        device
            .download(Part::whole(&buffer), rows, &mut [0; 5])
            .is_err()
    );
    assert!(device.upload(&[1, 2, 3], rows).is_err());
    let overlapping = Rows { stride: 1, ..rows };
    assert!(device.upload(&[1, 2, 3, 4], overlapping).is_err());
    let endless = Rows {
        count: u64::MAX,
        bytes: u64::MAX,
        stride: u64::MAX,
    };
    assert!(
        device
            .download(Part::whole(&buffer), endless, &mut bytes)
            .is_err()
    );
}

fn what_nobody_wrote_is_not_read<D: Device>(device: &D) {
    let fresh = Matrix::<bf16, D>::reserve(device, 5, 9).unwrap();
    let refused = gemm_nt(fresh.view(), fresh.view()).unwrap_err();
    assert_eq!(fault(refused), ContractFault::Unwritten { name: "a" });
    assert_eq!(fresh.to_host().unwrap_err(), DeviceError::Unwritten);
}

fn empty_buffers_are_refused<D: Device>(device: &D) {
    let expected = DeviceError::Length {
        what: "bytes of a buffer",
        given: 0,
        needed: 1,
    };
    assert_eq!(device.reserve(0).unwrap_err(), expected);
    assert_eq!(device.zeros(0).unwrap_err(), expected);
    assert_eq!(device.upload(&[], Rows::one(0)).unwrap_err(), expected);
}
