//! The versions with asynchronous copies: `spmm24`, and `spmm24_wide` in larger blocks.

use super::{Version, head, pairs};
use crate::Element;
use crate::text::pipeline::Pipeline;
use crate::text::product::Product;
use crate::text::raster;
use crate::text::store::{Finish, Store};
use crate::text::strip::{Fragment, Storage, Strip};
use crate::text::tile::Tile;

/// The name of the shared memory.
pub(super) const SHARED: &str = "stages";

/// The strips of W and X in a stage of 64 columns: 32 kept values of each row of W, and 64 numbers
/// of each row of X.
pub(super) const fn strips(tile: Tile) -> [Strip; 2] {
    let w = Strip {
        name: "w",
        from: "values",
        storage: Storage::Packed,
        fragment: Fragment::Left,
        lines: tile.cols,
        chunks: tile.w_bytes / 16,
        at: 0,
        threads: tile.threads(),
    };
    let x = Strip {
        name: "x",
        from: "x",
        storage: Storage::Rows,
        fragment: Product::Sparse.right(),
        lines: tile.rows,
        chunks: tile.x_bytes / 16,
        at: tile.w_part(),
        threads: tile.threads(),
    };
    [w, x]
}

/// Prints the version of a tile.
pub(super) fn print(version: Version, element: Element, tile: Tile, resident: u32) -> String {
    let Tile { stages, .. } = tile;
    let adds = match version {
        Version::Wide => format!(
            "Adds blocks of 256 outs to spmm24: a stage brings two thirds of the bytes for as many products.
For results with enough tiles to fill a GPU twice. {stages} stages of 64 columns."
        ),
        _ => format!(
            "Adds to spmm24_mma that nothing waits: 16-byte copies into {stages} stages of 64 columns go on beside
the products, one barrier a stage; fragments are loaded a step ahead of their use, pairs a stage."
        ),
    };
    let mut text = head::begin(version, element, resident, Some(SHARED), &adds);
    text.add(raster::place(tile));
    let [w, x] = strips(tile);
    let before = format!("{}\n{}", pairs::place(), pairs::load("pairs_next", ""));
    let moves: String = (0..4)
        .map(|m| format!("mov.b32 %pairs{m}, %pairs_next{m};\n"))
        .collect();
    let begin = format!(
        "// The pairs of these 64 columns are there; those of the next ones set out.
        {moves}{}",
        pairs::load("pairs_next", "@%more ")
    );
    let pipeline = Pipeline {
        element,
        tile,
        product: Product::Sparse,
        w,
        x,
        before: &before,
        begin: &begin,
    };
    for block in pipeline.blocks() {
        text.add(block);
    }
    for block in store(element).sums() {
        text.add(block);
    }
    text.end()
}

/// How Y is stored.
pub(super) const fn store(element: Element) -> Store {
    Store {
        element,
        finish: Finish::Layer,
        to: "y",
        pitch: "y_pitch",
    }
}
