//! Y = X·Wᵀ for a packed 2:4 W, with bias and activation.
//!
//! `W` is `out × inner`, `X` is `tokens × inner`, `Y` is `tokens × out`. Also the input gradient:
//! `dX = dY·W = dY·(Wᵀ)ᵀ` with the packed transpose of a transposable mask in the place of W.

use crate::{Argument, Call, DenseSize, Element, Kernel, Need, PackedSize, Program, SizeError};

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
}

impl Spmm24 {
    /// The call of the version that is meant for these sizes.
    ///
    /// # Errors
    /// As [`Spmm24::call_of`].
    pub fn call(&self) -> Result<Call, SizeError> {
        self.call_of(Version::Pipelined)
    }

    /// The call of one version.
    ///
    /// # Errors
    /// [`SizeError::Mismatch`] for matrices that do not fit each other, [`SizeError::Grid`] for
    /// more blocks than there can be.
    pub fn call_of(&self, version: Version) -> Result<Call, SizeError> {
        let kernel = version.name();
        let Self { weights, x, y, .. } = *self;
        let equal = |what, left, right| {
            let found = (left, right);
            let mismatch = SizeError::Mismatch {
                kernel,
                what,
                found,
            };
            if left == right { Ok(()) } else { Err(mismatch) }
        };
        equal("columns of w and of x", weights.cols(), x.cols())?;
        equal("rows of x and of y", x.rows(), y.rows())?;
        equal("rows of w and columns of y", weights.rows(), y.cols())?;
        let (out_side, token_side, threads, shared_bytes) = (128u32, 128u32, 128, 0); // of the version
        let blocks =
            u64::from(weights.rows().div_ceil(out_side)) * u64::from(x.rows().div_ceil(token_side));
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
        let flops = 2 * u64::from(weights.rows()) * u64::from(x.rows()) * u64::from(x.cols());
        let program = Program {
            kernel: Kernel::Spmm24(version),
            element: self.element,
        };
        Call::new(
            program.code(),
            blocks,
            threads,
            shared_bytes,
            arguments,
            flops,
        )
    }
}

pub(crate) const fn text(_version: Version, _element: Element) -> &'static str {
    ""
}

pub(crate) fn print(_version: Version, _element: Element) -> String {
    String::new()
}
