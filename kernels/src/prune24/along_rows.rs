//! Prints `prune24`: the two largest of every four columns.

use crate::Element;
use crate::packing::chunks;
use crate::packing::pairs::{self, KEEP_FIRST, KEEP_SECOND, Table, WEIGHTS};
use crate::packing::strip::{self, ROWS};
use crate::packing::text::{Heading, begin};
use crate::text::{Parameter, Text};

use super::{STATUS, not_finite};

pub(super) fn print(element: Element) -> String {
    let mut text = begin(
        "prune24",
        element,
        &Heading {
            about: "
                Keeps the two of every four columns with the largest magnitudes, of equal ones the
                lower column, and packs them as values and metadata in lane order.

                A weight becomes a key: its magnitude as an integer above, 4, 2, 1 or 0 for its column
                below. Minima and maxima of four keys give the largest two; their low parts add up to
                the code of the pair. Four codes look up metadata and selectors by one prmt each.",
            parameters: &[
                Parameter::address("weights", "rows x cols, a row every pitch elements"),
                Parameter::address("values", "two for every four columns, a row every ceil(cols / 64) * 32"),
                Parameter::address("metadata", "[rows / 64][cols / 256][128][4] words, sides rounded up"),
                STATUS,
                Parameter::number("rows", "1 to 2^30"),
                Parameter::number("cols", "1 to 2^30"),
                Parameter::number("pitch", "elements from row to row"),
            ],
            launch: &[
                strip::LAUNCH,
                "
                    Addresses are multiples of 16, pitch a multiple of 8. Buffers that are written
                    overlap no other.
                    reads  2 bytes per weight
                    writes 1.125 bytes per weight and padding: values to 64 columns, metadata to 64
                           rows and 256 columns
                    no floating-point operations",
            ],
            blocks_per_processor: 5,
        },
    );
    strip::place(&mut text);
    strip::metadata(&mut text);
    text.lines(
        "
        .reg .b32 %word, %odd;
        .reg .pred %stored, %second;
        and.b32 %odd, %lane, 1;
        mad.wide.u32 %words, %odd, 64, %words;",
    );
    text.section("A warp below the last row writes padding alone.");
    text.lines(
        "
        mov.b32 %word, 0x44444444;
        setp.gt.s32 %stored, %rows_left, 0;
        @!%stored bra WORD;",
    );
    strip::dense_rows(&mut text, "weights");
    chunks::read(&mut text, ROWS);
    text.section(
        "Keys: codes of the first four columns add up in codes0, row by row in its nibbles.",
    );
    text.lines(
        "
        .reg .b32 %k<4>, %left, %left_low, %right, %right_low, %best, %next, %most;
        .reg .b32 %codes0, %codes1;
        mov.b32 %codes0, 0;
        mov.b32 %codes1, 0;
        mov.b32 %most, 0;",
    );
    for row in 0..4 {
        for group in 0..2 {
            two_largest(&mut text, row, group);
        }
    }
    count_faults(&mut text, element);
    write_values(&mut text);
    write_word(&mut text);
    text.end()
}

/// Adds the code of four columns of a row to the codes, and the largest key to `%most`.
fn two_largest(text: &mut Text, row: usize, group: usize) {
    let (low, high) = (2 * group, 2 * group + 1);
    text.section(format!(
        "Row + {}, columns {} to {}.",
        ROWS[row],
        4 * group,
        4 * group + 3
    ));
    text.lines(format!(
        "
        shl.b32 %k0, %w{row}_{low}, 16;
        shl.b32 %k2, %w{row}_{high}, 16;
        and.b32 %k0, %k0, 0x7FFF0000;
        and.b32 %k1, %w{row}_{low}, 0x7FFF0000;
        and.b32 %k2, %k2, 0x7FFF0000;
        and.b32 %k3, %w{row}_{high}, 0x7FFF0000;"
    ));
    for (key, weight) in WEIGHTS
        .iter()
        .enumerate()
        .filter(|&(_, &weight)| weight > 0)
    {
        let tag = weight << (4 * row);
        text.lines(format!("or.b32 %k{key}, %k{key}, 0x{tag:04X};"));
    }
    text.lines(format!(
        "
        max.u32 %left, %k0, %k1;
        min.u32 %left_low, %k0, %k1;
        max.u32 %right, %k2, %k3;
        min.u32 %right_low, %k2, %k3;
        max.u32 %best, %left, %right;
        min.u32 %next, %left, %right;
        max.u32 %left_low, %left_low, %right_low;
        max.u32 %next, %next, %left_low;
        max.u32 %most, %most, %best;
        add.u32 %codes{group}, %codes{group}, %best;
        add.u32 %codes{group}, %codes{group}, %next;"
    ));
}

