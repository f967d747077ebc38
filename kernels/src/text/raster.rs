//! Which tile of the result a block computes.

use super::tile::Tile;

/// Finds `%first_row` and `%first_col` of the block, and of each warp `%warp_row` and `%warp_col` in
/// units of 64.
///
/// Blocks run in the order of their numbers, a few hundred at a time. Those of a group of tiles
/// along the columns go through all rows before the next group begins, columns first, so that what
/// runs together covers a compact part of the result and finds its operands in the L2 cache.
pub(crate) fn place(tile: Tile) -> String {
    let Tile { rows, cols, .. } = tile;
    let (row_bits, col_bits) = (rows.ilog2(), cols.ilog2());
    let (last_row, last_col) = (rows - 1, cols - 1);
    let group = tile.group();
    let (across, across_bits) = (tile.warps_across() - 1, tile.warps_across().ilog2());
    format!(
        "// The tile of this block. Groups of {group} tiles along the columns go through all rows
        // one after the other, columns first.
        .reg .b32 %thread, %lane, %warp_row, %warp_col, %first_row, %first_col;
        {{
        .reg .b32 %row_tiles, %col_tiles, %number, %size, %group, %first, %width, %done;
        add.u32 %row_tiles, %rows, {last_row};
        shr.u32 %row_tiles, %row_tiles, {row_bits};
        add.u32 %col_tiles, %cols, {last_col};
        shr.u32 %col_tiles, %col_tiles, {col_bits};
        mov.u32 %number, %ctaid.x;
        mul.lo.u32 %size, %row_tiles, {group};
        div.u32 %group, %number, %size;
        mul.lo.u32 %done, %group, %size;
        sub.u32 %number, %number, %done;
        mul.lo.u32 %first, %group, {group};
        sub.u32 %width, %col_tiles, %first;
        min.u32 %width, %width, {group};
        div.u32 %first_row, %number, %width;
        mul.lo.u32 %done, %first_row, %width;
        sub.u32 %number, %number, %done;
        add.u32 %first_col, %first, %number;
        shl.b32 %first_row, %first_row, {row_bits};
        shl.b32 %first_col, %first_col, {col_bits};
        mov.u32 %thread, %tid.x;
        and.b32 %lane, %thread, 31;
        shr.u32 %number, %thread, 5;
        and.b32 %warp_col, %number, {across};
        shr.u32 %warp_row, %number, {across_bits};
        }}"
    )
}
