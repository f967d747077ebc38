//! A packed 2:4 matrix made dense, +0 where nothing is kept.

use crate::packing::chunks;
use crate::packing::pairs::{self, Table};
use crate::packing::strip::{self, ROWS};
use crate::packing::text::{Heading, begin};
use crate::text::Parameter;
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
        let equal = |what, left, right| SizeError::unless_equal(program.entry(), what, left, right);
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
        let blocks = strip::blocks(packed.rows(), packed.cols());
        Call::new(program.code(), blocks, 256, 0, arguments, 0)
    }
}

pub(crate) const fn text(element: Element) -> &'static str {
    match element {
        Element::Bf16 => include_str!("../ptx/expand24_bf16.ptx"),
        Element::F16 => include_str!("../ptx/expand24_f16.ptx"),
    }
}

pub(crate) fn print(element: Element) -> String {
    let mut text = begin(
        "expand24",
        element,
        &Heading {
            about: "
                Makes a packed 2:4 matrix dense: its values at the columns that metadata name, +0
                everywhere else. Numbers are moved as they are, whatever their type.",
            parameters: &[
                Parameter::address("values",
                    "two for every four columns, a row every ceil(cols / 64) * 32",
                ),
                Parameter::address("metadata",
                    "[rows / 64][cols / 256][128][4] words, sides rounded up",
                ),
                Parameter::address("dense", "rows x cols, a row every pitch elements"),
                Parameter::number("rows", "1 to 2^30"),
                Parameter::number("cols", "1 to 2^30"),
                Parameter::number("pitch", "elements from row to row"),
            ],
            launch: &[
                strip::LAUNCH,
                "
                    Addresses are multiples of 16, pitch a multiple of 8. The dense matrix overlaps no
                    other buffer.
                    reads  1.125 bytes per entry
                    writes 2 bytes per entry, nothing between the last column and the next row
                    no floating-point operations",
            ],
            blocks_per_processor: 6,
        },
    );
    strip::place(&mut text);
    text.section("Lanes without a column or a row have nothing to write.");
    text.lines(
        "
        .reg .pred %used;
        setp.gt.s32 %used, %rows_left, 0;
        setp.gt.and.s32 %used, %cols_left, 0, %used;
        @!%used bra WRITTEN;",
    );
    strip::packed_rows(&mut text);
    text.lines(".reg .b32 %v0_<2>, %v1_<2>, %v2_<2>, %v3_<2>;");
    for (row, offset) in ROWS.into_iter().enumerate() {
        text.lines(format!(
            "mov.b32 %v{row}_0, 0;
             mov.b32 %v{row}_1, 0;
             setp.gt.s32 %used, %rows_left, {offset};
             @%used ld.global.nc.v2.b32 {{%v{row}_0, %v{row}_1}}, [%packed{row}];"
        ));
    }
    strip::metadata(&mut text);
    strip::read_pairs(&mut text);
    text.section(
        "Selectors of one dense column, a byte for each of four groups: the lower value is half 0,
         the higher half 1, nothing is half 2, the first of a word of zeros.",
    );
    text.lines(".reg .b32 %column0_<2>, %column1_<2>, %column2_<2>, %column3_<2>;");
    for column in 0..4 {
        let table = Table::by_metadata(|[low, high]| {
            pairs::half(match column {
                _ if column == low => 0,
                _ if column == high => 1,
                _ => 2,
            })
        });
        let table = table.operands();
        for rows in 0..2 {
            text.lines(format!(
                "prmt.b32 %column{column}_{rows}, {table}, %pairs{rows};"
            ));
        }
    }
    strip::dense_rows(&mut text, "dense");
    text.section("Two words of each group.");
    text.lines(".reg .b32 %w0_<4>, %w1_<4>, %w2_<4>, %w3_<4>, %pick;");
    for row in 0..4 {
        for group in 0..2 {
            let beside = pairs::beside(2 * (row % 2) + group);
            for half in 0..2 {
                let (low, high, word) = (2 * half, 2 * half + 1, 2 * group + half);
                let rows = row / 2;
                text.lines(format!(
                    "prmt.b32 %pick, %column{low}_{rows}, %column{high}_{rows}, 0x{beside:04X};
                     prmt.b32 %w{row}_{word}, %v{row}_{group}, 0, %pick;"
                ));
            }
        }
    }
    chunks::write(&mut text, ROWS);
    text.end()
}
