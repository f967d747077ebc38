//! What a layer computes, and how its weights, vectors and multiply–adds are counted.
//!
//! Sizes are widths of the network ([`Features`]), so that a wider network is the same list of
//! layers with other widths.
//!
//! | op | weights | multiply–adds per sample |
//! |---|---|---|
//! | linear | out · in | one per weight and position |
//! | convolution | out · in/groups · kernel | one per weight and output pixel, padding included |
//! | attention | – (relative positions: entries · head) | 2 · features · queries · keys, and features · queries · entries |
//! | embedding | entries · out, looked up | none |
//! | normalisation | –, a scale and a shift per feature | none; 5 operations per value |
//! | pooling | – | none; one operation per value of a window |
//!
//! Attention counts every pair of query and key, whatever a causal mask hides. Biases and activation
//! functions are not counted, as in the papers.

use crate::error::PlanError;
use crate::window::Window;

/// A width of a network, by its place in the list of widths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WidthId(pub(crate) usize);

/// Features side by side: a sum of multiples of widths.
///
/// One width is most often all there is; a concatenation has several, queries, keys and values are
/// three times one, a map laid flat is its channels times its pixels.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Features(pub(crate) Vec<(WidthId, u64)>);

impl Features {
    /// `times` copies of a width.
    pub fn times(width: WidthId, times: u64) -> Self {
        Self(vec![(width, times)])
    }

    /// `times` copies of all of these features, such as the pixels of a map laid flat.
    #[must_use]
    pub fn each(&self, times: u64) -> Self {
        let copies = |&(width, count): &(WidthId, u64)| (width, count.saturating_mul(times));
        Self(self.0.iter().map(copies).collect())
    }

    /// Several features side by side.
    pub fn concatenated(parts: impl IntoIterator<Item = Self>) -> Self {
        Self(parts.into_iter().flat_map(|part| part.0).collect())
    }
}

impl From<WidthId> for Features {
    fn from(width: WidthId) -> Self {
        Self::times(width, 1)
    }
}

/// How the channels of a convolution are divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Groups {
    /// Into so many groups of equal size; one for an ordinary convolution.
    Count(u64),
    /// Every channel by itself: as many groups as there are input features.
    Depthwise,
}

/// What a layer computes. Sizes are per sample.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// y = W·x at each of `positions` positions, such as the tokens of a text.
    Linear {
        /// D_in.
        inputs: Features,
        /// D_out.
        outputs: Features,
        /// How often the layer is applied to a sample.
        positions: u64,
        /// Whether it adds one value per output.
        bias: bool,
    },
    /// A convolution.
    Conv2d {
        /// Channels that come in.
        inputs: Features,
        /// Channels that go out.
        outputs: Features,
        /// The kernel and the map.
        window: Window,
        /// How channels are divided.
        groups: Groups,
        /// Whether it adds one value per output.
        bias: bool,
    },
    /// Scores Q·Kᵀ and their product with V; the projections are linear layers of their own.
    Attention {
        /// Width of all heads together.
        features: Features,
        /// Heads, which divide the features.
        heads: u64,
        /// Positions that ask.
        queries: u64,
        /// Positions that are asked.
        keys: u64,
        /// Entries of a table of relative positions that every query is multiplied with; 0 for none.
        relative: u64,
    },
    /// A table of vectors, one looked up per position.
    Embedding {
        /// Vectors in the table.
        entries: u64,
        /// Length of a vector.
        outputs: Features,
    },
    /// A scale and a shift per feature, after bringing values to unit scale.
    Norm {
        /// Features of a position.
        features: Features,
        /// Positions.
        positions: u64,
    },
    /// One value for each window of a map.
    Pool {
        /// Channels.
        features: Features,
        /// The window and the map.
        window: Window,
    },
}

/// Where in a network a layer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// It reads the data themselves, which need no gradient.
    Stem,
    /// Neither of the others.
    Body,
    /// Its outputs are the logits.
    Head,
    /// It reads the data and makes the logits.
    Only,
}

impl Place {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stem => "stem",
            Self::Body => "body",
            Self::Head => "head",
            Self::Only => "only",
        }
    }
}

/// The numbers of one layer of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerCount {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// Out × in, and the kernel of a convolution; empty without a weight matrix.
    pub dims: Vec<u64>,
    /// Weights of the matrix, the product of `dims`; 0 without one.
    pub weights: u64,
    /// How often each weight multiplies per sample.
    pub positions: u64,
    /// Trained values that are never sparse: biases, scales, shifts, tables.
    pub vectors: u64,
    /// Multiply–adds per sample of products without weights.
    pub weightless: u64,
    /// Operations per sample that are no products: normalisation, pooling.
    pub pointwise: u64,
}

