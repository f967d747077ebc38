//! What a thread finds of a strip: 32 rows of 256 columns, taken by a block of eight warps.
//!
//! A warp takes four rows, `row`, `row + 8`, `row + 1` and `row + 9`, and a lane eight columns of
//! them. A word of metadata covers rows r and r + 8 of 16 columns, so that two lanes side by side
//! share the two words of their four rows, and the warp's 32 words are 128 bytes in one piece.

use crate::text::Text;

/// The rows of a warp, counted from its first.
pub(crate) const ROWS: [u32; 4] = [0, 8, 1, 9];

/// How a launch is described.
pub(crate) const LAUNCH: &str = "
    grid   2 * ceil(rows / 64) * ceil(cols / 256) blocks along x: 32 rows by 256 columns
    block  256 threads along x; no dynamic shared memory";

/// Blocks that cover a packed matrix of this size, padding included.
pub(crate) const fn blocks(rows: u32, cols: u32) -> u64 {
    2 * rows.div_ceil(64) as u64 * cols.div_ceil(256) as u64
}

/// Reads the sizes and finds the lane's place, `%row`, `%col` and `%lane`, and what is left of the
/// matrix from there, `%rows_left`, `%cols_left` and, with padding, `%span_left`. `%span` is the
/// number of columns with padding, which is also the bytes of a row of values.
pub(crate) fn place(text: &mut Text) {
    text.section(
        "A block takes 32 rows of 256 columns; a warp the rows row, row + 8, row + 1 and row + 9
         of them, in this order from here on; a lane eight columns from col.",
    );
    text.lines(
        "
        .reg .b32 %rows, %cols, %pitch, %span, %across, %strip, %panel, %lane, %tile, %first;
        .reg .b32 %row, %col, %rows_left, %cols_left, %span_left, %x, %y;
        ld.param.u32 %rows, [rows];
        ld.param.u32 %cols, [cols];
        ld.param.u32 %pitch, [pitch];
        mov.u32 %x, %ctaid.x;
        add.u32 %across, %cols, 255;
        shr.u32 %across, %across, 8;
        div.u32 %strip, %x, %across;
        mul.lo.u32 %panel, %strip, %across;
        sub.u32 %panel, %x, %panel;
        mov.u32 %x, %tid.x;
        and.b32 %lane, %x, 31;
        shr.u32 %tile, %x, 7;
        bfe.u32 %first, %x, 5, 2;
        shl.b32 %first, %first, 1;
        mad.lo.u32 %row, %strip, 32, %first;
        mad.lo.u32 %row, %tile, 16, %row;
        shl.b32 %col, %panel, 8;
        mad.lo.u32 %col, %lane, 8, %col;
        add.u32 %span, %cols, 63;
        and.b32 %span, %span, 0xFFFFFFC0;
        sub.s32 %rows_left, %rows, %row;
        sub.s32 %cols_left, %cols, %col;
        sub.s32 %span_left, %span, %col;",
    );
}

/// Finds `%words`: the lane's place in the metadata of `%row`; `%row + 1` is 64 bytes further on.
pub(crate) fn metadata(text: &mut Text) {
    text.section(
        "Metadata: 2048 bytes for 64 rows and 256 columns, in them 512 for 16 rows, 64 for rows
         r and r + 8, 16 for the 16 columns at 16t of every 64, 4 for each 64.",
    );
    text.lines(
        "
        .reg .b64 %words;
        ld.param.u64 %words, [metadata];
        shr.u32 %x, %strip, 1;
        mad.lo.u32 %x, %x, %across, %panel;
        mad.wide.u32 %words, %x, 2048, %words;
        and.b32 %x, %strip, 1;
        mad.lo.u32 %x, %x, 2, %tile;
        mul.lo.u32 %x, %x, 512;
        mad.lo.u32 %x, %first, 64, %x;
        bfe.u32 %y, %lane, 1, 2;
        mad.lo.u32 %x, %y, 16, %x;
        shr.u32 %y, %lane, 3;
        mad.lo.u32 %x, %y, 4, %x;
        mad.wide.u32 %words, %x, 1, %words;",
    );
}

/// Reads the pairs of the lane's groups into `%pairs0`, both groups of row and row + 8 in its four
/// lowest nibbles, and `%pairs1`, those of row + 1 and row + 9, as indices of tables by metadata.
pub(crate) fn read_pairs(text: &mut Text) {
    text.section(
        "A byte of metadata for each row: of the lower eight of 16 columns for even lanes, of the
         upper ones for odd lanes.",
    );
    text.lines(
        "
        .reg .b32 %word, %below, %pairs<2>, %bytes;
        .reg .pred %upper;
        ld.global.nc.b32 %word, [%words];
        ld.global.nc.b32 %below, [%words+64];
        and.b32 %x, %lane, 1;
        setp.ne.u32 %upper, %x, 0;
        selp.b32 %bytes, 0x7531, 0x6420, %upper;
        prmt.b32 %word, %word, %below, %bytes;
        shr.u32 %x, %word, 1;
        xor.b32 %pairs0, %word, %x;
        and.b32 %pairs0, %pairs0, 0x77777777;
        shr.u32 %pairs1, %pairs0, 16;",
    );
}

/// Finds `%dense0` to `%dense3`: the lane's columns in the four rows of the parameter `name`.
pub(crate) fn dense_rows(text: &mut Text, name: &str) {
    text.section("The lane's eight columns of the dense matrix, 16 bytes of each row.");
    text.lines(format!(
        "
        .reg .b64 %dense<4>;
        ld.param.u64 %dense0, [{name}];
        shl.b32 %x, %pitch, 1;
        mad.wide.u32 %dense0, %row, %x, %dense0;
        mad.wide.u32 %dense0, %col, 2, %dense0;"
    ));
    further_rows(text, "dense", "x");
}

/// Finds `%packed0` to `%packed3`: the four values of the lane's columns in each row.
pub(crate) fn packed_rows(text: &mut Text) {
    text.section("Their four values, 8 bytes of each row.");
    text.lines(
        "
        .reg .b64 %packed<4>;
        ld.param.u64 %packed0, [values];
        mad.wide.u32 %packed0, %row, %span, %packed0;
        mad.wide.u32 %packed0, %col, 1, %packed0;",
    );
    further_rows(text, "packed", "span");
}

fn further_rows(text: &mut Text, name: &str, bytes_per_row: &str) {
    for (index, offset) in ROWS.iter().enumerate().skip(1) {
        text.lines(format!(
            "mad.wide.u32 %{name}{index}, %{bytes_per_row}, {offset}, %{name}0;"
        ));
    }
}
