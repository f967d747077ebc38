//! Chunks of a dense matrix: eight columns of four rows, the 16 bytes of each that a lane moves at
//! once where all of the columns exist, and one by one where the matrix ends.
//!
//! Both functions expect the rows' addresses in `%dense0` to `%dense3` and, in `%rows_left` and
//! `%cols_left`, how many rows and columns there are from the lane's first on, perhaps none. `rows`
//! are the four rows, counted from the first.

use crate::text::Text;

/// Reads `%w0_0` to `%w3_3`, two columns a register; what lies outside the matrix is +0. `%whole` says
/// that nothing does.
pub(crate) fn read(text: &mut Text, rows: [u32; 4]) {
    text.section("Columns that all exist are a load of 16 bytes, others are read one by one.");
    text.lines(format!(
        "
        .reg .b32 %w0_<4>, %w1_<4>, %w2_<4>, %w3_<4>;
        .reg .b16 %h<8>;
        .reg .pred %whole, %chunk_in, %in;
        setp.ge.s32 %chunk_in, %cols_left, 8;
        setp.gt.and.s32 %whole, %rows_left, {}, %chunk_in;
        @%whole bra WHOLE;",
        rows.iter().max().unwrap_or(&0)
    ));
    for (row, offset) in rows.into_iter().enumerate() {
        let (vector, done) = (vector(row), format!("ROW_{row}_READ"));
        for word in 0..4 {
            text.lines(format!("mov.b32 %w{row}_{word}, 0;"));
        }
        text.lines(format!(
            "setp.le.s32 %in, %rows_left, {offset};
             @%in bra {done};
             @%chunk_in ld.global.nc.v4.b32 {vector}, [%dense{row}];
             @%chunk_in bra {done};"
        ));
        for entry in 0..8 {
            text.lines(format!(
                "mov.b16 %h{entry}, 0;
                 setp.gt.s32 %in, %cols_left, {entry};
                 @%in ld.global.nc.b16 %h{entry}, [%dense{row}+{}];",
                2 * entry
            ));
        }
        for word in 0..4 {
            let (low, high) = (2 * word, 2 * word + 1);
            text.lines(format!("mov.b32 %w{row}_{word}, {{%h{low}, %h{high}}};"));
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

/// Writes `%w0_0` to `%w3_3`, and nothing outside the matrix.
pub(crate) fn write(text: &mut Text, rows: [u32; 4]) {
    text.section("Columns that all exist are a store of 16 bytes, others are written one by one.");
    text.lines(
        "
        .reg .b16 %h<8>;
        .reg .pred %chunk_in, %in;
        setp.ge.s32 %chunk_in, %cols_left, 8;
        @%chunk_in bra WHOLE;",
    );
    for (row, offset) in rows.into_iter().enumerate() {
        let done = format!("ROW_{row}_WRITTEN");
        text.lines(format!(
            "setp.le.s32 %in, %rows_left, {offset};
             @%in bra {done};"
        ));
        for word in 0..4 {
            let (low, high) = (2 * word, 2 * word + 1);
            text.lines(format!("mov.b32 {{%h{low}, %h{high}}}, %w{row}_{word};"));
        }
        for entry in 0..8 {
            text.lines(format!(
                "setp.gt.s32 %in, %cols_left, {entry};
                 @%in st.global.b16 [%dense{row}+{}], %h{entry};",
                2 * entry
            ));
        }
        text.lines(format!("{done}:"));
    }
    text.lines("bra WRITTEN;\nWHOLE:");
    for (row, offset) in rows.into_iter().enumerate() {
        let vector = vector(row);
        text.lines(format!(
            "setp.gt.s32 %in, %rows_left, {offset};
             @%in st.global.v4.b32 [%dense{row}], {vector};"
        ));
    }
    text.lines("WRITTEN:");
}

fn vector(row: usize) -> String {
    format!("{{%w{row}_0, %w{row}_1, %w{row}_2, %w{row}_3}}")
}
