//! Y = X·Wᵀ for a packed 2:4 W, with bias and activation.
//!
//! `W` is `out × inner`, `X` is `tokens × inner`, `Y` is `tokens × out`. Also the input gradient:
//! `dX = dY·W = dY·(Wᵀ)ᵀ` with the packed transpose of a transposable mask in the place of W.
//!
//! Only the entries that W keeps are multiplied: NaN and ∞ in X reach those tokens and outs alone
//! whose weight is kept, be it 0. ReLU keeps NaN.

mod head;
mod mma;
mod pairs;
mod pipelined;
mod scalar;
mod shared;

use crate::text::tile::{Block, Tile};
use crate::{Argument, Call, DenseSize, Element, Kernel, Need, PackedSize, Program, SizeError};

/// Columns of a stage and the bytes that a row of W, half of it kept, and of X have there.
const fn tile(rows: u32, cols: u32, stages: u32) -> Tile {
    Tile {
        rows,
        cols,
        inner: 64,
        w_bytes: 64,
        x_bytes: 128,
        stages,
    }
    .checked()
}

const MMA: Tile = tile(128, 128, 1);

/// Two blocks fit on a multiprocessor of 164 KiB.
const PIPELINED: Tile = tile(128, 128, 3);

const WIDE: Tile = tile(128, 256, 3);

/// Blocks of 256 outs below which a GPU of 132 multiprocessors is not filled twice.
const MANY_WIDE: u64 = 2 * 132;

/// The ladder of versions; each adds one idea to the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    /// One thread per output, everything from global memory.
    Scalar,
    /// Blocks of W and X in shared memory.
    Shared,
    /// The sparse matrix unit multiplies.
    Mma,
    /// Asynchronous copies of the next columns while it multiplies; blocks of 128 × 128.
    Pipelined,
    /// The same in blocks of 256 × 128.
    Wide,
}

/// What is done with a sum, after the bias is added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Activation {
    /// Nothing.
    #[default]
    Identity,
    /// max(x, 0).
    Relu,
    /// x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))).
    Gelu,
}

/// A product to launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spmm24 {
    /// Of which numbers.
    pub element: Element,
    /// W, `out × inner`.
    pub weights: PackedSize,
    /// X, `tokens × inner`.
    pub x: DenseSize,
    /// Y, `tokens × out`.
    pub y: DenseSize,
    /// Whether a bias of `out` single-precision numbers is added.
    pub has_bias: bool,
    /// What is done with each sum.
    pub activation: Activation,
}

impl Version {
    /// All of them, each with one idea more than the one before.
    pub const ALL: [Self; 5] = [
        Self::Scalar,
        Self::Shared,
        Self::Mma,
        Self::Pipelined,
        Self::Wide,
    ];

    /// The name of the entry.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scalar => "spmm24_scalar",
            Self::Shared => "spmm24_shared",
            Self::Mma => "spmm24_mma",
            Self::Pipelined => "spmm24",
            Self::Wide => "spmm24_wide",
        }
    }

    /// What a block of this version computes and takes.
    pub(crate) const fn block(self) -> Block {
        match self {
            Self::Scalar => scalar::BLOCK,
            Self::Shared => shared::BLOCK,
            Self::Mma => MMA.block(),
            Self::Pipelined => PIPELINED.block(),
            Self::Wide => WIDE.block(),
        }
    }
}

impl Spmm24 {
    /// The version that is meant for these sizes, a function of outs and tokens alone.
    ///
    /// [`Version::Wide`] if there are at least 264 of its blocks of 256 × 128, so that 132
    /// multiprocessors have two each, and if they compute at most an eighth more beyond the last
    /// out than blocks of 128 × 128 do; otherwise [`Version::Pipelined`].
    pub fn version(&self) -> Version {
        let blocks = |tile: Tile| tile.block().count(self.x.rows(), self.weights.rows());
        let (narrow, wide) = (blocks(PIPELINED), blocks(WIDE));
        if wide >= MANY_WIDE && 8 * (2 * wide - narrow) <= narrow {
            Version::Wide
        } else {
            Version::Pipelined
        }
    }

