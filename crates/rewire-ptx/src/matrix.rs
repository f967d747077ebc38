//! The matrix instructions: which lane holds which element, and the products.
//!
//! A lane is `4g + t` with g in 0..8 and t in 0..4. For 16-bit elements, two to a register, lower
//! half first:
//!
//! ```text
//! A (16 × k)   register r, half h:  row g + 8(r mod 2),   column 2t + h + 8(r div 2)
//! B (k × 8)    register r, half h:  row 2t + h + 8r,      column g
//! C, D (16 × 8) register r:         row g + 8(r div 2),   column 2t + (r mod 2)
//! ```
//!
//! Sparse A holds two of every four columns, in the fragment of a dense matrix of half the width.
//! A word of metadata covers 16 columns of two rows, g in bits 0–15 and g + 8 in bits 16–31, four
//! bits for each group of four columns: the column of its first value and, above it, of its second.
//!
//! Each element of D is `c + Σ a·b` in singles, the columns of A ascending. A product of two 16-bit
//! floats is exact, the sums are rounded to nearest one by one. Matrix units of the hardware add
//! several products at once and truncate: their last bits differ, except where every partial sum is
//! exact, as it is for small whole numbers.

use crate::ScalarType;
use crate::alu::half::{bf16_to_f32, f16_to_f32, f64_to_bf16, f64_to_f16};
use crate::instruction::{LANES, Lanes};

/// A 16-bit float format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HalfFormat {
    F16,
    Bf16,
}

impl HalfFormat {
    pub(crate) fn of_pair(scalar: ScalarType) -> Option<Self> {
        match scalar {
            ScalarType::F16x2 => Some(Self::F16),
            ScalarType::Bf16x2 => Some(Self::Bf16),
            _ => None,
        }
    }

    fn value(self, bits: u16) -> f32 {
        match self {
            Self::F16 => f16_to_f32(bits),
            Self::Bf16 => bf16_to_f32(bits),
        }
    }

    /// The nearest value of the format.
    pub(crate) fn round(self, value: f32) -> u16 {
        match self {
            Self::F16 => f64_to_f16(value.into()),
            Self::Bf16 => f64_to_bf16(value.into()),
        }
    }
}

/// m16n8kN of `mma.sync`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DenseShape {
    K8,
    K16,
}

impl DenseShape {
    pub(crate) fn depth(self) -> usize {
        match self {
            Self::K8 => 8,
            Self::K16 => 16,
        }
    }
}

/// m16n8kN of `mma.sp`, N counting all columns of A.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SparseShape {
    K16,
    K32,
}

impl SparseShape {
    pub(crate) fn depth(self) -> usize {
        match self {
            Self::K16 => 16,
            Self::K32 => 32,
        }
    }

    /// How many sets of lanes can supply the metadata: one lane of four for 16 columns.
    pub(crate) fn selectors(self) -> usize {
        64 / self.depth()
    }
}

/// Four bits of metadata that name no two columns in ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadNibble {
    pub(crate) lane: u32,
    pub(crate) word: u32,
    pub(crate) place: u32,
}

type Left = [[f32; 16]; 16];
type Right = [[f32; 8]; 32];

fn halves(word: u64) -> [u16; 2] {
    [word as u16, (word >> 16) as u16]
}

fn left(format: HalfFormat, registers: &[Lanes]) -> Left {
    let mut matrix = [[0.0; 16]; 16];
    for (r, register) in registers.iter().enumerate() {
        for (lane, &word) in register.iter().enumerate() {
            let (g, t) = (lane / 4, lane % 4);
            for (h, half) in halves(word).into_iter().enumerate() {
                matrix[g + 8 * (r % 2)][2 * t + h + 8 * (r / 2)] = format.value(half);
            }
        }
    }
    matrix
}

fn right(format: HalfFormat, registers: &[Lanes]) -> Right {
    let mut matrix = [[0.0; 8]; 32];
    for (r, register) in registers.iter().enumerate() {
        for (lane, &word) in register.iter().enumerate() {
            let (g, t) = (lane / 4, lane % 4);
            for (h, half) in halves(word).into_iter().enumerate() {
                matrix[2 * t + h + 8 * r][g] = format.value(half);
            }
        }
    }
    matrix
}

fn rows_of(c: &[Lanes; 4]) -> [[f32; 8]; 16] {
    let mut rows = [[0.0; 8]; 16];
    for (r, register) in c.iter().enumerate() {
        for (lane, &bits) in register.iter().enumerate() {
            rows[lane / 4 + 8 * (r / 2)][2 * (lane % 4) + r % 2] = f32::from_bits(bits as u32);
        }
    }
    rows
}

fn registers_of(rows: &[[f32; 8]; 16]) -> [Lanes; 4] {
    let mut registers = [[0; LANES]; 4];
    for (r, register) in registers.iter_mut().enumerate() {
        for (lane, bits) in register.iter_mut().enumerate() {
            let value = rows[lane / 4 + 8 * (r / 2)][2 * (lane % 4) + r % 2];
            *bits = u64::from(value.to_bits());
        }
    }
    registers
}

/// Adds `factor` times a row of B.
fn add(row: &mut [f32; 8], factor: f32, b: &[f32; 8]) {
    for (sum, &b) in row.iter_mut().zip(b) {
        *sum += factor * b;
    }
}

/// The transpose of an 8 × 8 matrix of which lane `4g + t` holds elements 2t and 2t + 1 of row g.
pub(crate) fn transposed(matrix: &Lanes) -> Lanes {
    let element = |row: usize, col: usize| u64::from(halves(matrix[4 * row + col / 2])[col % 2]);
    std::array::from_fn(|lane| {
        let (g, t) = (lane / 4, lane % 4);
        element(2 * t + 1, g) << 16 | element(2 * t, g)
    })
}

/// D = A·B + C.
pub(crate) fn multiply(
    shape: DenseShape,
    format: HalfFormat,
    a: &[Lanes],
    b: &[Lanes],
    c: &[Lanes; 4],
) -> [Lanes; 4] {
    let (a, b, mut rows) = (left(format, a), right(format, b), rows_of(c));
    for (row, factors) in rows.iter_mut().zip(&a) {
        for (&factor, b) in factors.iter().zip(&b).take(shape.depth()) {
            add(row, factor, b);
        }
    }
    registers_of(&rows)
}

/// D = A·B + C, A sparse.
pub(crate) fn multiply_sparse(
    shape: SparseShape,
    format: HalfFormat,
    a: &[Lanes],
    b: &[Lanes],
    c: &[Lanes; 4],
    metadata: &Lanes,
    selector: usize,
) -> Result<[Lanes; 4], BadNibble> {
    let (a, b, mut rows) = (left(format, a), right(format, b), rows_of(c));
    let words_per_row = shape.depth() / 16;
    for (row, sums) in rows.iter_mut().enumerate() {
        for group in 0..shape.depth() / 4 {
            let lane = 4 * (row % 8) + selector * words_per_row + group / 4;
            let place = (row / 8 * 4 + group % 4) as u32;
            let nibble = metadata[lane] >> (4 * place) & 0xF;
            let (first, second) = ((nibble & 3) as usize, (nibble >> 2) as usize);
            if first >= second {
                return Err(BadNibble {
                    lane: lane as u32,
                    word: metadata[lane] as u32,
                    place,
                });
            }
            add(sums, a[row][2 * group], &b[4 * group + first]);
            add(sums, a[row][2 * group + 1], &b[4 * group + second]);
        }
    }
    Ok(registers_of(&rows))
}
