//! The dense kernels: the same loop as the sparse ones, with `mma.sync` of 16 × 8 × 16.
//!
//! B takes the place of W and A that of X: columns of C are the rows of `mma`, so that the sums
//! lie as those of `spmm24` do and go the same way to memory.

use crate::text::pipeline::Pipeline;
use crate::text::product::Product;
use crate::text::store::{Finish, Store};
use crate::text::strip::{Fragment, Storage, Strip};
use crate::text::tile::Tile;
use crate::text::{Head, Parameter, Text, raster};
use crate::{Element, Kernel};

/// 128 × 128 of C, 32 summed columns a stage: two blocks fit on a multiprocessor of 164 KiB.
pub(super) const TILE: Tile = Tile {
    rows: 128,
    cols: 128,
    inner: 32,
    w_bytes: 64,
    x_bytes: 64,
    stages: 4,
}
.checked();

/// The name of the shared memory.
const SHARED: &str = "stages";

/// The strip of an operand: rows of 32 summed columns, or 32 summed rows of 128 columns.
const fn strip(name: &'static str, storage: Storage, fragment: Fragment, at: u32) -> Strip {
    let (lines, chunks) = match storage {
        Storage::Packed | Storage::Rows => (TILE.cols, TILE.inner / 8),
        Storage::Columns => (TILE.inner, TILE.cols / 8),
    };
    Strip {
        name,
        from: name,
        storage,
        fragment,
        lines,
        chunks,
        at,
        threads: TILE.threads(),
    }
}

/// Prints C = A·Bᵀ.
pub(super) fn print_nt(element: Element) -> String {
    let parameters = [
        Parameter::address("a", "A, m x k, a row every a_pitch numbers"),
        Parameter::address("b", "B, n x k, a row every b_pitch numbers"),
    ];
    let formula = "C = A * B^T for A of m x k and B of n x k.

The product to compare spmm24 with: the same loop and the same blocks, but for W, which is whole.";
    print(Kernel::GemmNt, element, Storage::Rows, parameters, formula)
}

/// Prints C = Aᵀ·B.
pub(super) fn print_tn(element: Element) -> String {
    let parameters = [
        Parameter::address("a", "A, k x m, a row every a_pitch numbers"),
        Parameter::address("b", "B, k x n, a row every b_pitch numbers"),
    ];
    let formula = "C = A^T * B for A of k x m and B of k x n.

With A = dY and B = X the gradient of the weights. Both operands are summed along their rows, so
ldmatrix transposes their fragments.";
    print(
        Kernel::GemmTn,
        element,
        Storage::Columns,
        parameters,
        formula,
    )
}

fn print(
    kernel: Kernel,
    element: Element,
    storage: Storage,
    operands: [Parameter; 2],
    formula: &str,
) -> String {
    let [a, b] = operands;
    let parameters = [
        a,
        b,
        Parameter::address("c", "C, m x n, a row every c_pitch numbers; written"),
        Parameter::number("m", "rows of C"),
        Parameter::number("n", "columns of C"),
        Parameter::number("k", "what is summed over"),
        Parameter::number("a_pitch", "a multiple of 8, not below the columns of A"),
        Parameter::number("b_pitch", "a multiple of 8, not below the columns of B"),
        Parameter::number("c_pitch", "a multiple of 8, n or more"),
    ];
    let entry = kernel.name();
    let Tile {
        rows,
        cols,
        inner,
        stages,
        ..
    } = TILE;
    let (threads, shared_bytes) = (TILE.threads(), TILE.shared_bytes());
    let comment = format!(
        "{entry} of {element}: {formula}
{stages} stages of {inner} summed columns are under way. Sums are singles, rounded to {element} once, to
nearest; what is too large becomes infinite.

Launch: ceil(m / {rows}) * ceil(n / {cols}) blocks along x, {threads} threads along x, {shared_bytes} bytes of dynamic
shared memory. Any m, n and k from 1 to 2^30. Addresses are multiples of 16. What lies between two
rows is neither read nor written.
Bytes, each once: 2 * (m * k + n * k + m * n). Operations: 2 * m * n * k."
    );
    let mut text = Text::new(&Head {
        entry,
        comment: &comment,
        parameters: &parameters,
        threads,
        resident: 2,
        shared: Some(SHARED),
    });
    text.add(format!(
        "// Sizes.
        .reg .b32 %rows, %cols, %inner, %a_pitch, %b_pitch, %stages;
        ld.param.u32 %rows, [m];
        ld.param.u32 %cols, [n];
        ld.param.u32 %inner, [k];
        ld.param.u32 %a_pitch, [a_pitch];
        ld.param.u32 %b_pitch, [b_pitch];
        mov.u32 %stages, {SHARED};"
    ));
    text.add(raster::place(TILE));
    let pipeline = Pipeline {
        element,
        tile: TILE,
        product: Product::Dense,
        w: strip("b", storage, Fragment::Left, 0),
        x: strip("a", storage, Product::Dense.right(), TILE.w_part()),
        before: "",
        begin: "",
    };
    for block in pipeline.blocks() {
        text.add(block);
    }
    let store = Store {
        element,
        finish: Finish::Plain,
        to: "c",
        pitch: "c_pitch",
    };
    for block in store.sums() {
        text.add(block);
    }
    text.end()
}
