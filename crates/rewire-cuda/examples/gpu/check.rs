//! Every kernel against an oracle: whole numbers, outputs that were poison before, buffers of exactly
//! the bytes that the contract names.
//!
//! Products of whole numbers are exact in single precision in every order of summation, so that
//! answers are compared to the bit, but for GELU; pruning, packing and cutting are compared to the
//! bit for any numbers.

use std::fmt::Display;

use anyhow::{Result, ensure};
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rewire_cuda::Device;
use rewire_cuda::kernels::{
    Activation, DenseSize, Element, Expand24, GemmNt, GemmTn, MaskGradient24, PackedSize, Prune24,
    Prune24Transposable, Spmm24, Spmm24Version,
};

use super::cases::shapes;
use super::host::{Matrix, launch, packed_bytes};
use super::{SHAPES, oracle};

/// Options of `cargo xtask gpu check`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How many shapes, but for so many that every edge takes every place.
    #[arg(long, value_name = "N", default_value_t = SHAPES)]
    shapes: usize,
    /// The seed of shapes and numbers; without it a new one each time.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// On the emulator, which takes about a second for a shape.
    #[arg(long)]
    pub(super) emulated: bool,
}

impl Default for Arguments {
    fn default() -> Self {
        Self {
            shapes: SHAPES,
            seed: None,
            emulated: false,
        }
    }
}

/// What went wrong so far, and how much was looked at.
#[derive(Default)]
struct Findings {
    launches: usize,
    wrong: Vec<String>,
}

/// Checks every kernel on every shape; `true` if all agree.
pub(super) fn run<D: Device>(device: &D, arguments: &Arguments) -> Result<bool> {
    let seed = arguments.seed.unwrap_or_else(new_seed);
    println!("seed {seed}");
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let most = if arguments.emulated { 140 } else { usize::MAX };
    let shapes = shapes(arguments.shapes, most, &mut rng);
    let mut findings = Findings::default();
    for (index, shape) in shapes.iter().enumerate() {
        let element = Element::ALL[index % 2];
        products(device, element, *shape, &mut rng, &mut findings)?;
        let [rows, cols, _] = *shape;
        packing(device, element, rows, cols, &mut rng, &mut findings)?;
    }
    for wrong in findings.wrong.iter().take(20) {
        eprintln!("error: {wrong}");
    }
    println!(
        "{} launches on {} shapes: {} wrong",
        findings.launches,
        shapes.len(),
        findings.wrong.len()
    );
    Ok(findings.wrong.is_empty())
}

/// The nanoseconds of the clock: any number will do, it is printed.
fn new_seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(1, |since| since.as_nanos() as u64)
}

impl Findings {
    /// Takes note of one launch: an error is a finding, whatever it is.
    fn note(&mut self, what: impl Display, done: Result<()>) {
        self.launches += 1;
        if let Err(error) = done {
            self.wrong.push(format!("{what}: {error:#}"));
        }
    }
}

