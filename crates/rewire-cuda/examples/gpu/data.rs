//! Operands for timings: as large as asked for, and cheap to fill.

use std::fmt;
use std::ops::Range;

use anyhow::{Context, Result, bail};
use half::bf16;
use rand::RngCore;
use rewire_cuda::kernels::{DenseSize, Element, PackedSize};
use rewire_cuda::mask::{MatrixShape, Packed24};

use super::host::{Matrix, bits, number};

/// How many numbers are drawn. They are repeated, and a prime keeps rows apart.
const DRAWN: usize = 1_000_003;

/// Outputs, tokens and inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape(pub(super) [u64; 3]);

impl std::str::FromStr for Shape {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let numbers: Result<Vec<u64>, _> = text.split(',').map(str::parse).collect();
        match numbers.with_context(|| format!("`{text}` is not M,N,K"))?[..] {
            [m, n, k] if m.min(n).min(k) > 0 => Ok(Self([m, n, k])),
            [_, _, _] => bail!("`{text}` is a shape of nothing"),
            _ => bail!("`{text}` is not three numbers"),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([out, tokens, inner]) = self;
        write!(f, "{out},{tokens},{inner}")
    }
}

/// What the kernels read on a shape: W of outputs × inputs, X of tokens × inputs and dY of tokens ×
/// outputs between −1 and 1, because power and with it the clock depend on them, and a 2:4 matrix of
/// the size of W.
pub(super) struct Data {
    pub(super) element: Element,
    pub(super) w: Dense,
    pub(super) x: Dense,
    pub(super) dy: Dense,
    pub(super) packed: Packed,
}

/// A dense matrix as it lies on a device.
pub(super) struct Dense {
    element: Element,
    size: DenseSize,
    bits: Vec<u16>,
}

/// A packed matrix as it lies on a device, any two of every four columns kept.
pub(super) struct Packed {
    size: PackedSize,
    values: Vec<u16>,
    words: Vec<u32>,
    /// Four pairs a word, row after row.
    pairs: Vec<u16>,
}

impl Data {
    pub(super) fn new(element: Element, Shape([out, tokens, inner]): Shape) -> Result<Self> {
        let mut rng = <rand_chacha::ChaCha8Rng as rand::SeedableRng>::seed_from_u64(1);
        let unit = |word: u32| word as i32 as f32 / 2f32.powi(31);
        let drawn: Vec<u16> = (0..DRAWN)
            .map(|_| bits(element, unit(rng.next_u32())))
            .collect();
        // Each begins elsewhere, so that no two are the same matrix.
        let dense = |rows, cols, first| -> Result<Dense> {
            let size = DenseSize::new(rows, cols)?;
            let bits = repeated(&drawn, first, size.bytes() as usize / 2);
            Ok(Dense {
                element,
                size,
                bits,
            })
        };
        Ok(Self {
            element,
            w: dense(out, inner, 0)?,
            x: dense(tokens, inner, DRAWN / 3)?,
            dy: dense(tokens, out, DRAWN / 2)?,
            packed: Packed::new(PackedSize::new(out, inner)?, &drawn, &mut rng)?,
        })
    }

    /// So many bytes to be copied.
    pub(super) fn bytes(&self, count: u64) -> Vec<u8> {
        repeated(bytemuck::cast_slice(&self.w.bits), 0, count as usize)
    }
}

/// `count` values that repeat `drawn`, from one of them on.
fn repeated<T: Copy>(drawn: &[T], first: usize, count: usize) -> Vec<T> {
    let mut values = Vec::with_capacity(count);
    let mut rest = drawn.get(first..).unwrap_or_default();
    while values.len() < count && !drawn.is_empty() {
        values.extend_from_slice(&rest[..rest.len().min(count - values.len())]);
        rest = drawn;
    }
    values
}

impl Dense {
    pub(super) fn size(&self) -> DenseSize {
        self.size
    }

    pub(super) fn bytes(&self) -> &[u8] {
        bytemuck::cast_slice(&self.bits)
    }

    /// The bits of a row.
    pub(super) fn row(&self, row: usize) -> &[u16] {
        let first = row * self.size.pitch() as usize;
        &self.bits[first..first + self.size.cols() as usize]
    }

    /// The number in a place.
    pub(super) fn at(&self, row: usize, col: usize) -> f64 {
        number(self.element, self.row(row)[col]).into()
    }

    /// A part of the matrix.
    pub(super) fn part(&self, rows: Range<usize>, cols: Range<usize>) -> Matrix {
        let of_row = |row| self.row(row)[cols.clone()].iter();
        let numbers = rows.clone().flat_map(of_row);
        Matrix {
            rows: rows.len(),
            cols: cols.len(),
            values: numbers.map(|&bits| number(self.element, bits)).collect(),
        }
    }
}

impl Packed {
    fn new(size: PackedSize, drawn: &[u16], rng: &mut impl RngCore) -> Result<Self> {
        const PAIRS: [u16; 6] = [0x4, 0x8, 0x9, 0xC, 0xD, 0xE];
        let shape = MatrixShape::new(size.rows() as usize, size.cols() as usize);
        let per_row = shape.cols.div_ceil(16);
        let table: Vec<u16> = (0..DRAWN)
            .map(|_| {
                let mut pair = |group: u32| PAIRS[rng.next_u32() as usize % 6] << (4 * group);
                pair(0) | pair(1) | pair(2) | pair(3)
            })
            .collect();
        let mut pairs = repeated(&table, 0, shape.rows * per_row);
        // Behind the last column stands the pair 0x4.
        for word in pairs.iter_mut().skip(per_row - 1).step_by(per_row) {
            for group in (shape.cols.div_ceil(4) - 4 * (per_row - 1))..4 {
                *word = *word & !(0xF << (4 * group)) | 0x4 << (4 * group);
            }
        }
        let zeros = vec![bf16::ZERO; 8 * pairs.len()];
        let lanes = Packed24::from_parts(shape, zeros, pairs.clone())?.lane_metadata()?;
        Ok(Self {
            size,
            values: repeated(drawn, DRAWN / 5, (size.value_bytes() / 2) as usize),
            words: lanes.words().to_vec(),
            pairs,
        })
    }

    pub(super) fn size(&self) -> PackedSize {
        self.size
    }

    pub(super) fn values(&self) -> &[u8] {
        bytemuck::cast_slice(&self.values)
    }

    pub(super) fn metadata(&self) -> &[u8] {
        bytemuck::cast_slice(&self.words)
    }

    /// Column and bits of every value of a row. Columns beyond the last one are those of padding.
    pub(super) fn row(&self, row: usize) -> impl Iterator<Item = (usize, u16)> + '_ {
        let wide = self.size.values_per_row() as usize;
        let per_row = (self.size.cols() as usize).div_ceil(16);
        let pairs = &self.pairs[row * per_row..(row + 1) * per_row];
        let values = &self.values[row * wide..(row + 1) * wide];
        values.iter().enumerate().map(|(slot, &value)| {
            let word = pairs.get(slot / 8).copied().unwrap_or(0x4444);
            let place = word >> (4 * (slot / 2 % 4) + 2 * (slot % 2)) & 3;
            (slot / 2 * 4 + usize::from(place), value)
        })
    }
}
