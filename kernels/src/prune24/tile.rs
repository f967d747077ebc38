//! The choice of a 4 × 4 tile, in the very order of operations of `rewire_mask`'s transposable 2:4
//! pattern, so that masks are equal to the bit.
//!
//! A row keeps one of six pairs, ±x, ±y or ±z: x keeps columns {0, 1}, y {0, 2}, z {0, 3}, − the
//! other two. With the coordinates of a row's magnitudes a, b, c, d,
//!
//! ```text
//! x = (a + b) − (c + d)    y = (a − b) + (c − d)    z = (a − b) − (c − d)
//! ```
//!
//! two rows i and j that keep opposite pairs are worth at most max(|xᵢ − xⱼ|, |yᵢ − yⱼ|, |zᵢ − zⱼ|),
//! and the best tile is the best of the three ways to pair four rows.
//!
//! What a row keeps is one word: its code in the low half, its columns as the lowest bit of the four
//! nibbles of the high half. Taking the other two columns is the XOR with [`OTHERS`]. The codes of
//! the rows are then their words put together, and the codes of the columns, for which rows count
//! 4, 2, 1 and 0, are a weighted sum of the high halves.

use crate::Element;
use crate::packing::pairs::{self, Table};
use crate::text::Text;

/// The pairs of the axes x, y and z: code, and columns in the high half.
const AXES: [u32; 3] = [0x0011_0006, 0x0101_0005, 0x1001_0004];

/// Turns a pair into the other two columns.
const OTHERS: u32 = 0x1111_0007;

/// 1 and 1/32 as singles.
const ONE: u32 = 0x3F80_0000;
const SHRUNK: u32 = 0x3D00_0000;

/// The three ways to pair four rows.
const PAIRINGS: [[(usize, usize); 2]; 3] = [[(0, 1), (2, 3)], [(0, 2), (1, 3)], [(0, 3), (1, 2)]];

/// Registers that the tiles of a thread share.
pub(super) fn registers(text: &mut Text) {
    text.lines(
        "
        .reg .b32 %a, %b, %c, %d, %ab, %cd, %a_b, %c_d, %shrink<2>;
        .reg .b32 %x<4>, %y<4>, %z<4>, %dx, %dy, %dz, %other_x, %other_y, %other_z, %rival;
        .reg .b32 %gain01, %gain23, %gain02, %gain13, %gain03, %gain12, %sum0, %sum1, %sum2, %best;
        .reg .b32 %pair, %twin, %pair_rest, %twin_rest, %kept<4>, %sign, %gain;
        .reg .pred %second, %third, %later, %wins;",
    );
}

/// Counts weights that are not finite, and for a type with the range of singles finds the factors
/// `%shrink0` and `%shrink1` that the magnitudes of either tile are compared with: 1, or 1/32 where
/// one of them is above f32::MAX / 32. Where no sum overflows either gives the same choice.
pub(super) fn look_for_extremes(text: &mut Text, element: Element) {
    let (name, factor) = match element {
        // If this sum stays finite, 32 times a weight is below 2^129 and a weight below 2^124: no
        // difference or sum of a tile then leaves the range of singles.
        Element::Bf16 => ("bf16x2", 0x4200_4200),
        // A 32nd of sixteen weights never adds up to more than the largest number.
        Element::F16 => ("f16x2", 0x2800_2800),
    };
    text.section(
        "A sum of all weights, two by two, is finite unless something extreme is among them.",
    );
    text.lines(".reg .b32 %all, %factor, %bits;\n.reg .pred %calm;");
    if element == Element::Bf16 {
        text.lines(format!(
            "mov.b32 %shrink0, 0x{ONE:08X};
             mov.b32 %shrink1, 0x{ONE:08X};"
        ));
    }
    text.lines(format!(
        "mov.b32 %all, 0;
         mov.b32 %factor, 0x{factor:08X};"
    ));
    for row in 0..4 {
        for word in 0..4 {
            text.lines(format!(
                "fma.rn.{name} %all, %w{row}_{word}, %factor, %all;"
            ));
        }
    }
    let rest = 0x8000 - super::not_finite(element);
    text.lines(format!(
        "and.b32 %all, %all, 0x7FFF7FFF;
         add.u32 %all, %all, 0x{rest:04X}{rest:04X};
         and.b32 %all, %all, 0x80008000;
         setp.eq.u32 %calm, %all, 0;
         @%calm bra CALM;"
    ));
    for tile in 0..2 {
        if element == Element::Bf16 {
            text.lines("mov.b32 %all, 0;");
        }
        for row in 0..4 {
            for word in 2 * tile..2 * tile + 2 {
                let word = format!("w{row}_{word}");
                super::count_not_finite(text, element, &word);
                if element == Element::Bf16 {
                    // The highest bit of the sum is set from 0x7D00 on, which is 2^123.
                    text.lines(format!(
                        "and.b32 %bits, %{word}, 0x7FFF7FFF;
                         add.u32 %bits, %bits, 0x03000300;
                         or.b32 %all, %all, %bits;"
                    ));
                }
            }
        }
        if element == Element::Bf16 {
            text.lines(format!(
                "and.b32 %all, %all, 0x80008000;
                 setp.eq.u32 %calm, %all, 0;
                 selp.b32 %shrink{tile}, 0x{ONE:08X}, 0x{SHRUNK:08X}, %calm;"
            ));
        }
    }
    text.lines("CALM:");
}

