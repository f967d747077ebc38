//! How a product is cut for blocks of threads, and what a block takes.
//!
//! The result has rows and columns: the tokens and the outs of a layer. W belongs to its columns, X
//! to its rows. Both lie in shared memory in stages of a few summed columns each.

/// Rows and columns of the result that a warp computes.
pub(crate) const WARP_SIDE: u32 = 64;

/// Bytes of a row of 64 singles in shared memory on their way to the result; see `store`.
pub(crate) const STAGED_PITCH: u32 = 272;

/// Rows that a warp stages at once.
pub(crate) const STAGED_ROWS: u32 = 32;

/// Shared memory of a block on the smallest devices from sm_80 on.
const LEAST_SHARED: u32 = 99 * 1024;

/// Columns of the result that a group of tiles spans: as many bytes of W as a cache likes.
const GROUP_COLS: u32 = 2048;

/// What a block computes and what it takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    /// Rows of the result.
    pub(crate) rows: u32,
    /// Columns of the result.
    pub(crate) cols: u32,
    pub(crate) threads: u32,
    /// Bytes of dynamic shared memory.
    pub(crate) shared_bytes: u32,
}

impl Block {
    /// How many compute a result.
    pub(crate) fn count(self, rows: u32, cols: u32) -> u64 {
        u64::from(rows.div_ceil(self.rows)) * u64::from(cols.div_ceil(self.cols))
    }
}

/// The tile of a block whose warps compute 64 × 64 each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tile {
    /// Rows of the result.
    pub(crate) rows: u32,
    /// Columns of the result.
    pub(crate) cols: u32,
    /// Columns that a stage sums over.
    pub(crate) inner: u32,
    /// Bytes of W that a stage holds for each column of the result.
    pub(crate) w_bytes: u32,
    /// Bytes of X that a stage holds for each row of the result.
    pub(crate) x_bytes: u32,
    pub(crate) stages: u32,
}

impl Tile {
    /// Checks that the parts fit each other; evaluated while this crate is compiled.
    pub(crate) const fn checked(self) -> Self {
        assert!(self.rows.is_multiple_of(WARP_SIDE) && self.cols.is_multiple_of(WARP_SIDE));
        assert!(self.cols.is_power_of_two() && self.rows.is_power_of_two());
        assert!(GROUP_COLS.is_multiple_of(self.cols));
        assert!(self.threads() <= 1024 && self.stages >= 1);
        assert!(self.stage_bytes().is_multiple_of(128));
        assert!(self.shared_bytes() <= LEAST_SHARED);
        self
    }

    /// Warps along the columns of the result.
    pub(crate) const fn warps_across(self) -> u32 {
        self.cols / WARP_SIDE
    }

    /// Warps of a block.
    pub(crate) const fn warps(self) -> u32 {
        self.warps_across() * (self.rows / WARP_SIDE)
    }

    pub(crate) const fn threads(self) -> u32 {
        32 * self.warps()
    }

    /// Bytes of the part of W in a stage; that of X follows it.
    pub(crate) const fn w_part(self) -> u32 {
        self.cols * self.w_bytes
    }

    pub(crate) const fn stage_bytes(self) -> u32 {
        self.w_part() + self.rows * self.x_bytes
    }

    /// Tiles along the columns whose rows are gone through together.
    pub(crate) const fn group(self) -> u32 {
        GROUP_COLS / self.cols
    }

    /// Bytes of dynamic shared memory: the stages, or in their place the sums to be stored.
    pub(crate) const fn shared_bytes(self) -> u32 {
        let stages = self.stages * self.stage_bytes();
        let sums = self.warps() * STAGED_ROWS * STAGED_PITCH;
        if stages > sums { stages } else { sums }
    }

    pub(crate) const fn block(self) -> Block {
        Block {
            rows: self.rows,
            cols: self.cols,
            threads: self.threads(),
            shared_bytes: self.shared_bytes(),
        }
    }
}
