//! Prints `prune24_transposable`: tiles of 4 × 4 that keep two entries of each row and column.
//!
//! A block takes 128 rows of 256 columns, 64 columns a step. A warp takes 16 rows, which are the
//! rows of a tile of the matrix unit, so that every step gives each of its lanes one whole word of
//! metadata either way; lane 8u + l has the rows 4u to 4u + 3 of the columns 8l to 8l + 7. Values of
//! W are written from registers, 64 bytes of a row side by side; those of the transpose are turned
//! in shared memory.

use crate::Element;
use crate::packing::pairs::{self, KEEP_FIRST, KEEP_SECOND, Table};
use crate::packing::text::{Heading, Text};

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

/// Blocks of the grid: metadata of the transpose are padded to 256 rows of W.
pub(super) const fn blocks(rows: u32, cols: u32) -> u64 {
    let down = rows.div_ceil(256) as u64 * 256 / BLOCK[0] as u64;
    down * cols.div_ceil(BLOCK[1]) as u64
}

pub(super) fn print(element: Element) -> String {
    let mut text = Text::new(
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
                ("u64", "weights", "rows x cols, a row every pitch elements"),
                ("u64", "values", "of W: two for every four columns, a row every ceil(cols / 64) * 32"),
                ("u64", "metadata", "of W: [rows / 64][cols / 256][128][4] words, sides rounded up"),
                ("u64", "values_t", "of the transpose: a row every ceil(rows / 64) * 32"),
                ("u64", "metadata_t", "of the transpose: [cols / 64][rows / 256][128][4] words"),
                STATUS,
                ("u32", "rows", "1 to 2^30"),
                ("u32", "cols", "1 to 2^30"),
                ("u32", "pitch", "elements from row to row"),
            ],
            launch: "
                grid   2 * ceil(rows / 256) * ceil(cols / 256) blocks along x: 128 rows by 256 columns
                block  256 threads along x; no dynamic shared memory, 18688 bytes of static
                Addresses are multiples of 16, pitch a multiple of 8. Buffers that are written overlap
                no other.
                reads   2 bytes per weight, 128 bytes of a row at once
                writes  2.25 bytes per weight and padding: values to 64 columns, metadata to 64 rows
                        and 256 columns. In one piece lie 64 bytes of a row of values, 128 of values_t,
                        512 of metadata and 8 of metadata_t, whose 16-byte pieces belong to two blocks
                no floating-point operations that count",
            blocks_per_processor: 3,
        },
    );
    place(&mut text);
    addresses(&mut text);
    lanes(&mut text);
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
    read(&mut text);
    text.lines(".reg .b32 %rows0, %rows1, %columns0, %columns1;");
    if element == Element::F16 {
        text.lines(".reg .b16 %h0, %h1;");
    }
    tile::registers(&mut text);
    tile::look_for_extremes(&mut text, element);
    for tile in 0..2 {
        tile::choose(&mut text, element, tile);
    }
    crop(&mut text);
    pack_rows(&mut text);
    pack_columns(&mut text);
    words(&mut text);
    text.lines("bra STAGED;");
    text.lines("IDLE:");
    text.section("A warp below the last row stages zeros.");
    for column in 0..8 {
        text.lines(format!("st.shared.b32 [%to+{}], 0;", 128 * column));
    }
    text.lines("STAGED:");
    write_turned(&mut text);
    advance(&mut text);
    finish(&mut text);
    text.end()
}

