//! Layers whose masks keep to a pattern while they move.

use rewire_explore::methods::{dsr, rigl, set};
use rewire_explore::{Decay, DropGrow, ExploreError, Fraction, Window};
use rewire_mask::{
    Block, BlockNorm, Density, Edges, Lines, MatrixShape, Nm, Pattern, Rewiring, Topology,
};
use rewire_rng::{Purpose, Streams, below};

use crate::network::{Layer, Storage, round};

const THIRD: Fraction = Fraction {
    initial: 0.3,
    decay: Decay::Constant,
};

fn window() -> Window {
    Window::every(1, 1000).unwrap()
}

const TWO_OF_FOUR: Nm = Nm { keep: 2, of: 4 };

fn transposable() -> Pattern {
    Pattern::TransposableNm {
        nm: TWO_OF_FOUR,
        edges: Edges::Dense,
    }
}

fn patterns() -> [Pattern; 4] {
    [
        transposable(),
        Pattern::Nm {
            nm: TWO_OF_FOUR,
            along: Lines::Inputs,
            edges: Edges::Dense,
        },
        Pattern::Blocks {
            block: Block { rows: 2, cols: 3 },
            norm: BlockNorm::L1,
            density: Density::new(0.4).unwrap(),
            edges: Edges::Dense,
        },
        Pattern::FanIn { keep: 3 },
    ]
}

/// How many random layers are tried: one under Miri, which is some hundred times slower.
fn seeds(quick: u64) -> u64 {
    if cfg!(miri) { 1 } else { quick }
}

/// A layer of the pattern with random values, and a gradient for each of its entries.
fn layer(pattern: &Pattern, name: &str, seed: u64) -> (Layer, Vec<f32>) {
    let mut draw = Streams::new(seed).stream(Purpose::Init, name, 0);
    let shape = MatrixShape::new(
        1 + below(18, &mut draw) as usize,
        3 + below(18, &mut draw) as usize,
    );
    let mask = pattern.random(shape, &mut draw).unwrap();
    let mut value = || below(1000, &mut draw) as f32 / 500.0 - 1.0;
    let topology = Topology::from_mask(&mask);
    let values = (0..topology.n_active()).map(|_| value()).collect();
    let gradient = (0..shape.len()).map(|_| value()).collect();
    (
        Layer::new(name, Storage::Active, topology, values),
        gradient,
    )
}

fn rounds(recipe: &DropGrow, pattern: &Pattern, seed: u64) -> Vec<Rewiring> {
    let (kept, gradient) = layer(pattern, "kept", seed);
    let (free, free_gradient) = layer(pattern, "free", seed + 1);
    let mut layers = [kept, free];
    let gradients = [gradient, free_gradient];
    let explorer = recipe.clone().explorer().unwrap();
    let patterns = [("kept".to_owned(), *pattern)];
    let mut explorer = explorer.with_patterns(patterns).unwrap();
    let mut all = Vec::new();
    for step in 1..=5 {
        let before = layers[0].topology.n_active();
        let rewirings = round(&mut explorer, step, &layers, &gradients, seed).unwrap();
        for (layer, rewiring) in layers.iter_mut().zip(&rewirings) {
            layer.apply(rewiring);
        }
        pattern.check(&layers[0].topology.to_mask()).unwrap();
        assert_eq!(layers[0].topology.n_active(), before);
        all.extend(rewirings);
    }
    all
}

#[test]
fn a_layer_keeps_its_pattern_and_its_number_of_weights() {
    let mut moved = 0u64;
    for seed in 0..seeds(60) {
        for pattern in patterns() {
            let recipe = set::set(window(), THIRD);
            let rewirings = rounds(&recipe, &pattern, seed);
            assert_eq!(rewirings, rounds(&recipe, &pattern, seed));
            moved += rewirings.iter().filter(|moves| !moves.is_empty()).count() as u64;
        }
        let by_gradient = rounds(&rigl::rigl(window(), THIRD), &transposable(), seed);
        moved += by_gradient.iter().filter(|moves| !moves.is_empty()).count() as u64;
    }
    // Of 50 rewirings of each seed.
    assert!(moved > 16 * seeds(60), "{moved} rewirings moved something");
}

/// A layer that is nobody's pattern moves as it would alone.
#[test]
fn a_layer_without_a_pattern_follows_the_recipe() {
    for seed in 0..seeds(40) {
        let pattern = transposable();
        let (free, gradient) = layer(&pattern, "free", seed);
        for recipe in [set::set(window(), THIRD), rigl::rigl(window(), THIRD)] {
            let mut plain = recipe.clone().explorer().unwrap();
            let patterns = [("kept".to_owned(), pattern)];
            let mut other = recipe.explorer().unwrap().with_patterns(patterns).unwrap();
            let layers = [free.clone()];
            let gradients = [gradient.clone()];
            assert_eq!(
                round(&mut plain, 1, &layers, &gradients, seed).unwrap(),
                round(&mut other, 1, &layers, &gradients, seed).unwrap(),
            );
        }
    }
}

#[test]
fn recipes_that_can_keep_no_pattern_are_refused() {
    let recipes = [
        (
            "drop",
            dsr::dsr(window(), rewire_explore::Threshold::per_round(5)),
        ),
        ("drop", set::set_two_sided(window(), THIRD)),
        ("grow", rigl::rigl_sampled(window(), THIRD, 1)),
    ];
    for (expected, recipe) in recipes {
        let explorer = recipe.explorer().unwrap();
        assert!(explorer.clone().with_patterns([]).is_ok());
        let error = explorer.with_patterns([("w".to_owned(), transposable())]);
        let Err(ExploreError::Recipe { field, .. }) = error else {
            panic!("{expected}: {error:?}");
        };
        assert_eq!(field, expected);
    }
}

#[test]
fn a_layer_that_has_not_its_pattern_is_named() {
    let layer = Layer::read("fc1.weight", "1 . . . / . 1 . . / . . 1 . / . . . 1");
    let explorer = set::set(window(), THIRD).explorer().unwrap();
    let patterns = [("fc1.weight".to_owned(), transposable())];
    let mut explorer = explorer.with_patterns(patterns).unwrap();
    let error = round(&mut explorer, 1, &[layer], &[vec![0.0; 16]], 1).unwrap_err();
    assert!(error.to_string().starts_with("`fc1.weight`: "), "{error}");
}
