//! The version that brings W and X to shared memory and keeps 4 × 8 sums in each thread.

use super::{Version, head};
use crate::Element;
use crate::text::address;
use crate::text::number::{load_chunk, widen};
use crate::text::store::staged;
use crate::text::tile::{Block, STAGED_PITCH};

/// Outs and tokens of a block, columns of a stage.
const SIDE: u32 = 64;

/// Bytes of a row of 32 kept values as singles, and 8 so that rows do not meet in one bank.
const VALUES_PITCH: u32 = 136;

/// Bytes of 64 tokens as singles.
const X_PITCH: u32 = 4 * SIDE;

/// Outs and tokens of a thread.
const OUTS: u32 = 4;
const TOKENS: u32 = 8;

/// The shared memory: X of a stage, later the sums of the block, then the values and the pairs of
/// W.
const X_BYTES: u32 = SIDE * STAGED_PITCH;
const VALUES_AT: u32 = X_BYTES;
const PAIRS_AT: u32 = VALUES_AT + SIDE * VALUES_PITCH;

pub(super) const BLOCK: Block = Block {
    rows: SIDE,
    cols: SIDE,
    threads: (SIDE / OUTS) * (SIDE / TOKENS),
    shared_bytes: PAIRS_AT + SIDE * 8,
};

const ADDS: &str = "Adds to spmm24_scalar blocks of 64 outs by 64 tokens: 64 columns of W and X at a time lie in shared
memory as singles, X with its columns as rows, and a thread keeps the sums of 4 outs by 8 tokens.
A kept value of W finds its row of X by its pair, so that only half of the products are made.";

/// Prints the version.
pub(super) fn print(element: Element) -> String {
    let mut text = head::begin(Version::Shared, element, 1, Some("room"), ADDS);
    text.add(place());
    text.add(sources());
    text.add(sums());
    text.add(fill_values(element));
    text.add(fill_pairs());
    text.add(fill_x(element));
    text.add(multiply());
    text.add(stage_sums());
    let store = super::pipelined::store(element);
    text.add(store.place(SIDE / 4));
    text.add(store.rows(SIDE / 4, ""));
    text.end()
}

fn place() -> String {
    format!(
        "// A block computes 64 outs by 64 tokens, a thread outs 4(t div 8) to 4(t div 8) + 3 and the
        // tokens 4(t mod 8) and 32 + 4(t mod 8), four each: so eight threads read 128 bytes.
        .reg .pred %inside, %more;
        .reg .b32 %thread, %lane, %first_row, %first_col, %x_at, %values_at, %pairs_at;
        {{
        .reg .b32 %tiles, %number, %done;
        add.u32 %tiles, %cols, 63;
        shr.u32 %tiles, %tiles, 6;
        mov.u32 %number, %ctaid.x;
        div.u32 %first_row, %number, %tiles;
        mul.lo.u32 %done, %first_row, %tiles;
        sub.u32 %first_col, %number, %done;
        shl.b32 %first_row, %first_row, 6;
        shl.b32 %first_col, %first_col, 6;
        mov.u32 %thread, %tid.x;
        and.b32 %lane, %thread, 31;
        and.b32 %number, %thread, 7;
        mad.lo.u32 %x_at, %number, 16, %stages;
        shr.u32 %number, %thread, 3;
        mad.lo.u32 %values_at, %number, {values}, %stages;
        add.u32 %values_at, %values_at, {VALUES_AT};
        mad.lo.u32 %pairs_at, %number, {pairs}, %stages;
        add.u32 %pairs_at, %pairs_at, {PAIRS_AT};
        }}",
        values = OUTS * VALUES_PITCH,
        pairs = OUTS * 8
    )
}

