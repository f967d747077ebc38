//! Selection and rewiring against a pure read of the same memory.
//!
//! Every answer is checked against a partition or a sort before anything is timed. First comes a
//! table of ratios: in each round every row runs once, beside the read that it is compared with,
//! so that a change of the machine's speed meets both; medians of the rounds are printed. Then
//! criterion times the same functions on one thread.
//!
//! A *pure read* is [`streamed_sum`], the fastest sum of this crate, on the same threads.

#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]

mod ratio;

use std::hint::black_box;

use criterion::Criterion;
use ratio::{Row, normal, pool};
use rewire_mask::{
    Candidate, Mask, MatrixShape, Rewiring, Topology, global_top_magnitudes, kth_magnitude, lowest,
    lowest_magnitudes, streamed_sum, top_k, top_magnitudes,
};

fn main() {
    let scores = Scores::new();
    let update = Update::new();
    scores.check();
    update.check();
    ratio::print(&rows(&scores, &update));
    let mut criterion = Criterion::default().configure_from_args();
    time(&mut criterion, &scores, &update);
    criterion.final_summary();
}

/// 25 million values of which a tenth is to be kept.
struct Scores {
    values: Vec<f32>,
    k: usize,
}

impl Scores {
    fn new() -> Self {
        let values = normal(25_000_000, 1);
        let k = values.len() / 10;
        Self { values, k }
    }

    /// One tensor cut into four of different sizes.
    fn tensors(&self) -> [&[f32]; 4] {
        let (first, rest) = self.values.split_at(999_999);
        let (second, rest) = rest.split_at(17);
        let (third, fourth) = rest.split_at(12_000_000);
        [first, second, third, fourth]
    }

    fn check(&self) {
        let mut magnitudes: Vec<f32> = self.values.iter().map(|value| value.abs()).collect();
        let n = magnitudes.len();
        for k in [1, self.k, n / 2, n - 1, n] {
            let (_, expected, _) = magnitudes.select_nth_unstable_by(k - 1, |a, b| b.total_cmp(a));
            let expected = *expected;
            assert_eq!(kth_magnitude(&self.values, k), Ok(expected), "k = {k}");
            let words = top_magnitudes(&self.values, k).expect("finite values");
            let mask = Mask::from_words(MatrixShape::new(1, n), words).expect("padding is 0");
            assert_eq!(mask.n_active(), k as u64);
            let is_kept = |p: u64| self.values[p as usize].abs() >= expected;
            assert!(mask.positions().all(is_kept), "k = {k}");
        }
        let words = global_top_magnitudes(&self.tensors(), self.k).expect("finite values");
        let kept: u32 = words.iter().flatten().map(|word| word.count_ones()).sum();
        assert_eq!(kept as usize, self.k);
    }
}

/// A rewiring by gradient of a 4096 × 4096 layer that keeps a tenth of its weights.
struct Update {
    topology: Topology,
    weights: Vec<f32>,
    /// As many as weights are dropped, by ascending position.
    candidates: Vec<Candidate>,
    /// As many values as the layer would have if it were dense.
    dense: Vec<f32>,
}

impl Update {
    fn new() -> Self {
        let shape = MatrixShape::new(4096, 4096);
        let n = shape.len() as usize;
        let words = top_magnitudes(&normal(n, 2), n / 10).expect("finite values");
        let mask = Mask::from_words(shape, words).expect("padding is 0");
        let topology = Topology::from_mask(&mask);
        let weights = normal(topology.n_active(), 3);
        let dense = normal(n, 4);
        let k = topology.n_active() * 3 / 10;
        // Eligible are the inactive positions and those that are dropped.
        let dropped = Self::dropped(&topology, &weights, k);
        let drops = Rewiring::new(dropped, Vec::new()).expect("different positions");
        let (survivors, _) = topology.apply(&drops).expect("active positions");
        let mut gradient = dense.clone();
        for position in survivors.positions() {
            gradient[position as usize] = 0.0;
        }
        let best = top_k(&gradient.iter().map(|g| g.abs()).collect::<Vec<_>>(), k);
        let candidate = |position: usize| Candidate {
            position: position as u64,
            magnitude: gradient[position].abs(),
        };
        let best = best.expect("finite values").into_iter();
        let mut candidates: Vec<Candidate> = best.map(candidate).collect();
        candidates.sort_by_key(|candidate| candidate.position);
        Self {
            topology,
            weights,
            candidates,
            dense,
        }
    }

    fn dropped(topology: &Topology, weights: &[f32], k: usize) -> Vec<u64> {
        let lightest = lowest_magnitudes(weights, k).expect("finite weights");
        topology.positions_at(&lightest)
    }

