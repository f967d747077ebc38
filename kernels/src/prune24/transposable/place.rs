//! Where block, warp and lane of `prune24_transposable` work, found once.

use super::{HALF_WORDS, STAGE, TURNED};
use crate::packing::pairs::{KEEP_FIRST, KEEP_SECOND};
use crate::text::Text;

/// Sizes, and the place of block, warp and lane.
pub(super) fn place(text: &mut Text) {
    text.section(
        "A block takes 128 rows of 256 columns, a warp 16 of the rows, in a step the lane 8u + l the
         rows 4u to 4u + 3 of the columns 8l to 8l + 7. Blocks 2i and 2i + 1 lie one below
         the other.",
    );
    text.lines(format!(
        "
        .shared .align 128 .b8 staged[{}];
        .reg .b32 %rows, %cols, %pitch, %span, %span_t, %across, %band, %panel, %t;
        .reg .b32 %thread, %lane, %warp, %l, %u, %band_row, %warp_row, %row;
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
        and.b32 %row, %t, 1;
        shr.u32 %t, %t, 1;
        div.u32 %band, %t, %across;
        mul.lo.u32 %panel, %band, %across;
        sub.u32 %panel, %t, %panel;
        mad.lo.u32 %band, %band, 2, %row;
        mov.u32 %thread, %tid.x;
        and.b32 %lane, %thread, 31;
        shr.u32 %warp, %thread, 5;
        and.b32 %l, %lane, 7;
        shr.u32 %u, %lane, 3;
        shl.b32 %band_row, %band, 7;
        mad.lo.u32 %warp_row, %warp, 16, %band_row;
        mad.lo.u32 %row, %u, 4, %warp_row;
        shl.b32 %block_col, %panel, 8;
        mad.lo.u32 %col, %l, 8, %block_col;",
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
pub(super) fn addresses(text: &mut Text) {
    text.section("Weights and values of the lane's first row.");
    text.lines(
        "
        .reg .b64 %dense, %packed, %packed_t, %words, %words_t, %wide;
        .reg .b32 %row_bytes;
        ld.param.u64 %dense, [weights];
        shl.b32 %row_bytes, %pitch, 1;
        mad.wide.u32 %dense, %row, %row_bytes, %dense;
        mad.wide.u32 %dense, %col, 2, %dense;
        ld.param.u64 %packed, [values];
        mad.wide.u32 %packed, %row, %span, %packed;
        mad.wide.u32 %packed, %col, 1, %packed;",
    );
    text.section(
        "Transposed values: a thread writes rows 16 part to 16 part + 15 of the columns line and
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
pub(super) fn lanes(text: &mut Text) {
    text.section(
        "Lanes with odd l or u, or with u of 2 and more, keep the second half of exchanges.",
    );
    text.lines(format!(
        "
        .reg .b32 %pick_l, %pick_u;
        .reg .pred %upper, %right, %below;
        and.b32 %t, %lane, 1;
        setp.ne.u32 %right, %t, 0;
        selp.b32 %pick_l, 0x{KEEP_SECOND:04X}, 0x{KEEP_FIRST:04X}, %right;
        setp.ge.u32 %below, %lane, 16;
        selp.b32 %pick_u, 0x{KEEP_SECOND:04X}, 0x{KEEP_FIRST:04X}, %below;
        and.b32 %t, %lane, 8;
        setp.ne.u32 %upper, %t, 0;"
    ));
    text.section(
        "Shared memory: word r of column c lies at r ^ 4(c / 8), r the row of tiles of the block's 32,
         so that neither lanes that write nor lanes that read meet in a bank.",
    );
    text.lines(
        "
        .reg .b32 %to, %to_turned, %to_words, %from, %from_words;
        mad.lo.u32 %t, %warp, 4, %u;
        shl.b32 %to, %l, 2;
        xor.b32 %t, %t, %to;
        shl.b32 %t, %t, 2;
        mad.lo.u32 %to_turned, %l, 1024, %t;
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
