//! Mask algebra for sparse training: densities, masks, topologies, rewirings, budgets and coverage.
//!
//! Sparse training keeps a fixed number of weights of each layer and moves them about. This crate
//! is the part of it that is about *positions*: how many weights a layer gets ([`Density`],
//! [`allocate`]), where they stand ([`Mask`], [`Topology`]), how a set of positions changes and
//! what happens to the arrays that hang on it ([`Rewiring`], [`GatherList`]), which scores win
//! ([`top_k`], [`TopK`]) and how much has been tried ([`Coverage`]).
//!
//! It refuses to know about training: no gradients are computed here, no schedules kept, no files
//! read. Randomness comes only from a generator that the caller passes.
//!
//! Weights are `out × in`; a position is the flat row-major number `row · in + col`, in 64 bits.
//!
//! # Examples
//! From a density to a rewired layer:
//! ```
//! use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
//! use rewire_mask::{
//!     Allocation, Coverage, Density, LayerDims, MatrixShape, Rewiring, Topology, allocate, lowest,
//! };
//!
//! // One weight in ten, shared between two layers by the Erdős–Rényi rule.
//! let layers = [
//!     LayerDims { name: "fc1", dims: &[32, 64] },
//!     LayerDims { name: "fc2", dims: &[10, 32] },
//! ];
//! let counts = allocate(&layers, Density::from_sparsity(0.9)?, Allocation::Er)?;
//! assert_eq!(counts.iter().sum::<u64>(), 237); // 236.8 of 2368
//!
//! // Place the weights of the first layer at random.
//! let mut rng = ChaCha8Rng::seed_from_u64(1);
//! let shape = MatrixShape::from_dims(layers[0].dims);
//! let before = Topology::random(shape, counts[0], &mut rng)?;
//! let values: Vec<f32> = (0..before.n_active()).map(|i| i as f32 - 80.5).collect();
//!
//! // Drop the 20 smallest magnitudes and grow as many elsewhere.
//! let magnitudes: Vec<f32> = values.iter().map(|value| value.abs()).collect();
//! let dropped = lowest(&magnitudes, 20)?;
//! let dropped = dropped.into_iter().map(|index| before.position(index)).collect();
//! let grown = before.sample_inactive(20, &[], &mut rng)?;
//! let rewiring = Rewiring::new(dropped, grown)?;
//!
//! // One gather list carries every per-weight array over: survivors to the bit, 0 where grown.
//! let (after, gather) = before.apply(&rewiring)?;
//! let values = gather.gather(&values, 0.0);
//! assert_eq!(values.len(), after.n_active());
//! assert_eq!(values.iter().filter(|&&value| value == 0.0).count(), 20);
//!
//! // More positions have been tried than are active.
//! let mut coverage = Coverage::start(&before);
//! coverage.record(&after, &rewiring)?;
//! assert_eq!(coverage.explored(), counts[0] + 20);
//! assert!(coverage.rate() > after.density());
//! # Ok::<(), rewire_mask::MaskError>(())
//! ```

mod algebra;
mod allocation;
mod bits;
mod coverage;
mod density;
mod error;
mod gather;
mod growth;
mod mask;
mod nested;
mod packed;
mod pattern;
mod positions;
mod rewiring;
mod sampling;
mod select;
mod shape;
#[allow(
    unsafe_code,
    reason = "vector instructions, fenced by proofs that they exist"
)]
mod simd;
mod topology;
mod weights;

pub use allocation::{Allocation, LayerDims, allocate};
pub use coverage::{Coverage, PositionSet};
pub use density::Density;
pub use error::MaskError;
pub use gather::GatherList;
pub use growth::{Candidate, Candidates, GrowthRequest, LayerRequest, Nm};
pub use mask::Mask;
pub use nested::{Extent, NestedSets};
pub use packed::{BitmaskValues, BlockSparse, Csr, Element, FormFault, LaneMetadata, Packed24};
#[cfg(feature = "safetensors")]
pub use packed::{Compressed, Stored, from_safetensors, to_safetensors};
pub use pattern::{
    Block, BlockNorm, EdgeReport, Edges, Groups, KeptMagnitude, Lines, Part, Pattern,
    greedy_transposable,
};
pub use rewiring::Rewiring;
pub use select::{
    OrderedTopK, TopK, global_top_k, global_top_magnitudes, kth_magnitude, lowest,
    lowest_magnitudes, top_bits, top_k, top_magnitudes,
};
pub use shape::{MatrixShape, weight_matrix};
#[cfg(target_arch = "x86_64")]
pub use simd::{Avx2, Avx512};
pub use simd::{Isa, streamed_sum};
pub use topology::Topology;
pub use weights::WeightView;

/// Runs the README's example as a documentation test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
