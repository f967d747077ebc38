//! A packed 2:4 matrix made dense, +0 where nothing is kept.

use crate::{Argument, Call, DenseSize, Element, Kernel, Need, PackedSize, Program, SizeError};

/// A packed matrix made dense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expand24 {
    /// Of which numbers.
    pub element: Element,
    /// The packed matrix.
    pub packed: PackedSize,
    /// The dense one, of the same rows and columns.
    pub dense: DenseSize,
}

impl Expand24 {
    /// The call: values, metadata, dense.
    ///
    /// # Errors
    /// [`SizeError::Mismatch`] for two sizes, [`SizeError::Grid`] for more blocks than there can
    /// be.
    pub fn call(&self) -> Result<Call, SizeError> {
        let Self {
            element,
            packed,
            dense,
        } = *self;
        let program = Program {
            kernel: Kernel::Expand24,
            element,
        };
        let equal = |what, left, right| {
            let mismatch = SizeError::Mismatch {
                kernel: program.entry(),
                what,
                found: (left, right),
            };
            if left == right { Ok(()) } else { Err(mismatch) }
        };
        equal("rows of the two matrices", packed.rows(), dense.rows())?;
        equal("columns of the two matrices", packed.cols(), dense.cols())?;
        let arguments = vec![
            Need::read("values", packed.value_bytes(), packed.value_bytes()),
            Need::read("metadata", packed.metadata_bytes(), packed.metadata_bytes()),
            Need::write("dense", dense.bytes(), dense.element_bytes()),
            Argument::U32(packed.rows()),
            Argument::U32(packed.cols()),
            Argument::U32(dense.pitch()),
        ];
        // A block takes 32 rows by 256 columns.
        let blocks =
            2 * u64::from(packed.rows().div_ceil(64)) * u64::from(packed.cols().div_ceil(256));
        Call::new(program.code(), blocks, 256, 0, arguments, 0)
    }
}

pub(crate) const fn text(_element: Element) -> &'static str {
    ""
}

pub(crate) fn print(_element: Element) -> String {
    String::new()
}
