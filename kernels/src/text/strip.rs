//! One operand's part of a stage: lines of 16-byte chunks, how they are copied to shared memory and
//! how the lanes of a warp take fragments out of it.
//!
//! Chunks of a line are exchanged so that the eight lines of a fragment meet all banks: chunk c of
//! line l lies at c xor (l mod 8), or at c xor (l div 2 mod 4) where a line has four chunks.
//!
//! | storage | a line | `mma` takes it |
//! |---|---|---|
//! | [`Storage::Packed`] | a row of W, the kept half of its columns | as it lies |
//! | [`Storage::Rows`] | a row of a matrix that is summed along its columns | as it lies |
//! | [`Storage::Columns`] | a summed row, across the columns of the result | transposed |

use super::address;

/// What a line is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Storage {
    Packed,
    Rows,
    Columns,
}

/// Which fragment a warp takes with one `ldmatrix.x4`, each for one step of a stage.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fragment {
    /// W: 16 columns of the result by 16 stored numbers.
    Left,
    /// X beside a sparse W: 8 rows of the result by 32 summed columns.
    RightSparse,
    /// X beside a dense W: 16 rows of the result by 16 summed columns.
    RightDense,
}

/// The part of one operand in each stage.
#[derive(Clone, Copy)]
pub(crate) struct Strip {
    /// Begins the names of its registers.
    pub(crate) name: &'static str,
    /// The parameter that holds the address of its matrix.
    pub(crate) from: &'static str,
    pub(crate) storage: Storage,
    pub(crate) fragment: Fragment,
    /// Lines and 16-byte chunks of a line in a stage.
    pub(crate) lines: u32,
    pub(crate) chunks: u32,
    /// Bytes from the beginning of a stage.
    pub(crate) at: u32,
    /// Threads that copy it.
    pub(crate) threads: u32,
}

