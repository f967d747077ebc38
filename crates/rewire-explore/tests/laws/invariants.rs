//! What holds in every round of every method, over random networks, schedules and weights.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rewire_explore::methods::{
    dsr::dsr, fixed::fixed, rigl::rigl, rigl::rigl_sampled, set::set, set::set_two_sided,
};
use rewire_explore::{Decay, DropGrow, Due, Explorer, Fraction, Share, Threshold, Window};
use rewire_mask::{MatrixShape, Rewiring, Topology};
use rewire_rng::{Purpose, Stream, Streams, below};

use crate::network::{Layer, Storage, round};

/// Random runs per property; 300 of each take about a second together.
fn cases() -> u32 {
    let asked = std::env::var("PROPTEST_CASES").ok();
    asked.and_then(|count| count.parse().ok()).unwrap_or(300)
}

/// A run to be made: everything random in it follows from these numbers.
#[derive(Clone, Debug)]
struct Run {
    seed: u64,
    /// Rows, columns, and a number that decides how many weights are active.
    layers: Vec<(usize, usize, u64)>,
    every: u64,
    end: u64,
    fraction: f64,
    decay: Decay,
    target: u64,
    method: usize,
    readmit: bool,
}

const METHODS: usize = 6;

fn runs() -> impl Strategy<Value = Run> {
    let layers = prop::collection::vec((1..=9usize, 1..=9usize, any::<u64>()), 1..=4);
    let decays = prop::sample::select(vec![
        Decay::Cosine,
        Decay::Constant,
        Decay::Linear,
        Decay::Cubic,
        Decay::Power { exponent: 0.5 },
    ]);
    let window = (1..=4u64, 0..=30u64);
    let drops = (0.0..0.99f64, decays, 1..=40u64);
    let method = (0..METHODS, any::<bool>());
    (any::<u64>(), layers, window, drops, method).prop_map(
        |(seed, layers, (every, end), (fraction, decay, target), (method, readmit))| Run {
            seed,
            layers,
            every,
            end,
            fraction,
            decay,
            target,
            method,
            readmit,
        },
    )
}

impl Run {
    fn recipe(&self) -> DropGrow {
        let window = Window::every(self.every, self.end).unwrap();
        let fraction = Fraction {
            initial: self.fraction,
            decay: self.decay,
        };
        let threshold = Threshold {
            initial: 0.2,
            ..Threshold::per_round(self.target)
        };
        match self.method {
            0 => fixed(),
            1 => set(window, fraction),
            2 => set_two_sided(window, fraction),
            3 => rigl(window, fraction),
            4 => rigl_sampled(window, fraction, 1 + self.target % 3),
            _ => dsr(window, threshold),
        }
    }

    /// Layers with at least one and at most all weights active, the densities from 1/n to 1.
    fn network(&self, storage: Storage) -> Vec<Layer> {
        let named = self.layers.iter().enumerate();
        let layers = named.map(|(i, &(rows, cols, count))| {
            let shape = MatrixShape::new(rows, cols);
            let n_active = 1 + count % shape.len();
            let name = format!("fc{i}");
            let mut stream = Streams::new(self.seed).stream(Purpose::Topology, &name, 0);
            let topology = Topology::random(shape, n_active, &mut stream).unwrap();
            Layer::new(&name, storage, topology, vec![0.0; n_active as usize])
        });
        layers.collect()
    }