/// Sizes, and the place of block, warp and lane.
fn place(text: &mut Text) {
    text.section("The block's 128 rows and 256 columns, the warp's 16 rows, the lane's 4 by 8.");
    text.lines(format!(
        "
        .shared .align 128 .b8 staged[{}];
        .reg .b32 %rows, %cols, %pitch, %span, %span_t, %across, %band, %panel, %t;
        .reg .b32 %thread, %lane, %warp, %chunk, %height, %band_row, %warp_row, %row;
        .reg .b32 %block_col, %col;
        ld.param.u32 %rows, [rows];
        ld.param.u32 %cols, [cols];
        ld.param.u32 %pitch, [pitch];
        add.u32 %across, %cols, 255;
        shr.u32 %across, %across, 8;
        add.u32 %span, %cols, 63;
        and.b32 %span, %span, 0xFFFFFFC0;
        add.u32 %span_t, %rows, 63;
        and.b32 %span_t, %span_t, 0xFFFFFFC0;
        mov.u32 %t, %ctaid.x;
        div.u32 %band, %t, %across;
        mul.lo.u32 %panel, %band, %across;
        sub.u32 %panel, %t, %panel;
        mov.u32 %thread, %tid.x;
        and.b32 %lane, %thread, 31;
        shr.u32 %warp, %thread, 5;
        and.b32 %chunk, %lane, 7;
        shr.u32 %height, %lane, 3;
        shl.b32 %band_row, %band, 7;
        mad.lo.u32 %warp_row, %warp, 16, %band_row;
        mad.lo.u32 %row, %height, 4, %warp_row;
        shl.b32 %block_col, %panel, 8;
        mad.lo.u32 %col, %chunk, 8, %block_col;",
        2 * STAGE
    ));
    text.section(
        "What is left of the matrix from the lane's row, its column, the block's column with padding,
         and the column that the thread turns.",
    );
    text.lines(
        "
        .reg .b32 %rows_left, %cols_left, %span_left, %line_left, %line, %part;
        .reg .pred %idle, %part_in;
        setp.ge.u32 %idle, %warp_row, %rows;
        sub.s32 %rows_left, %rows, %row;
        sub.s32 %cols_left, %cols, %col;
        sub.s32 %span_left, %span, %block_col;
        shr.u32 %line, %thread, 3;
        and.b32 %part, %thread, 7;
        sub.s32 %line_left, %cols, %block_col;
        sub.s32 %line_left, %line_left, %line;",
    );
}

/// Addresses of the first step in global memory.
fn addresses(text: &mut Text) {
    text.section("Weights and values of the lane's first row.");
    text.lines(
        "
        .reg .b64 %dense, %packed, %packed_t, %words, %words_t, %wide;
        ld.param.u64 %dense, [weights];
        shl.b32 %pitch, %pitch, 1;
        mad.wide.u32 %dense, %row, %pitch, %dense;
        mad.wide.u32 %dense, %col, 2, %dense;
        ld.param.u64 %packed, [values];
        mad.wide.u32 %packed, %row, %span, %packed;
        mad.wide.u32 %packed, %col, 1, %packed;",
    );
    text.section(
        "Transposed values: a thread writes rows 16 · part to 16 · part + 15 of the columns line and
         line + 32, 16 bytes of each.",
    );
    text.lines(
        "
        ld.param.u64 %packed_t, [values_t];
        add.u32 %t, %block_col, %line;
        mad.wide.u32 %packed_t, %t, %span_t, %packed_t;
        mad.lo.u32 %t, %part, 16, %band_row;
        mad.wide.u32 %packed_t, %t, 1, %packed_t;
        setp.lt.u32 %part_in, %t, %span_t;",
    );
    text.section(
        "Metadata of W: 2048 bytes for 64 rows and 256 columns. A lane writes 16 bytes, four steps, of
         the row 4(u & 1) + 2(u / 2) + (l & 1) of its warp and the row eight further on, and of the
         16 columns at 16(l / 2) of every 64.",
    );
    text.lines(
        "
        .reg .pred %words_in;
        shr.u32 %t, %warp, 2;
        mad.lo.u32 %row, %t, 64, %band_row;
        setp.lt.u32 %words_in, %row, %rows;
        mad.lo.u32 %t, %band, 2, %t;
        mul.wide.u32 %wide, %panel, 1;
        mad.wide.u32 %wide, %t, %across, %wide;
        shl.b64 %wide, %wide, 11;
        ld.param.u64 %words, [metadata];
        add.u64 %words, %words, %wide;
        and.b32 %t, %warp, 3;
        mad.wide.u32 %words, %t, 512, %words;
        bfe.u32 %t, %lane, 3, 1;
        mad.wide.u32 %words, %t, 256, %words;
        shr.u32 %t, %lane, 4;
        mad.wide.u32 %words, %t, 128, %words;
        and.b32 %t, %lane, 1;
        mad.wide.u32 %words, %t, 64, %words;
        bfe.u32 %t, %lane, 1, 2;
        mad.wide.u32 %words, %t, 16, %words;",
    );
    text.section(
        "Metadata of the transpose: 2048 bytes for 64 columns and 256 rows of W, of which a thread
         below 128 writes 8.",
    );
    text.lines(
        "
        .reg .b32 %down;
        ld.param.u64 %words_t, [metadata_t];
        add.u32 %down, %rows, 255;
        shr.u32 %down, %down, 8;
        shl.b32 %t, %panel, 2;
        mul.wide.u32 %wide, %t, %down;
        shr.u32 %t, %band, 1;
        mad.wide.u32 %wide, %t, 1, %wide;
        shl.b64 %wide, %wide, 11;
        add.u64 %words_t, %words_t, %wide;
        mad.wide.u32 %words_t, %thread, 16, %words_t;
        and.b32 %t, %band, 1;
        mad.wide.u32 %words_t, %t, 8, %words_t;",
    );
}

