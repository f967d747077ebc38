//! What only the emulator can show: its room, the faults of a text, two devices beside each other.

use half::bf16;
use rewire_cuda::kernels::{Element as Kind, Kernel, Program};
use rewire_cuda::{
    ContractFault, Device, DeviceError, Emulator, Gpu, Matrix, Part, Rows, Schedule, gemm_nt,
    prune24, prune24_transposable,
};

use crate::rig::whole;

#[test]
fn opening_a_gpu_says_what_is_missing() {
    match Gpu::open() {
        Ok(gpu) => println!("{:?}", gpu.facts()),
        Err(error) => println!("{error}; {error:?}"),
    }
}

#[test]
fn buffers_are_given_back() {
    let emulator = Emulator::default();
    let numbers = whole(33, 20, 3, 60);
    let matrix = Matrix::<bf16, _>::from_f32(&emulator, numbers.view()).unwrap();
    let before = emulator.used_bytes();
    assert_eq!(before, matrix.buffer().bytes());
    drop(prune24(matrix.view()).unwrap());
    drop(gemm_nt(matrix.view(), matrix.view()).unwrap());
    assert_eq!(emulator.used_bytes(), before);
    drop(matrix);
    assert_eq!(emulator.used_bytes(), 0);
}

#[test]
fn running_out_of_memory_leaks_nothing() {
    let numbers = whole(33, 20, 3, 61);
    // From too little for the first buffer of the result to enough for the last.
    let mut refused = 0;
    for room in (1320..40_000).step_by(512) {
        let emulator = Emulator::with_room(Schedule::Early, room);
        let Ok(matrix) = Matrix::<bf16, _>::from_f32(&emulator, numbers.view()) else {
            continue;
        };
        let before = emulator.used_bytes();
        match prune24_transposable(matrix.view()) {
            Ok(pruned) => {
                pruned.status.finite().unwrap();
                assert!(refused > 4, "{refused}");
                return;
            }
            Err(error) => {
                refused += 1;
                assert!(matches!(error, DeviceError::OutOfMemory { .. }), "{error}");
                assert_eq!(emulator.used_bytes(), before);
                assert_eq!(matrix.to_f32().unwrap(), numbers);
            }
        }
    }
    panic!("it never fits");
}

#[test]
fn buffers_of_another_device_are_refused() {
    let (one, other) = (Emulator::default(), Emulator::default());
    let numbers = whole(4, 8, 3, 62);
    let here = Matrix::<bf16, _>::from_f32(&one, numbers.view()).unwrap();
    let there = Matrix::<bf16, _>::from_f32(&other, numbers.view()).unwrap();
    let refused = gemm_nt(here.view(), there.view()).unwrap_err();
    assert!(matches!(
        refused,
        DeviceError::Contract(error) if error.fault == ContractFault::Foreign { name: "b" }
    ));
    let refused = one.download(Part::whole(there.buffer()), Rows::one(1), &mut [0]);
    assert_eq!(refused, Err(DeviceError::Foreign));
    // A clone is the same device.
    let same = Matrix::<bf16, _>::from_f32(&one.clone(), numbers.view()).unwrap();
    assert!(gemm_nt(here.view(), same.view()).is_ok());
}

/// A text with the parameters of `gemm_nt` whose body is this.
fn text(body: &str) -> String {
    format!(
        ".version 8.5\n.target sm_80\n.address_size 64\n\
         .visible .entry gemm_nt(.param .u64 a, .param .u64 b, .param .u64 c, .param .u32 m, \
         .param .u32 n, .param .u32 k, .param .u32 pa, .param .u32 pb, .param .u32 pc)\n\
         {{\n{body}\nret;\n}}\n"
    )
}

const PROGRAM: Program = Program {
    kernel: Kernel::GemmNt,
    element: Kind::Bf16,
};

#[test]
fn faults_of_a_text_come_with_their_place() {
    let emulator = Emulator::default();
    let matrix = Matrix::<bf16, _>::from_f32(&emulator, whole(4, 8, 3, 63).view()).unwrap();
    let address = ".reg .b64 %p; .reg .b32 %v; ld.param.u64 %p, [a];";
    let beyond = text(&format!("{address}\nld.global.u32 %v, [%p+4096];"));
    emulator.replace(PROGRAM, &beyond).unwrap();
    let fault = gemm_nt(matrix.view(), matrix.view()).unwrap_err();
    assert!(
        matches!(&fault, DeviceError::Fault { text } if text.starts_with("gemm_nt_bf16.ptx:7:")),
        "{fault}"
    );
    // The matrix is as it was, and so is the device.
    assert_eq!(matrix.to_f32().unwrap(), whole(4, 8, 3, 63));
    let other = Emulator::default();
    let matrix = Matrix::<bf16, _>::from_f32(&other, whole(4, 8, 3, 63).view()).unwrap();
    assert!(gemm_nt(matrix.view(), matrix.view()).is_ok());
}

#[test]
fn a_text_that_writes_nothing_is_found_out_by_reading() {
    let emulator = Emulator::default();
    let matrix = Matrix::<bf16, _>::from_f32(&emulator, whole(4, 8, 3, 64).view()).unwrap();
    emulator.replace(PROGRAM, &text("")).unwrap();
    let c = gemm_nt(matrix.view(), matrix.view()).unwrap();
    assert!(matches!(c.to_host(), Err(DeviceError::Fault { .. })));
}

#[test]
fn a_text_with_other_parameters_is_not_launched() {
    let emulator = Emulator::default();
    let matrix = Matrix::<bf16, _>::from_f32(&emulator, whole(4, 8, 3, 65).view()).unwrap();
    let fewer = text("").replace(", .param .u32 pc", "");
    emulator.replace(PROGRAM, &fewer).unwrap();
    let refused = gemm_nt(matrix.view(), matrix.view()).unwrap_err();
    assert!(matches!(
        refused,
        DeviceError::Contract(error)
            if matches!(&error.fault, ContractFault::Parameters { text, .. } if text.len() == 8)
    ));
    let refused = emulator.replace(PROGRAM, "nonsense").unwrap_err();
    assert!(
        matches!(&refused, DeviceError::Compile { file, code: 0, .. } if file == "gemm_nt_bf16.ptx"),
        "{refused}"
    );
}

#[test]
fn sizes_beyond_all_numbers_are_errors() {
    let device = Emulator::default();
    let size = Matrix::<bf16, _>::reserve(&device, 1, u64::MAX).unwrap_err();
    assert!(matches!(size, DeviceError::Size(_)), "{size}");
    let buffer = device.zeros(16).unwrap();
    let nothing = device.download(Part::new(&buffer, u64::MAX), Rows::one(0), &mut []);
    assert_eq!(nothing, Ok(()));
    for bytes in [1 << 42, 1 << 63, u64::MAX] {
        let roomy = Emulator::with_room(Schedule::default(), u64::MAX);
        let refused = roomy.reserve(bytes).unwrap_err();
        assert_eq!(refused, DeviceError::OutOfMemory { bytes });
    }
}
