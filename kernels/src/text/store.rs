//! From the sums of a warp to rows of the result.
//!
//! The lane `4g + t` holds sums of columns g and g + 8 and of rows 2t and 2t + 1, but a row is
//! stored in 16-byte pieces of eight columns. So the sums pass through shared memory as singles, 32
//! rows at a time, where bias and activation meet them too. There a row of 64 columns is 32 singles,
//! a gap of 4, and 32 singles, 272 bytes in all: neither the scattered writes (banks 8t + g) nor the
//! reads of 32 bytes by the lanes of a row meet a bank twice.

use super::address;
use super::number::{activate, choose_activation, narrow};
use super::tile::{STAGED_PITCH, STAGED_ROWS, WARP_SIDE};
use crate::Element;

/// Rows that a warp reads back at once, eight lanes each.
const ROWS_AT_ONCE: u32 = 4;

/// Where a single of column `col` of the warp lies in its staged row, in bytes.
pub(crate) const fn staged(col: u32) -> u32 {
    4 * col + 16 * (col / 32)
}

/// What becomes of a sum.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finish {
    /// It is rounded.
    Plain,
    /// Bias is added, the activation follows, then it is rounded. Without a bias +0 is added.
    Layer,
}

/// How a result is stored.
pub(crate) struct Store {
    pub(crate) element: Element,
    pub(crate) finish: Finish,
    /// The parameters with the address and the pitch of the result.
    pub(crate) to: &'static str,
    pub(crate) pitch: &'static str,
}

impl Store {
    /// Stores the sums of `multiply`: `%sum<m><n>_` of all warps, each through its own region of
    /// the shared memory at `%stages`.
    pub(crate) fn sums(&self) -> Vec<String> {
        let region = STAGED_ROWS * STAGED_PITCH;
        let mut blocks = vec![
            format!(
                "// The region of this warp, and where this lane writes its sums.
                .reg .b32 %region, %scatter;
                {{
                .reg .b32 %place;
                shr.u32 %place, %thread, 5;
                mad.lo.u32 %region, %place, {region}, %stages;
                and.b32 %place, %lane, 3;
                mad.lo.u32 %scatter, %place, {two_rows}, %region;
                shr.u32 %place, %lane, 2;
                mad.lo.u32 %scatter, %place, 4, %scatter;
                }}",
                two_rows = 2 * STAGED_PITCH
            ),
            self.place(WARP_SIDE),
        ];
        for pass in 0..WARP_SIDE / STAGED_ROWS {
            let label = format!("_{pass}");
            if pass > 0 {
                blocks.push("bar.warp.sync 0xFFFFFFFF;".to_owned());
            }
            blocks.push(scatter(pass));
            blocks.push(self.rows(STAGED_ROWS, &label));
        }
        blocks
    }