/// What depends on the lane alone: selectors of exchanges, tables, places in shared memory.
fn lanes(text: &mut Text) {
    text.section(
        "Lanes with odd l or u, or with u of 2 and more, keep the second half of exchanges.",
    );
    text.lines(format!(
        "
        .reg .b32 %chunk_pick, %height_pick;
        .reg .pred %upper, %right, %below;
        and.b32 %t, %lane, 1;
        setp.ne.u32 %right, %t, 0;
        selp.b32 %chunk_pick, 0x{KEEP_SECOND:04X}, 0x{KEEP_FIRST:04X}, %right;
        setp.ge.u32 %below, %lane, 16;
        selp.b32 %height_pick, 0x{KEEP_SECOND:04X}, 0x{KEEP_FIRST:04X}, %below;
        and.b32 %t, %lane, 8;
        setp.ne.u32 %upper, %t, 0;"
    ));
    text.section(
        "Shared memory: word r of column c, for the tile's row r of the block's 32, lies at r ^ 4(c / 8),
         so that neither lanes that write nor lanes that read meet in a bank.",
    );
    text.lines(
        "
        .reg .b32 %to, %to_turned, %to_words, %from, %from_words;
        mad.lo.u32 %t, %warp, 4, %height;
        shl.b32 %to, %chunk, 2;
        xor.b32 %t, %t, %to;
        shl.b32 %t, %t, 2;
        mad.lo.u32 %to_turned, %chunk, 1024, %t;
        shr.u32 %t, %line, 3;
        xor.b32 %t, %t, %part;
        shl.b32 %t, %t, 4;
        mad.lo.u32 %from, %line, 128, %t;",
    );
    text.section(
        "Words of the transpose: lane 8u + l has those of column 4(u & 1) + 2(l & 1) + u / 2 of the 16
         at 16(l / 2), for the warp's 16 rows.",
    );
    text.lines(format!(
        "
        and.b32 %t, %warp, 3;
        add.u32 %to_words, %t, {};
        bfe.u32 %t, %lane, 3, 1;
        mad.lo.u32 %to_words, %t, 16, %to_words;
        and.b32 %t, %lane, 1;
        mad.lo.u32 %to_words, %t, 8, %to_words;
        shr.u32 %t, %lane, 4;
        mad.lo.u32 %to_words, %t, 4, %to_words;
        bfe.u32 %t, %lane, 1, 2;
        mad.lo.u32 %to_words, %t, 33, %to_words;
        shr.u32 %t, %warp, 2;
        mad.lo.u32 %to_words, %t, {HALF_WORDS}, %to_words;
        shl.b32 %to_words, %to_words, 2;
        add.u32 %from_words, %thread, %warp;
        shl.b32 %from_words, %from_words, 2;
        add.u32 %from_words, %from_words, {TURNED};",
        TURNED / 4
    ));
}