/// Sparse products of every version and dense ones both ways.
fn products<D: Device>(
    device: &D,
    element: Element,
    [out, tokens, inner]: [usize; 3],
    rng: &mut ChaCha8Rng,
    findings: &mut Findings,
) -> Result<()> {
    let what = |kernel: &str| format!("{kernel} {element}, {out} × {tokens} × {inner}");
    let size = |rows: usize, cols: usize| DenseSize::new(rows as u64, cols as u64);
    let (w, x) = (
        Matrix::whole(out, inner, 4, rng),
        Matrix::whole(tokens, inner, 4, rng),
    );
    let (x_size, y_size) = (size(tokens, inner)?, size(tokens, out)?);
    let weights = PackedSize::new(out as u64, inner as u64)?;
    let kept = oracle::pruned(&w)?;
    let [values, metadata] = packed_bytes(element, weights, &kept)?;
    let x_bytes = x.bytes(element, x_size);
    let bias: Vec<f32> = Matrix::whole(1, out, 20, rng).values;
    let sparse = oracle::expanded(&kept);
    let activations = [Activation::Identity, Activation::Relu, Activation::Gelu];
    for version in Spmm24Version::ALL {
        let activation = activations[rng.next_u32() as usize % 3];
        let has_bias = rng.next_u32().is_multiple_of(2);
        let product = Spmm24 {
            element,
            weights,
            x: x_size,
            y: y_size,
            has_bias,
            activation,
        };
        let mut inputs: Vec<&[u8]> = vec![&values, &metadata, &x_bytes];
        if has_bias {
            inputs.push(bytemuck::cast_slice(&bias));
        }
        let given = has_bias.then_some(bias.as_slice());
        let expected = oracle::product(element, &x, &sparse, given, activation);
        let done = launch(device, &product.call_of(version)?, &inputs).and_then(|outputs| {
            let found = Matrix::from_bytes(element, y_size, &outputs[0])?;
            match activation {
                Activation::Gelu => close(element, &found, &expected),
                _ => equal(&found, &expected),
            }
        });
        findings.note(what(version.name()), done);
    }
    let (a, b) = (
        x.bytes(element, x_size),
        w.bytes(element, size(out, inner)?),
    );
    let nt = GemmNt {
        element,
        a: x_size,
        b: size(out, inner)?,
        c: y_size,
    };
    let expected = oracle::product(element, &x, &w, None, Activation::Identity);
    let done = launch(device, &nt.call()?, &[&a, &b]).and_then(|outputs| {
        equal(
            &Matrix::from_bytes(element, y_size, &outputs[0])?,
            &expected,
        )
    });
    findings.note(what("gemm_nt"), done);
    let (a_size, b_size) = (size(inner, tokens)?, size(inner, out)?);
    let tn = GemmTn {
        element,
        a: a_size,
        b: b_size,
        c: y_size,
    };
    let a = oracle::transposed(&x).bytes(element, a_size);
    let b = oracle::transposed(&w).bytes(element, b_size);
    let done = launch(device, &tn.call()?, &[&a, &b]).and_then(|outputs| {
        equal(
            &Matrix::from_bytes(element, y_size, &outputs[0])?,
            &expected,
        )
    });
    findings.note(what("gemm_tn"), done);
    Ok(())
}

/// Pruning along rows and both ways, expanding, cutting gradients.
fn packing<D: Device>(
    device: &D,
    element: Element,
    rows: usize,
    cols: usize,
    rng: &mut ChaCha8Rng,
    findings: &mut Findings,
) -> Result<()> {
    let what = |kernel: &str| format!("{kernel} {element}, {rows} × {cols}");
    // Few magnitudes, so that there are ties, or many.
    let w = if rng.next_u32().is_multiple_of(2) {
        Matrix::whole(rows, cols, 3, rng)
    } else {
        Matrix::real(rows, cols, element, rng)
    };
    let dense = DenseSize::new(rows as u64, cols as u64)?;
    let packed = PackedSize::new(rows as u64, cols as u64)?;
    let bytes = w.bytes(element, dense);
    let kept = oracle::pruned(&w)?;
    let expected = packed_bytes(element, packed, &kept)?;

    let prune = Prune24 {
        element,
        weights: dense,
    };
    let done = launch(device, &prune.call()?, &[&bytes])
        .and_then(|outputs| same(&outputs, &[&expected[0], &expected[1], &[0; 4]]));
    findings.note(what("prune24"), done);

    let both = Prune24Transposable {
        element,
        weights: dense,
    };
    let (plain, turned) = oracle::pruned_both(&w)?;
    let plain = packed_bytes(element, packed, &plain)?;
    let turned = packed_bytes(element, packed.transposed(), &turned)?;
    let all: [&[u8]; 5] = [&plain[0], &plain[1], &turned[0], &turned[1], &[0; 4]];
    let done = launch(device, &both.call()?, &[&bytes]).and_then(|outputs| same(&outputs, &all));
    findings.note(what("prune24_transposable"), done);

    let expand = Expand24 {
        element,
        packed,
        dense,
    };
    let done = launch(device, &expand.call()?, &[&expected[0], &expected[1]]).and_then(|outputs| {
        let found = Matrix::from_bytes(element, dense, &outputs[0])?;
        equal(&found, &oracle::expanded(&kept))
    });
    findings.note(what("expand24"), done);

    let gradient = Matrix::real(rows, cols, element, rng);
    let cut = MaskGradient24 {
        element,
        packed,
        gradient: dense,
    };
    let [values, _] = packed_bytes(element, packed, &oracle::masked(&gradient, &kept)?)?;
    let inputs = [gradient.bytes(element, dense), expected[1].clone()];
    let done = launch(device, &cut.call()?, &[&inputs[0], &inputs[1]])
        .and_then(|outputs| same(&outputs, &[&values]));
    findings.note(what("mask_gradient24"), done);
    Ok(())
}

