//! Matrices, their way to the emulator and back, and the launch of a call.
//!
//! Every buffer has exactly the bytes that its call names. What is read lies between bytes that were
//! never written, gaps between rows included, and what is written is reserved without a value: the
//! emulator faults at a read of the first and at a write outside of the second.

use half::{bf16, f16};
use rewire_kernels::{Access, Argument, Call, DenseSize, Element, Need};
use rewire_mask::{Mask, MatrixShape, Packed24};
use rewire_ptx::{Fault, Launch, Memory, Module, Report, Schedule};

/// The schedules that a kernel with asynchronous copies has to bear.
pub(crate) const SCHEDULES: [Schedule; 4] = [
    Schedule::Early,
    Schedule::Late,
    Schedule::Seeded(1),
    Schedule::Seeded(2),
];

/// The sides of the tiles of every version, and their neighbours.
pub(crate) const EDGES: [u64; 18] = [
    1, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257,
];

/// A sequence of random numbers (splitmix64).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// A whole number from −8 to 8: products of a few hundred of them are sums below 2²⁴, which
    /// every order of summation gives exactly.
    pub(crate) fn whole(&mut self) -> f32 {
        self.below(17) as f32 - 8.0
    }

    /// A number between −2 and 2 with all the bits of a single.
    pub(crate) fn real(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1 << 22) as f32 - 2.0
    }
}

/// The bits of the nearest 16-bit number.
pub(crate) fn bits(element: Element, value: f32) -> u16 {
    match element {
        Element::Bf16 => bf16::from_f32(value).to_bits(),
        Element::F16 => f16::from_f32(value).to_bits(),
    }
}

/// The number of 16 bits.
pub(crate) fn number(element: Element, bits: u16) -> f32 {
    match element {
        Element::Bf16 => bf16::from_bits(bits).to_f32(),
        Element::F16 => f16::from_bits(bits).to_f32(),
    }
}

/// The largest relative error of rounding to an element, and the largest absolute one below the
/// least normal number.
pub(crate) fn rounding(element: Element) -> (f64, f64) {
    match element {
        Element::Bf16 => (2f64.powi(-8), 2f64.powi(-134)),
        Element::F16 => (2f64.powi(-11), 2f64.powi(-25)),
    }
}

/// A matrix of numbers that an element holds exactly, row after row.
#[derive(Clone, Debug)]
pub(crate) struct Dense {
    pub(crate) cols: usize,
    pub(crate) values: Vec<f32>,
}

impl Dense {
    pub(crate) fn new(
        element: Element,
        rows: u64,
        cols: u64,
        mut draw: impl FnMut() -> f32,
    ) -> Self {
        let values = (0..rows * cols)
            .map(|_| number(element, bits(element, draw())))
            .collect();
        Self {
            cols: cols as usize,
            values,
        }
    }

    pub(crate) fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.cols..(row + 1) * self.cols]
    }

    /// The bytes of a buffer from its first element to its last, gaps left unwritten.
    pub(crate) fn upload(&self, memory: &mut Memory, element: Element, size: DenseSize) -> u64 {
        assert_eq!(self.cols, size.cols() as usize);
        let address = memory.reserve(size.bytes() as usize);
        for (index, row) in self.values.chunks(self.cols).enumerate() {
            let row: Vec<u16> = row.iter().map(|&value| bits(element, value)).collect();
            let at = address + 2 * index as u64 * u64::from(size.pitch());
            memory.overwrite(at, &row).unwrap();
        }
        address
    }
}

/// Why a kernel is wrong.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The emulator says it.
    Fault(Fault),
    /// It wrote less than the matrix, or the gap between two rows.
    Extent(#[allow(dead_code, reason = "shown by a test that fails")] String),
}

/// What a kernel wrote, row after row; what lies between rows has to be as it was.
pub(crate) fn download(
    memory: &Memory,
    address: u64,
    size: DenseSize,
) -> Result<Vec<u16>, Failure> {
    let (cols, pitch) = (u64::from(size.cols()), u64::from(size.pitch()));
    let mut found = Vec::new();
    for row in 0..u64::from(size.rows()) {
        let at = address + 2 * row * pitch;
        let written = memory.download::<u16>(at, cols as usize);
        found.extend(written.map_err(|error| Failure::Extent(format!("row {row}: {error}")))?);
        if row + 1 < size.rows().into() {
            for byte in 2 * cols..2 * pitch {
                if memory.download::<u8>(at + byte, 1).is_ok() {
                    return Err(Failure::Extent(format!(
                        "row {row}: byte {byte} is written"
                    )));
                }
            }
        }
    }
    Ok(found)
}