    /// Steps weights at random and rewires where due; shows every round to `check` and returns
    /// all rewirings.
    ///
    /// With `resumed` every round is made by a new explorer that got the state of the one before
    /// through text, as a checkpoint would keep it.
    fn history(
        &self,
        recipe: &DropGrow,
        storage: Storage,
        resumed: bool,
        mut check: impl FnMut(Round<'_>),
    ) -> Vec<Vec<Rewiring>> {
        let mut explorer = recipe.clone().explorer().unwrap();
        let mut layers = self.network(storage);
        let mut history = Vec::new();
        for step in 1..=self.end + 5 {
            let mut walk = Streams::new(self.seed).stream(Purpose::Init, "walk", step);
            for layer in &mut layers {
                for value in &mut layer.values {
                    *value += eighths(&mut walk);
                }
                layer.refresh();
            }
            let gradients: Vec<Vec<f32>> = layers
                .iter()
                .map(|layer| {
                    let n = layer.topology.shape().len();
                    (0..n).map(|_| eighths(&mut walk)).collect()
                })
                .collect();
            if explorer.due(step) == Due::No {
                continue;
            }
            if resumed {
                let text = explorer.state().to_string();
                explorer = recipe.clone().explorer().unwrap();
                explorer
                    .restore(&serde_json::from_str(&text).unwrap())
                    .unwrap();
            }
            let before = layers.clone();
            let threshold = explorer.threshold();
            let rewirings = round(&mut explorer, step, &layers, &gradients, self.seed).unwrap();
            for (layer, rewiring) in layers.iter_mut().zip(&rewirings) {
                layer.apply(rewiring);
            }
            check(Round {
                step,
                threshold,
                before: &before,
                rewirings: &rewirings,
                after: &layers,
            });
            assert_eq!(explorer.shortfall(), 0, "all places are there");
            history.push(rewirings);
        }
        assert_eq!(explorer.rounds(), history.len() as u64);
        history
    }
}

/// One update of a run.
#[derive(Clone, Copy)]
struct Round<'a> {
    step: u64,
    threshold: Option<f64>,
    before: &'a [Layer],
    rewirings: &'a [Rewiring],
    after: &'a [Layer],
}