/// Reads four rows of eight columns into `%w0_0` to `%w3_3`; what lies outside is +0.
fn read(text: &mut Text) {
    text.section("Columns that all exist are a load of 16 bytes, others are read one by one.");
    text.lines(
        "
        .reg .b64 %dense<4>;
        .reg .b32 %w0_<4>, %w1_<4>, %w2_<4>, %w3_<4>;
        .reg .b16 %e<8>;
        .reg .pred %whole, %chunk_in;
        mov.b64 %dense0, %dense;
        mad.wide.u32 %dense1, %pitch, 1, %dense;
        mad.wide.u32 %dense2, %pitch, 2, %dense;
        mad.wide.u32 %dense3, %pitch, 3, %dense;
        setp.ge.s32 %chunk_in, %cols_left, 8;
        setp.ge.and.s32 %whole, %rows_left, 4, %chunk_in;
        @%whole bra WHOLE;",
    );
    for row in 0..4 {
        for word in 0..4 {
            text.lines(format!("mov.b32 %w{row}_{word}, 0;"));
        }
        let (vector, done) = (vector(row), format!("ROW_{row}_READ"));
        text.lines(format!(
            "setp.le.s32 %p, %rows_left, {row};
             @%p bra {done};
             @%chunk_in ld.global.nc.v4.b32 {vector}, [%dense{row}];
             @%chunk_in bra {done};"
        ));
        for entry in 0..8 {
            text.lines(format!(
                "mov.b16 %e{entry}, 0;
                 setp.gt.s32 %p, %cols_left, {entry};
                 @%p ld.global.nc.b16 %e{entry}, [%dense{row}+{}];",
                2 * entry
            ));
        }
        for word in 0..4 {
            let (low, high) = (2 * word, 2 * word + 1);
            text.lines(format!("mov.b32 %w{row}_{word}, {{%e{low}, %e{high}}};"));
        }
        text.lines(format!("{done}:"));
    }
    text.lines("bra READ;\nWHOLE:");
    for row in 0..4 {
        let vector = vector(row);
        text.lines(format!(
            "ld.global.nc.L1::no_allocate.v4.b32 {vector}, [%dense{row}];"
        ));
    }
    text.lines("READ:");
}

