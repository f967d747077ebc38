//! Prints `prune24_transposable`: tiles of 4 × 4 that keep two entries of each row and column.
//!
//! A block takes 128 rows of 256 columns, 64 columns a step. A warp takes 16 rows, which are the
//! rows of a tile of the matrix unit, so that every step gives each of its lanes one whole word of
//! metadata either way; lane 8u + l has the rows 4u to 4u + 3 of the columns 8l to 8l + 7. Values of
//! W are written from registers, 64 bytes of a row side by side; those of the transpose are turned
//! in shared memory.

mod place;
mod store;

use crate::Element;
use crate::packing::chunks;
use crate::packing::text::{Heading, begin};
use crate::text::{Parameter, Text};

use super::{STATUS, tile};

/// Rows and columns of a block.
pub(super) const BLOCK: [u32; 2] = [128, 256];

/// Bytes of a step's transposed values: 64 columns, 64 values of each.
const TURNED: u32 = 64 * 128;

/// Words from the first four tiles of 16 rows to the next, in shared memory: four times 33, because
/// lanes that write at once lie 33 or 4 apart.
const HALF_WORDS: u32 = 4 * 33;

/// Bytes of one of the two stages, a multiple of 128.
const STAGE: u32 = (TURNED + 8 * HALF_WORDS).next_multiple_of(128);

/// Blocks of the grid: metadata of the transpose are padded to 256 rows of W. Two blocks one after the
/// other lie one below the other, so that halves of what they write of the transpose meet in the cache.
pub(super) const fn blocks(rows: u32, cols: u32) -> u64 {
    let down = rows.div_ceil(256) as u64 * 256 / BLOCK[0] as u64;
    down * cols.div_ceil(BLOCK[1]) as u64
}