    /// From weights and candidates to the layer after the rewiring.
    fn run(&self) -> (Topology, Vec<f32>) {
        let dropped = Self::dropped(&self.topology, &self.weights, self.candidates.len());
        let grown = self
            .candidates
            .iter()
            .map(|candidate| candidate.position)
            .collect();
        let rewiring = Rewiring::net(dropped, grown).expect("different positions");
        let (after, gather) = self.topology.apply(&rewiring).expect("a legal rewiring");
        let weights = gather.gather(&self.weights, 0.0);
        (after, weights)
    }

    fn check(&self) {
        let mut order: Vec<usize> = (0..self.weights.len()).collect();
        order.sort_by(|&a, &b| self.weights[b].abs().total_cmp(&self.weights[a].abs()));
        let positions: Vec<u64> = self.topology.positions().collect();
        let kept = &order[..order.len() - self.candidates.len()];
        let survivors = kept.iter().map(|&i| (positions[i], self.weights[i]));
        let mut expected: std::collections::BTreeMap<u64, f32> = survivors.collect();
        for candidate in &self.candidates {
            let old = positions.binary_search(&candidate.position);
            let value = old.map_or(0.0, |index| self.weights[index]);
            expected.insert(candidate.position, value);
        }
        let (after, weights) = self.run();
        assert!(after.positions().eq(expected.keys().copied()));
        assert!(weights.iter().eq(expected.values()));
    }
}

fn rows<'a>(scores: &'a Scores, update: &'a Update) -> Vec<Row<'a>> {
    let (values, k) = (&scores.values[..], scores.k);
    let (weights, drops) = (&update.weights[..], update.candidates.len());
    let grown = || -> Vec<u64> { update.candidates.iter().map(|c| c.position).collect() };
    let dropped = Update::dropped(&update.topology, weights, drops);
    let rewiring = Rewiring::net(dropped.clone(), grown()).expect("different positions");
    let (_, gather) = update.topology.apply(&rewiring).expect("a legal rewiring");
    let lightest = lowest_magnitudes(weights, drops).expect("finite weights");
    let dense = &update.dense[..];
    let row = |name, read, run: Box<dyn Fn() + Sync + 'a>| Row { name, read, run };
    vec![
        row(
            "kth_magnitude, 25 M, k = 10 %",
            values,
            Box::new(move || {
                black_box(kth_magnitude(values, k).ok());
            }),
        ),
        row(
            "kth_magnitude, 25 M, k = 50 %",
            values,
            Box::new(move || {
                black_box(kth_magnitude(values, values.len() / 2).ok());
            }),
        ),
        row(
            "top_magnitudes, 25 M",
            values,
            Box::new(move || {
                black_box(top_magnitudes(values, k).ok());
            }),
        ),
        row(
            "global_top_magnitudes, 25 M in 4",
            values,
            Box::new(move || {
                black_box(global_top_magnitudes(&scores.tensors(), k).ok());
            }),
        ),
        row(
            "top_k, 25 M",
            values,
            Box::new(move || {
                black_box(top_k(values, k).ok());
            }),
        ),
        row(
            "RigL update, 4096×4096",
            dense,
            Box::new(move || {
                black_box(update.run());
            }),
        ),
        row(
            "  lowest_magnitudes",
            dense,
            Box::new(move || {
                black_box(lowest_magnitudes(weights, drops).ok());
            }),
        ),
        row(
            "  lowest",
            dense,
            Box::new(move || {
                black_box(lowest(weights, drops).ok());
            }),
        ),
        row(
            "  Topology::positions_at",
            dense,
            Box::new(move || {
                black_box(update.topology.positions_at(&lightest));
            }),
        ),
        row(
            "  Rewiring::net",
            dense,
            Box::new(move || {
                black_box(Rewiring::net(dropped.clone(), grown()).ok());
            }),
        ),
        row(
            "  Topology::apply",
            dense,
            Box::new(move || {
                black_box(update.topology.apply(&rewiring).ok());
            }),
        ),
        row(
            "  GatherList::gather",
            dense,
            Box::new(move || {
                black_box(gather.gather(weights, 0.0));
            }),
        ),
    ]
}

/// The absolute times on one thread.
fn time(criterion: &mut Criterion, scores: &Scores, update: &Update) {
    let pool = pool(1);
    let mut group = criterion.benchmark_group("selection");
    group.sample_size(10);
    group.bench_function("pure read, 25 M", |bencher| {
        pool.install(|| bencher.iter(|| streamed_sum(&scores.values)));
    });
    for row in rows(scores, update) {
        group.bench_function(row.name.trim(), |bencher| {
            let run = &row.run;
            pool.install(|| bencher.iter(run));
        });
    }
    group.finish();
}