fn ignore(_: Round<'_>) {}

/// A multiple of 1/8 between −½ and ½: sums of them tie often and are exact.
fn eighths(stream: &mut Stream) -> f32 {
    below(9, stream) as f32 / 8.0 - 0.5
}

fn n_active(layers: &[Layer]) -> usize {
    layers.iter().map(|layer| layer.topology.n_active()).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn a_round_moves_weights_and_nothing_else(run in runs()) {
        let recipe = DropGrow { readmit: run.readmit, ..run.recipe() };
        run.history(&recipe, Storage::Active, false, |round| {
            moves_weights_and_nothing_else(&recipe, round);
        });
    }

    #[test]
    fn set_and_rigl_drop_the_lightest(mut run in runs()) {
        run.method = [1, 3, 4][run.method % 3];
        run.history(&run.recipe(), Storage::Active, false, |round| drops_the_lightest(&run, round));
    }

    #[test]
    fn dsr_drops_below_its_threshold_and_shares_by_survivors(mut run in runs()) {
        run.method = METHODS - 1;
        run.history(&run.recipe(), Storage::Active, false, shares_by_survivors);
    }

    #[test]
    fn rounds_are_the_update_times_of_the_window(run in runs()) {
        let recipe = run.recipe();
        let mut steps = Vec::new();
        run.history(&recipe, Storage::Active, false, |round| steps.push(round.step));
        prop_assert_eq!(steps, recipe.window.times().collect::<Vec<_>>());
    }

    #[test]
    fn a_resumed_run_rewires_as_an_uninterrupted_one(run in runs()) {
        let recipe = run.recipe();
        let whole = run.history(&recipe, Storage::Active, false, ignore);
        prop_assert_eq!(&whole, &run.history(&recipe, Storage::Active, false, ignore));
        prop_assert_eq!(&whole, &run.history(&recipe, Storage::Active, true, ignore));
    }

    /// Stale values of inactive latent weights change nothing.
    #[test]
    fn both_storages_are_rewired_alike(run in runs()) {
        let recipe = run.recipe();
        let active = run.history(&recipe, Storage::Active, false, ignore);
        let latent = run.history(&recipe, Storage::Latent, false, ignore);
        prop_assert_eq!(active, latent);
    }
}

fn set_of(positions: &[u64]) -> BTreeSet<u64> {
    positions.iter().copied().collect()
}

fn moves_weights_and_nothing_else(recipe: &DropGrow, round: Round<'_>) {
    let layers = round.before.iter().zip(round.rewirings).zip(round.after);
    assert_eq!(round.rewirings.len(), round.before.len());
    assert_eq!(n_active(round.before), n_active(round.after));
    for ((old, rewiring), new) in layers {
        let active = old.positions();
        let (dropped, grown) = (set_of(rewiring.dropped()), set_of(rewiring.grown()));
        assert!(dropped.is_subset(&active));
        assert!(grown.is_disjoint(&active));
        assert_eq!(new.positions(), &(&active - &dropped) | &grown);
        assert!(!new.values.is_empty(), "a layer became empty");
        for (position, value) in new.topology.positions().zip(&new.values) {
            let kept = old.topology.index_of(position).map(|i| old.values[i]);
            assert_eq!(value.to_bits(), kept.unwrap_or(0.0).to_bits());
        }
        if recipe.share == Share::AsDropped {
            assert_eq!(dropped.len(), grown.len());
        }
    }
}

/// What goes is among the ⌊f · n⌋ lightest weights; of equals the higher positions.
fn drops_the_lightest(run: &Run, round: Round<'_>) {
    let fraction = run.decay.at(run.fraction, round.step, run.end);
    for (layer, rewiring) in round.before.iter().zip(round.rewirings) {
        let weight = |i: usize| layer.values[i].abs();
        let mut order: Vec<usize> = (0..layer.values.len()).collect();
        order.sort_by(|&a, &b| weight(b).total_cmp(&weight(a)));
        let k = (fraction * order.len() as f64) as usize;
        let lightest = order.iter().rev().take(k);
        let may_go: BTreeSet<u64> = lightest.map(|&i| layer.topology.position(i)).collect();
        assert!(set_of(rewiring.dropped()).is_subset(&may_go));
    }
}

/// Everything light goes where there is room for it; the shares differ from exact proportions by
/// less than one weight where rooms do not interfere.
fn shares_by_survivors(round: Round<'_>) {
    let threshold = round.threshold.unwrap();
    let light: Vec<BTreeSet<u64>> = round.before.iter().map(|l| light(l, threshold)).collect();
    let free: Vec<u64> = round
        .before
        .iter()
        .map(|l| l.topology.n_inactive())
        .collect();
    let all_light: u64 = light.iter().map(|positions| positions.len() as u64).sum();
    let all_kept = n_active(round.before) as u64 - all_light;
    let grown = |i: usize| round.rewirings[i].grown().len() as u64;
    let layers = 0..round.before.len();
    if all_light <= free.iter().sum() {
        for i in layers.clone() {
            assert_eq!(set_of(round.rewirings[i].dropped()), light[i]);
        }
    } else {
        // Every free place is taken, and the rest of what is light comes back.
        for i in layers.clone() {
            assert_eq!(grown(i), free[i]);
            assert!(set_of(round.rewirings[i].dropped()).is_subset(&light[i]));
        }
    }
    if free.iter().all(|&free| free >= all_light) {
        for i in layers {
            let kept = (round.before[i].values.len() - light[i].len()) as f64;
            let exact = all_light as f64 * kept / all_kept as f64;
            assert!((grown(i) as f64 - exact).abs() < 1.0);
        }
    }
}

/// Positions below the threshold but for the heaviest of a layer that would be left empty.
fn light(layer: &Layer, threshold: f64) -> BTreeSet<u64> {
    let weights = layer.topology.positions().zip(&layer.values);
    let weights: Vec<(u64, f32)> = weights.map(|(p, value)| (p, value.abs())).collect();
    let below = |&&(_, weight): &&(u64, f32)| f64::from(weight) < threshold;
    let mut light: BTreeSet<u64> = weights.iter().filter(below).map(|&(p, _)| p).collect();
    if light.len() == weights.len() {
        // `max_by` takes the last of equals: from the back that is the lowest position.
        let heaviest = weights.iter().rev().max_by(|a, b| a.1.total_cmp(&b.1));
        light.remove(&heaviest.unwrap().0);
    }
    light
}
