//! Each kernel alone, by the clock of the GPU.
//!
//! A turn is one launch on each of several sets of buffers, so many that together they are more than
//! three times the second-level cache; its time is divided by their number. The first turns warm up,
//! the median of the others is taken. Bytes that are copied and dense products of cuBLASLt run in turns
//! with the kernel, so that a change of the clocks meets all.

use std::path::Path;

use anyhow::{Context, Result, bail};
use rewire_cuda::kernels::{
    Access, Activation, Call, Copy, DenseSize, Element, Expand24, GemmNt, GemmTn, MaskGradient24,
    PackedSize, Prune24, Prune24Transposable, Spmm24, Spmm24Version,
};
use rewire_cuda::{Buffer, CublasLt, Device, DeviceError, Gpu, GpuMemory, Operand, Rows};

use super::host::bits;
use super::root;
use super::rows::{Row, line, title};

/// Outputs, tokens and inputs: squares, then layers of large language models.
const SHAPES: [Shape; 6] = [
    Shape([4096, 4096, 4096]),
    Shape([8192, 8192, 8192]),
    Shape([16384, 16384, 16384]),
    Shape([14336, 8192, 4096]),
    Shape([4096, 8192, 14336]),
    Shape([28672, 8192, 8192]),
];

/// Turns that do not count.
const WARM: usize = 3;

/// More sets of buffers than this are not made, however small they are.
const MOST_SETS: u64 = 64;

/// Where the results go, relative to the root.
const RECORDS: &str = "bench/record/gpu";

/// Options of `cargo xtask gpu bench`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only this kernel.
    #[arg(long, value_name = "NAME")]
    kernel: Option<String>,
    /// Only this shape: outputs, tokens, inputs. Kernels of one matrix take outputs × inputs.
    #[arg(long, value_name = "M,N,K")]
    shape: Option<Shape>,
    /// Turns that count.
    #[arg(long, value_name = "R", default_value_t = 20)]
    repeat: usize,
    /// The type of the numbers.
    #[arg(long, value_name = "TYPE", default_value = "bf16", value_parser = element)]
    element: Element,
}

impl Default for Arguments {
    fn default() -> Self {
        Self {
            kernel: None,
            shape: None,
            repeat: 20,
            element: Element::Bf16,
        }
    }
}

/// Outputs, tokens and inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape([u64; 3]);

impl std::str::FromStr for Shape {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let numbers: Result<Vec<u64>, _> = text.split(',').map(str::parse).collect();
        match numbers.with_context(|| format!("`{text}` is not M,N,K"))?[..] {
            [m, n, k] => Ok(Self([m, n, k])),
            _ => bail!("`{text}` is not three numbers"),
        }
    }
}

fn element(text: &str) -> Result<Element> {
    let named = Element::ALL
        .into_iter()
        .find(|element| element.name() == text);
    named.with_context(|| format!("`{text}` is neither bf16 nor f16"))
}

/// Something to time: a call on sets of buffers.
struct Candidate<'a> {
    call: Call,
    /// In place of our own kernel.
    blas: Option<&'a CublasLt>,
    sets: Vec<Vec<Buffer<GpuMemory>>>,
    seconds: Vec<f64>,
}

/// Times what is asked for, prints a table and writes a CSV.
pub(super) fn run(gpu: &Gpu, arguments: &Arguments, out: Option<&Path>) -> Result<bool> {
    let blas = CublasLt::open(gpu)
        .inspect_err(|reason| println!("without cuBLASLt: {reason}"))
        .ok();
    let shapes = arguments.shape.map_or(SHAPES.to_vec(), |shape| vec![shape]);
    let mut rows: Vec<Row> = Vec::new();
    println!("{}", title());
    for shape in shapes {
        for (name, call) in calls(arguments.element, shape)? {
            if arguments.kernel.as_ref().is_some_and(|only| *only != name) {
                continue;
            }
            match time(gpu, blas.as_ref(), arguments, shape, &name, call) {
                Ok(row) => {
                    println!("{}", line(&row));
                    rows.push(row);
                }
                Err(error) => match error.downcast_ref() {
                    Some(DeviceError::OutOfMemory { bytes }) => {
                        println!("{name:<22} {:?}: no room for {bytes} bytes", shape.0);
                    }
                    _ => return Err(error),
                },
            }
            gpu.trim()?;
        }
    }
    if rows.is_empty() {
        bail!("no kernel is called so");
    }
    let folder = out.map_or_else(|| root().join(RECORDS), Path::to_path_buf);
    std::fs::create_dir_all(&folder).with_context(|| format!("{}", folder.display()))?;
    let path = folder.join("kernels.csv");
    let mut file = csv::Writer::from_path(&path).with_context(|| format!("{}", path.display()))?;
    for row in &rows {
        file.serialize(row)?;
    }
    file.flush()?;
    println!("written to {}", path.display());
    Ok(true)
}