impl Strip {
    /// `row` or `col`: along which side of the result it lies.
    const fn side(&self) -> &'static str {
        match self.fragment {
            Fragment::Left => "col",
            Fragment::RightSparse | Fragment::RightDense => "row",
        }
    }

    /// Lines from one copy of a thread to its next.
    const fn line_step(&self) -> u32 {
        self.threads / self.chunks
    }

    /// Copies of a thread for a stage.
    pub(crate) const fn copies(&self) -> u32 {
        self.lines / self.line_step()
    }

    /// Bytes of a line in shared memory.
    const fn line_bytes(&self) -> u32 {
        16 * self.chunks
    }

    /// Bytes in shared memory from one copy of a thread to its next.
    pub(crate) const fn place_step(&self) -> u32 {
        self.line_step() * self.line_bytes()
    }

    /// Puts 16 times the exchanged `%chunk` of `%line` into `%place`.
    fn exchange(&self) -> &'static str {
        if self.chunks == 4 {
            "bfe.u32 %place, %line, 1, 2;
            xor.b32 %place, %place, %chunk;
            shl.b32 %place, %place, 4;"
        } else {
            "and.b32 %place, %line, 7;
            xor.b32 %place, %place, %chunk;
            shl.b32 %place, %place, 4;"
        }
    }

    /// Where the thread copies from and to: `_from` and `_to`, and which of its lines exist.
    ///
    /// Needs `_pitch`, the elements from line to line in global memory.
    pub(crate) fn copier(&self) -> String {
        let &Self {
            name: n,
            from,
            chunks,
            at,
            ..
        } = self;
        let (step, bytes) = (self.line_step(), self.line_bytes());
        let (chunk_bits, last_chunk, exchange) = (chunks.ilog2(), chunks - 1, self.exchange());
        let existing = self.existing();
        format!(
            "// Thread t copies chunk t mod {chunks} of the lines t div {chunks} + {step}i of {from}.
            .reg .b32 %{n}_to, %{n}_into, %{n}_bytes, %{n}_lines, %{n}_mine;
            .reg .b64 %{n}_from;
            {{
            .reg .pred %exists;
            .reg .b32 %line, %chunk, %place, %left;
            .reg .b64 %offset;
            shr.u32 %line, %thread, {chunk_bits};
            and.b32 %chunk, %thread, {last_chunk};
            {exchange}
            mad.lo.u32 %{n}_to, %line, {bytes}, %place;
            add.u32 %{n}_to, %{n}_to, %stages;
            {at}
            shl.b32 %chunk, %chunk, 3;
            {existing}
            ld.param.u64 %{n}_from, [{from}];
            mul.wide.u32 %offset, %line, %{n}_pitch;
            shl.b64 %offset, %offset, 1;
            add.u64 %{n}_from, %{n}_from, %offset;
            mad.wide.u32 %{n}_from, %chunk, 2, %{n}_from;
            }}",
            at = offset(&format!("{n}_to"), at)
        )
    }

    /// From `%line` and the first element of `%chunk` in the tile to those in the matrix.
    ///
    /// Lines of a result that do not exist are copied from others that do, because nothing is
    /// stored of what they give: `_lines` is twice the most lines that the thread may go on from
    /// its first, and a thread none of whose lines exist copies the first of the tile. Where lines
    /// are summed they count, so `_lines` says how many of a stage exist from the thread's first.
    fn existing(&self) -> String {
        let (n, side, step) = (self.name, self.side(), self.line_step());
        if self.storage == Storage::Columns {
            return format!(
                "mov.b32 %{n}_mine, %line;
                add.u32 %chunk, %chunk, %first_{side};
                sub.s32 %{n}_bytes, %{side}s, %chunk;
                max.s32 %{n}_bytes, %{n}_bytes, 0;
                min.s32 %{n}_bytes, %{n}_bytes, 8;
                shl.b32 %{n}_bytes, %{n}_bytes, 1;"
            );
        }
        let (steps, twice) = (step.ilog2(), step.ilog2() + 1);
        let lines = format!(
            "sub.u32 %left, %{side}s, %first_{side};
            setp.lt.u32 %exists, %line, %left;
            selp.b32 %line, %line, 0, %exists;
            sub.u32 %{n}_lines, %left, %line;
            sub.u32 %{n}_lines, %{n}_lines, 1;
            shr.u32 %{n}_lines, %{n}_lines, {steps};
            shl.b32 %{n}_lines, %{n}_lines, {twice};
            add.u32 %line, %line, %first_{side};"
        );
        match self.storage {
            // Rows of W are padded, so their chunks exist.
            Storage::Packed => lines,
            _ => format!("mov.b32 %{n}_mine, %chunk;\n{lines}"),
        }
    }

    /// What there is of the stage that is copied next, and where it goes; `%ahead` summed columns
    /// are left of which none is copied yet.
    pub(crate) fn prepare(&self) -> String {
        let n = self.name;
        let rest = match self.storage {
            Storage::Packed => format!(
                "setp.gt.s32 %inside, %ahead, 0;
                selp.b32 %{n}_bytes, 16, 0, %inside;"
            ),
            Storage::Rows => format!(
                "sub.s32 %{n}_bytes, %ahead, %{n}_mine;
                max.s32 %{n}_bytes, %{n}_bytes, 0;
                min.s32 %{n}_bytes, %{n}_bytes, 8;
                shl.b32 %{n}_bytes, %{n}_bytes, 1;"
            ),
            Storage::Columns => format!("sub.s32 %{n}_lines, %ahead, %{n}_mine;"),
        };
        format!("add.u32 %{n}_into, %{n}_to, %write;\n{rest}")
    }

    /// Copy `index` of the stage: 16 bytes, those that do not exist as zeros.
    pub(crate) fn copy(&self, index: u32) -> String {
        let n = self.name;
        let line = index * self.line_step();
        let twice = 2 * line;
        let into = address(&format!("%{n}_into"), index * self.place_step());
        let copy = "cp.async.cg.shared.global.L2::128B";
        match self.storage {
            Storage::Columns => format!(
                "setp.gt.s32 %inside, %{n}_lines, {line};
                selp.b32 %bytes, %{n}_bytes, 0, %inside;
                mad.wide.u32 %source, %{n}_pitch, {twice}, %{n}_from;
                {copy} {into}, [%source], 16, %bytes;"
            ),
            Storage::Packed | Storage::Rows if index == 0 => {
                format!("{copy} {into}, [%{n}_from], 16, %{n}_bytes;")
            }
            Storage::Packed | Storage::Rows => format!(
                "min.u32 %line, %{n}_lines, {twice};
                mad.wide.u32 %source, %{n}_pitch, %line, %{n}_from;
                {copy} {into}, [%source], 16, %{n}_bytes;"
            ),
        }
    }

    /// Goes on to the next stage in global memory.
    pub(crate) fn advance(&self) -> String {
        let n = self.name;
        match self.storage {
            Storage::Packed | Storage::Rows => {
                let bytes = self.line_bytes();
                format!("add.u64 %{n}_from, %{n}_from, {bytes};")
            }
            Storage::Columns => {
                let bytes = 2 * self.lines;
                format!("mad.wide.u32 %{n}_from, %{n}_pitch, {bytes}, %{n}_from;")
            }
        }
    }

    /// The row of a fragment that the lane names to `ldmatrix`, as the place `_read` in the first
    /// stage.
    pub(crate) fn reader(&self) -> String {
        let n = self.name;
        // Lanes 8i to 8i + 7 name the rows of matrix i; which bit of i goes along the lines and
        // which along the chunks is a matter of the order in which `mma` takes the matrices.
        let crosswise = self.storage == Storage::Columns;
        let (line_bit, chunk_bit, chunk_width) = match self.fragment {
            Fragment::Left if !crosswise => (Some(3), 4, 1),
            Fragment::Left => (Some(4), 3, 1),
            Fragment::RightSparse => (None, 3, 2),
            Fragment::RightDense if !crosswise => (Some(4), 3, 1),
            Fragment::RightDense => (Some(3), 4, 1),
        };
        let upper = line_bit.map_or_else(String::new, |bit| {
            format!(
                "bfe.u32 %place, %lane, {bit}, 1;
                mad.lo.u32 %line, %place, 8, %line;"
            )
        });
        let (side, bytes, exchange) = (self.side(), self.line_bytes(), self.exchange());
        let warp = if crosswise { 128 } else { 64 * bytes };
        format!(
            "// The row of its fragments of {from} that this lane names.
            .reg .b32 %{n}_read, %{n}_stage, %{n}_at<4>;
            {{
            .reg .b32 %line, %chunk, %place;
            and.b32 %line, %lane, 7;
            {upper}
            bfe.u32 %chunk, %lane, {chunk_bit}, {chunk_width};
            {exchange}
            mad.lo.u32 %{n}_read, %line, {bytes}, %place;
            mad.lo.u32 %{n}_read, %warp_{side}, {warp}, %{n}_read;
            add.u32 %{n}_read, %{n}_read, %stages;
            {at}
            }}",
            from = self.from,
            at = offset(&format!("{n}_read"), self.at)
        )
    }

    /// The addresses `_at` for a step of the stage that begins at `_stage`.
    pub(crate) fn addresses(&self, step: u32) -> String {
        let n = self.name;
        match self.storage {
            Storage::Columns => (0..4)
                .map(|index| format!("xor.b32 %{n}_at{index}, %{n}_stage, {};\n", 32 * index))
                .collect(),
            Storage::Packed | Storage::Rows => {
                // A step is two chunks further on, or four beside a sparse W; stages begin at
                // multiples of 128, so the exchange is that of the low bits of the address.
                let exchanged = match self.fragment {
                    Fragment::RightSparse => 64 * step,
                    Fragment::Left | Fragment::RightDense => 32 * step,
                };
                match exchanged {
                    0 => format!("mov.b32 %{n}_at0, %{n}_stage;"),
                    _ => format!("xor.b32 %{n}_at0, %{n}_stage, {exchanged};"),
                }
            }
        }
    }

    /// Takes fragment `index` of the warp for a step, at the addresses of that step.
    pub(crate) fn load(&self, to: &str, index: u32, step: u32) -> String {
        let n = self.name;
        let (trans, number, offset) = match (self.storage, self.fragment) {
            (Storage::Columns, _) => (".trans", index, 16 * step * self.line_bytes()),
            (_, Fragment::RightSparse) => ("", 0, 8 * index * self.line_bytes()),
            (_, _) => ("", 0, 16 * index * self.line_bytes()),
        };
        let from = address(&format!("%{n}_at{number}"), offset);
        format!("ldmatrix.sync.aligned.m8n8.x4{trans}.shared.b16 {to}, {from};")
    }
}

/// Adds a constant to a register, if it is one.
fn offset(register: &str, bytes: u32) -> String {
    match bytes {
        0 => String::new(),
        _ => format!("add.u32 %{register}, %{register}, {bytes};"),
    }
}