fn equal(found: &Matrix, expected: &Matrix) -> Result<()> {
    let cols = expected.cols;
    let pairs = found.values.iter().zip(&expected.values);
    for (index, (found, expected)) in pairs.enumerate() {
        let (row, col) = (index / cols, index % cols);
        ensure!(
            found == expected,
            "row {row}, column {col} is {found}, not {expected}"
        );
    }
    Ok(())
}

/// GELU by approximate functions: 2⁻²⁰ of the argument's size before the result is rounded, so that at
/// most the neighbour of the right number comes out.
fn close(element: Element, found: &Matrix, expected: &Matrix) -> Result<()> {
    let unit = match element {
        Element::Bf16 => 2f32.powi(-7),
        Element::F16 => 2f32.powi(-10),
    };
    for (found, expected) in found.values.iter().zip(&expected.values) {
        let slack = unit * expected.abs() + 2f32.powi(-20);
        ensure!(
            (found - expected).abs() <= slack,
            "{found}, not about {expected}"
        );
    }
    Ok(())
}

fn same(found: &[Vec<u8>], expected: &[&[u8]]) -> Result<()> {
    ensure!(found.len() == expected.len(), "{} outputs", found.len());
    for (output, (found, expected)) in found.iter().zip(expected).enumerate() {
        let differs = found.iter().zip(*expected).position(|(f, e)| f != e);
        let at = differs.unwrap_or(found.len().min(expected.len()));
        ensure!(found == expected, "output {output} differs at byte {at}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rewire_cuda::Emulator;

    use super::*;

    #[test]
    fn the_emulator_passes_a_few_shapes() {
        let device = Emulator::default();
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let mut findings = Findings::default();
        for (shape, element) in [([33, 18, 70], Element::Bf16), ([9, 65, 17], Element::F16)] {
            products(&device, element, shape, &mut rng, &mut findings).unwrap();
            let [rows, cols, _] = shape;
            packing(&device, element, rows, cols, &mut rng, &mut findings).unwrap();
        }
        assert_eq!(findings.launches, 2 * (Spmm24Version::ALL.len() + 6));
        assert!(findings.wrong.is_empty(), "{:?}", findings.wrong);
    }

    #[test]
    fn a_wrong_number_and_a_written_gap_are_findings() {
        let size = DenseSize::new(2, 3).unwrap();
        let matrix = Matrix {
            rows: 2,
            cols: 3,
            values: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        };
        let mut other = matrix.clone();
        other.values[4] = 5.5;
        let message = equal(&other, &matrix).unwrap_err().to_string();
        assert_eq!(message, "row 1, column 1 is 5.5, not 5");
        // As an input the gap holds what no output may leave there.
        let bytes = matrix.bytes(Element::F16, size);
        let message = Matrix::from_bytes(Element::F16, size, &bytes).unwrap_err();
        assert_eq!(message.to_string(), "the gap after row 0 was written");
    }
}
