//! Runs a call on buffers that are exactly as long as its contract asks for.
//!
//! What a kernel is to write begins unwritten, and so does the gap between the last column of a dense
//! matrix and its next row: whoever reads either, leaves out a byte or touches the gap is found.

use rewire_kernels::{Access, Argument, Call, DenseSize};
use rewire_ptx::{Launch, Memory, Module, Schedule};

use super::matrix::Matrix;

/// A buffer before the launch.
#[derive(Clone, Copy)]
pub(crate) enum Before<'a> {
    Halves(&'a [u16]),
    Words(&'a [u32]),
    Dense(&'a Matrix, DenseSize),
    /// Bytes that the kernel writes, all of them.
    Blank,
    /// Rows that the kernel writes, and nothing between them.
    BlankDense(DenseSize),
}

/// A buffer after the launch: its bytes, of dense matrices the entries alone.
pub(crate) struct After(Vec<u8>);

impl After {
    pub(crate) fn halves(&self) -> Vec<u16> {
        let pairs = self.0.chunks_exact(2);
        pairs
            .map(|bytes| u16::from_le_bytes([bytes[0], bytes[1]]))
            .collect()
    }

    pub(crate) fn words(&self) -> Vec<u32> {
        let words = self.0.chunks_exact(4);
        words
            .map(|bytes| u32::from_le_bytes(bytes.try_into().unwrap()))
            .collect()
    }
}

/// What a launch leaves in its buffers, in their order, or what is wrong with it.
pub(crate) fn run(
    call: &Call,
    text: &str,
    buffers: &[Before<'_>],
    schedule: Schedule,
) -> Result<Vec<After>, String> {
    let entry = call.code().entry();
    let module = Module::parse(&call.code().to_string(), text).unwrap_or_else(|e| panic!("{e}"));
    let mut memory = Memory::default();
    let mut given = buffers.iter();
    let mut places = Vec::new();
    let arguments = call.arguments().iter().map(|argument| match *argument {
        Argument::Absent => 0u64.into(),
        Argument::U32(number) => number.into(),
        Argument::Buffer(need) => {
            let before = given.next().unwrap();
            let bytes = need.bytes as usize;
            let address = place(&mut memory, before, bytes);
            assert_eq!(address % u64::from(need.align), 0);
            let blank = matches!(before, Before::Blank | Before::BlankDense(_));
            assert_eq!(
                blank,
                need.access == Access::Write,
                "{entry}: {}",
                need.name
            );
            places.push((address, bytes, before));
            address.into()
        }
    });
    let arguments = arguments.collect();
    assert!(given.next().is_none(), "{entry} has fewer buffers");
    Launch::new([call.blocks(), 1, 1], [call.threads(), 1, 1], arguments)
        .with_shared(call.shared_bytes())
        .with_schedule(schedule)
        .run(module.entry(entry).unwrap(), &mut memory)
        .map_err(|fault| fault.to_string())?;
    let after = places.into_iter().map(|(address, bytes, before)| {
        let bytes = match before {
            Before::Dense(_, size) | Before::BlankDense(size) => rows(&memory, address, *size)?,
            _ => memory
                .download(address, bytes)
                .map_err(|error| error.to_string())?,
        };
        Ok(After(bytes))
    });
    after.collect()
}

/// Puts a buffer into memory, which has to take exactly so many bytes, and gives its address.
fn place(memory: &mut Memory, before: &Before<'_>, bytes: usize) -> u64 {
    match *before {
        Before::Halves(halves) => {
            assert_eq!(2 * halves.len(), bytes);
            memory.upload(halves)
        }
        Before::Words(words) => {
            assert_eq!(4 * words.len(), bytes);
            memory.upload(words)
        }
        Before::Dense(matrix, size) => {
            assert_eq!(size.bytes(), bytes as u64);
            let address = memory.reserve(bytes);
            for (row, bits) in matrix.bits.chunks(matrix.cols).enumerate() {
                let at = address + 2 * (row * size.pitch() as usize) as u64;
                memory.overwrite(at, bits).unwrap();
            }
            address
        }
        Before::Blank => memory.reserve(bytes),
        Before::BlankDense(size) => {
            assert_eq!(size.bytes(), bytes as u64);
            memory.reserve(bytes)
        }
    }
}

/// The bytes of the entries; what lies between the rows has to be unwritten.
fn rows(memory: &Memory, address: u64, size: DenseSize) -> Result<Vec<u8>, String> {
    let (rows, cols, pitch) = (size.rows(), size.cols() as usize, size.pitch());
    let mut bytes = Vec::new();
    for row in 0..rows {
        let at = address + 2 * u64::from(row) * u64::from(pitch);
        let entries = memory.download::<u8>(at, 2 * cols);
        bytes.extend(entries.map_err(|error| error.to_string())?);
        let gap = if row + 1 < rows {
            2 * cols as u64..2 * u64::from(pitch)
        } else {
            0..0
        };
        for byte in gap {
            if memory.download::<u8>(at + byte, 1).is_ok() {
                return Err(format!("byte {byte} behind row {row} was touched"));
            }
        }
    }
    Ok(bytes)
}
