//! RigL that grows from a random sample of the eligible places.

use std::collections::BTreeMap;

use rewire_explore::methods::rigl::{rigl, rigl_sampled};
use rewire_explore::{Decay, DropGrow, Explorer, Fraction, LayerView, Share, Window};
use rewire_mask::{GrowthRequest, MatrixShape, Topology};
use rewire_rng::{Purpose, Streams, below};

use crate::network::{Layer, Storage, round};

const HALF: Fraction = Fraction {
    initial: 0.5,
    decay: Decay::Constant,
};

fn sampled(per_active: u64) -> DropGrow {
    rigl_sampled(Window::every(1, 1000).unwrap(), HALF, per_active)
}

/// What a round of this seed and step compares in a layer.
fn sample(recipe: &DropGrow, layer: &Layer, step: u64, seed: u64) -> Vec<u64> {
    let explorer = recipe.clone().explorer().unwrap();
    let streams = Streams::new(seed);
    let requests = explorer.request(step, &[layer.view()], streams).unwrap();
    match requests.unwrap().pop().unwrap().growth {
        GrowthRequest::AtPositions(positions) => positions,
        other => panic!("a sample is asked for by position, not by {other:?}"),
    }
}

/// Rows are separated by `/`, a dot is an inactive weight; two of the four weights go.
#[test]
fn the_strongest_of_the_sample_grow_and_ties_go_to_the_lower_position() {
    // Active: 0, 1, 5, 6, of which 1 and 6 go. Eligible are 1, 2, 3, 4, 6, 7; γ = 1 draws four of
    // them and γ = 2 all six. The gradients fall along the positions but for a tie at the end.
    let layer = Layer::read("w", "0.9 -0.1 . . / . 0.5 -0.2 .");
    let gradients = [9.0, 1.0, -5.0, 3.0, 4.0, 9.0, 5.0, 5.0];
    for seed in 0..200 {
        let drawn = sample(&sampled(1), &layer, 1, seed);
        assert_eq!(drawn.len(), 4);
        // By hand: from the best to the worst of the eligible places.
        let ranked = [2, 6, 7, 4, 3, 1];
        let mut best: Vec<u64> = ranked.into_iter().filter(|p| drawn.contains(p)).collect();
        best.truncate(2);
        let mut grown: Vec<u64> = best.iter().copied().filter(|&p| p != 6 && p != 1).collect();
        grown.sort_unstable();
        let dropped = [1, 6].into_iter().filter(|p| !best.contains(p));
        let mut explorer = sampled(1).explorer().unwrap();
        let layers = [layer.clone()];
        let rewirings = round(&mut explorer, 1, &layers, &[gradients.to_vec()], seed).unwrap();
        assert_eq!(rewirings[0].grown(), grown, "{drawn:?}");
        assert_eq!(rewirings[0].dropped(), dropped.collect::<Vec<_>>());
    }
    assert_eq!(sample(&sampled(2), &layer, 1, 0), [1, 2, 3, 4, 6, 7]);
}

#[test]
fn a_sample_of_everything_chooses_what_rigl_chooses() {
    let mut draw = Streams::new(3).stream(Purpose::Init, "test", 0);
    for seed in 0..200 {
        let shape = MatrixShape::new(1 + seed as usize % 7, 1 + seed as usize % 11);
        let n_active = 1 + below(shape.len(), &mut draw);
        let topology = Topology::random(shape, n_active, &mut draw).unwrap();
        let mut eighths = || below(9, &mut draw) as f32 / 8.0 - 0.5;
        let values = (0..n_active).map(|_| eighths()).collect();
        let gradients = vec![(0..shape.len()).map(|_| eighths()).collect::<Vec<f32>>()];
        let layers = [Layer::new("w", Storage::Active, topology, values)];
        let window = Window::every(1, 1000).unwrap();
        let mut full = rigl(window, HALF).explorer().unwrap();
        let mut all = sampled(u64::MAX).explorer().unwrap();
        assert_eq!(
            round(&mut full, 1, &layers, &gradients, seed).unwrap(),
            round(&mut all, 1, &layers, &gradients, seed).unwrap(),
        );
    }
}

