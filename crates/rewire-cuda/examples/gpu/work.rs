//! What is timed, and whether what it leaves is right: places drawn anew, compared with an oracle.

use anyhow::{Context, Result, ensure};
use rand::RngCore;
use rewire_cuda::kernels::{
    Activation, Call, Element, Expand24, GemmNt, GemmTn, Kernel, MaskGradient24, PackedSize,
    Prune24, Prune24Transposable, Spmm24, Spmm24Version,
};
use rewire_cuda::mask::Packed24;

use super::data::Data;
use super::host::{Matrix, number, packed_bytes};
use super::oracle;

/// Rows that lie together in metadata.
const BLOCK: usize = 64;

/// A kernel on the operands of a shape: W of outputs × inputs, X of tokens × inputs, dY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// The sparse product, by the version that the library takes.
    Chosen,
    /// This kernel; the gradient that is masked is W, for its size.
    Kernel(Kernel),
}

impl Work {
    /// All but the versions before tensor cores, which are for reading and take seconds here.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        use Spmm24Version::{Scalar, Shared};
        let plain = [Scalar, Shared].map(Kernel::Spmm24);
        let kernels = Kernel::ALL.into_iter();
        let kernels = kernels.filter(move |kernel| !plain.contains(kernel));
        std::iter::once(Self::Chosen).chain(kernels.map(Self::Kernel))
    }

    /// What it is asked for by.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Chosen => "spmm24_chosen",
            Self::Kernel(kernel) => kernel.name(),
        }
    }

    /// Whether it multiplies with a 2:4 matrix.
    pub(super) const fn is_sparse_product(self) -> bool {
        matches!(self, Self::Chosen | Self::Kernel(Kernel::Spmm24(_)))
    }

    /// The dense product that computes as much from as many numbers.
    pub(super) fn dense(self) -> Option<Self> {
        match self {
            Self::Chosen | Self::Kernel(Kernel::Spmm24(_) | Kernel::GemmNt) => {
                Some(Self::Kernel(Kernel::GemmNt))
            }
            Self::Kernel(Kernel::GemmTn) => Some(self),
            Self::Kernel(_) => None,
        }
    }

    /// Its launch.
    pub(super) fn call(self, data: &Data) -> Result<Call> {
        let (element, packed) = (data.element, data.packed.size());
        let [w, x, dy] = [&data.w, &data.x, &data.dy].map(|matrix| matrix.size());
        let product = Spmm24 {
            element,
            weights: packed,
            x,
            y: dy,
            has_bias: false,
            activation: Activation::Identity,
        };
        let call = match self {
            Self::Chosen => product.call(),
            Self::Kernel(Kernel::Spmm24(version)) => product.call_of(version),
            Self::Kernel(Kernel::GemmNt) => {
                let (a, b, c) = (x, w, dy);
                GemmNt { element, a, b, c }.call()
            }
            Self::Kernel(Kernel::GemmTn) => {
                let (a, b, c) = (dy, x, w);
                GemmTn { element, a, b, c }.call()
            }
            Self::Kernel(Kernel::Prune24) => {
                let weights = w;
                Prune24 { element, weights }.call()
            }
            Self::Kernel(Kernel::Prune24Transposable) => {
                let weights = w;
                Prune24Transposable { element, weights }.call()
            }
            Self::Kernel(Kernel::Expand24) => Expand24 {
                element,
                packed,
                dense: w,
            }
            .call(),
            Self::Kernel(Kernel::MaskGradient24) => MaskGradient24 {
                element,
                packed,
                gradient: w,
            }
            .call(),
        };
        Ok(call?)
    }

    /// What it reads, in the order of its launch.
    pub(super) fn inputs(self, data: &Data) -> Vec<&[u8]> {
        let Data {
            w, x, dy, packed, ..
        } = data;
        match self {
            Self::Chosen | Self::Kernel(Kernel::Spmm24(_)) => {
                vec![packed.values(), packed.metadata(), x.bytes()]
            }
            Self::Kernel(Kernel::GemmNt) => vec![x.bytes(), w.bytes()],
            Self::Kernel(Kernel::GemmTn) => vec![dy.bytes(), x.bytes()],
            Self::Kernel(Kernel::Prune24 | Kernel::Prune24Transposable) => vec![w.bytes()],
            Self::Kernel(Kernel::Expand24) => vec![packed.values(), packed.metadata()],
            Self::Kernel(Kernel::MaskGradient24) => vec![w.bytes(), packed.metadata()],
        }
    }

    /// Compares what it left with an oracle, in some places of every output.
    ///
    /// # Errors
    /// The first place that differs.
    pub(super) fn check(
        self,
        data: &Data,
        outputs: &[Vec<u8>],
        rng: &mut impl RngCore,
    ) -> Result<()> {
        let left: &[u16] = bytemuck::cast_slice(outputs.first().context("nothing was left")?);
        match self {
            Self::Chosen | Self::Kernel(Kernel::Spmm24(_)) => {
                product(data, left, rng, |out| data.packed.row(out).collect())
            }
            Self::Kernel(Kernel::GemmNt) => product(data, left, rng, |out| {
                data.w.row(out).iter().copied().enumerate().collect()
            }),
            Self::Kernel(Kernel::GemmTn) => weight_gradient(data, left, rng),
            Self::Kernel(Kernel::Prune24) => {
                pruned(data, outputs, rng, |part| oracle::pruned(&part))?;
                finite(outputs)
            }
            Self::Kernel(Kernel::Prune24Transposable) => {
                pruned(data, outputs, rng, |part| Ok(oracle::pruned_both(&part)?.0))?;
                pruned_transpose(data, outputs, rng)?;
                finite(outputs)
            }
            Self::Kernel(Kernel::Expand24) => expanded(data, left, rng),
            Self::Kernel(Kernel::MaskGradient24) => masked_gradient(data, left, rng),
        }
    }
}