pub(super) fn print(element: Element) -> String {
    let mut text = begin(
        "prune24_transposable",
        element,
        &Heading {
            about: "
                Keeps the best of the 90 patterns of every 4 x 4 tile that have two entries in each
                row and column, and packs W and its transpose from that one mask.

                The tile is chosen by 18 differences of coordinates, exact to the bit with the
                algorithm of the CPU; ties go to the pairing of rows 01|23, then 02|13, then 03|12,
                in a pair of rows to columns 0 1, then 0 2, then 0 3 against the others, and to these
                for the lower row. Tiles cut by an edge are filled up with zeros that are not kept.",
            parameters: &[
                Parameter::address("weights", "rows x cols, a row every pitch elements"),
                Parameter::address("values", "of W: two for every four columns, a row every ceil(cols / 64) * 32"),
                Parameter::address("metadata", "of W: [rows / 64][cols / 256][128][4] words, sides rounded up"),
                Parameter::address("values_t", "of the transpose: a row every ceil(rows / 64) * 32"),
                Parameter::address("metadata_t", "of the transpose: [cols / 64][rows / 256][128][4] words"),
                STATUS,
                Parameter::number("rows", "1 to 2^30"),
                Parameter::number("cols", "1 to 2^30"),
                Parameter::number("pitch", "elements from row to row"),
            ],
            launch: &["
                grid   2 * ceil(rows / 256) * ceil(cols / 256) blocks along x: 128 rows by 256 columns
                block  256 threads along x; no dynamic shared memory, 18688 bytes of static
                Addresses are multiples of 16, pitch a multiple of 8. Buffers that are written overlap
                no other.
                reads  2 bytes per weight, 128 bytes of a row at once
                writes 2.25 bytes per weight and padding: values to 64 columns, metadata to 64 rows and
                       256 columns. In one piece lie 64 bytes of a row of values, 128 of values_t, 512
                       of metadata and 8 of metadata_t, which the next block makes 16
                no floating-point operations that count"],
            blocks_per_processor: 3,
        },
    );
    place::place(&mut text);
    place::addresses(&mut text);
    place::lanes(&mut text);
    text.section("Four steps of 64 columns. Words of metadata pass through word3 to word0.");
    text.lines(
        "
        .reg .b32 %word<4>, %word, %word_t, %count, %steps, %stage;
        .reg .pred %p;
        mov.b32 %word1, 0x44444444;
        mov.b32 %word2, 0x44444444;
        mov.b32 %word3, 0x44444444;
        mov.b32 %count, 0;
        mov.u32 %steps, 4;
        mov.u32 %stage, staged;
        STEP:
        mov.b32 %word, 0x44444444;
        mov.b32 %word_t, 0x44444444;
        setp.le.s32 %p, %span_left, 0;
        @%p bra NEXT;
        add.u32 %to, %stage, %to_turned;
        @%idle bra IDLE;",
    );
    text.section("The four rows of the step.");
    text.lines(
        "
        .reg .b64 %dense<4>;
        mov.b64 %dense0, %dense;
        mad.wide.u32 %dense1, %row_bytes, 1, %dense;
        mad.wide.u32 %dense2, %row_bytes, 2, %dense;
        mad.wide.u32 %dense3, %row_bytes, 3, %dense;",
    );
    chunks::read(&mut text, [0, 1, 2, 3]);
    text.lines(".reg .b32 %row_codes0, %row_codes1, %column_codes0, %column_codes1;");
    tile::registers(&mut text);
    tile::look_for_extremes(&mut text, element);
    for tile in 0..2 {
        tile::choose(&mut text, element, tile);
    }
    crop(&mut text);
    store::pack_rows(&mut text);
    store::pack_columns(&mut text);
    store::words(&mut text);
    text.lines("bra STAGED;");
    text.lines("IDLE:");
    text.section("A warp below the last row stages zeros.");
    for column in 0..8 {
        text.lines(format!("st.shared.b32 [%to+{}], 0;", 128 * column));
    }
    text.lines("STAGED:");
    store::write_turned(&mut text);
    advance(&mut text);
    store::finish(&mut text);
    text.end()
}

/// Cuts the tiles of a thread that touches an edge.
fn crop(text: &mut Text) {
    text.section("Rows and columns that exist: four bits for each, and a bit for each.");
    text.lines(
        "
        .reg .b32 %row_bits, %row_lines, %col_bits, %col_lines;
        .reg .b32 %active, %plane<4>, %lacking, %filled;
        @%whole bra PACK;",
    );
    existing(text, "row", "rows_left", 0);
    for tile in 0..2 {
        existing(text, "col", "cols_left", 4 * tile);
        tile::crop(text, tile as usize);
    }
    text.lines("PACK:");
}

/// Of four lines after `skipped`, those that are left: a bit for each in every byte, and a byte with
/// four bits for each.
fn existing(text: &mut Text, to: &str, left: &str, skipped: u32) {
    text.lines(format!(
        "
        sub.s32 %t, %{left}, {skipped};
        max.s32 %t, %t, 0;
        min.s32 %t, %t, 4;
        shl.b32 %{to}_bits, 1, %t;
        sub.u32 %{to}_bits, %{to}_bits, 1;
        mul.lo.u32 %{to}_bits, %{to}_bits, 0x01010101;
        shl.b32 %t, %t, 3;
        sub.u32 %t, 32, %t;
        shr.u32 %{to}_lines, 0x0F0F0F0F, %t;"
    ));
}

/// Moves on by 64 columns.
fn advance(text: &mut Text) {
    text.section("The next 64 columns, in the other stage.");
    text.lines(format!(
        "
        mov.u32 %t, staged;
        add.u32 %t, %t, %t;
        add.u32 %t, %t, {STAGE};
        sub.u32 %stage, %t, %stage;
        NEXT:
        mov.b32 %word0, %word1;
        mov.b32 %word1, %word2;
        mov.b32 %word2, %word3;
        mov.b32 %word3, %word;
        sub.s32 %cols_left, %cols_left, 64;
        sub.s32 %span_left, %span_left, 64;
        sub.s32 %line_left, %line_left, 64;
        add.u64 %dense, %dense, 128;
        add.u64 %packed, %packed, 64;
        sub.u32 %steps, %steps, 1;
        setp.ne.u32 %p, %steps, 0;
        @%p bra STEP;"
    ));
}
