//! What the kernels cost on a GPU, by the GPU's own clock; without a driver it says so and ends.
//!
//! Buffers are made once. The dense product of cuBLASLt runs beside ours where that library is.
#![allow(clippy::print_stdout, reason = "a bench says what it skips")]

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput};
use rewire_cuda::kernels::Access;
use rewire_cuda::kernels::{
    Activation, Call, DenseSize, Element, Expand24, GemmNt, GemmTn, MaskGradient24, PackedSize,
    Prune24, Prune24Transposable, Spmm24,
};
use rewire_cuda::{Buffer, CublasLt, Device, DeviceError, Gpu, GpuMemory, Operand};

/// Tokens, outputs and inputs of a layer.
const LAYERS: [(u64, u64, u64); 3] = [(4096, 4096, 4096), (8192, 8192, 8192), (4096, 14336, 4096)];

fn main() -> Result<(), DeviceError> {
    let gpu = match Gpu::open() {
        Ok(gpu) => gpu,
        Err(reason) => {
            println!("kernels: skipped, {reason}");
            return Ok(());
        }
    };
    println!("kernels on {:?}", gpu.facts());
    let blas = CublasLt::open(&gpu)
        .inspect_err(|reason| println!("cuBLASLt: skipped, {reason}"))
        .ok();
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .sample_size(20)
        .configure_from_args();
    for layer in LAYERS {
        measure(&mut criterion, &gpu, blas.as_ref(), layer)?;
    }
    criterion.final_summary();
    Ok(())
}

/// Measures every kernel on one layer.
fn measure(
    criterion: &mut Criterion,
    gpu: &Gpu,
    blas: Option<&CublasLt>,
    (tokens, out, inner): (u64, u64, u64),
) -> Result<(), DeviceError> {
    let element = Element::Bf16;
    let packed = PackedSize::new(out, inner)?;
    let w = DenseSize::new(out, inner)?;
    let x = DenseSize::new(tokens, inner)?;
    let y = DenseSize::new(tokens, out)?;
    let spmm = Spmm24 {
        element,
        weights: packed,
        x,
        y,
        has_bias: false,
        activation: Activation::Identity,
    };
    let nt = GemmNt {
        element,
        a: x,
        b: w,
        c: y,
    };
    let tn = GemmTn {
        element,
        a: y,
        b: x,
        c: w,
    };
    let prune = Prune24 {
        element,
        weights: w,
    };
    let both = Prune24Transposable {
        element,
        weights: w,
    };
    let expand = Expand24 {
        element,
        packed,
        dense: w,
    };
    let cut = MaskGradient24 {
        element,
        packed,
        gradient: w,
    };
    let calls = [
        spmm.call()?,
        nt.call()?,
        tn.call()?,
        prune.call()?,
        both.call()?,
        expand.call()?,
        cut.call()?,
    ];
    let size = format!("{tokens}x{out}x{inner}");
    for call in &calls {
        let name = call.code().entry();
        one(criterion, gpu, name, &size, call, |operands| {
            gpu.run(call, operands)
        })?;
    }
    if let Some(blas) = blas {
        for (name, call) in [("cublaslt_nt", &calls[1]), ("cublaslt_tn", &calls[2])] {
            one(criterion, gpu, name, &size, call, |operands| {
                blas.run(call, operands)
            })?;
        }
    }
    Ok(())
}

/// Measures what `run` queues for a call.
fn one(
    criterion: &mut Criterion,
    gpu: &Gpu,
    name: &str,
    size: &str,
    call: &Call,
    run: impl Fn(&mut [Operand<'_, GpuMemory>]) -> Result<(), DeviceError>,
) -> Result<(), DeviceError> {
    let mut buffers = buffers(gpu, call)?;
    let mut operands = Operand::for_call(call, &mut buffers);
    run(&mut operands)?;
    let mut group = criterion.benchmark_group(name);
    group.throughput(match call.flops() {
        0 => Throughput::Bytes(call.bytes()),
        flops => Throughput::Elements(flops),
    });
    let mut failed = None;
    group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
        bencher.iter_custom(|rounds| {
            let timed = gpu.timed(|| (0..rounds).try_for_each(|_| run(&mut operands)));
            timed.map_or_else(
                |error| {
                    failed = Some(error);
                    Duration::from_nanos(1)
                },
                |((), taken)| taken,
            )
        });
    });
    group.finish();
    failed.map_or(Ok(()), Err)
}

/// Buffers that a call takes, filled with bits that are legal metadata and ordinary numbers.
fn buffers(gpu: &Gpu, call: &Call) -> Result<Vec<Buffer<GpuMemory>>, DeviceError> {
    call.needs()
        .map(|need| match need.access {
            Access::Read => {
                let bytes = bytes(need.name == "metadata", need.bytes as usize);
                gpu.upload(&bytes, rewire_cuda::Rows::one(need.bytes))
            }
            Access::Write => gpu.reserve(need.bytes),
            Access::Update => gpu.zeros(need.bytes),
        })
        .collect()
}

/// Legal pairs, or bfloat16 between 0.5 and 2 of either sign: power and speed depend on the numbers.
fn bytes(is_metadata: bool, length: usize) -> Vec<u8> {
    const PAIRS: [u8; 6] = [0x4, 0x8, 0x9, 0xC, 0xD, 0xE];
    let mut state = 1u64;
    let mut draw = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 40) as u8
    };
    (0..length)
        .map(|index| {
            let drawn = draw();
            match (is_metadata, index % 2) {
                (true, _) => PAIRS[usize::from(drawn % 6)] | PAIRS[usize::from(drawn / 6 % 6)] << 4,
                (false, 0) => drawn,
                (false, _) => drawn & 0x80 | 0x3F,
            }
        })
        .collect()
}
