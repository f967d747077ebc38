//! The fastest sum of this crate: what reading memory costs, and so the yardstick of the benches.
//!
//! One core reads faster from four places at once than from one, because each stretch has its own
//! hardware prefetcher at work. A block is therefore cut into four quarters that are summed side
//! by side, sixteen lanes each; every path adds the same lanes in the same order.

use rayon::prelude::*;

use super::Isa;

/// Values of a block: the unit that threads share out and within which f32 lanes accumulate.
const BLOCK: usize = 1 << 18;

/// Values that one quarter contributes per step.
const LANES: usize = 16;

/// Sixteen running sums of each quarter of a block.
type Lanes = [[f32; LANES]; 4];

/// The sum of the values, as fast as this crate can read them: the *pure read* against which the
/// benches state what selection and masks cost.
///
/// It is a yardstick, not a summation method: 64 partial sums per 2¹⁸ values are kept in f32, the
/// blocks are added in f64.
///
/// # Determinism and ties
/// The order of additions is fixed: the same bits at any number of threads and on any processor.
///
/// # Cost
/// One read of the values, on the threads of the current rayon pool.
///
/// # Examples
/// ```
/// assert_eq!(rewire_mask::streamed_sum(&[1.5; 1000]), 1500.0);
/// ```
pub fn streamed_sum(values: &[f32]) -> f32 {
    let isa = Isa::best();
    let sums: Vec<f64> = match values.len() > BLOCK {
        true => values
            .par_chunks(BLOCK)
            .map(|block| isa.sum(block))
            .collect(),
        false => vec![isa.sum(values)],
    };
    sums.iter().sum::<f64>() as f32
}

impl Isa {
    /// The sum of one block.
    fn sum(self, block: &[f32]) -> f64 {
        let (quarters, rest) = quarters(block);
        let lanes = self.vectorize(
            #[inline(always)]
            || lane_sums(quarters),
        );
        let all = lanes.iter().flatten().chain(rest);
        all.map(|&value| f64::from(value)).sum()
    }
}

/// Four stretches of equal length, a multiple of [`LANES`], and what is left.
fn quarters(block: &[f32]) -> ([&[f32]; 4], &[f32]) {
    let len = block.len() / (4 * LANES) * LANES;
    let (first, rest) = block.split_at(len);
    let (second, rest) = rest.split_at(len);
    let (third, rest) = rest.split_at(len);
    let (fourth, rest) = rest.split_at(len);
    ([first, second, third, fourth], rest)
}

/// The four stretches advance together, step by step.
#[inline(always)]
fn lane_sums(quarters: [&[f32]; 4]) -> Lanes {
    let [a, b, c, d] = quarters.map(|quarter| quarter.as_chunks::<LANES>().0);
    let mut sums = [[0.0; LANES]; 4];
    for (((a, b), c), d) in a.iter().zip(b).zip(c).zip(d) {
        for lane in 0..LANES {
            sums[0][lane] += a[lane];
            sums[1][lane] += b[lane];
            sums[2][lane] += c[lane];
            sums[3][lane] += d[lane];
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values whose sum depends on the order of additions.
    fn uneven(len: usize) -> Vec<f32> {
        let value = |i: usize| ((i * 2_654_435_761) % 1_000_003) as f32 / 7.0 - 70_000.0;
        (0..len).map(value).collect()
    }

    #[test]
    fn every_path_adds_in_the_same_order() {
        let lens = [0, 1, 15, 16, 63, 64, 65, 127, 128, 1000, 4096 + 33];
        for len in lens.into_iter().take(if cfg!(miri) { 9 } else { 11 }) {
            let values = uneven(len);
            let expected = Isa::Portable.sum(&values).to_bits();
            for isa in Isa::all() {
                assert_eq!(
                    isa.sum(&values).to_bits(),
                    expected,
                    "{isa:?}, {len} values"
                );
            }
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "blocks of a stream take hours under Miri")]
    fn the_number_of_threads_does_not_show() {
        let values = uneven(3 * BLOCK + 77);
        let sum_on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let pool = pool.build().expect("a pool of a few threads");
            pool.install(|| streamed_sum(&values)).to_bits()
        };
        assert_eq!(sum_on(2), sum_on(1));
        assert_eq!(sum_on(4), sum_on(1));
        // Whole numbers below 2²⁴ add exactly in any order.
        assert_eq!(
            streamed_sum(&vec![3.0; BLOCK + 5]),
            (3 * (BLOCK + 5)) as f32
        );
    }
}