impl LayerCount {
    /// Multiply–adds of a forward pass of one sample, every weight active.
    pub fn multiply_adds(&self) -> u128 {
        u128::from(self.weights) * u128::from(self.positions) + u128::from(self.weightless)
    }

    /// Inputs and outputs of the matrix, taps of a kernel among the inputs: D_in and D_out of the
    /// papers.
    pub fn sides(&self) -> Option<[u64; 2]> {
        let (&outputs, inputs) = self.dims.split_first()?;
        Some([inputs.iter().product(), outputs])
    }
}

/// A product that has to stay below 2^64.
pub(crate) fn product(what: &str, factors: &[u64]) -> Result<u64, PlanError> {
    factors
        .iter()
        .try_fold(1u64, |product, &factor| product.checked_mul(factor))
        .ok_or_else(|| PlanError::TooLarge { what: what.into() })
}

impl Op {
    /// The features it reads and the features it makes, for ops with a weight matrix.
    pub fn matrix_features(&self) -> Option<(&Features, &Features)> {
        match self {
            Self::Linear {
                inputs, outputs, ..
            }
            | Self::Conv2d {
                inputs, outputs, ..
            } => Some((inputs, outputs)),
            Self::Attention { .. }
            | Self::Embedding { .. }
            | Self::Norm { .. }
            | Self::Pool { .. } => None,
        }
    }

    /// Counts a layer of this op, `size` being the number of features.
    pub(crate) fn count(
        &self,
        name: &str,
        place: Place,
        size: impl Fn(&Features) -> Result<u64, PlanError>,
    ) -> Result<LayerCount, PlanError> {
        let mut count = LayerCount {
            name: name.to_owned(),
            place,
            dims: Vec::new(),
            weights: 0,
            positions: 0,
            vectors: 0,
            weightless: 0,
            pointwise: 0,
        };
        match self {
            Self::Linear {
                inputs,
                outputs,
                positions,
                bias,
            } => {
                count.dims = vec![size(outputs)?, size(inputs)?];
                count.positions = *positions;
                count.vectors = if *bias { count.dims[0] } else { 0 };
            }
            Self::Conv2d {
                inputs,
                outputs,
                window,
                groups,
                bias,
            } => {
                let (inputs, outputs) = (size(inputs)?, size(outputs)?);
                let groups = match groups {
                    Groups::Count(groups) => *groups,
                    Groups::Depthwise => inputs,
                };
                for features in [inputs, outputs] {
                    divisible(name, features, groups)?;
                }
                let [height, width] = window.kernel;
                count.dims = vec![outputs, inputs / groups, height, width];
                count.positions = product(name, &window.output()?)?;
                count.vectors = if *bias { outputs } else { 0 };
            }
            Self::Attention {
                features,
                heads,
                queries,
                keys,
                relative,
            } => {
                let features = size(features)?;
                divisible(name, features, *heads)?;
                count.vectors = product(name, &[*relative, features / heads])?;
                let pairs = product(name, &[2, features, *queries, *keys])?;
                let relative = product(name, &[features, *queries, *relative])?;
                count.weightless = sum(name, pairs, relative)?;
            }
            Self::Embedding { entries, outputs } => {
                count.vectors = product(name, &[*entries, size(outputs)?])?;
            }
            Self::Norm {
                features,
                positions,
            } => {
                let features = size(features)?;
                count.vectors = product(name, &[2, features])?;
                count.pointwise = product(name, &[5, features, *positions])?;
            }
            Self::Pool { features, window } => {
                let taps = window.taps().ok_or_else(|| PlanError::TooLarge {
                    what: name.to_owned(),
                })?;
                let [height, width] = window.output()?;
                count.pointwise = product(name, &[size(features)?, taps, height, width])?;
            }
        }
        if !count.dims.is_empty() {
            count.weights = product(name, &count.dims)?;
        }
        if count.dims.contains(&0) || (count.weights > 0 && count.positions == 0) {
            return Err(PlanError::Empty {
                what: format!("a size of {name}"),
            });
        }
        Ok(count)
    }
}

fn sum(what: &str, a: u64, b: u64) -> Result<u64, PlanError> {
    a.checked_add(b)
        .ok_or_else(|| PlanError::TooLarge { what: what.into() })
}

fn divisible(layer: &str, features: u64, parts: u64) -> Result<(), PlanError> {
    if parts == 0 || !features.is_multiple_of(parts) {
        return Err(PlanError::Indivisible {
            layer: layer.to_owned(),
            features,
            parts,
        });
    }
    Ok(())
}
