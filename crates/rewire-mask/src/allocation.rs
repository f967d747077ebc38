//! How a network's budget of weights is shared among its layers.
//!
//! The budget is K = count(d, Σ n). Layer l has n_l = Π dims weights and a claim c_l, and gets
//! ε · c_l of them, with one ε for all layers:
//!
//! | rule | density ∝ | claim c_l = density · n_l |
//! |---|---|---|
//! | uniform | 1 | n_l |
//! | Erdős–Rényi | (in + out) / (in · out) | (in + out) · kernel size |
//! | Erdős–Rényi–kernel | Σ dims / Π dims | Σ dims |
//!
//! All claims are whole numbers, so shares are exact fractions and nothing here rounds before the
//! end. A layer whose share exceeds n_l becomes dense and ε is solved again for the others: cutting
//! the share off instead would miss the budget. The fractions are rounded by largest remainder,
//! equal remainders to the lower layer, so that the counts sum to K exactly.

use std::fmt;
use std::str::FromStr;

use crate::{Density, MaskError};

/// The rule by which layers share a budget.
///
/// # Source
/// Erdős–Rényi: Mocanu et al. 2018, *Scalable training of artificial neural networks with adaptive
/// sparse connectivity inspired by network science*, equation 1. With kernel: Evci et al. 2020,
/// *Rigging the Lottery: Making All Tickets Winners*, section 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Allocation {
    /// Every layer has the same density.
    Uniform,
    /// Density ∝ (in + out) / (in · out), kernel size left aside.
    Er,
    /// Density ∝ Σ dims / Π dims, kernel dimensions included.
    Erk,
}

impl fmt::Display for Allocation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Uniform => "uniform",
            Self::Er => "er",
            Self::Erk => "erk",
        })
    }
}

impl FromStr for Allocation {
    type Err = MaskError;

    fn from_str(word: &str) -> Result<Self, MaskError> {
        match word {
            "uniform" => Ok(Self::Uniform),
            "er" => Ok(Self::Er),
            "erk" => Ok(Self::Erk),
            _ => Err(MaskError::UnknownAllocation {
                word: word.to_owned(),
            }),
        }
    }
}

/// A sparsifiable weight tensor, by name and dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerDims<'a> {
    /// Name for error messages.
    pub name: &'a str,
    /// Outputs, inputs, then kernel dimensions if any.
    pub dims: &'a [usize],
}

/// Number of active weights of each layer; together exactly `density.count(Σ n)`.
///
/// # Ties
/// Shares are rounded by largest remainder; equal remainders go to the lower layer first.
///
/// # Cost
/// O(layers²) at worst.
///
/// # Errors
/// [`MaskError::EmptyLayer`] for the first layer whose share is no weight at all,
/// [`MaskError::TooManyWeights`] if Σ n does not fit in 64 bits.
///
/// # Examples
/// ```
/// use rewire_mask::{Allocation, Density, LayerDims, allocate};
///
/// let layers = [
///     LayerDims { name: "fc1", dims: &[300, 784] },
///     LayerDims { name: "fc2", dims: &[100, 300] },
///     LayerDims { name: "fc3", dims: &[10, 100] },
/// ];
/// let counts = allocate(&layers, Density::from_sparsity(0.9)?, Allocation::Erk)?;
/// // 26 620 of 266 200 weights; fc3 is dense, the others share the rest as 1084 : 400.
/// assert_eq!(counts, [18_714, 6_906, 1000]);
/// # Ok::<(), rewire_mask::MaskError>(())
/// ```
pub fn allocate(
    layers: &[LayerDims<'_>],
    density: Density,
    rule: Allocation,
) -> Result<Vec<u64>, MaskError> {
    let mut total = 0u64;
    let mut claimants = Vec::with_capacity(layers.len());
    for layer in layers {
        let claimant = Claimant::of(layer, rule)?;
        total = total
            .checked_add(claimant.n)
            .ok_or_else(|| too_many(layer))?;
        claimants.push(claimant);
    }
    let shares = shared(&claimants, density.count(total));
    match shares.iter().position(|&share| share == 0) {
        None => Ok(shares),
        Some(empty) => Err(MaskError::EmptyLayer {
            sparsity: density.sparsity(),
            layer: layers[empty].name.to_owned(),
            n: claimants[empty].n,
        }),
    }
}

/// A layer as the division sees it.
struct Claimant {
    /// Weights when dense: the most it can get.
    n: u64,
    /// Its share is proportional to this.
    claim: u64,
}

impl Claimant {
    fn of(layer: &LayerDims<'_>, rule: Allocation) -> Result<Self, MaskError> {
        let n = product(layer, layer.dims)?;
        let (ends, kernel) = layer.dims.split_at(layer.dims.len().min(2));
        // A vector is a matrix of one column, a scalar one of one row as well.
        let absent = 2 - ends.len() as u64;
        let claim = match rule {
            Allocation::Uniform => n,
            Allocation::Er => sum(layer, absent, ends)?
                .checked_mul(product(layer, kernel)?)
                .ok_or_else(|| too_many(layer))?,
            Allocation::Erk => sum(layer, absent, layer.dims)?,
        };
        Ok(Self { n, claim })
    }
}

/// Divides `budget ≤ Σ n` in proportion to the claims, nobody getting more than its `n`.
fn shared(claimants: &[Claimant], budget: u64) -> Vec<u64> {
    let mut shares = vec![0; claimants.len()];
    let mut open: Vec<usize> = (0..claimants.len()).collect();
    let mut left = u128::from(budget);
    // Serving a claimant in full raises ε for the rest, so it can only add to those served in
    // full; each round serves at least one or is the last.
    let claimed = loop {
        let claimed: u128 = open.iter().map(|&i| u128::from(claimants[i].claim)).sum();
        let (full, partial): (Vec<usize>, Vec<usize>) = open.iter().partition(|&&i| {
            left * u128::from(claimants[i].claim) >= claimed * u128::from(claimants[i].n)
        });
        if full.is_empty() {
            break claimed;
        }
        for i in full {
            shares[i] = claimants[i].n;
            left -= u128::from(claimants[i].n);
        }
        open = partial;
    };
    let mut rest = left;
    for &i in &open {
        let share = left * u128::from(claimants[i].claim) / claimed;
        shares[i] = share as u64;
        rest -= share;
    }
    let remainder = |i: usize| left * u128::from(claimants[i].claim) % claimed;
    open.sort_by_key(|&i| (std::cmp::Reverse(remainder(i)), i));
    for &i in open.iter().take(rest as usize) {
        shares[i] += 1;
    }
    shares
}

fn product(layer: &LayerDims<'_>, dims: &[usize]) -> Result<u64, MaskError> {
    dims.iter()
        .try_fold(1u64, |product, &dim| product.checked_mul(dim as u64))
        .ok_or_else(|| too_many(layer))
}

fn sum(layer: &LayerDims<'_>, start: u64, dims: &[usize]) -> Result<u64, MaskError> {
    dims.iter()
        .try_fold(start, |sum, &dim| sum.checked_add(dim as u64))
        .ok_or_else(|| too_many(layer))
}

fn too_many(layer: &LayerDims<'_>) -> MaskError {
    MaskError::TooManyWeights {
        layer: layer.name.to_owned(),
    }
}
