//! Layers of several matrices: the members of Sparse-IFT that replace one (Thangarasa et al., §2.4).
//!
//! ```text
//! plain       θz + b
//! parallel    Σⱼ σ(θⱼz + bⱼ)
//! factorized  V·σ(Uz + b) + c
//! doped       V·(Uz) + σ(θz + b)
//! ```
//!
//! Weights start so that the layer hands on values of the size that a plain layer would. With He's
//! N(0, 2/fan_in) a plain layer doubles the mean square and its ReLU halves it again. A factor without
//! σ behind it must not double; parts of a sum share what one matrix would give; and a sum of k
//! rectified branches, which are all positive, has k·(1 + (k − 1)/π) times the mean square of one (our choice: the paper does not say how it starts).
//!
//! σ is the normalisation and the activation of the network, or the identity. The layer's own
//! normalisation and activation follow, as they follow a plain layer.

/// E[max(l + max(y, 0), 0)²] of independent normal l of variance 1 and y of variance 2: what a ReLU
/// makes of a low rank part and a rectified part of equal mean square.
///
/// Where y < 0 it is half of E[max(l, 0)²] = 1/2. Where y > 0 it is 3·E[t²; t > 0, y > 0] of a
/// standard normal t whose correlation with y is ρ = √(2/3): 3/(2π)·(π/2 + arcsin ρ + ρ√(1 − ρ²)).
const DOPED: f64 = 1.681_209;

/// What stands in the place of one weight matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    /// The matrix.
    Plain,
    /// A sum of branches of the matrix's size.
    Parallel {
        /// How many, at least 1.
        branches: usize,
    },
    /// Two factors.
    Factorized {
        /// Features between them, at least 1.
        inner: usize,
    },
    /// The matrix, and two factors beside it.
    Doped {
        /// Features between the factors; 0 for none.
        rank: usize,
    },
}

/// What stands in the place of each weight matrix of a network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// One per layer, first to last; empty if all are plain.
    pub layers: Vec<Member>,
    /// Whether σ is the identity. A layer can then be folded into one matrix.
    pub linear: bool,
}

impl Members {
    /// What stands in the place of layer `index`.
    pub fn of(&self, index: usize) -> Member {
        self.layers.get(index).copied().unwrap_or(Member::Plain)
    }
}

/// One weight matrix of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct MatrixSpec {
    /// Its name, without that of the parameter: `fc1` for `fc1.weight`.
    pub name: String,
    /// Out × in.
    pub dims: [usize; 2],
    /// Whether a bias of the same name is added.
    pub has_bias: bool,
    /// Whether σ of a member follows it.
    pub bends: bool,
    /// What the deviation of its first weights is multiplied by.
    pub gain: f64,
    /// Whether it multiplies what its layer reads, rather than what another matrix of it made.
    pub reads_input: bool,
}

impl Member {
    /// The matrices of a layer called `layer`, in the order of the forward pass.
    pub(super) fn matrices(
        self,
        layer: &str,
        [outputs, inputs]: [usize; 2],
        linear: bool,
    ) -> Vec<MatrixSpec> {
        let matrix = |suffix: &str, dims: [usize; 2], has_bias, bends, gain| MatrixSpec {
            name: format!("{layer}{suffix}"),
            dims,
            has_bias: has_bias || bends,
            bends,
            gain,
            reads_input: !matches!(suffix, ".v" | ".low_v"),
        };
        let sigma = !linear;
        // Half the mean square: of a matrix that nothing rectifies, or one of two parts.
        let half = std::f64::consts::FRAC_1_SQRT_2;
        match self {
            Self::Plain => vec![matrix("", [outputs, inputs], true, false, 1.0)],
            Self::Parallel { branches } => {
                let k = branches as f64;
                let squares = match linear {
                    true => k,
                    false => k * (1.0 + (k - 1.0) * std::f64::consts::FRAC_1_PI),
                };
                // Without σ one bias does what one per branch would.
                let branch = |index: usize| {
                    let suffix = format!(".{}", index + 1);
                    let gain = squares.sqrt().recip();
                    matrix(&suffix, [outputs, inputs], index == 0, sigma, gain)
                };
                (0..branches).map(branch).collect()
            }
            Self::Factorized { inner } => {
                let gain = if linear { half } else { 1.0 };
                vec![
                    matrix(".u", [inner, inputs], false, sigma, gain),
                    matrix(".v", [outputs, inner], true, false, 1.0),
                ]
            }
            Self::Doped { rank: 0 } => {
                vec![matrix("", [outputs, inputs], true, sigma, 1.0)]
            }
            Self::Doped { rank } => {
                let (sparse, low) = match linear {
                    true => (half, half),
                    false => (DOPED.sqrt().recip(), half / DOPED.sqrt()),
                };
                vec![
                    matrix("", [outputs, inputs], true, sigma, sparse),
                    matrix(".low_u", [rank, inputs], false, false, half),
                    matrix(".low_v", [outputs, rank], false, false, low),
                ]
            }
        }
    }
}