/// Every kernel on a shape, by the name it is asked for.
fn calls(element: Element, Shape([out, tokens, inner]): Shape) -> Result<Vec<(String, Call)>> {
    let packed = PackedSize::new(out, inner)?;
    let (w, x) = (DenseSize::new(out, inner)?, DenseSize::new(tokens, inner)?);
    let y = DenseSize::new(tokens, out)?;
    let product = Spmm24 {
        element,
        weights: packed,
        x,
        y,
        has_bias: false,
        activation: Activation::Identity,
    };
    let mut calls = vec![("spmm24_chosen".to_owned(), product.call()?)];
    // The versions before are for reading; they take seconds here.
    for version in [
        Spmm24Version::Mma,
        Spmm24Version::Pipelined,
        Spmm24Version::Wide,
    ] {
        calls.push((version.name().to_owned(), product.call_of(version)?));
    }
    let dense = [
        ("gemm_nt", dense_nt(element, x, w, y)?),
        ("gemm_tn", dense_tn(element, y, x, w)?),
        (
            "prune24",
            Prune24 {
                element,
                weights: w,
            }
            .call()?,
        ),
        (
            "prune24_transposable",
            Prune24Transposable {
                element,
                weights: w,
            }
            .call()?,
        ),
        (
            "expand24",
            Expand24 {
                element,
                packed,
                dense: w,
            }
            .call()?,
        ),
        (
            "mask_gradient24",
            MaskGradient24 {
                element,
                packed,
                gradient: w,
            }
            .call()?,
        ),
    ];
    calls.extend(dense.map(|(name, call)| (name.to_owned(), call)));
    Ok(calls)
}

fn dense_nt(element: Element, a: DenseSize, b: DenseSize, c: DenseSize) -> Result<Call> {
    Ok(GemmNt { element, a, b, c }.call()?)
}

fn dense_tn(element: Element, a: DenseSize, b: DenseSize, c: DenseSize) -> Result<Call> {
    Ok(GemmTn { element, a, b, c }.call()?)
}

/// Times one kernel beside a copy of as many bytes and, if it multiplies, beside cuBLASLt.
fn time(
    gpu: &Gpu,
    blas: Option<&CublasLt>,
    arguments: &Arguments,
    shape: Shape,
    name: &str,
    call: Call,
) -> Result<Row> {
    let Shape([out, tokens, inner]) = shape;
    let element = arguments.element;
    let cache = u64::from(gpu.facts().l2_bytes);
    let sets = (3 * cache / call.bytes().max(1) + 2).min(MOST_SETS);
    let dense = match (blas, call.flops()) {
        (None, _) | (_, 0) => None,
        (Some(blas), _) if name == "gemm_tn" => Some((blas, call.clone())),
        (Some(blas), _) => {
            let (w, x) = (DenseSize::new(out, inner)?, DenseSize::new(tokens, inner)?);
            let y = DenseSize::new(tokens, out)?;
            Some((blas, dense_nt(element, x, w, y)?))
        }
    };
    let copy = Copy {
        bytes: call.bytes() / 2,
    };
    let mut candidates = vec![
        Candidate::new(gpu, element, call, None, sets)?,
        Candidate::new(gpu, element, copy.call()?, None, sets)?,
    ];
    if let Some((blas, call)) = dense {
        candidates.push(Candidate::new(gpu, element, call, Some(blas), sets)?);
    }
    for turn in 0..WARM + arguments.repeat {
        for candidate in &mut candidates {
            let seconds = candidate.turn(gpu)?;
            if turn >= WARM {
                candidate.seconds.push(seconds);
            }
        }
    }
    let [low, seconds, high] = quartiles(candidates[0].seconds.clone());
    let ratio = |other: &Candidate<'_>| {
        let pairs = other.seconds.iter().zip(&candidates[0].seconds);
        quartiles(pairs.map(|(other, own)| other / own).collect())[1]
    };
    let call = &candidates[0].call;
    let giga_bytes = call.bytes() as f64 / seconds * 1e-9;
    Ok(Row {
        kernel: name.to_owned(),
        element: element.name(),
        out,
        tokens,
        inner,
        repeat: arguments.repeat,
        sets,
        seconds,
        seconds_low: low,
        seconds_high: high,
        tera_flops: (call.flops() > 0).then(|| call.flops() as f64 / seconds * 1e-12),
        giga_bytes,
        // Both move the same number of bytes but for the last 32.
        of_copy: ratio(&candidates[1]),
        to_cublaslt: candidates.get(2).map(ratio),
    })
}