    /// Where the lane reads staged sums and stores them: row `lane div 8` of every four, eight
    /// columns from `8 (lane mod 8)`. Needs `%region` and the warp's place in units of 64 columns
    /// and of `row_unit` rows.
    pub(crate) fn place(&self, row_unit: u32) -> String {
        let Self { to, pitch, .. } = self;
        let mut lines = format!(
            "// Eight lanes store a row: eight columns each.
            .reg .pred %row_inside, %whole, %here, %again;
            .reg .b32 %gather, %row, %cols_left, %pitch, %staged, %count;
            .reg .b64 %y, %y_step;
            .reg .f32 %value<8>;
            .reg .b32 %pair<4>;
            {{
            .reg .b32 %chunk, %place;
            .reg .b64 %offset;
            shr.u32 %row, %lane, 3;
            mad.lo.u32 %gather, %row, {STAGED_PITCH}, %region;
            and.b32 %chunk, %lane, 7;
            mad.lo.u32 %gather, %chunk, 32, %gather;
            shr.u32 %place, %chunk, 2;
            mad.lo.u32 %gather, %place, 16, %gather;
            add.u32 %row, %row, %first_row;
            mad.lo.u32 %row, %warp_row, {row_unit}, %row;
            shl.b32 %chunk, %chunk, 3;
            mad.lo.u32 %chunk, %warp_col, {WARP_SIDE}, %chunk;
            add.u32 %chunk, %chunk, %first_col;
            sub.s32 %cols_left, %cols, %chunk;
            ld.param.u32 %pitch, [{pitch}];
            ld.param.u64 %y, [{to}];
            mul.wide.u32 %offset, %row, %pitch;
            shl.b64 %offset, %offset, 1;
            add.u64 %y, %y, %offset;
            mad.wide.u32 %y, %chunk, 2, %y;
            mul.wide.u32 %y_step, %pitch, {bytes};\n",
            bytes = 2 * ROWS_AT_ONCE
        );
        if self.finish == Finish::Layer {
            lines += ".reg .b64 %bias_at;
                .reg .pred %has_bias;
                ld.param.u64 %bias_at, [bias];
                setp.ne.u64 %has_bias, %bias_at, 0;
                mad.wide.u32 %bias_at, %chunk, 4, %bias_at;\n";
            for index in 0..8 {
                let from = address("%bias_at", 4 * index);
                lines += &format!(
                    "mov.f32 %bias{index}, 0f00000000;
                    setp.gt.and.s32 %here, %cols_left, {index}, %has_bias;
                    @%here ld.global.nc.f32 %bias{index}, {from};\n"
                );
            }
        }
        lines += "}";
        match self.finish {
            Finish::Plain => lines,
            Finish::Layer => {
                let choice = choose_activation();
                format!("{choice}\n.reg .f32 %bias<8>;\n{lines}")
            }
        }
    }

    /// Stores the next `rows` rows from `%row` on, which are staged in the warp's region.
    pub(crate) fn rows(&self, rows: u32, label: &str) -> String {
        let finish = self.finished(label);
        let pairs: Vec<String> = (0..4)
            .map(|pair| {
                let (low, high) = (2 * pair, 2 * pair + 1);
                let word = format!("%pair{pair}");
                narrow(
                    self.element,
                    &word,
                    &format!("%value{low}"),
                    &format!("%value{high}"),
                )
            })
            .collect();
        let pairs = pairs.join("\n");
        let turns = rows / ROWS_AT_ONCE;
        let next = ROWS_AT_ONCE * STAGED_PITCH;
        let mut lines = format!(
            "// Four rows at a time: bias, activation, rounding, 16 bytes to each lane.
            mov.b32 %staged, %gather;
            mov.b32 %count, 0;
            STORE{label}:
            ld.shared.v4.f32 {{%value0, %value1, %value2, %value3}}, [%staged];
            ld.shared.v4.f32 {{%value4, %value5, %value6, %value7}}, [%staged+16];
            {finish}
            {pairs}
            setp.lt.u32 %row_inside, %row, %rows;
            setp.ge.and.s32 %whole, %cols_left, 8, %row_inside;
            @%whole st.global.v4.b32 [%y], {{%pair0, %pair1, %pair2, %pair3}};
            @%whole bra STORED{label};
            {{
            .reg .b16 %low, %high;\n"
        );
        // The last chunk of a row, number by number.
        for pair in 0..4 {
            lines += &format!("mov.b32 {{%low, %high}}, %pair{pair};\n");
            for (half, name) in [(0, "low"), (1, "high")] {
                let index = 2 * pair + half;
                // Eight would be a whole chunk.
                if index < 7 {
                    let to = address("%y", 2 * index);
                    lines += &format!(
                        "setp.gt.and.s32 %here, %cols_left, {index}, %row_inside;
                        @%here st.global.b16 {to}, %{name};\n"
                    );
                }
            }
        }
        lines
            + &format!(
                "}}
                STORED{label}:
                add.u32 %staged, %staged, {next};
                add.u32 %row, %row, {ROWS_AT_ONCE};
                add.u64 %y, %y, %y_step;
                add.u32 %count, %count, 1;
                setp.lt.u32 %again, %count, {turns};
                @%again bra STORE{label};"
            )
    }

    /// Bias and activation of `%value0` to `%value7`.
    fn finished(&self, label: &str) -> String {
        if self.finish == Finish::Plain {
            return String::new();
        }
        let values: Vec<String> = (0..8).map(|index| format!("%value{index}")).collect();
        let bias: String = (0..8)
            .map(|index| format!("add.f32 %value{index}, %value{index}, %bias{index};\n"))
            .collect();
        bias + &activate(&values, label)
    }
}

/// Writes 32 rows of the warp's sums to its region.
fn scatter(pass: u32) -> String {
    let (first, last) = (pass * STAGED_ROWS, (pass + 1) * STAGED_ROWS - 1);
    let mut lines = format!("// Rows {first} to {last} of the warp to its region.\n");
    for m in 0..4 {
        for n in 0..STAGED_ROWS / 8 {
            for register in 0..4 {
                let row = 8 * n + register % 2;
                let offset = row * STAGED_PITCH + staged(16 * m + 8 * (register / 2));
                let to = address("%scatter", offset);
                let n = first / 8 + n;
                lines += &format!("st.shared.f32 {to}, %sum{m}{n}_{register};\n");
            }
        }
    }
    lines + "bar.warp.sync 0xFFFFFFFF;"
}
