//! Which texts there are.

use crate::{Code, Element, expand24, gemm, mask_gradient24, prune24, spmm24};

/// A kernel; each exists for either [`Element`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kernel {
    /// Y = X·Wᵀ for a 2:4 W.
    Spmm24(spmm24::Version),
    /// C = A·Bᵀ, dense: the product to compare with.
    GemmNt,
    /// C = Aᵀ·B, dense: the weight gradient.
    GemmTn,
    /// The two of every four columns with the largest magnitudes, packed.
    Prune24,
    /// The best of the 90 transposable patterns of every 4 × 4 tile, packed both ways.
    Prune24Transposable,
    /// A packed matrix made dense.
    Expand24,
    /// The entries of a dense gradient that a packed matrix keeps.
    MaskGradient24,
}

/// A kernel for one type of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Program {
    /// What it computes.
    pub kernel: Kernel,
    /// Of which numbers.
    pub element: Element,
}

impl Kernel {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Spmm24(spmm24::Version::Scalar),
        Self::Spmm24(spmm24::Version::Shared),
        Self::Spmm24(spmm24::Version::Mma),
        Self::Spmm24(spmm24::Version::Pipelined),
        Self::Spmm24(spmm24::Version::Wide),
        Self::GemmNt,
        Self::GemmTn,
        Self::Prune24,
        Self::Prune24Transposable,
        Self::Expand24,
        Self::MaskGradient24,
    ];

    /// The name of the entry and of the files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spmm24(version) => version.name(),
            Self::GemmNt => "gemm_nt",
            Self::GemmTn => "gemm_tn",
            Self::Prune24 => "prune24",
            Self::Prune24Transposable => "prune24_transposable",
            Self::Expand24 => "expand24",
            Self::MaskGradient24 => "mask_gradient24",
        }
    }
}

impl Program {
    /// Every kernel for every type.
    pub fn all() -> impl Iterator<Item = Self> {
        Kernel::ALL.into_iter().flat_map(|kernel| {
            Element::ALL
                .into_iter()
                .map(move |element| Self { kernel, element })
        })
    }

    /// The name of the entry.
    pub const fn entry(self) -> &'static str {
        self.kernel.name()
    }

    /// The name of the file under `ptx/`.
    pub fn file(self) -> String {
        format!("{}_{}.ptx", self.kernel.name(), self.element.name())
    }

    /// What is compiled and launched.
    pub const fn code(self) -> Code {
        Code {
            name: self.kernel.name(),
            element: Some(self.element),
            entry: self.entry(),
            text: self.text(),
        }
    }

    /// The text: what a driver gets.
    pub const fn text(self) -> &'static str {
        match self.kernel {
            Kernel::Spmm24(version) => spmm24::text(version, self.element),
            Kernel::GemmNt => gemm::text_nt(self.element),
            Kernel::GemmTn => gemm::text_tn(self.element),
            Kernel::Prune24 => prune24::text(self.element),
            Kernel::Prune24Transposable => prune24::text_transposable(self.element),
            Kernel::Expand24 => expand24::text(self.element),
            Kernel::MaskGradient24 => mask_gradient24::text(self.element),
        }
    }

    /// The text printed anew. It is equal to [`Program::text`], or the file is out of date.
    pub fn print(self) -> String {
        match self.kernel {
            Kernel::Spmm24(version) => spmm24::print(version, self.element),
            Kernel::GemmNt => gemm::print_nt(self.element),
            Kernel::GemmTn => gemm::print_tn(self.element),
            Kernel::Prune24 => prune24::print(self.element),
            Kernel::Prune24Transposable => prune24::print_transposable(self.element),
            Kernel::Expand24 => expand24::print(self.element),
            Kernel::MaskGradient24 => mask_gradient24::print(self.element),
        }
    }
}
