//! The metadata as the matrix unit takes them: one word per lane for 16 rows by 64 columns of W.
//!
//! A block of 64 × 256 holds four words for each of 128 threads. The four fragments of a warp are
//! threads 0–31, 32–63, 64–95, 96–127 of a block; word `s mod 4` serves stage s of 64 columns, its
//! lanes t = 0, 1 of every four for the first 32 of them (sparsity selector 0), t = 2, 3 for the
//! others (selector 1).

use crate::text::address;

/// Bytes of a block.
const BLOCK: u32 = 2048;

/// Finds `%pairs_from`, the lane's first word of its warp's rows.
pub(super) fn place() -> String {
    format!(
        "// Where the pairs of this warp's 64 rows of W begin. Beyond the last row those of the last
        // ones serve: what is multiplied there is not stored.
        .reg .b64 %pairs_from, %pairs_at;
        .reg .b32 %pairs<4>, %pairs_next<4>, %pairs_word;
        {{
        .reg .b32 %block, %last, %across;
        .reg .b64 %offset;
        shr.u32 %block, %first_col, 6;
        add.u32 %block, %block, %warp_col;
        sub.u32 %last, %cols, 1;
        shr.u32 %last, %last, 6;
        min.u32 %block, %block, %last;
        add.u32 %across, %inner, 255;
        shr.u32 %across, %across, 8;
        mul.wide.u32 %offset, %block, %across;
        mul.lo.u64 %offset, %offset, {BLOCK};
        ld.param.u64 %pairs_from, [metadata];
        add.u64 %pairs_from, %pairs_from, %offset;
        mad.wide.u32 %pairs_from, %lane, 16, %pairs_from;
        }}"
    )
}

/// Loads the words of stage `%stage` into four registers, under a guard such as `@%more `.
pub(super) fn load(to: &str, guard: &str) -> String {
    let mut lines = format!(
        "shr.u32 %pairs_word, %stage, 2;
        mad.wide.u32 %pairs_at, %pairs_word, {BLOCK}, %pairs_from;
        and.b32 %pairs_word, %stage, 3;
        mad.wide.u32 %pairs_at, %pairs_word, 4, %pairs_at;\n"
    );
    for m in 0..4 {
        let from = address("%pairs_at", 512 * m);
        lines += &format!("{guard}ld.global.nc.u32 %{to}{m}, {from};\n");
    }
    lines
}
