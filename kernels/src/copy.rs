//! Bytes from one buffer to another: the speed that memory has here.

use crate::{Argument, Call, Code, Need, SizeError};

/// Bytes of a chunk, and chunks of a block.
const CHUNK: u64 = 16;
const CHUNKS_PER_BLOCK: u64 = 1024;

/// A copy of so many bytes, rounded down to a multiple of 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copy {
    /// Bytes, at least 16 and below 2³⁶.
    pub bytes: u64,
}

impl Copy {
    /// The code; there is one for all types.
    pub const CODE: Code = Code {
        name: "copy",
        element: None,
        entry: "copy",
        text: include_str!("../ptx/copy.ptx"),
    };

    /// The call: source, destination.
    ///
    /// # Errors
    /// [`SizeError::Bytes`] for less than 16 bytes or for more than can be counted.
    pub fn call(&self) -> Result<Call, SizeError> {
        let chunks = self.bytes / CHUNK;
        // A block may begin up to 1023 chunks before the last one.
        let most = u64::from(u32::MAX) - CHUNKS_PER_BLOCK;
        if chunks == 0 || chunks > most {
            let (given, most) = (self.bytes, most * CHUNK + (CHUNK - 1));
            return Err(SizeError::Bytes { given, most });
        }
        let bytes = CHUNK * chunks;
        let arguments = vec![
            Need::read("source", bytes, bytes),
            Need::write("destination", bytes, bytes),
            Argument::U32(chunks as u32),
        ];
        Call::new(
            Self::CODE,
            chunks.div_ceil(CHUNKS_PER_BLOCK),
            256,
            0,
            arguments,
            0,
        )
    }
}