fn vector(row: u32) -> String {
    format!("{{%w{row}_0, %w{row}_1, %w{row}_2, %w{row}_3}}")
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

/// Writes the values of the rows.
fn pack_rows(text: &mut Text) {
    text.section("Values of the rows: 8 bytes of each, 64 of a row by eight lanes.");
    text.lines(".reg .b32 %lower<2>, %higher<2>, %pick, %v<2>;");
    for tile in 0..2 {
        selectors(text, tile, "rows");
    }
    text.lines(".reg .b64 %at;\nmov.b64 %at, %packed;");
    for row in 0..4 {
        let beside = pairs::beside(row);
        for tile in 0..2 {
            let (low, high) = (2 * tile, 2 * tile + 1);
            text.lines(format!(
                "prmt.b32 %pick, %lower{tile}, %higher{tile}, 0x{beside:04X};
                 prmt.b32 %v{tile}, %w{row}_{low}, %w{row}_{high}, %pick;"
            ));
        }
        text.lines(format!(
            "setp.gt.s32 %p, %rows_left, {row};
             @%p st.global.v2.b32 [%at], {{%v0, %v1}};"
        ));
        if row < 3 {
            text.lines("mad.wide.u32 %at, %span, 1, %at;");
        }
    }
}

/// Puts the values of the columns into shared memory.
fn pack_columns(text: &mut Text) {
    text.section(
        "Values of the columns: rows 0 and 1 beside each other, rows 2 and 3, two of the four.",
    );
    text.lines(".reg .b32 %top, %bottom;");
    for tile in 0..2 {
        selectors(text, tile, "columns");
        for column in 0..4 {
            let word = 2 * tile + column as usize / 2;
            let halves = ["0x5410", "0x7632"][column as usize % 2];
            let (beside, place) = (pairs::beside(column), 128 * (4 * tile as u32 + column));
            text.lines(format!(
                "prmt.b32 %top, %w0_{word}, %w1_{word}, {halves};
                 prmt.b32 %bottom, %w2_{word}, %w3_{word}, {halves};
                 prmt.b32 %pick, %lower{tile}, %higher{tile}, 0x{beside:04X};
                 prmt.b32 %v0, %top, %bottom, %pick;
                 st.shared.b32 [%to+{place}], %v0;"
            ));
        }
    }
}

/// Selectors of the lower and the higher entry of each row or column of a tile, a byte for each.
fn selectors(text: &mut Text, tile: usize, codes: &str) {
    let lower = Table::by_code(|[low, _]| pairs::half(low)).operands();
    let higher = Table::by_code(|[_, high]| pairs::half(high)).operands();
    text.lines(format!(
        "prmt.b32 %lower{tile}, {lower}, %{codes}{tile};
         prmt.b32 %higher{tile}, {higher}, %{codes}{tile};"
    ));
}

/// Makes a word of metadata of W and one of the transpose in every lane.
fn words(text: &mut Text) {
    let table = Table::by_code(pairs::metadata).operands();
    let raised = Table::by_code(|pair| pairs::metadata(pair) << 4).operands();
    text.section(
        "Metadata of W: a byte of eight columns for each row. Lanes exchange with u ^ 2, which has
         the row eight further on, then with l ^ 1, which has the columns beside.",
    );
    text.lines(format!(
        "
        .reg .b32 %bytes, %raised, %there;
        prmt.b32 %bytes, {table}, %rows0;
        prmt.b32 %raised, {raised}, %rows1;
        or.b32 %bytes, %bytes, %raised;
        shfl.sync.bfly.b32 %there, %bytes, 16, 0x1F, 0xFFFFFFFF;
        prmt.b32 %bytes, %bytes, %there, %height_pick;
        shfl.sync.bfly.b32 %there, %bytes, 1, 0x1F, 0xFFFFFFFF;
        prmt.b32 %word, %bytes, %there, %chunk_pick;"
    ));
    text.section(
        "Metadata of the transpose: nibbles of four rows become bytes of eight with u ^ 1, the lower
         of which keeps tile 0; then l ^ 1 has the column eight further on, u ^ 2 the rows below.",
    );
    text.lines(format!(
        "
        .reg .b32 %mine;
        prmt.b32 %bytes, {table}, %columns0;
        prmt.b32 %raised, {table}, %columns1;
        selp.b32 %there, %bytes, %raised, %upper;
        selp.b32 %mine, %raised, %bytes, %upper;
        shfl.sync.bfly.b32 %there, %there, 8, 0x1F, 0xFFFFFFFF;
        selp.b32 %bytes, %there, %mine, %upper;
        selp.b32 %raised, %mine, %there, %upper;
        mad.lo.u32 %bytes, %raised, 16, %bytes;
        shfl.sync.bfly.b32 %there, %bytes, 1, 0x1F, 0xFFFFFFFF;
        prmt.b32 %bytes, %bytes, %there, %chunk_pick;
        shfl.sync.bfly.b32 %there, %bytes, 16, 0x1F, 0xFFFFFFFF;
        prmt.b32 %word_t, %bytes, %there, %height_pick;"
    ));
}

/// Writes the transposed values and metadata of the step.
fn write_turned(text: &mut Text) {
    text.section("The other stage is read until all have passed the next barrier.");
    text.lines(format!(
        "
        .reg .b32 %q<4>;
        add.u32 %t, %stage, %to_words;
        st.shared.b32 [%t], %word_t;
        bar.sync 0;
        add.u32 %t, %stage, %from;
        setp.gt.and.s32 %p, %line_left, 0, %part_in;
        ld.shared.v4.b32 {{%q0, %q1, %q2, %q3}}, [%t];
        @%p st.global.v4.b32 [%packed_t], {{%q0, %q1, %q2, %q3}};
        xor.b32 %t, %from, 64;
        add.u32 %t, %t, %stage;
        setp.gt.and.s32 %p, %line_left, 32, %part_in;
        mad.wide.u32 %packed_t, %span_t, 32, %packed_t;
        ld.shared.v4.b32 {{%q0, %q1, %q2, %q3}}, [%t+4096];
        @%p st.global.v4.b32 [%packed_t], {{%q0, %q1, %q2, %q3}};
        mad.wide.u32 %packed_t, %span_t, 32, %packed_t;
        mov.u32 %t, %tid.x;
        setp.lt.u32 %p, %t, 128;
        add.u32 %t, %stage, %from_words;
        @%p ld.shared.b32 %q0, [%t];
        @%p ld.shared.b32 %q1, [%t+{}];
        @%p st.global.v2.b32 [%words_t], {{%q0, %q1}};
        mul.wide.u32 %wide, %down, 2048;
        add.u64 %words_t, %words_t, %wide;",
        4 * HALF_WORDS
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

/// Writes the metadata of W and the status.
fn finish(text: &mut Text) {
    text.section("Metadata of W, and the status: added up only where a warp has a fault.");
    text.lines(
        "
        @%words_in st.global.v4.b32 [%words], {%word0, %word1, %word2, %word3};
        setp.ne.u32 %p, %count, 0;
        vote.sync.any.pred %p, %p, 0xFFFFFFFF;
        @!%p bra FINITE;
        mov.u32 %t, %tid.x;
        and.b32 %lane, %t, 31;",
    );
    super::report(text);
    text.lines("FINITE:");
}
