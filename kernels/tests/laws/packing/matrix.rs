//! Matrices of 16-bit numbers to try kernels on, and what `rewire-mask` makes of them.

use half::{bf16, f16};
use ndarray::Array2;
use rewire_kernels::{DenseSize, Element, PackedSize};
use rewire_mask::{LaneMetadata, Mask, MatrixShape, Packed24};
use rewire_ptx::Schedule;

use crate::rig::{Numbers, SCHEDULES};

/// Sides on both sides of every edge: groups, chunks of eight, words, strips, blocks.
const SIDES: [usize; 25] = [
    1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 130, 255, 256, 257,
    258,
];

/// A type of the oracle's with its bits.
pub(crate) trait Number: rewire_mask::Element {
    const ELEMENT: Element;
    /// The bits of infinity.
    const INFINITY: u16;
    fn bits(self) -> u16;
    fn of_bits(bits: u16) -> Self;
    fn value(bits: u16) -> f32;
}

macro_rules! number {
    ($number:ident, $element:expr) => {
        impl Number for $number {
            const ELEMENT: Element = $element;
            const INFINITY: u16 = $number::INFINITY.to_bits();
            fn bits(self) -> u16 {
                self.to_bits()
            }
            fn of_bits(bits: u16) -> Self {
                Self::from_bits(bits)
            }
            fn value(bits: u16) -> f32 {
                Self::from_bits(bits).to_f32()
            }
        }
    };
}

number!(bf16, Element::Bf16);
number!(f16, Element::F16);

/// What a matrix is filled with; everything is finite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fill {
    /// Numbers of a few binades.
    Real,
    /// Small whole numbers of either sign, −0 among them: almost every comparison is a tie.
    Ties,
    /// Zeros of either sign and a rare one.
    Zeros,
    /// The largest there are beside small ones.
    Huge,
    /// Subnormals and the smallest normal numbers.
    Subnormal,
    /// Any bits.
    Any,
}

impl Fill {
    pub(crate) const ALL: [Self; 6] = [
        Self::Real,
        Self::Ties,
        Self::Zeros,
        Self::Huge,
        Self::Subnormal,
        Self::Any,
    ];

    fn bits<T: Number>(self, numbers: &mut Numbers) -> u16 {
        let random = numbers.next();
        let sign = (random & 0x8000) as u16;
        let place = (random >> 16) as u16;
        let magnitude = match self {
            Self::Real => {
                let value = (place as f32 / 65536.0 + 0.01) * (1 << (random >> 60)) as f32;
                T::from_f32(value).bits()
            }
            Self::Ties => T::from_f32(f32::from(place % 3)).bits(),
            Self::Zeros => T::from_f32(f32::from(u8::from(place.is_multiple_of(7)))).bits(),
            Self::Huge if place.is_multiple_of(4) => place % 0x4000,
            Self::Huge => T::INFINITY - 1 - place % 0x500,
            Self::Subnormal => place % 0x500,
            Self::Any => place % T::INFINITY,
        };
        sign | magnitude
    }
}

/// A dense matrix of bits, row-major, without gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Matrix {
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    pub(crate) bits: Vec<u16>,
}

impl Matrix {
    pub(crate) fn filled<T: Number>(rows: usize, cols: usize, fill: Fill, seed: u64) -> Self {
        let mut numbers = Numbers(seed);
        let bits = (0..rows * cols)
            .map(|_| fill.bits::<T>(&mut numbers))
            .collect();
        Self { rows, cols, bits }
    }

    /// Where it lies: the next pitch, or one with more between the rows.
    pub(crate) fn size(&self, more: usize) -> DenseSize {
        let pitch = self.cols.next_multiple_of(8) + 8 * more;
        DenseSize::with_pitch(self.rows as u64, self.cols as u64, pitch as u64).unwrap()
    }

    pub(crate) fn packed_size(&self) -> PackedSize {
        PackedSize::new(self.rows as u64, self.cols as u64).unwrap()
    }

    pub(crate) fn values<T: Number>(&self) -> Array2<f32> {
        Array2::from_shape_fn((self.rows, self.cols), |(row, col)| {
            T::value(self.bits[row * self.cols + col])
        })
    }
}

/// The two buffers of a packed matrix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packed {
    pub(crate) values: Vec<u16>,
    pub(crate) words: Vec<u32>,
}

