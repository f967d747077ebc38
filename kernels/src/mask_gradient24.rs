//! The entries of a dense gradient at the places that a packed 2:4 matrix keeps.
//!
//! Fillers of groups that are not full are places like others; those beyond the last column get +0.

use crate::packing::chunks;
use crate::packing::pairs::{self, Table};
use crate::packing::strip::{self, ROWS};
use crate::packing::text::{Heading, begin};
use crate::text::Parameter;
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
        let equal = |what, left, right| SizeError::unless_equal(program.entry(), what, left, right);
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
        let blocks = strip::blocks(packed.rows(), packed.cols());
        Call::new(program.code(), blocks, 256, 0, arguments, 0)
    }
}

pub(crate) const fn text(element: Element) -> &'static str {
    match element {
        Element::Bf16 => include_str!("../ptx/mask_gradient24_bf16.ptx"),
        Element::F16 => include_str!("../ptx/mask_gradient24_f16.ptx"),
    }
}

pub(crate) fn print(element: Element) -> String {
    let mut text = begin(
        "mask_gradient24",
        element,
        &Heading {
            about: "
                Takes the entries of a dense gradient at the columns that the metadata of a packed 2:4
                matrix name, in the order of its values; +0 beyond the last column. Numbers are moved
                as they are, whatever their type.",
            parameters: &[
                Parameter::address("gradient", "rows x cols, a row every pitch elements"),
                Parameter::address("metadata", "[rows / 64][cols / 256][128][4] words, sides rounded up"),
                Parameter::address("values", "two for every four columns, a row every ceil(cols / 64) * 32"),
                Parameter::number("rows", "1 to 2^30"),
                Parameter::number("cols", "1 to 2^30"),
                Parameter::number("pitch", "elements from row to row"),
            ],
            launch: &[
                strip::LAUNCH,
                "
                    Addresses are multiples of 16, pitch a multiple of 8. The values overlap no other
                    buffer.
                    reads  2.125 bytes per entry
                    writes 1 byte per entry and padding to 64 columns
                    no floating-point operations",
            ],
            blocks_per_processor: 6,
        },
    );
    strip::place(&mut text);
    text.section("Lanes beyond the padding and warps below the last row have nothing to write.");
    text.lines(
        "
        .reg .pred %used;
        setp.gt.s32 %used, %rows_left, 0;
        setp.gt.and.s32 %used, %span_left, 0, %used;
        @!%used bra DONE;",
    );
    strip::metadata(&mut text);
    strip::read_pairs(&mut text);
    strip::dense_rows(&mut text, "gradient");
    chunks::read(&mut text, ROWS);
    text.section("Selectors of the lower and the higher column, a byte for each of four groups.");
    text.lines(".reg .b32 %lower<2>, %higher<2>, %pick, %v<2>;");
    let lower = Table::by_metadata(|[low, _]| pairs::half(low)).operands();
    let higher = Table::by_metadata(|[_, high]| pairs::half(high)).operands();
    for rows in 0..2 {
        text.lines(format!(
            "prmt.b32 %lower{rows}, {lower}, %pairs{rows};
             prmt.b32 %higher{rows}, {higher}, %pairs{rows};"
        ));
    }
    strip::packed_rows(&mut text);
    for (row, offset) in (0..).zip(ROWS) {
        for group in 0..2 {
            let beside = pairs::beside(2 * (row % 2) + group);
            let (low, high, rows) = (2 * group, 2 * group + 1, row / 2);
            text.lines(format!(
                "prmt.b32 %pick, %lower{rows}, %higher{rows}, 0x{beside:04X};
                 prmt.b32 %v{group}, %w{row}_{low}, %w{row}_{high}, %pick;"
            ));
        }
        text.lines(format!(
            "setp.gt.s32 %used, %rows_left, {offset};
             @%used st.global.v2.b32 [%packed{row}], {{%v0, %v1}};"
        ));
    }
    text.lines("DONE:");
    text.end()
}