fn sources() -> String {
    format!(
        "// Thread t copies chunk t mod 4 of the rows t div 4 and 32 further on of W, word t of its
        // pairs, and chunks t div 64, 2 further on and so forth of token t mod 64 of X.
        .reg .b32 %w_lines, %w_to, %pairs_to, %x_inside, %x_mine, %x_to;
        .reg .b64 %w_from, %pairs_from, %x_from;
        {{
        .reg .b32 %line, %chunk, %part;
        .reg .b64 %offset;
        shr.u32 %line, %thread, 2;
        and.b32 %chunk, %thread, 3;
        mad.lo.u32 %w_to, %line, {VALUES_PITCH}, %stages;
        mad.lo.u32 %w_to, %chunk, 32, %w_to;
        add.u32 %w_to, %w_to, {VALUES_AT};
        add.u32 %line, %line, %first_col;
        sub.s32 %w_lines, %cols, %line;
        ld.param.u64 %w_from, [values];
        mul.wide.u32 %offset, %line, %w_pitch;
        shl.b64 %offset, %offset, 1;
        add.u64 %w_from, %w_from, %offset;
        mad.wide.u32 %w_from, %chunk, 16, %w_from;
        // Thread 32m + 4g + t has the pairs of rows 16m + g and 16m + g + 8, columns 16t to 16t + 15.
        shr.u32 %line, %thread, 5;
        shl.b32 %line, %line, 4;
        bfe.u32 %part, %thread, 2, 3;
        add.u32 %line, %line, %part;
        mad.lo.u32 %pairs_to, %line, 8, %stages;
        mad.lo.u32 %pairs_to, %chunk, 2, %pairs_to;
        add.u32 %pairs_to, %pairs_to, {PAIRS_AT};
        ld.param.u64 %pairs_from, [metadata];
        shr.u32 %line, %first_col, 6;
        add.u32 %part, %inner, 255;
        shr.u32 %part, %part, 8;
        mul.wide.u32 %offset, %line, %part;
        mul.lo.u64 %offset, %offset, 2048;
        add.u64 %pairs_from, %pairs_from, %offset;
        mad.wide.u32 %pairs_from, %thread, 16, %pairs_from;
        and.b32 %line, %thread, 63;
        shr.u32 %chunk, %thread, 6;
        mad.lo.u32 %x_to, %line, 4, %stages;
        mad.lo.u32 %x_to, %chunk, {eight_columns}, %x_to;
        shl.b32 %x_mine, %chunk, 3;
        add.u32 %line, %line, %first_row;
        setp.lt.u32 %inside, %line, %rows;
        selp.b32 %x_inside, %inner, 0, %inside;
        ld.param.u64 %x_from, [x];
        mul.wide.u32 %offset, %line, %x_pitch;
        shl.b64 %offset, %offset, 1;
        add.u64 %x_from, %x_from, %offset;
        mad.wide.u32 %x_from, %chunk, 16, %x_from;
        }}",
        eight_columns = 8 * X_PITCH
    )
}

fn sums() -> String {
    let mut lines = String::from("// The sums of out i and token j: %sum<i><j>.\n");
    for out in 0..OUTS {
        let names: Vec<String> = (0..TOKENS).map(|j| format!("%sum{out}{j}")).collect();
        lines += &format!(".reg .f32 {};\n", names.join(", "));
        for name in names {
            lines += &format!("mov.f32 {name}, 0f00000000;\n");
        }
    }
    lines
        + ".reg .b32 %stage, %stage_count, %ahead, %word<4>;
        add.u32 %stage_count, %inner, 63;
        shr.u32 %stage_count, %stage_count, 6;
        mov.b32 %stage, 0;
        mov.b32 %ahead, %x_inside;
        STAGE:"
}

/// Eight numbers in `%word0` to `%word3` as singles in `%number0` to `%number7`.
fn widened(element: Element) -> String {
    let pairs: Vec<String> = (0..4)
        .map(|word| {
            let (low, high) = (2 * word, 2 * word + 1);
            let (low, high) = (format!("%number{low}"), format!("%number{high}"));
            widen(element, &format!("%word{word}"), &low, &high)
        })
        .collect();
    pairs.join("\n")
}