    /// The call of [`Spmm24::version`].
    ///
    /// # Errors
    /// As [`Spmm24::call_of`].
    pub fn call(&self) -> Result<Call, SizeError> {
        self.call_of(self.version())
    }

    /// The call of one version.
    ///
    /// # Errors
    /// [`SizeError::Mismatch`] for matrices that do not fit each other, [`SizeError::Grid`] for
    /// more blocks than there can be.
    pub fn call_of(&self, version: Version) -> Result<Call, SizeError> {
        let kernel = version.name();
        let Self { weights, x, y, .. } = *self;
        let equal = |what, left, right| SizeError::unless_equal(kernel, what, left, right);
        equal("columns of w and of x", weights.cols(), x.cols())?;
        equal("rows of x and of y", x.rows(), y.rows())?;
        equal("rows of w and columns of y", weights.rows(), y.cols())?;
        let block = version.block();
        let blocks = block.count(x.rows(), weights.rows());
        let bias_bytes = 4 * u64::from(weights.rows());
        let arguments = vec![
            Need::read("values", weights.value_bytes(), weights.value_bytes()),
            Need::read(
                "metadata",
                weights.metadata_bytes(),
                weights.metadata_bytes(),
            ),
            Need::read("x", x.bytes(), x.element_bytes()),
            if self.has_bias {
                Need::read("bias", bias_bytes, bias_bytes)
            } else {
                Argument::Absent
            },
            Need::write("y", y.bytes(), y.element_bytes()),
            Argument::U32(weights.rows()),
            Argument::U32(x.rows()),
            Argument::U32(weights.cols()),
            Argument::U32(x.pitch()),
            Argument::U32(y.pitch()),
            Argument::U32(self.activation as u32),
        ];
        let flops = Call::flops_of([weights.rows(), x.rows(), x.cols()]);
        let program = Program {
            kernel: Kernel::Spmm24(version),
            element: self.element,
        };
        Call::new(
            program.code(),
            blocks,
            block.threads,
            block.shared_bytes,
            arguments,
            flops,
        )
    }
}

pub(crate) const fn text(version: Version, element: Element) -> &'static str {
    match (version, element) {
        (Version::Scalar, Element::Bf16) => include_str!("../ptx/spmm24_scalar_bf16.ptx"),
        (Version::Scalar, Element::F16) => include_str!("../ptx/spmm24_scalar_f16.ptx"),
        (Version::Shared, Element::Bf16) => include_str!("../ptx/spmm24_shared_bf16.ptx"),
        (Version::Shared, Element::F16) => include_str!("../ptx/spmm24_shared_f16.ptx"),
        (Version::Mma, Element::Bf16) => include_str!("../ptx/spmm24_mma_bf16.ptx"),
        (Version::Mma, Element::F16) => include_str!("../ptx/spmm24_mma_f16.ptx"),
        (Version::Pipelined, Element::Bf16) => include_str!("../ptx/spmm24_bf16.ptx"),
        (Version::Pipelined, Element::F16) => include_str!("../ptx/spmm24_f16.ptx"),
        (Version::Wide, Element::Bf16) => include_str!("../ptx/spmm24_wide_bf16.ptx"),
        (Version::Wide, Element::F16) => include_str!("../ptx/spmm24_wide_f16.ptx"),
    }
}

pub(crate) fn print(version: Version, element: Element) -> String {
    match version {
        Version::Scalar => scalar::print(element),
        Version::Shared => shared::print(element),
        Version::Mma => mma::print(element, MMA),
        Version::Pipelined => pipelined::print(version, element, PIPELINED, 2),
        Version::Wide => pipelined::print(version, element, WIDE, 1),
    }
}