/// A 2:4 matrix: dense with zeros, and packed.
pub(crate) struct Sparse {
    pub(crate) masked: Dense,
    pub(crate) packed: Packed24<f32>,
}

impl Sparse {
    /// Keeps none, one or two of every four columns, mostly two.
    pub(crate) fn new(
        element: Element,
        rows: u64,
        cols: u64,
        numbers: &mut Numbers,
        draw: fn(&mut Numbers) -> f32,
    ) -> Self {
        let groups: Vec<u8> = (0..rows * cols.div_ceil(4))
            .map(|_| numbers.next() as u8)
            .collect();
        let kept = |row: usize, col: usize| {
            let choice = usize::from(groups[row * cols.div_ceil(4) as usize + col / 4] % 33);
            let full = [0b0011, 0b0101, 0b1001, 0b0110, 0b1010, 0b1100];
            let pair: u8 = match choice {
                0..30 => full[choice % 6],
                _ => [0b0001, 0b1000, 0b0000][choice - 30],
            };
            pair >> (col % 4) & 1 == 1
        };
        let shape = MatrixShape::new(rows as usize, cols as usize);
        let mask = Mask::from_fn(shape, kept);
        let mut masked = Dense::new(element, rows, cols, || draw(numbers));
        for (index, value) in masked.values.iter_mut().enumerate() {
            if !mask.get(index / masked.cols, index % masked.cols) {
                *value = 0.0;
            }
        }
        let weights = ndarray::ArrayView2::from_shape((shape.rows, shape.cols), &masked.values);
        let packed = Packed24::pack(&mask, weights.unwrap()).unwrap();
        Self { masked, packed }
    }

    /// The values with rows padded to 64 columns by +0, as the kernels read them; the CPU's form
    /// pads to 16.
    pub(crate) fn values(&self, element: Element) -> Vec<u16> {
        let padded = 32 * self.packed.shape().cols.div_ceil(64);
        let mut values = Vec::new();
        for row in self.packed.values().chunks(self.packed.values_per_row()) {
            values.extend(row.iter().map(|&value| bits(element, value)));
            values.extend(vec![0; padded - row.len()]);
        }
        values
    }

    /// The metadata in lane order.
    pub(crate) fn metadata(&self) -> Vec<u32> {
        self.packed.lane_metadata().unwrap().words().to_vec()
    }
}

/// The need of a call for the buffer of this name.
pub(crate) fn need<'a>(call: &'a Call, name: &str) -> &'a Need {
    call.needs().find(|need| need.name == name).unwrap()
}

/// A buffer that only holds what a call asks for.
pub(crate) fn upload<T: rewire_ptx::Element>(
    memory: &mut Memory,
    call: &Call,
    name: &str,
    values: &[T],
) -> u64 {
    let need = need(call, name);
    assert_eq!(need.access, Access::Read, "{name}");
    assert_eq!(need.bytes as usize, values.len() * T::BYTES, "{name}");
    memory.upload(values)
}

/// A buffer for what a call writes.
pub(crate) fn reserve(memory: &mut Memory, call: &Call, name: &str) -> u64 {
    let need = need(call, name);
    assert_eq!(need.access, Access::Write, "{name}");
    memory.reserve(need.bytes as usize)
}

/// Runs `text` as the call says, on buffers in the order of its needs.
pub(crate) fn launch(
    call: &Call,
    text: &str,
    schedule: Schedule,
    memory: &mut Memory,
    buffers: &[u64],
) -> Result<Report, Failure> {
    let program = call.code();
    let module =
        Module::parse(&program.to_string(), text).unwrap_or_else(|error| panic!("{error}"));
    let mut buffers = buffers.iter();
    let arguments = call
        .arguments()
        .iter()
        .map(|argument| match *argument {
            Argument::Buffer(need) => {
                let address = *buffers.next().unwrap();
                assert!(address.is_multiple_of(need.align.into()));
                address.into()
            }
            Argument::Absent => 0u64.into(),
            Argument::U32(number) => number.into(),
        })
        .collect();
    assert!(buffers.next().is_none());
    Launch::new([call.blocks(), 1, 1], [call.threads(), 1, 1], arguments)
        .with_shared(call.shared_bytes())
        .with_schedule(schedule)
        .run(module.entry(program.entry()).unwrap(), memory)
        .map_err(Failure::Fault)
}
