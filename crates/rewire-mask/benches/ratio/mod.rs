//! Times beside a pure read of the same memory, on one thread and on two.
//!
//! In each round every row runs once, beside the read that it is compared with, so that a change of
//! the machine's speed meets both; medians of the rounds are printed. A *pure read* is
//! [`streamed_sum`], the fastest sum of the crate, on the same threads.

use std::hint::black_box;
use std::time::Instant;

use rayon::{ThreadPool, ThreadPoolBuilder};
use rewire_mask::streamed_sum;

/// Rounds of the table.
const ROUNDS: usize = 21;

/// A row of the table: what runs, and the values whose read it is compared with.
pub(crate) struct Row<'a> {
    pub(crate) name: &'static str,
    pub(crate) read: &'a [f32],
    pub(crate) run: Box<dyn Fn() + Sync + 'a>,
}

/// Prints milliseconds and multiples of a pure read, for one thread and for two.
pub(crate) fn print(rows: &[Row<'_>]) {
    let measured = [1, 2].map(|threads| measure(rows, &pool(threads)));
    println!(
        "{:34} {:>9} {:>7} {:>9} {:>7} {:>7}",
        "", "1 thread", "× read", "2 threads", "× read", "gain"
    );
    for (index, row) in rows.iter().enumerate() {
        let [one, two] = [measured[0][index], measured[1][index]];
        println!(
            "{:34} {:>6.2} ms {:>7.2} {:>6.2} ms {:>7.2} {:>7.2}",
            row.name,
            one.ms,
            one.ratio,
            two.ms,
            two.ratio,
            one.ms / two.ms
        );
    }
}

#[derive(Clone, Copy)]
struct Measured {
    ms: f64,
    /// Multiple of the read beside it.
    ratio: f64,
}

fn measure(rows: &[Row<'_>], pool: &ThreadPool) -> Vec<Measured> {
    let mut times = vec![(Vec::new(), Vec::new()); rows.len()];
    for _ in 0..ROUNDS {
        for (row, (own, ratios)) in rows.iter().zip(&mut times) {
            let read = pool.install(|| milliseconds(|| _ = black_box(streamed_sum(row.read))));
            let ms = pool.install(|| milliseconds(&row.run));
            own.push(ms);
            ratios.push(ms / read);
        }
    }
    let measured = times.into_iter().map(|(own, ratios)| Measured {
        ms: median(own),
        ratio: median(ratios),
    });
    measured.collect()
}

fn milliseconds(act: impl FnOnce()) -> f64 {
    let start = Instant::now();
    act();
    start.elapsed().as_secs_f64() * 1e3
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

pub(crate) fn pool(threads: usize) -> ThreadPool {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build();
    pool.expect("a pool of a few threads")
}

/// Standard normal values, by the method of Box and Muller.
pub(crate) fn normal(n: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut uniform = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ((state >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    };
    let mut value = || {
        let radius = (-2.0 * uniform().ln()).sqrt();
        (radius * (std::f64::consts::TAU * uniform()).cos()) as f32
    };
    (0..n).map(|_| value()).collect()
}
