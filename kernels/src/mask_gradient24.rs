//! The entries of a dense gradient at the places that a packed 2:4 matrix keeps.
//!
//! Fillers of groups that are not full are places like others; those beyond the last column get +0.

use crate::{Argument, Call, DenseSize, Element, Kernel, Need, PackedSize, Program, SizeError};

/// A dense gradient cut down to packed values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaskGradient24 {
    /// Of which numbers.
    pub element: Element,
    /// The packed matrix.
    pub packed: PackedSize,
    /// The dense gradient, of the same rows and columns.
    pub gradient: DenseSize,
}

impl MaskGradient24 {
    /// The call: gradient, metadata, values.
    ///
    /// # Errors
    /// [`SizeError::Mismatch`] for two sizes, [`SizeError::Grid`] for more blocks than there can
    /// be.
    pub fn call(&self) -> Result<Call, SizeError> {
        let Self {
            element,
            packed,
            gradient,
        } = *self;
        let program = Program {
            kernel: Kernel::MaskGradient24,
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
        equal("rows of the two matrices", packed.rows(), gradient.rows())?;
        equal(
            "columns of the two matrices",
            packed.cols(),
            gradient.cols(),
        )?;
        let arguments = vec![
            Need::read("gradient", gradient.bytes(), gradient.element_bytes()),
            Need::read("metadata", packed.metadata_bytes(), packed.metadata_bytes()),
            Need::write("values", packed.value_bytes(), packed.value_bytes()),
            Argument::U32(packed.rows()),
            Argument::U32(packed.cols()),
            Argument::U32(gradient.pitch()),
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
