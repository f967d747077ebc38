//! How matrices lie in the memory of a device.
//!
//! **Dense**: row after row, a row every `pitch` elements, so that each begins at a multiple of 16
//! bytes. What lies between the last column and the next row is never read and never written.
//!
//! **Packed 2:4**: values and metadata are two buffers. Values lie row after row in the order of
//! the columns, two for every four columns, rows padded to a multiple of 64 columns with groups that
//! keep {0, 1} with the value +0. Metadata lie in the order of `rewire_mask::LaneMetadata`:
//! `[rows / 64][cols / 256][thread = 0..128][4]` words of 32 bits, padded with the pair {0, 1}.

use crate::{Element, SizeError};

/// The most rows or columns of a matrix, so that no index inside a kernel leaves 32 bits.
const MOST: u64 = 1 << 30;

/// Elements to a multiple of which pitches are rounded: 16 bytes.
const PITCH: u32 = 8;

/// The size of a dense matrix of 16-bit numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DenseSize {
    rows: u32,
    cols: u32,
    pitch: u32,
}

impl DenseSize {
    /// A matrix whose rows lie as closely as they may: the pitch is the next multiple of 8.
    ///
    /// # Errors
    /// As [`DenseSize::with_pitch`].
    pub fn new(rows: u64, cols: u64) -> Result<Self, SizeError> {
        let pitch = cols.checked_next_multiple_of(PITCH.into());
        Self::with_pitch(rows, cols, pitch.unwrap_or(cols))
    }

    /// A matrix with a row every `pitch` elements.
    ///
    /// # Errors
    /// [`SizeError::Extent`] for no rows, no columns, or more than 2³⁰ of either or of the pitch,
    /// [`SizeError::Pitch`] if the pitch is less than the columns or no multiple of 8.
    pub fn with_pitch(rows: u64, cols: u64, pitch: u64) -> Result<Self, SizeError> {
        let (rows, cols) = (extent("rows", rows)?, extent("columns", cols)?);
        let wide = extent("elements from row to row", pitch)?;
        if wide < cols || wide % PITCH != 0 {
            return Err(SizeError::Pitch { pitch, cols });
        }
        Ok(Self {
            rows,
            cols,
            pitch: wide,
        })
    }

    /// Rows.
    pub const fn rows(self) -> u32 {
        self.rows
    }

    /// Columns.
    pub const fn cols(self) -> u32 {
        self.cols
    }

    /// Elements from the beginning of a row to that of the next.
    pub const fn pitch(self) -> u32 {
        self.pitch
    }

    /// Bytes from the first element to the last, without what follows the last row.
    pub const fn bytes(self) -> u64 {
        ((self.rows as u64 - 1) * self.pitch as u64 + self.cols as u64) * Element::BYTES
    }

    /// Bytes of the elements alone.
    pub const fn element_bytes(self) -> u64 {
        self.rows as u64 * self.cols as u64 * Element::BYTES
    }
}

/// The size of a packed 2:4 matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PackedSize {
    rows: u32,
    cols: u32,
}

impl PackedSize {
    /// A matrix of `rows × cols`, padding not counted.
    ///
    /// # Errors
    /// [`SizeError::Extent`] for no rows, no columns or more than 2³⁰ of either.
    pub fn new(rows: u64, cols: u64) -> Result<Self, SizeError> {
        let (rows, cols) = (extent("rows", rows)?, extent("columns", cols)?);
        Ok(Self { rows, cols })
    }

    /// The size that a dense matrix has when it is packed.
    pub const fn of(dense: DenseSize) -> Self {
        Self {
            rows: dense.rows,
            cols: dense.cols,
        }
    }

    /// Rows.
    pub const fn rows(self) -> u32 {
        self.rows
    }

    /// Columns.
    pub const fn cols(self) -> u32 {
        self.cols
    }

    /// The size of the packed transpose.
    pub const fn transposed(self) -> Self {
        Self {
            rows: self.cols,
            cols: self.rows,
        }
    }

    /// Values of a row, padding included: 32 for every 64 columns.
    pub const fn values_per_row(self) -> u32 {
        self.cols.div_ceil(64) * 32
    }

    /// Bytes of the values.
    pub const fn value_bytes(self) -> u64 {
        self.rows as u64 * self.values_per_row() as u64 * Element::BYTES
    }

    /// 32-bit words of metadata: 512 for every 64 rows and 256 columns.
    pub const fn metadata_words(self) -> u64 {
        512 * self.rows.div_ceil(64) as u64 * self.cols.div_ceil(256) as u64
    }

    /// Bytes of the metadata.
    pub const fn metadata_bytes(self) -> u64 {
        4 * self.metadata_words()
    }
}

fn extent(what: &'static str, given: u64) -> Result<u32, SizeError> {
    match u32::try_from(given) {
        Ok(extent) if extent > 0 && given <= MOST => Ok(extent),
        _ => Err(SizeError::Extent { what, given }),
    }
}
