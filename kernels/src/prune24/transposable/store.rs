//! What `prune24_transposable` writes: values and metadata of W and of the transpose.

use super::HALF_WORDS;
use crate::packing::pairs::{self, Table};
use crate::text::Text;

/// Writes the values of the rows.
pub(super) fn pack_rows(text: &mut Text) {
    text.section("Values of the rows: 8 bytes of each, 64 of a row by eight lanes.");
    text.lines(".reg .b32 %lower<2>, %higher<2>, %pick, %v<2>;");
    for tile in 0..2 {
        selectors(text, tile, "row_codes");
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
pub(super) fn pack_columns(text: &mut Text) {
    text.section(
        "Values of the columns: rows 0 and 1 beside each other, rows 2 and 3, two of the four.",
    );
    text.lines(".reg .b32 %top, %bottom;");
    for tile in 0..2 {
        selectors(text, tile, "column_codes");
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
pub(super) fn words(text: &mut Text) {
    let table = Table::by_code(pairs::metadata).operands();
    let raised = Table::by_code(|pair| pairs::metadata(pair) << 4).operands();
    text.section(
        "Metadata of W: a byte of eight columns for each row. Lanes exchange with u ^ 2, which has
         the row eight further on, then with l ^ 1, which has the columns beside.",
    );
    text.lines(format!(
        "
        .reg .b32 %bytes, %raised, %there;
        prmt.b32 %bytes, {table}, %row_codes0;
        prmt.b32 %raised, {raised}, %row_codes1;
        or.b32 %bytes, %bytes, %raised;
        shfl.sync.bfly.b32 %there, %bytes, 16, 0x1F, 0xFFFFFFFF;
        prmt.b32 %bytes, %bytes, %there, %pick_u;
        shfl.sync.bfly.b32 %there, %bytes, 1, 0x1F, 0xFFFFFFFF;
        prmt.b32 %word, %bytes, %there, %pick_l;"
    ));
    text.section(
        "Metadata of the transpose: nibbles of four rows become bytes of eight with u ^ 1, the lower
         of which keeps tile 0; then l ^ 1 has the column eight further on, u ^ 2 the rows below.",
    );
    text.lines(format!(
        "
        .reg .b32 %mine;
        prmt.b32 %bytes, {table}, %column_codes0;
        prmt.b32 %raised, {table}, %column_codes1;
        selp.b32 %there, %bytes, %raised, %upper;
        selp.b32 %mine, %raised, %bytes, %upper;
        shfl.sync.bfly.b32 %there, %there, 8, 0x1F, 0xFFFFFFFF;
        selp.b32 %bytes, %there, %mine, %upper;
        selp.b32 %raised, %mine, %there, %upper;
        mad.lo.u32 %bytes, %raised, 16, %bytes;
        shfl.sync.bfly.b32 %there, %bytes, 1, 0x1F, 0xFFFFFFFF;
        prmt.b32 %bytes, %bytes, %there, %pick_l;
        shfl.sync.bfly.b32 %there, %bytes, 16, 0x1F, 0xFFFFFFFF;
        prmt.b32 %word_t, %bytes, %there, %pick_u;"
    ));
}

/// Writes the transposed values and metadata of the step.
pub(super) fn write_turned(text: &mut Text) {
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

/// Writes the metadata of W and the status.
pub(super) fn finish(text: &mut Text) {
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
    crate::prune24::report(text);
    text.lines("FINITE:");
}
