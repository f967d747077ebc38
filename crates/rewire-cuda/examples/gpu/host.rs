//! Matrices on the host as kernels take them, and one launch on buffers of exactly the bytes that its
//! contract names.

use anyhow::{Result, ensure};
use half::{bf16, f16};
use rand::RngCore;
use rewire_cuda::kernels::{Access, Call, DenseSize, Element, PackedSize};
use rewire_cuda::mask::Packed24;
use rewire_cuda::{Buffer, Device, Operand, Part, Rows};

/// What every byte of an output is before the launch. As a 16-bit number it is −1.6 · 10⁻¹⁶ or so,
/// which no case has.
pub(super) const POISON: u8 = 0xA5;

/// Between the last column of an input and the next row: not a number in either type.
const GAP: u16 = 0x7FFF;

/// Rounds to the element and widens again.
pub(super) fn rounded(element: Element, value: f32) -> f32 {
    match element {
        Element::Bf16 => bf16::from_f32(value).to_f32(),
        Element::F16 => f16::from_f32(value).to_f32(),
    }
}

/// The bits of a number.
pub(super) fn bits(element: Element, value: f32) -> u16 {
    match element {
        Element::Bf16 => bf16::from_f32(value).to_bits(),
        Element::F16 => f16::from_f32(value).to_bits(),
    }
}

/// The number of these bits.
pub(super) fn number(element: Element, bits: u16) -> f32 {
    match element {
        Element::Bf16 => bf16::from_bits(bits).to_f32(),
        Element::F16 => f16::from_bits(bits).to_f32(),
    }
}

/// A matrix on the host, row after row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Matrix {
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) values: Vec<f32>,
}

impl Matrix {
    /// Whole numbers from −`most` to `most`.
    pub(super) fn whole(rows: usize, cols: usize, most: u32, rng: &mut impl RngCore) -> Self {
        let value = |_| (rng.next_u32() % (2 * most + 1)) as f32 - most as f32;
        let values = (0..rows * cols).map(value).collect();
        Self { rows, cols, values }
    }

    /// Numbers of the element between −2 and 2.
    pub(super) fn real(rows: usize, cols: usize, element: Element, rng: &mut impl RngCore) -> Self {
        let value = |_| rounded(element, (rng.next_u32() as i32) as f32 / 2f32.powi(30));
        let values = (0..rows * cols).map(value).collect();
        Self { rows, cols, values }
    }

    pub(super) fn at(&self, row: usize, col: usize) -> f32 {
        self.values[row * self.cols + col]
    }

    /// The bytes of a device's matrix with these values.
    pub(super) fn bytes(&self, element: Element, size: DenseSize) -> Vec<u8> {
        let pitch = size.pitch() as usize;
        let mut words = vec![GAP; (self.rows - 1) * pitch + self.cols];
        for (row, values) in self.values.chunks(self.cols).enumerate() {
            for (col, &value) in values.iter().enumerate() {
                words[row * pitch + col] = bits(element, value);
            }
        }
        bytemuck::cast_slice(&words).to_vec()
    }

    /// The values of a device's matrix; what lies between its rows still has to be poison.
    pub(super) fn from_bytes(element: Element, size: DenseSize, bytes: &[u8]) -> Result<Self> {
        let (rows, cols, pitch) = (
            size.rows() as usize,
            size.cols() as usize,
            size.pitch() as usize,
        );
        let words: &[u16] = bytemuck::cast_slice(bytes);
        let mut values = Vec::with_capacity(rows * cols);
        for (row, words) in words.chunks(pitch).enumerate() {
            values.extend(words[..cols].iter().map(|&word| number(element, word)));
            let gap = &words[cols.min(words.len())..];
            ensure!(
                gap.iter()
                    .all(|&word| word == u16::from_ne_bytes([POISON; 2])),
                "the gap after row {row} was written"
            );
        }
        Ok(Self { rows, cols, values })
    }
}

/// Values and metadata of a packed matrix as they lie on a device.
pub(super) fn packed_bytes(
    element: Element,
    size: PackedSize,
    packed: &Packed24<f32>,
) -> Result<[Vec<u8>; 2]> {
    let wide = size.values_per_row() as usize;
    let mut words = vec![0u16; size.rows() as usize * wide];
    let rows = packed.values().chunks(packed.values_per_row());
    for (row, values) in rows.enumerate() {
        for (col, &value) in values.iter().enumerate() {
            words[row * wide + col] = bits(element, value);
        }
    }
    let metadata = packed.lane_metadata()?;
    Ok([
        bytemuck::cast_slice(&words).to_vec(),
        bytemuck::cast_slice(metadata.words()).to_vec(),
    ])
}

/// Launches a call on these inputs; gives what it left in its outputs, which were poison before.
/// Buffers that are added to begin with zeros.
pub(super) fn launch<D: Device>(device: &D, call: &Call, inputs: &[&[u8]]) -> Result<Vec<Vec<u8>>> {
    let mut inputs = inputs.iter();
    let mut buffers: Vec<Buffer<D::Memory>> = Vec::new();
    for need in call.needs() {
        let length = need.bytes as usize;
        let bytes = match need.access {
            Access::Read => inputs.next().map_or(Vec::new(), |bytes| bytes.to_vec()),
            Access::Write => vec![POISON; length],
            Access::Update => vec![0; length],
        };
        ensure!(
            bytes.len() == length,
            "{}: {} bytes",
            need.name,
            bytes.len()
        );
        buffers.push(device.upload(&bytes, Rows::one(need.bytes))?);
    }
    let mut operands = Operand::for_call(call, &mut buffers);
    device.run(call, &mut operands)?;
    let mut outputs = Vec::new();
    for (buffer, need) in buffers.iter().zip(call.needs()) {
        if need.access != Access::Read {
            let mut bytes = vec![0; need.bytes as usize];
            device.download(Part::whole(buffer), Rows::one(need.bytes), &mut bytes)?;
            outputs.push(bytes);
        }
    }
    Ok(outputs)
}
