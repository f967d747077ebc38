//! The version that multiplies by the sparse matrix unit and still waits for each of its loads.

use super::pipelined::{SHARED, store, strips};
use super::{Version, head, pairs};
use crate::Element;
use crate::text::number::load_chunk;
use crate::text::product::{Product, W_FRAGMENTS, left, quad};
use crate::text::raster;
use crate::text::strip::Strip;
use crate::text::tile::Tile;

const ADDS: &str = "Adds to spmm24_shared the sparse matrix unit: mma.sp of 16 outs by 8 tokens by 32 columns, which
skips what W does not keep. A word of metadata serves 64 columns: the sparsity selector 0 takes
the pairs of the first 32 from lanes 0 and 1 of every four, 1 those of the others from 2 and 3.
Chunks of 16 bytes are exchanged in shared memory so that ldmatrix meets no bank twice.";

/// Prints the version.
pub(super) fn print(element: Element, tile: Tile) -> String {
    let mut text = head::begin(Version::Mma, element, 1, Some(SHARED), ADDS);
    text.add(raster::place(tile));
    let [w, x] = strips(tile);
    text.add(w.copier());
    text.add(x.copier());
    text.add(pairs::place());
    text.add(w.reader());
    text.add(x.reader());
    text.add(Product::Sparse.registers(w.name, x.name, 1));
    text.add(
        "// One stage after the other; %ahead counts the columns from this one on.
        .reg .pred %more;
        .reg .b32 %stage, %stage_count, %ahead, %word<4>, %into, %line, %source_line;
        .reg .b64 %source;
        add.u32 %stage_count, %inner, 63;
        shr.u32 %stage_count, %stage_count, 6;
        mov.b32 %stage, 0;
        mov.b32 %ahead, %inner;
        mov.b32 %w_stage, %w_read;
        mov.b32 %x_stage, %x_read;
        STAGE:",
    );
    text.add(pairs::load("pairs", ""));
    text.add(fill(
        &w,
        "ld.global.nc.v4.u32 {%word0, %word1, %word2, %word3}, [%source];",
    ));
    text.add("sub.s32 %x_bytes, %ahead, %x_mine;");
    let words = ["%word0", "%word1", "%word2", "%word3"];
    text.add(fill(&x, &load_chunk("%source", "%x_bytes", words, "")));
    text.add("bar.sync 0;");
    for step in 0..2 {
        text.add(multiply(element, &w, &x, step));
    }
    text.add(
        "// Nobody may fill the stage before all have read it.
        bar.sync 0;
        add.u32 %stage, %stage, 1;
        sub.s32 %ahead, %ahead, 64;
        setp.lt.u32 %more, %stage, %stage_count;
        @%more bra STAGE;",
    );
    for block in store(element).sums() {
        text.add(block);
    }
    text.end()
}

/// Fills a strip line by line, each of a thread's chunks brought by `load` from `%source`.
fn fill(strip: &Strip, load: &str) -> String {
    let n = strip.name;
    let (copies, place_step, advance) = (strip.copies(), strip.place_step(), strip.advance());
    let line_step = strip.lines / copies;
    let label = n.to_uppercase();
    format!(
        "// The strip of {from}, line by line.
        mov.b32 %into, %{n}_to;
        mov.b32 %line, 0;
        FILL_{label}:
        min.u32 %source_line, %line, %{n}_lines;
        mad.wide.u32 %source, %{n}_pitch, %source_line, %{n}_from;
        {load}
        st.shared.v4.u32 [%into], {{%word0, %word1, %word2, %word3}};
        add.u32 %into, %into, {place_step};
        add.u32 %line, %line, {twice};
        setp.lt.u32 %more, %line, {end};
        @%more bra FILL_{label};
        {advance}",
        from = strip.from,
        twice = 2 * line_step,
        end = 2 * strip.lines
    )
}

/// Takes the fragments of a step and multiplies them.
fn multiply(element: Element, w: &Strip, x: &Strip, step: u32) -> String {
    let mut lines = format!("// Columns {} to {}.\n", 32 * step, 32 * step + 31);
    lines += &w.addresses(step);
    lines += "\n";
    for m in 0..W_FRAGMENTS {
        let to = quad(&format!("{}{m}", left(w.name, 0)));
        lines += &format!("{}\n", w.load(&to, m, step));
    }
    lines += &x.addresses(step);
    lines += "\n";
    for unit in 0..Product::Sparse.units() {
        let to = quad(&format!("%{}{unit}", x.name));
        lines += &format!("{}\n", x.load(&to, unit, step));
        lines += &Product::Sparse.multiply(element, (w.name, x.name), unit, (0, step));
    }
    lines
}