/// Adds the entries that are not finite to the status, if the warp has any.
fn count_faults(text: &mut Text, element: Element) {
    text.section("Entries that are not finite are counted only where a warp has one.");
    text.lines(format!(
        "
        .reg .pred %faulty;
        .reg .b32 %count, %bits;
        setp.ge.u32 %faulty, %most, 0x{:08X};
        vote.sync.any.pred %faulty, %faulty, 0xFFFFFFFF;
        @!%faulty bra FINITE;
        mov.b32 %count, 0;",
        not_finite(element) << 16
    ));
    for row in 0..4 {
        for word in 0..4 {
            super::count_not_finite(text, element, &format!("w{row}_{word}"));
        }
    }
    super::report(text);
    text.lines("FINITE:");
}

/// Gathers the values and writes them, 8 bytes of each row.
fn write_values(text: &mut Text) {
    text.section("Selectors of the lower and the higher column, one byte for each row.");
    text.lines(".reg .b32 %lower0, %lower1, %higher0, %higher1, %pick, %v<2>;");
    let lower = Table::by_code(|[low, _]| pairs::half(low));
    let higher = Table::by_code(|[_, high]| pairs::half(high));
    for group in 0..2 {
        for (name, table) in [("lower", lower), ("higher", higher)] {
            let table = table.operands();
            text.lines(format!("prmt.b32 %{name}{group}, {table}, %codes{group};"));
        }
    }
    strip::packed_rows(text);
    text.lines(
        "
        .reg .pred %span_in;
        setp.gt.s32 %span_in, %span_left, 0;",
    );
    for (row, offset) in (0..).zip(ROWS) {
        for group in 0..2 {
            let (low, high, beside) = (2 * group, 2 * group + 1, pairs::beside(row));
            text.lines(format!(
                "prmt.b32 %pick, %lower{group}, %higher{group}, 0x{beside:04X};
                 prmt.b32 %v{group}, %w{row}_{low}, %w{row}_{high}, %pick;"
            ));
        }
        text.lines(format!(
            "setp.gt.and.s32 %stored, %rows_left, {offset}, %span_in;
             @%stored st.global.v2.b32 [%packed{row}], {{%v0, %v1}};"
        ));
    }
}

/// Makes one word of metadata of the lane and its neighbour, and writes it.
fn write_word(text: &mut Text) {
    let table = Table::by_code(pairs::metadata).operands();
    let raised = Table::by_code(|pair| pairs::metadata(pair) << 4).operands();
    text.section(
        "A byte of metadata for each row. Lanes side by side exchange theirs: the even one makes
         the word of row and row + 8, the odd one that of row + 1 and row + 9.",
    );
    text.lines(format!(
        "
        .reg .b32 %bytes, %raised, %other, %between;
        prmt.b32 %bytes, {table}, %codes0;
        prmt.b32 %raised, {raised}, %codes1;
        or.b32 %bytes, %bytes, %raised;
        shfl.sync.bfly.b32 %other, %bytes, 1, 0x1F, 0xFFFFFFFF;
        setp.ne.u32 %second, %odd, 0;
        selp.b32 %between, 0x{KEEP_SECOND:04X}, 0x{KEEP_FIRST:04X}, %second;
        prmt.b32 %word, %bytes, %other, %between;
        WORD:
        st.global.b32 [%words], %word;"
    ));
}