/// Chooses what the tile in columns 4 · `tile` of the registers `%w0_…` to `%w3_…` keeps: the codes
/// of its rows go to the nibbles of `%row_codes{tile}`, those of its columns to `%column_codes{tile}`.
pub(super) fn choose(text: &mut Text, element: Element, tile: usize) {
    for row in 0..4 {
        text.section(format!(
            "Tile {tile}, row {row}: magnitudes and coordinates."
        ));
        coordinates(text, element, tile, row);
    }
    pairing(text);
    text.section("What row 0 keeps, and what the upper row of the pair without it keeps.");
    for axis in ["x", "y", "z"] {
        text.lines(format!(
            "selp.b32 %other_{axis}, %{axis}2, %{axis}1, %second;
             selp.b32 %other_{axis}, %{axis}3, %other_{axis}, %third;
             sub.rn.f32 %d{axis}, %{axis}0, %other_{axis};"
        ));
    }
    best_axis(text, "pair");
    for axis in ["x", "y", "z"] {
        text.lines(format!(
            "selp.b32 %d{axis}, %{axis}1, %{axis}2, %later;
             selp.b32 %other_{axis}, %{axis}2, %{axis}3, %third;
             sub.rn.f32 %d{axis}, %d{axis}, %other_{axis};"
        ));
    }
    best_axis(text, "twin");
    text.section("All four rows, then the codes of rows and of columns.");
    text.lines(format!(
        "
        xor.b32 %pair_rest, %pair, 0x{OTHERS:08X};
        xor.b32 %twin_rest, %twin, 0x{OTHERS:08X};
        selp.b32 %kept1, %twin, %pair_rest, %later;
        selp.b32 %kept2, %pair_rest, %twin, %second;
        selp.b32 %kept2, %twin_rest, %kept2, %third;
        selp.b32 %kept3, %pair_rest, %twin_rest, %third;
        mad.lo.u32 %row_codes{tile}, %kept3, 16, %kept2;
        mad.lo.u32 %row_codes{tile}, %row_codes{tile}, 16, %kept1;
        mad.lo.u32 %row_codes{tile}, %row_codes{tile}, 16, %pair;
        mad.lo.u32 %column_codes{tile}, %pair, 4, %kept2;
        mad.lo.u32 %column_codes{tile}, %kept1, 2, %column_codes{tile};
        shr.u32 %column_codes{tile}, %column_codes{tile}, 16;"
    ));
}

/// The coordinates of a row of the tile.
///
/// Magnitudes of bfloat16 are multiplied by the tile's power of two on the way. These products are
/// exact, so that the fused additions round the sums of products, once, as plain ones would.
fn coordinates(text: &mut Text, element: Element, tile: usize, row: usize) {
    let words = [2 * tile, 2 * tile + 1].map(|word| format!("%w{row}_{word}"));
    let names = [["a", "b", "ab", "a_b"], ["c", "d", "cd", "c_d"]];
    for (word, [low, high, sum, difference]) in words.iter().zip(names) {
        text.lines(match element {
            Element::Bf16 => format!(
                "
                shl.b32 %{low}, {word}, 16;
                and.b32 %{high}, {word}, 0x7FFF0000;
                abs.f32 %{low}, %{low};
                mul.rn.f32 %{low}, %{low}, %shrink{tile};
                fma.rn.f32 %{sum}, %{high}, %shrink{tile}, %{low};
                neg.f32 %{high}, %{high};
                fma.rn.f32 %{difference}, %{high}, %shrink{tile}, %{low};"
            ),
            Element::F16 => format!(
                "
                mov.b32 {{%h0, %h1}}, {word};
                cvt.f32.f16 %{low}, %h0;
                cvt.f32.f16 %{high}, %h1;
                abs.f32 %{low}, %{low};
                abs.f32 %{high}, %{high};
                add.rn.f32 %{sum}, %{low}, %{high};
                sub.rn.f32 %{difference}, %{low}, %{high};"
            ),
        });
    }
    text.lines(format!(
        "
        sub.rn.f32 %x{row}, %ab, %cd;
        add.rn.f32 %y{row}, %a_b, %c_d;
        sub.rn.f32 %z{row}, %a_b, %c_d;"
    ));
}

