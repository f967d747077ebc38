//! Random streams without hidden state: every draw is a function of what it is for.
//!
//! A stream is ChaCha8 whose key is (seed, purpose, name, sample) and whose stream number is the
//! step. Asking for the same stream twice gives the same numbers, whichever thread asks, in
//! whatever order, before or after a resume. Nothing here has to be stored in a checkpoint except
//! the seed.
//!
//! This crate refuses to offer a global generator, a generator seeded from time or from the
//! operating system, and a generator that is passed around and advanced by several callers.
#![forbid(unsafe_code)]

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What random numbers are used for; streams of two purposes are independent.
///
/// The number of a variant is part of the key: reordering or renumbering changes every result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Purpose {
    /// Initial values of a parameter.
    Init = 1,
    /// Initial positions of a sparse parameter.
    Topology = 2,
    /// Order of the training samples of an epoch.
    Shuffle = 3,
    /// Which activations dropout silences.
    Dropout = 4,
    /// Positions that a rewiring grows.
    Rewire = 5,
    /// Which training samples are held out.
    HoldOut = 6,
    /// Positions whose gradients a rewiring compares.
    Candidates = 7,
}

/// All random streams of a run.
///
/// # Examples
/// ```
/// use rand::RngCore;
/// use rewire_rng::{Purpose, Streams};
///
/// let streams = Streams::new(7);
/// let mut a = streams.stream(Purpose::Rewire, "fc1.weight", 100);
/// let mut b = streams.stream(Purpose::Rewire, "fc1.weight", 100);
/// assert_eq!(a.next_u64(), b.next_u64());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streams {
    seed: u64,
}

impl Streams {
    /// The streams of the run with this seed.
    pub const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The seed all streams derive from.
    pub const fn seed(self) -> u64 {
        self.seed
    }

    /// The stream for `purpose`, the parameter or layer `name` and the optimizer step or epoch
    /// `step`.
    ///
    /// Cost: one ChaCha key set-up (about 100 ns); the first draw computes a block of 64 words.
    pub fn stream(self, purpose: Purpose, name: &str, step: u64) -> Stream {
        self.sample_stream(purpose, name, step, 0)
    }

    /// As [`Streams::stream`], for one training sample: the same sample gets the same numbers in
    /// whatever batch, thread or rank it is computed.
    ///
    /// `sample` 0 is the stream of [`Streams::stream`] for the same purpose.
    pub fn sample_stream(self, purpose: Purpose, name: &str, step: u64, sample: u64) -> Stream {
        let mut key = [0u8; 32];
        key[0..8].copy_from_slice(&self.seed.to_le_bytes());
        key[8..24].copy_from_slice(&hash_128(purpose as u32, name).to_le_bytes());
        key[24..32].copy_from_slice(&sample.to_le_bytes());
        let mut generator = ChaCha8Rng::from_seed(key);
        generator.set_stream(step);
        Stream { generator }
    }
}

/// One random stream; implements [`RngCore`], so every distribution of `rand` works on it.
#[derive(Clone, Debug)]
pub struct Stream {
    generator: ChaCha8Rng,
}

impl RngCore for Stream {
    fn next_u32(&mut self) -> u32 {
        self.generator.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.generator.next_u64()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.generator.fill_bytes(bytes);
    }
}

/// A random permutation of `0..n`, by Fisher–Yates from the last place down.
///
/// Every permutation is equally likely up to the quality of the stream: indices are drawn without
/// modulo bias.
///
/// # Panics
/// If `n` does not fit in 32 bits.
pub fn permutation(n: usize, stream: &mut Stream) -> Vec<u32> {
    let mut order = Vec::new();
    permute(n, stream, &mut order);
    order
}

/// As [`permutation`], in the memory of an older one: allocates only beyond its capacity.
///
/// # Panics
/// As [`permutation`].
pub fn permute(n: usize, stream: &mut Stream, order: &mut Vec<u32>) {
    assert!(
        u32::try_from(n).is_ok(),
        "a permutation of {n} items does not fit in 32-bit indices"
    );
    order.clear();
    order.extend(0..n as u32);
    for last in (1..n).rev() {
        let other = below(last as u64 + 1, stream) as usize;
        order.swap(last, other);
    }
}

/// A uniform integer in `0..bound`, without bias (Lemire's multiplication with rejection).
///
/// # Panics
/// If `bound` is 0.
pub fn below(bound: u64, stream: &mut Stream) -> u64 {
    assert!(bound > 0, "no integer lies below 0");
    let threshold = bound.wrapping_neg() % bound;
    loop {
        let product = u128::from(stream.next_u64()) * u128::from(bound);
        if (product as u64) >= threshold {
            return (product >> 64) as u64;
        }
    }
}

/// FNV-1a over the purpose and the bytes of the name, 128 bits wide.
fn hash_128(purpose: u32, name: &str) -> u128 {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    purpose
        .to_le_bytes()
        .iter()
        .chain(name.as_bytes())
        .fold(OFFSET, |hash, &byte| {
            (hash ^ u128::from(byte)).wrapping_mul(PRIME)
        })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_stream_is_a_function_of_its_key() {
        let draw = |seed, purpose, name, step, sample| {
            Streams::new(seed)
                .sample_stream(purpose, name, step, sample)
                .next_u64()
        };
        let base = draw(1, Purpose::Init, "fc1.weight", 3, 5);
        assert_eq!(base, draw(1, Purpose::Init, "fc1.weight", 3, 5));
        let others = [
            draw(2, Purpose::Init, "fc1.weight", 3, 5),
            draw(1, Purpose::Topology, "fc1.weight", 3, 5),
            draw(1, Purpose::Init, "fc2.weight", 3, 5),
            draw(1, Purpose::Init, "fc1.weight", 4, 5),
            draw(1, Purpose::Init, "fc1.weight", 3, 6),
        ];
        let distinct: HashSet<u64> = others.iter().copied().chain([base]).collect();
        assert_eq!(distinct.len(), others.len() + 1);
    }

    /// The first words of one stream, written down: a change of key layout is a change of every
    /// published number and must not pass unnoticed.
    #[test]
    fn the_key_layout_is_frozen() {
        let mut stream = Streams::new(0).stream(Purpose::Init, "w", 0);
        let words = [stream.next_u32(), stream.next_u32(), stream.next_u32()];
        assert_eq!(words, FROZEN);
    }

    const FROZEN: [u32; 3] = [620_825_094, 1_920_053_091, 2_048_090_768];

    #[test]
    fn a_permutation_holds_every_index_once() {
        for n in [0, 1, 2, 63, 64, 1000] {
            let mut stream = Streams::new(9).stream(Purpose::Shuffle, "train", n as u64);
            let mut order = permutation(n, &mut stream);
            let mut stream = Streams::new(9).stream(Purpose::Shuffle, "train", n as u64);
            let mut again = vec![7; 100];
            permute(n, &mut stream, &mut again);
            assert_eq!(order, again);
            order.sort_unstable();
            assert_eq!(order, (0..n as u32).collect::<Vec<_>>());
        }
    }

    #[test]
    fn draws_below_a_bound_are_uniform() {
        let mut stream = Streams::new(3).stream(Purpose::Shuffle, "uniform", 0);
        let (draws, bound) = (70_000u64, 7u64);
        let mut counts = [0u64; 7];
        for _ in 0..draws {
            counts[below(bound, &mut stream) as usize] += 1;
        }
        // Binomial(70 000, 1/7): standard deviation 92.6; five of them.
        for count in counts {
            assert!((count as f64 - 10_000.0).abs() < 463.0, "{counts:?}");
        }
    }
}
