//! Opening a GPU where there is one and where there is none.

use rewire_kernels::{Element, Kernel as Which};

use super::*;

#[test]
fn opening_never_panics_and_an_error_can_be_printed() {
    for ordinal in [0, 1, u32::MAX] {
        match Gpu::open_nth(ordinal) {
            Ok(gpu) => assert!(gpu.facts().multiprocessors > 0),
            Err(error) => {
                let printed = format!("{error} {error:?}");
                assert!(!printed.is_empty());
                assert!(matches!(
                    error,
                    DeviceError::NoDriver
                        | DeviceError::NoDevice { .. }
                        | DeviceError::TooOld { .. }
                        | DeviceError::Lacks { .. }
                        | DeviceError::Call { .. }
                ));
            }
        }
    }
    assert!(Gpu::open_nth(u32::MAX).is_err());
}

#[test]
fn versions_are_compared_by_both_numbers() {
    let rows = [
        ((12, 5), true),
        ((12, 10), true),
        ((13, 0), true),
        ((12, 4), false),
        ((11, 8), false),
        ((0, 0), false),
    ];
    for (found, passes) in rows {
        let checked = check_version("the driver", found, LEAST_DRIVER);
        let expected = DeviceError::TooOld {
            what: "the driver",
            found,
            least: (12, 5),
        };
        assert_eq!(checked, if passes { Ok(()) } else { Err(expected) });
    }
}

/// The first GPU, or nothing and a line that says so.
fn gpu() -> Option<Gpu> {
    Gpu::open()
        .inspect_err(|error| println!("skipped on the GPU: {error}"))
        .ok()
}

#[test]
fn a_text_that_does_not_compile_comes_with_the_compilers_words() {
    let Some(gpu) = gpu() else { return };
    let header = ".version 8.5\n.target sm_80\n.address_size 64\n";
    let text = format!("{header}.visible .entry k()\n{{\n  mov.u32 %nothing, 1;\n  ret;\n}}\n");
    let error = gpu.compile("k.ptx", "k", &text).unwrap_err();
    assert!(
        matches!(&error, DeviceError::Compile { file, code: 218, log }
            if file == "k.ptx" && log.contains("nothing")),
        "{error}"
    );
    assert!(gpu.compile("k.ptx", "k", "\0").is_err());
    // The name of an entry that is not there.
    let text = format!("{header}.visible .entry k()\n{{\n  ret;\n}}\n");
    let error = gpu.compile("k.ptx", "other", &text).unwrap_err();
    assert!(matches!(
        error,
        DeviceError::Call {
            call: "cuModuleGetFunction",
            code: 500,
            ..
        }
    ));
    assert!(gpu.compile("k.ptx", "k", &text).is_ok());
    gpu.synchronize().unwrap();
}

#[test]
fn every_text_compiles_once() {
    let Some(gpu) = gpu() else { return };
    for program in Program::all() {
        let footprint = gpu.prepare(program).unwrap();
        assert_eq!(footprint.spilled_bytes, 0, "{program:?}: {footprint:?}");
    }
    let first = Program {
        kernel: Which::GemmNt,
        element: Element::F16,
    };
    let kernel = gpu.kernel(first.code()).unwrap();
    assert!(Arc::ptr_eq(&kernel, &gpu.kernel(first.code()).unwrap()));
}

#[test]
fn time_passes_between_events() {
    let Some(gpu) = gpu() else { return };
    if gpu.facts().driver < LEAST_TIMER {
        let refused = gpu.timed(|| Ok(())).unwrap_err();
        assert!(matches!(refused, DeviceError::TooOld { .. }));
        return;
    }
    let (buffer, taken) = gpu.timed(|| gpu.zeros(1 << 28)).unwrap();
    assert!(taken > Duration::ZERO && taken < Duration::from_secs(10));
    let (early, late) = (gpu.event().unwrap(), gpu.event().unwrap());
    assert!(late.since(&early).unwrap() < Duration::from_secs(10));
    let other = Gpu::open().unwrap().event().unwrap();
    assert_eq!(other.since(&early), Err(DeviceError::Foreign));
    drop(buffer);
}

#[test]
fn running_out_of_memory_leaves_the_gpu_usable() {
    let Some(gpu) = gpu() else { return };
    let all = gpu.facts().memory_bytes;
    let small = gpu.zeros(1024).unwrap();
    let error = gpu.reserve(all + 1).unwrap_err();
    assert_eq!(error, DeviceError::OutOfMemory { bytes: all + 1 });
    // So much fits once; the second time it fits only if the first was given back.
    for _ in 0..2 {
        gpu.reserve(all / 5 * 3).unwrap();
    }
    gpu.synchronize().unwrap();
    gpu.trim().unwrap();
    let mut bytes = [1; 4];
    let part = Part::new(&small, 1020);
    gpu.download(part, Rows::one(4), &mut bytes).unwrap();
    assert_eq!(bytes, [0; 4]);
}