/// Four of six places: 15 sets, each as often as the others.
#[test]
fn every_sample_of_its_size_is_equally_likely() {
    let layer = Layer::read("w", "0.9 -0.1 . . / . 0.5 -0.2 .");
    let recipe = sampled(1);
    let mut counts: BTreeMap<Vec<u64>, u32> = BTreeMap::new();
    for step in 1..=15_000 {
        let recipe = DropGrow {
            window: Window::every(1, 20_000).unwrap(),
            ..recipe.clone()
        };
        *counts.entry(sample(&recipe, &layer, step, 8)).or_default() += 1;
    }
    assert_eq!(counts.len(), 15);
    for (drawn, count) in counts {
        // Binomial(15 000, 1/15): standard deviation 30.6; five of them.
        assert!(count.abs_diff(1000) < 153, "{drawn:?}: {count}");
    }
}

#[test]
fn a_sample_depends_on_its_step_layer_and_seed_alone() {
    let text = format!("{}{}", "0.3 ".repeat(10), ". ".repeat(90));
    let layer = Layer::read("a", &text);
    let other = Layer::read("b", &text);
    let recipe = sampled(1);
    let drawn = sample(&recipe, &layer, 5, 1);
    assert_eq!(drawn, sample(&recipe, &layer, 5, 1));
    assert_ne!(drawn, sample(&recipe, &layer, 6, 1));
    assert_ne!(drawn, sample(&recipe, &layer, 5, 2));
    assert_ne!(drawn, sample(&recipe, &other, 5, 1));
    assert!(drawn.is_sorted_by(|a, b| a < b));
}

/// The sizes of samples: γ · n, at least what grows, at most what is eligible, nothing where
/// nothing grows.
#[test]
fn samples_hold_what_they_promise() {
    let ten = |free: usize| {
        let text = format!("{}{}", "0.3 ".repeat(10), ". ".repeat(free));
        Layer::read("w", &text)
    };
    for (free, per_active, size) in [
        (90, 1, 10),
        (90, 3, 30),
        (90, 9, 90),
        (90, 10, 95),
        (0, 1, 5),
    ] {
        let drawn = sample(&sampled(per_active), &ten(free), 1, 0);
        assert_eq!(drawn.len(), size, "{free} free, {per_active} for each");
    }
    let nothing = DropGrow {
        drop: rewire_explore::DropRule::Magnitude(Fraction {
            initial: 0.0,
            ..HALF
        }),
        ..sampled(1)
    };
    assert!(sample(&nothing, &ten(90), 1, 0).is_empty());
    // Where just-dropped places stay empty, they are compared only if the others do not suffice.
    let fresh = DropGrow {
        readmit: false,
        ..sampled(100)
    };
    assert!(sample(&fresh, &ten(90), 1, 0).iter().all(|&p| p >= 10));
    assert_eq!(sample(&fresh, &ten(4), 1, 0).len(), 4 + 5);
}

/// A layer may grow more than it has weights: the sample then grows with it.
#[test]
fn a_sample_is_never_smaller_than_what_grows() {
    let recipe = DropGrow {
        share: Share::Survivors,
        readmit: false,
        ..sampled(1)
    };
    // Two of four go in `a` and ten of twenty in `b`, where no place is free: all twelve come to `a`.
    let layers = [
        Layer::read("a", &format!("0.5 0.5 0.1 0.1 {}", ". ".repeat(20))),
        Layer::read("b", &format!("{}{}", "0.9 ".repeat(10), "0.1 ".repeat(10))),
    ];
    let mut explorer = recipe.explorer().unwrap();
    let views: Vec<LayerView<'_>> = layers.iter().map(Layer::view).collect();
    let streams = Streams::new(0);
    let requests = explorer.request(1, &views, streams).unwrap().unwrap();
    let sizes = requests.iter().map(|request| match &request.growth {
        GrowthRequest::AtPositions(positions) => positions.len(),
        other => panic!("{other:?}"),
    });
    assert_eq!(sizes.collect::<Vec<_>>(), [12, 0]);
    let gradients = [vec![1.0; 24], vec![1.0; 20]];
    let rewirings = round(&mut explorer, 1, &layers, &gradients, 0).unwrap();
    let moved = rewirings
        .iter()
        .map(|r| (r.dropped().len(), r.grown().len()));
    assert_eq!(moved.collect::<Vec<_>>(), [(2, 12), (10, 0)]);
}
