//! The forward cost of layers and networks, exact, from counts of active weights.
//!
//! One multiply–add is **two** FLOPs. A weight multiplies once per position and sample: once in a
//! perceptron, once per token of a text or per output pixel of a convolution.

/// One layer and how many of its weights are active.
///
/// # Examples
/// ```
/// use rewire_ift::LayerCost;
///
/// let layer = LayerCost::linear(784, 300, 23_520);
/// assert_eq!(layer.forward(100), 4_704_000);
/// assert_eq!(layer.dense().forward(100), 47_040_000);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LayerCost {
    /// Weights of its matrix; 0 without one.
    pub weights: u64,
    /// Active weights, at most all.
    pub n_active: u64,
    /// How often each weight multiplies per sample: once in a perceptron, once per token of a text
    /// or per output pixel of a convolution.
    pub positions: u64,
    /// Multiply–adds per sample of products without weights: the scores of attention.
    pub weightless: u64,
    /// Whether it reads the data themselves, which need no gradient.
    pub reads_data: bool,
}

impl LayerCost {
    /// A linear layer of a perceptron, not its first.
    ///
    /// # Panics
    /// If `inputs · outputs` does not fit in 64 bits.
    pub fn linear(inputs: u64, outputs: u64, n_active: u64) -> Self {
        let weights = inputs.checked_mul(outputs).unwrap_or_else(|| {
            panic!("a layer of {outputs} by {inputs} weights cannot be counted in 64 bits")
        });
        Self {
            weights,
            n_active,
            positions: 1,
            ..Self::default()
        }
    }

    /// FLOPs of the forward product of `batch` samples: 2 · (n_active · positions + weightless) ·
    /// batch.
    ///
    /// # Panics
    /// If 128 bits cannot count them.
    pub fn forward(&self, batch: u64) -> u128 {
        let products = u128::from(self.n_active) * u128::from(self.positions);
        products
            .checked_add(u128::from(self.weightless))
            .and_then(|multiply_adds| multiply_adds.checked_mul(2 * u128::from(batch)))
            .unwrap_or_else(|| panic!("the FLOPs of {batch} samples cannot be counted in 128 bits"))
    }

    /// The same layer with every weight active.
    pub fn dense(&self) -> Self {
        Self {
            n_active: self.weights,
            ..*self
        }
    }
}

/// A layer of a network, by name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NamedCost {
    /// The name of the layer or of its weight.
    pub name: String,
    /// Its weights and active weights.
    pub cost: LayerCost,
}

/// All layers of a network: dense layers are layers whose weights are all active.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkCost {
    /// The layers in any order; the order does not change a cost.
    pub layers: Vec<NamedCost>,
}

impl NetworkCost {
    /// A network of these named layers.
    pub fn new<N: Into<String>>(layers: impl IntoIterator<Item = (N, LayerCost)>) -> Self {
        let layers = layers
            .into_iter()
            .map(|(name, cost)| NamedCost {
                name: name.into(),
                cost,
            })
            .collect();
        Self { layers }
    }

    /// f_S: FLOPs of the forward pass of one sample through the active weights.
    pub fn f_sparse(&self) -> u128 {
        self.layers.iter().map(|layer| layer.cost.forward(1)).sum()
    }

    /// f_C: FLOPs per sample of the gradients at `per_active` positions for every active weight, in
    /// each layer at most at all its positions; products without weights as in a forward pass.
    pub fn f_sampled(&self, per_active: u64) -> u128 {
        let sampled = |layer: &NamedCost| {
            let asked = per_active.saturating_mul(layer.cost.n_active);
            let n_active = asked.min(layer.cost.weights);
            LayerCost {
                n_active,
                ..layer.cost
            }
            .forward(1)
        };
        self.layers.iter().map(sampled).sum()
    }

    /// FLOPs per sample of the input gradients that nobody needs: those of the layers that read the
    /// data.
    pub fn f_unneeded(&self) -> u128 {
        self.reading().map(|cost| cost.forward(1)).sum()
    }

    /// [`NetworkCost::f_unneeded`] if every weight were active.
    pub fn f_unneeded_dense(&self) -> u128 {
        self.reading().map(|cost| cost.dense().forward(1)).sum()
    }

    /// FLOPs of the forward pass of one sample through the layers whose weights are all active.
    pub fn f_full(&self) -> u128 {
        let costs = self.layers.iter().map(|layer| layer.cost);
        let full = costs.filter(|cost| cost.weights > 0 && cost.n_active == cost.weights);
        full.map(|cost| cost.forward(1)).sum()
    }

    fn reading(&self) -> impl Iterator<Item = &LayerCost> {
        let costs = self.layers.iter().map(|layer| &layer.cost);
        costs.filter(|cost| cost.reads_data)
    }

    /// f_D: FLOPs of the forward pass of one sample if every weight were active.
    pub fn f_dense(&self) -> u128 {
        self.layers
            .iter()
            .map(|layer| layer.cost.dense().forward(1))
            .sum()
    }
}

/// Bits that describe a sparse network of `weights` weights of 32 bits, of which `n_active` are
/// active: 32 for each active weight and one per position, which says whether it is.
///
/// That is (32 d + 1) · N for density d and N weights.
///
/// # Source
/// Mostafa & Wang 2019, appendix on descriptive length.
///
/// # Examples
/// ```
/// use rewire_ift::descriptive_bits;
///
/// // LeNet-300-100 at one tenth: (3.2 + 1) · 266 200.
/// assert_eq!(descriptive_bits(266_200, 26_620), 1_118_040);
/// ```
pub fn descriptive_bits(weights: u64, n_active: u64) -> u128 {
    32 * u128::from(n_active) + u128::from(weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_beyond_64_bits_stay_exact() {
        let layer = LayerCost::linear(300_000, 300_000, 0);
        // 2 · 9·10^10 · 2^32 = 18·10^10 · 4 294 967 296.
        assert_eq!(
            layer.dense().forward(1 << 32),
            773_094_113_280_000_000_000u128
        );
        assert_eq!(layer.forward(1 << 32), 0);
    }

    #[test]
    #[should_panic(expected = "4294967296 by 4294967296 weights")]
    fn a_layer_no_counter_can_hold_is_refused() {
        let side = 1 << 32;
        LayerCost::linear(side, side, 1);
    }
}