/// Rows and columns of W.
fn sides(data: &Data) -> (usize, usize) {
    let size = data.w.size();
    (size.rows() as usize, size.cols() as usize)
}

/// Y = X·Wᵀ, for the column and the bits of every weight of a row of W.
fn product(
    data: &Data,
    left: &[u16],
    rng: &mut impl RngCore,
    weights: impl Fn(usize) -> Vec<(usize, u16)>,
) -> Result<()> {
    let (outs, cols) = sides(data);
    for out in sample(outs, 48, rng) {
        let weights: Vec<(usize, f64)> = weights(out)
            .into_iter()
            .filter(|(col, _)| *col < cols)
            .map(|(col, bits)| (col, number(data.element, bits).into()))
            .collect();
        for token in sample(data.x.size().rows() as usize, 32, rng) {
            let terms = weights
                .iter()
                .map(|&(col, weight)| weight * data.x.at(token, col));
            let found = left[token * data.dy.size().pitch() as usize + out];
            near(data.element, terms, found)
                .with_context(|| format!("token {token}, output {out}"))?;
        }
    }
    Ok(())
}

/// dW = dYᵀ·X.
fn weight_gradient(data: &Data, left: &[u16], rng: &mut impl RngCore) -> Result<()> {
    let (outs, cols) = sides(data);
    for out in sample(outs, 32, rng) {
        for col in sample(cols, 32, rng) {
            let tokens = 0..data.x.size().rows() as usize;
            let terms = tokens.map(|token| data.dy.at(token, out) * data.x.at(token, col));
            let found = left[out * data.w.size().pitch() as usize + col];
            near(data.element, terms, found)
                .with_context(|| format!("output {out}, input {col}"))?;
        }
    }
    Ok(())
}

/// Blocks of rows of W, packed.
fn pruned(
    data: &Data,
    outputs: &[Vec<u8>],
    rng: &mut impl RngCore,
    keep: impl Fn(Matrix) -> Result<Packed24<f32>>,
) -> Result<()> {
    let (rows, cols) = sides(data);
    for block in sample(rows.div_ceil(BLOCK), 3, rng) {
        let kept = keep(data.w.part(lines(block, rows), 0..cols))?;
        same_block(data.element, &kept, block, &outputs[..2]).context("W")?;
    }
    Ok(())
}

/// Blocks of rows of Wᵀ, packed for the transposable mask.
fn pruned_transpose(data: &Data, outputs: &[Vec<u8>], rng: &mut impl RngCore) -> Result<()> {
    let (rows, cols) = sides(data);
    for block in sample(cols.div_ceil(BLOCK), 3, rng) {
        let (_, kept) = oracle::pruned_both(&data.w.part(0..rows, lines(block, cols)))?;
        same_block(data.element, &kept, block, &outputs[2..4]).context("transpose")?;
    }
    Ok(())
}

/// Whether the last output counts no weight that is not finite.
fn finite(outputs: &[Vec<u8>]) -> Result<()> {
    let status = outputs.last().context("no status was left")?;
    ensure!(
        status.iter().all(|&byte| byte == 0),
        "finite weights are counted"
    );
    Ok(())
}

/// The packed matrix, dense.
fn expanded(data: &Data, left: &[u16], rng: &mut impl RngCore) -> Result<()> {
    let (rows, cols) = sides(data);
    for row in sample(rows, 64, rng) {
        let mut expected = vec![0; cols];
        for (col, bits) in data.packed.row(row).filter(|(col, _)| *col < cols) {
            expected[col] = bits;
        }
        let found = &left[row * data.w.size().pitch() as usize..][..cols];
        ensure!(found == expected, "row {row} differs");
    }
    Ok(())
}