impl<'a> Candidate<'a> {
    fn new(
        gpu: &Gpu,
        element: Element,
        call: Call,
        blas: Option<&'a CublasLt>,
        sets: u64,
    ) -> Result<Self> {
        let contents: Vec<Vec<u8>> = call
            .needs()
            .map(|need| contents(element, need.name, need.access, need.bytes))
            .collect();
        let mut all = Vec::new();
        for _ in 0..sets {
            let mut buffers = Vec::new();
            for (need, bytes) in call.needs().zip(&contents) {
                buffers.push(match need.access {
                    Access::Read => gpu.upload(bytes, Rows::one(need.bytes))?,
                    Access::Write => gpu.reserve(need.bytes)?,
                    Access::Update => gpu.zeros(need.bytes)?,
                });
            }
            all.push(buffers);
        }
        Ok(Self {
            call,
            blas,
            sets: all,
            seconds: Vec::new(),
        })
    }

    /// One launch on each set; seconds of one.
    fn turn(&mut self, gpu: &Gpu) -> Result<f64> {
        let Self {
            call, blas, sets, ..
        } = self;
        let count = sets.len() as f64;
        let ((), taken) = gpu.timed(|| {
            for buffers in sets {
                let needs = call.needs();
                let mut operands: Vec<Operand<'_, GpuMemory>> = buffers
                    .iter_mut()
                    .zip(needs)
                    .map(|(buffer, need)| match need.access {
                        Access::Read => Operand::from(&*buffer),
                        Access::Write | Access::Update => Operand::from(buffer),
                    })
                    .collect();
                match blas {
                    Some(blas) => blas.run(call, &mut operands)?,
                    None => gpu.run(call, &mut operands)?,
                }
            }
            Ok(())
        })?;
        Ok(taken.as_secs_f64() / count)
    }
}

/// Legal pairs for metadata; for everything else numbers between −1 and 1, because power and with it
/// the clock depend on them.
fn contents(element: Element, name: &str, access: Access, bytes: u64) -> Vec<u8> {
    const PAIRS: [u8; 6] = [0x4, 0x8, 0x9, 0xC, 0xD, 0xE];
    if access != Access::Read {
        return Vec::new();
    }
    let mut state = 1u64;
    let mut draw = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        state >> 33
    };
    if name == "metadata" {
        let pair = |drawn: u64| PAIRS[(drawn % 6) as usize];
        return (0..bytes)
            .map(|_| {
                let drawn = draw();
                pair(drawn) | pair(drawn / 6) << 4
            })
            .collect();
    }
    // A table: rounding each of a billion numbers would take longer than the measurement.
    let table: Vec<u16> = (0..4096)
        .map(|index| bits(element, index as f32 / 2048.0 - 1.0))
        .collect();
    let words: Vec<u16> = (0..bytes / 2)
        .map(|_| table[(draw() % 4096) as usize])
        .collect();
    bytemuck::cast_slice(&words).to_vec()
}

fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    [at(last / 4), at(last / 2), at(last - last / 4)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_and_types_are_read_or_refused() {
        assert_eq!("1,2,3".parse::<Shape>().unwrap(), Shape([1, 2, 3]));
        for wrong in ["1,2", "1,2,3,4", "a,b,c", "", "1;2;3", "-1,2,3"] {
            assert!(wrong.parse::<Shape>().is_err(), "{wrong}");
        }
        assert_eq!(element("f16").unwrap(), Element::F16);
        assert!(element("f32").is_err());
    }

    #[test]
    fn every_kernel_has_a_name_and_bytes() {
        for (name, call) in calls(Element::Bf16, Shape([64, 64, 64])).unwrap() {
            assert!(call.bytes() > 0, "{name}");
        }
    }

    #[test]
    fn metadata_is_legal_and_numbers_are_small() {
        let legal = [0x4, 0x8, 0x9, 0xC, 0xD, 0xE];
        for byte in contents(Element::Bf16, "metadata", Access::Read, 1000) {
            assert!(legal.contains(&(byte & 0xF)) && legal.contains(&(byte >> 4)));
        }
        let bytes = contents(Element::F16, "x", Access::Read, 2000);
        for pair in bytes.chunks(2) {
            let number = half::f16::from_le_bytes([pair[0], pair[1]]).to_f32();
            assert!(number.abs() <= 1.0);
        }
        assert!(contents(Element::F16, "y", Access::Write, 100).is_empty());
    }
}