/// Which of the three pairings is worth most: `%second` or `%third`, neither for the first; both
/// may hold, then it is the third. `%later` says that it is not the first.
fn pairing(text: &mut Text) {
    text.section("What each pair of rows is worth, then each way to pair them.");
    for (index, pairs) in PAIRINGS.iter().enumerate() {
        for (upper, lower) in pairs {
            let gain = format!("%gain{upper}{lower}");
            text.lines(format!(
                "
                sub.rn.f32 %dx, %x{upper}, %x{lower};
                sub.rn.f32 %dy, %y{upper}, %y{lower};
                sub.rn.f32 %dz, %z{upper}, %z{lower};
                abs.f32 {gain}, %dx;
                abs.f32 %rival, %dy;
                max.f32 {gain}, {gain}, %rival;
                abs.f32 %rival, %dz;
                max.f32 {gain}, {gain}, %rival;"
            ));
        }
        let [(a, b), (c, d)] = pairs;
        text.lines(format!("add.rn.f32 %sum{index}, %gain{a}{b}, %gain{c}{d};"));
    }
    text.lines(
        "
        setp.gt.f32 %second, %sum1, %sum0;
        max.f32 %best, %sum0, %sum1;
        setp.gt.f32 %third, %sum2, %best;
        or.pred %later, %second, %third;",
    );
}

/// The best axis and sign for the differences `%dx`, `%dy`, `%dz` of two rows: what the upper row
/// keeps goes to the register `to`.
fn best_axis(text: &mut Text, to: &str) {
    let [x, y, z] = AXES;
    text.lines(format!(
        "
        abs.f32 %gain, %dx;
        abs.f32 %rival, %dy;
        setp.gt.f32 %wins, %rival, %gain;
        selp.b32 %dx, %dy, %dx, %wins;
        selp.b32 %{to}, 0x{y:08X}, 0x{x:08X}, %wins;
        abs.f32 %gain, %dx;
        abs.f32 %rival, %dz;
        setp.gt.f32 %wins, %rival, %gain;
        selp.b32 %dx, %dz, %dx, %wins;
        selp.b32 %{to}, 0x{z:08X}, %{to}, %wins;
        shr.s32 %sign, %dx, 31;
        and.b32 %sign, %sign, 0x{OTHERS:08X};
        xor.b32 %{to}, %{to}, %sign;"
    ));
}

/// Cuts a tile down to the matrix: `%row_lines` has four bits for each row that exists, a byte for a
/// row, `%row_bits` a bit for each in every byte; the columns of the tile likewise. Weights that are
/// not kept become +0, because groups that are not full name them.
pub(super) fn crop(text: &mut Text, tile: usize) {
    let bits = Table::by_code(pairs::bits).operands();
    text.section(format!(
        "Tile {tile} is cut by an edge: kept columns of each row, a byte each, then the code of the
         pair that covers them: the lowest others fill it up."
    ));
    for (codes, entries, lines) in [
        ("column", "row_bits", "col_lines"),
        ("row", "col_bits", "row_lines"),
    ] {
        text.lines(format!(
            "
            prmt.b32 %active, {bits}, %{codes}_codes{tile};
            and.b32 %active, %active, %{entries};
            and.b32 %active, %active, %{lines};
            and.b32 %plane0, %active, 0x01010101;
            shr.u32 %plane1, %active, 1;
            and.b32 %plane1, %plane1, 0x01010101;
            shr.u32 %plane2, %active, 2;
            and.b32 %plane2, %plane2, 0x01010101;
            shr.u32 %plane3, %active, 3;
            and.b32 %plane3, %plane3, 0x01010101;"
        ));
        text.section(
            "Groups with fewer than two take entry 0, and entry 1 unless they have 2 or 3.",
        );
        text.lines(format!(
            "
            add.u32 %lacking, %plane0, %plane1;
            add.u32 %lacking, %lacking, %plane2;
            add.u32 %lacking, %lacking, %plane3;
            shr.u32 %lacking, %lacking, 1;
            not.b32 %lacking, %lacking;
            and.b32 %lacking, %lacking, 0x01010101;
            or.b32 %filled, %plane0, %lacking;
            or.b32 %active, %plane2, %plane3;
            not.b32 %active, %active;
            and.b32 %active, %active, %lacking;
            or.b32 %active, %active, %plane1;
            mad.lo.u32 %filled, %filled, 4, %plane2;
            mad.lo.u32 %filled, %active, 2, %filled;
            shr.u32 %active, %filled, 4;
            or.b32 %filled, %filled, %active;
            prmt.b32 %{codes}_codes{tile}, %filled, 0, 0x4420;"
        ));
    }
    text.section("Weights that are not kept, by rows: a column's bytes become masks of its rows.");
    for plane in 0..4 {
        text.lines(format!("mul.lo.u32 %plane{plane}, %plane{plane}, 255;"));
    }
    for row in 0..4 {
        let select = 0x4400 + 0x1111 * row;
        for half in 0..2 {
            let (low, high, word) = (2 * half, 2 * half + 1, 2 * tile + half);
            text.lines(format!(
                "prmt.b32 %active, %plane{low}, %plane{high}, 0x{select:04X};
                 and.b32 %w{row}_{word}, %w{row}_{word}, %active;"
            ));
        }
    }
}