fn fill_values(element: Element) -> String {
    let widened = widened(element);
    let mut lines = String::from(
        "// 64 rows of 32 kept values; rows beyond the last are 0.
        {
        .reg .f32 %number<8>;
        .reg .b64 %source;\n",
    );
    for half in 0..2 {
        let (line, place) = (32 * half, 32 * half * VALUES_PITCH);
        let bytes = 2 * line;
        lines += &format!(
            "setp.gt.s32 %inside, %w_lines, {line};
            mad.wide.u32 %source, %w_pitch, {bytes}, %w_from;
            mov.b32 %word0, 0;
            mov.b32 %word1, 0;
            mov.b32 %word2, 0;
            mov.b32 %word3, 0;
            @%inside ld.global.nc.v4.u32 {{%word0, %word1, %word2, %word3}}, [%source];
            {widened}\n"
        );
        for pair in 0..4 {
            let (low, high) = (2 * pair, 2 * pair + 1);
            let to = address("%w_to", place + 8 * pair);
            lines += &format!("st.shared.v2.f32 {to}, {{%number{low}, %number{high}}};\n");
        }
    }
    lines + "add.u64 %w_from, %w_from, 64;\n}"
}

fn fill_pairs() -> String {
    let upper = 8 * 8;
    format!(
        "// The pairs, half a word for 16 columns of a row.
        {{
        .reg .b16 %low, %high;
        .reg .b64 %source;
        shr.u32 %word0, %stage, 2;
        mad.wide.u32 %source, %word0, 2048, %pairs_from;
        and.b32 %word0, %stage, 3;
        mad.wide.u32 %source, %word0, 4, %source;
        ld.global.nc.u32 %word0, [%source];
        mov.b32 {{%low, %high}}, %word0;
        st.shared.b16 [%pairs_to], %low;
        st.shared.b16 [%pairs_to+{upper}], %high;
        }}"
    )
}

fn fill_x(element: Element) -> String {
    let chunk = load_chunk(
        "%source",
        "%left",
        ["%word0", "%word1", "%word2", "%word3"],
        "",
    );
    let widened = widened(element);
    let mut lines = format!(
        "// 64 columns of X as rows of 64 tokens; what lies outside is 0.
        {{
        .reg .f32 %number<8>;
        .reg .b32 %left, %into, %chunk;
        .reg .b64 %source;
        mov.b64 %source, %x_from;
        mov.b32 %into, %x_to;
        sub.s32 %left, %ahead, %x_mine;
        mov.b32 %chunk, 0;
        FILL:
        {chunk}
        {widened}\n"
    );
    for number in 0..8 {
        let to = address("%into", number * X_PITCH);
        lines += &format!("st.shared.f32 {to}, %number{number};\n");
    }
    lines
        + &format!(
            "add.u64 %source, %source, 32;
            add.u32 %into, %into, {next};
            sub.s32 %left, %left, 16;
            add.u32 %chunk, %chunk, 2;
            setp.lt.u32 %more, %chunk, 8;
            @%more bra FILL;
            add.u64 %x_from, %x_from, 128;
            sub.s32 %ahead, %ahead, 64;
            }}
            bar.sync 0;",
            next = 16 * X_PITCH
        )
}

fn multiply() -> String {
    let mut lines = String::from(
        "// Sixteen groups of four columns. The pairs of a row are 64 bits, shifted group by group.
        {
        .reg .b32 %pairs<4>, %later<4>, %at, %values, %group_at, %group;
        .reg .f32 %w0, %w1, %x<8>;\n",
    );
    for out in 0..OUTS {
        let from = address("%pairs_at", 8 * out);
        lines += &format!("ld.shared.v2.u32 {{%pairs{out}, %later{out}}}, {from};\n");
    }
    lines += "mov.b32 %values, %values_at;
        mov.b32 %group_at, %x_at;
        mov.b32 %group, 0;
        GROUP:\n";
    for out in 0..OUTS {
        let from = address("%values", out * VALUES_PITCH);
        lines += &format!("ld.shared.v2.f32 {{%w0, %w1}}, {from};\n");
        for kept in 0..2 {
            let bit = 2 * kept;
            lines += &format!(
                "bfe.u32 %at, %pairs{out}, {bit}, 2;
                mad.lo.u32 %at, %at, {X_PITCH}, %group_at;
                ld.shared.v4.f32 {{%x0, %x1, %x2, %x3}}, [%at];
                ld.shared.v4.f32 {{%x4, %x5, %x6, %x7}}, [%at+128];\n"
            );
            for token in 0..TOKENS {
                let sum = format!("%sum{out}{token}");
                lines += &format!("fma.rn.f32 {sum}, %w{kept}, %x{token}, {sum};\n");
            }
        }
        lines += &format!(
            "shf.r.wrap.b32 %pairs{out}, %pairs{out}, %later{out}, 4;
            shr.u32 %later{out}, %later{out}, 4;\n"
        );
    }
    lines
        + &format!(
            "add.u32 %values, %values, 8;
            add.u32 %group_at, %group_at, {four_columns};
            add.u32 %group, %group, 1;
            setp.lt.u32 %more, %group, 16;
            @%more bra GROUP;
            }}
            // Nobody may fill the room before all have read it.
            bar.sync 0;
            add.u32 %stage, %stage, 1;
            setp.lt.u32 %more, %stage, %stage_count;
            @%more bra STAGE;",
            four_columns = 4 * X_PITCH
        )
}

/// Puts the sums of the block where X was, token by token, as [`Store::rows`] reads them: each
/// warp stores 16 tokens.
///
/// [`Store::rows`]: crate::text::store::Store::rows
fn stage_sums() -> String {
    let mut lines = format!(
        "// The sums of a token, four at a time, to where X was; each warp then stores 16 tokens.
        .reg .b32 %region, %warp_row, %warp_col;
        {{
        .reg .b32 %place, %part;
        and.b32 %part, %thread, 7;
        mad.lo.u32 %place, %part, {four_tokens}, %stages;
        shr.u32 %part, %thread, 3;
        mad.lo.u32 %place, %part, 16, %place;
        shr.u32 %part, %thread, 6;
        mad.lo.u32 %place, %part, {gap}, %place;\n",
        four_tokens = 4 * STAGED_PITCH,
        gap = staged(32) - 4 * 32
    );
    for token in 0..TOKENS {
        let to = address("%place", (token % 4 + 32 * (token / 4)) * STAGED_PITCH);
        lines += &format!(
            "st.shared.v4.f32 {to}, {{%sum0{token}, %sum1{token}, %sum2{token}, %sum3{token}}};\n"
        );
    }
    lines
        + &format!(
            "}}
            bar.sync 0;
            mov.b32 %warp_col, 0;
            shr.u32 %warp_row, %thread, 5;
            mad.lo.u32 %region, %warp_row, {region}, %stages;",
            region = SIDE / 4 * STAGED_PITCH
        )
}