/// What W, taken for its own gradient, holds where the packed matrix has values.
fn masked_gradient(data: &Data, left: &[u16], rng: &mut impl RngCore) -> Result<()> {
    let wide = data.packed.size().values_per_row() as usize;
    for row in sample(sides(data).0, 64, rng) {
        let gradient = data.w.row(row);
        let at = |(col, _)| gradient.get(col).copied().unwrap_or(0);
        let expected: Vec<u16> = data.packed.row(row).map(at).collect();
        ensure!(left[row * wide..][..wide] == expected, "row {row} differs");
    }
    Ok(())
}

/// Some of `0..count`, the first and the last among them, or all if there are no more.
fn sample(count: usize, most: usize, rng: &mut impl RngCore) -> Vec<usize> {
    if count <= most {
        return (0..count).collect();
    }
    let drawn = (2..most).map(|_| rng.next_u64() as usize % count);
    [0, count - 1].into_iter().chain(drawn).collect()
}

/// The rows or columns of a block.
fn lines(block: usize, count: usize) -> std::ops::Range<usize> {
    BLOCK * block..count.min(BLOCK * (block + 1))
}

/// Whether a number is the sum of these terms, which are independent and as often below 0 as above.
///
/// Each of n additions of singles, truncated or rounded, errs by at most 2⁻²³ of the larger of its term and
/// its sum. A sum of some of the terms is beyond 8 · √Σt², eight standard deviations, once in 10¹⁵;
/// the sum of the magnitudes, which bounds it with certainty, would let a lost step of the kernel pass.
fn near(element: Element, terms: impl Iterator<Item = f64>, found: u16) -> Result<()> {
    let (mut count, mut sum, mut squares, mut largest) = (1.0, 0.0, 0.0, 0.0f64);
    for term in terms {
        count += 1.0;
        sum += term;
        squares += term * term;
        largest = largest.max(term.abs());
    }
    let (relative, least) = match element {
        Element::Bf16 => (2f64.powi(-8), 2f64.powi(-134)),
        Element::F16 => (2f64.powi(-11), 2f64.powi(-25)),
    };
    let slack = count * 2f64.powi(-23) * (8.0 * squares.sqrt() + largest);
    let slack = slack + (sum.abs() + slack) * relative + least;
    let found = f64::from(number(element, found));
    ensure!(
        (found - sum).abs() <= slack,
        "{found} for {sum}, which may be off by {slack:e}"
    );
    Ok(())
}

/// Whether values and metadata hold these 64 rows as a block of theirs.
fn same_block(
    element: Element,
    kept: &Packed24<f32>,
    block: usize,
    outputs: &[Vec<u8>],
) -> Result<()> {
    let shape = kept.shape();
    let size = PackedSize::new(shape.rows as u64, shape.cols as u64)?;
    let whole = 2 * BLOCK * size.values_per_row() as usize;
    let expected = packed_bytes(element, size, kept)?;
    let firsts = [block * whole, block * expected[1].len()];
    for ((what, first), (found, expected)) in ["values", "metadata"]
        .into_iter()
        .zip(firsts)
        .zip(outputs.iter().zip(&expected))
    {
        let found = found.get(first..first + expected.len());
        ensure!(found == Some(expected), "{what} of block {block} differ");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use rewire_cuda::Emulator;

    use super::super::data::Shape;
    use super::super::host::launch;
    use super::*;

    #[test]
    fn right_answers_pass_and_a_changed_bit_of_any_output_does_not() {
        let device = Emulator::default();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for element in Element::ALL {
            let data = Data::new(element, Shape([70, 37, 149])).unwrap();
            for work in Work::all() {
                let call = work.call(&data).unwrap();
                assert_eq!(work.dense().is_some(), call.flops() > 0);
                let outputs = launch(&device, &call, &work.inputs(&data)).unwrap();
                work.check(&data, &outputs, &mut rng)
                    .unwrap_or_else(|error| panic!("{work:?}: {error:#}"));
                for output in 0..outputs.len() {
                    let mut changed = outputs.clone();
                    changed[output][1] ^= 0x40;
                    assert!(
                        work.check(&data, &changed, &mut rng).is_err(),
                        "{work:?}: output {output}"
                    );
                }
            }
        }
    }

    #[test]
    fn samples_have_both_ends() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        assert_eq!(sample(5, 5, &mut rng), [0, 1, 2, 3, 4]);
        let some = sample(1000, 10, &mut rng);
        assert_eq!((some.len(), some[0], some[1]), (10, 0, 999));
        assert!(some.iter().all(|&at| at < 1000));
    }
}