impl Packed {
    /// The buffers of the oracle's: values padded from 16 to 64 columns.
    pub(crate) fn of<T: Number>(packed: &Packed24<T>) -> Self {
        let shape = packed.shape();
        let narrow = packed.values_per_row();
        let size = PackedSize::new(shape.rows as u64, shape.cols as u64).unwrap();
        let mut values = Vec::new();
        for row in packed.values().chunks(narrow) {
            values.extend(row.iter().map(|value| value.bits()));
            values.resize(values.len() + size.values_per_row() as usize - narrow, 0);
        }
        let words = packed.lane_metadata().unwrap().words().to_vec();
        assert_eq!(2 * values.len() as u64, size.value_bytes());
        assert_eq!(4 * words.len() as u64, size.metadata_bytes());
        Self { values, words }
    }

    /// Pairs of the groups of every row, ⌈cols / 16⌉ words of four.
    pub(crate) fn plain(&self, rows: usize, cols: usize) -> Vec<u16> {
        let shape = MatrixShape::new(rows, cols);
        LaneMetadata::from_words(shape, self.words.clone())
            .unwrap()
            .to_plain()
    }

    /// Whether both buffers are equal, or where they first differ.
    pub(crate) fn check(&self, expected: &Self, case: &str) -> Result<(), String> {
        same(&self.words, &expected.words, &format!("{case}: metadata"))?;
        same(&self.values, &expected.values, &format!("{case}: values"))
    }
}

/// Whether two lists are equal, or where they first differ.
pub(crate) fn same<T: PartialEq + std::fmt::LowerHex>(
    found: &[T],
    expected: &[T],
    what: &str,
) -> Result<(), String> {
    if found.len() != expected.len() {
        return Err(format!("{what}: {} for {}", found.len(), expected.len()));
    }
    match (0..found.len()).find(|&at| found[at] != expected[at]) {
        None => Ok(()),
        Some(at) => Err(format!(
            "{what}: place {at} holds {:#x}, not {:#x}",
            found[at], expected[at]
        )),
    }
}

/// A mask with at most two active entries in every group of a row, full ones and others.
pub(crate) fn any_mask(rows: usize, cols: usize, seed: u64) -> Mask {
    const ACTIVE: [u8; 11] = [
        0b0011, 0b0101, 0b1001, 0b0110, 0b1010, 0b1100, 0b0001, 0b0010, 0b0100, 0b1000, 0b0000,
    ];
    let mut numbers = Numbers(seed);
    let choices: Vec<u8> = (0..rows * cols.div_ceil(4))
        .map(|_| ACTIVE[numbers.below(11) as usize])
        .collect();
    Mask::from_fn(MatrixShape::new(rows, cols), |row, col| {
        choices[row * cols.div_ceil(4) + col / 4] >> (col % 4) & 1 == 1
    })
}

/// What holds of a kernel for a matrix of either type of numbers, a gap between its rows and a schedule.
pub(crate) trait Law {
    fn check<T: Number>(
        &self,
        matrix: &Matrix,
        more: usize,
        schedule: Schedule,
    ) -> Result<(), String>;

    /// Tries every side with another one, either way round; fills, gaps between rows and schedules take
    /// turns.
    fn hold_at_every_side(&self, fills: &[Fill]) {
        for (index, &side) in SIDES.iter().enumerate() {
            let other = SIDES[(7 * index + 3) % SIDES.len()];
            for (turn, (rows, cols)) in [(side, other), (other, side)].into_iter().enumerate() {
                let fill = fills[(index + turn) % fills.len()];
                let schedule = SCHEDULES[(index + 2 * turn) % SCHEDULES.len()];
                let seed = (2 * index + turn) as u64;
                let more = index % 3;
                self.hold((rows, cols), more, fill, schedule, seed).unwrap();
            }
        }
    }

    /// Tries all fills under all schedules.
    fn hold_for_all_data(&self, cols: usize) {
        for fill in Fill::ALL {
            for schedule in SCHEDULES {
                self.hold((37, cols), 1, fill, schedule, 1).unwrap();
            }
        }
    }

    /// Tries a random matrix of either type.
    fn hold(
        &self,
        (rows, cols): (usize, usize),
        more: usize,
        fill: Fill,
        schedule: Schedule,
        seed: u64,
    ) -> Result<(), String> {
        let bf16s = Matrix::filled::<bf16>(rows, cols, fill, seed);
        self.check::<bf16>(&bf16s, more, schedule)?;
        let f16s = Matrix::filled::<f16>(rows, cols, fill, seed);
        self.check::<f16>(&f16s, more, schedule)
    }
}
