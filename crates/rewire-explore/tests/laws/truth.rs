//! What each method does to layers that fit on a line: rows are separated by `/`, a dot is an
//! inactive weight, positions count along the rows from 0.

use std::collections::{BTreeMap, BTreeSet};

use rewire_explore::methods::{
    dsr,
    fixed::fixed,
    rigl::rigl,
    set::{set, set_two_sided},
};
use rewire_explore::{Decay, Due, Explorer, Fraction, LayerView, Threshold, Window};
use rewire_rng::Streams;

use crate::network::{Layer, Storage, round};

fn always() -> Window {
    Window::every(1, 100).unwrap()
}

fn constant(initial: f64) -> Fraction {
    Fraction {
        initial,
        decay: Decay::Constant,
    }
}

fn numbers(text: &str) -> Vec<f32> {
    let words = text.split([' ', '/']).filter(|word| !word.is_empty());
    words.map(|word| word.parse().unwrap()).collect()
}

#[test]
fn static_never_rewires() {
    let explorer = fixed().explorer().unwrap();
    let layer = Layer::read("w", "0.5 . / . 0.1");
    for step in [0, 1, 100, u64::MAX] {
        assert_eq!(explorer.due(step), Due::No);
        let request = explorer
            .request(step, &[layer.view()], Streams::new(0))
            .unwrap();
        assert_eq!(request, None);
    }
}

#[test]
fn rigl_grows_where_the_gradient_is_largest() {
    // weights, gradients, fraction, [dropped, grown]
    let rows: [(&str, &str, f64, [&[u64]; 2]); 8] = [
        // ⌊.5 · 5⌋ = 2 go: −0.1 and 0.2. Of the eligible |g| 4 (just dropped), 1, 2, 3 and 0.5
        // (just dropped) the best are 4 and 3: position 1 stays, 7 makes place for 4.
        (
            "0.9 -0.1  .  . /  . 0.5 -0.3 0.2",
            "9.0 -4.0 1.0 -2.0 / 3.0 9.0 9.0 0.5",
            0.5,
            [&[7], &[4]],
        ),
        // The same layer where nothing pulls at the dropped ones: both move.
        (
            "0.9 -0.1  .  . /  . 0.5 -0.3 0.2",
            "9.0  0.0 1.0 -2.0 / 3.0 9.0 9.0 0.0",
            0.5,
            [&[1, 7], &[3, 4]],
        ),
        // Equal gradients: the lower positions first, a just-dropped one among them.
        (
            "0.9 -0.1  .  . /  . 0.5 -0.3 0.2",
            "0.0 1.0 -1.0 1.0 / -1.0 0.0 0.0 1.0",
            0.5,
            [&[7], &[2]],
        ),
        // The just-dropped pull hardest: nothing changes.
        (
            "0.9 -0.1  .  . /  . 0.5 -0.3 0.2",
            "0.0 2.0 1.0 1.0 / 1.0 0.0 0.0 -2.0",
            0.5,
            [&[], &[]],
        ),
        // Equal weights: the lower position is kept. All three zeros tie, one of them goes.
        (
            "0.0 . 0.0 -0.0 / . . . .",
            "0.0 1.0 0.0 0.0 / 5.0 1.0 1.0 1.0",
            0.4,
            [&[3], &[4]],
        ),
        // ⌊.3 · 3⌋ = 0.
        ("0.1 . / 0.2 0.3", "9.0 9.0 / 9.0 9.0", 0.3, [&[], &[]]),
        // A full layer has only its just-dropped places, and they come back.
        ("0.1 0.2 / 0.3 0.4", "9.0 8.0 / 7.0 6.0", 0.5, [&[], &[]]),
        // One free place, two drops: the free place and the better of the two.
        ("0.1 0.2 / 0.3 .", "2.0 3.0 / 9.0 1.0", 0.7, [&[], &[]]),
    ];
    for (weights, gradients, fraction, [dropped, grown]) in rows {
        let layer = Layer::read("w", weights);
        let mut explorer = rigl(always(), constant(fraction)).explorer().unwrap();
        let rewirings = round(&mut explorer, 1, &[layer], &[numbers(gradients)], 0).unwrap();
        assert_eq!(rewirings.len(), 1);
        assert_eq!(rewirings[0].dropped(), dropped, "{weights}");
        assert_eq!(rewirings[0].grown(), grown, "{weights}");
    }
}

/// Over many seeds SET's rewirings show what may go and where growth may happen.
#[test]
fn set_drops_the_lightest_and_grows_anywhere_but_on_survivors() {
    // weights, two-sided, fraction, what goes
    let rows: [(&str, bool, f64, &[u64]); 5] = [
        // ⌊.5 · 5⌋ = 2.
        ("0.9 -0.1 . . / . 0.5 -0.3 0.2", false, 0.5, &[1, 7]),
        // ⌊.5 · 2⌋ of 0.9, 0.5, 0.2 and ⌊.5 · 2⌋ of −0.1, −0.3.
        ("0.9 -0.1 . . / . 0.5 -0.3 0.2", true, 0.5, &[1, 7]),
        // The smaller positive weight goes though every negative one is lighter: ⌊.5 · 2⌋ of 0.9
        // and 0.5, ⌊.5 · 3⌋ of −0.1, −0.2 and −0.05.
        ("0.9 -0.1 . . / . 0.5 -0.2 -0.05", true, 0.5, &[5, 7]),
        ("0.9 -0.1 . . / . 0.5 -0.2 -0.05", false, 0.5, &[1, 7]),
        ("0.1 0.2 / 0.3 0.4", false, 0.5, &[0, 1]),
    ];
    for (weights, two_sided, fraction, goes) in rows {
        let layer = Layer::read("w", weights);
        let recipe = if two_sided {
            set_two_sided(always(), constant(fraction))
        } else {
            set(always(), constant(fraction))
        };
        let (mut dropped, mut grown) = (BTreeSet::new(), BTreeSet::new());
        for seed in 0..200 {
            let mut explorer = recipe.clone().explorer().unwrap();
            let layers = std::slice::from_ref(&layer);
            let rewirings = round(&mut explorer, 1, layers, &[], seed).unwrap();
            assert_eq!(rewirings[0].dropped().len(), rewirings[0].grown().len());
            dropped.extend(rewirings[0].dropped().to_vec());
            grown.extend(rewirings[0].grown().to_vec());
        }
        let n = layer.topology.shape().len();
        let inactive: BTreeSet<u64> = (0..n).filter(|&p| !layer.topology.contains(p)).collect();
        assert_eq!(grown, inactive, "{weights}");
        // In a full layer everything that goes comes back; elsewhere every drop is for good at
        // one seed or another. Missing one in 200 seeds has a chance below .7^200 = 1e-31.
        let goes = if inactive.is_empty() { &[] } else { goes };
        assert_eq!(dropped.into_iter().collect::<Vec<_>>(), goes, "{weights}");
    }
}

/// Two of five eligible places: three free ones and two just dropped, ten sets in all.
#[test]
fn set_chooses_every_set_of_eligible_places_equally_often() {
    let layer = Layer::read("w", "0.9 -0.1 . . / . 0.5 -0.3 0.2");
    let mut counts: BTreeMap<Vec<u64>, u32> = BTreeMap::new();
    let seeds = 10_000;
    for seed in 0..seeds {
        let mut explorer = set(always(), constant(0.5)).explorer().unwrap();
        let layers = std::slice::from_ref(&layer);
        let rewirings = round(&mut explorer, 1, layers, &[], seed).unwrap();
        // What was chosen: everything grown and what did not go in the end.
        let mut chosen = rewirings[0].grown().to_vec();
        chosen.extend(
            [1, 7]
                .iter()
                .filter(|p| !rewirings[0].dropped().contains(p)),
        );
        *counts.entry(chosen).or_default() += 1;
    }
    assert_eq!(counts.len(), 10);
    for (chosen, count) in counts {
        // Binomial(10 000, 1/10): standard deviation 30; five of them.
        assert!(count.abs_diff(1_000) < 150, "{chosen:?}: {count}");
    }
}

/// DSR on two 3×4 layers with H = 0.25 and N_p = 5.
///
/// Layer `a` drops 0.1 and 0.2 and keeps 4, layer `b` drops 0.05, −0.1 and 0.2 and keeps 3. The 5
/// places are shared 5 · 4/7 = 2.86 to 5 · 3/7 = 2.14: 2 and 2, and one more to `a`, whose
/// remainder is larger. So `a` has 4 + 3 = 7 weights and `b` 3 + 2 = 5: one weight has moved.
#[test]
fn dsr_moves_weights_between_layers() {
    let layers = [
        Layer::read("a", "0.5 0.1 0.4 -0.3 / 0.2 0.6 . . / . . . ."),
        Layer::read("b", "0.05 -0.1 0.2 0.3 / 0.9 -0.8 . . / . . . ."),
    ];
    let rule = Threshold {
        initial: 0.25,
        ..Threshold::per_round(5)
    };
    let (mut grown_a, mut grown_b) = (BTreeSet::new(), BTreeSet::new());
    for seed in 0..200 {
        let mut explorer = dsr::dsr(always(), rule).explorer().unwrap();
        let rewirings = round(&mut explorer, 1, &layers, &[], seed).unwrap();
        assert_eq!(rewirings[0].dropped(), [1, 4]);
        assert_eq!(rewirings[1].dropped(), [0, 1, 2]);
        assert_eq!(rewirings[0].grown().len(), 3);
        assert_eq!(rewirings[1].grown().len(), 2);
        grown_a.extend(rewirings[0].grown().to_vec());
        grown_b.extend(rewirings[1].grown().to_vec());
        // Five drops are exactly the target.
        assert_eq!(explorer.threshold(), Some(0.25));
    }
    // Everything that was free before, and no place that has just become free.
    assert!(grown_a.into_iter().eq(6..12) && grown_b.into_iter().eq(6..12));
}

/// One layer keeps all its weights, the other loses all but one in every round.
///
/// Round 1: 9 places are shared 9 · 10/11 = 8.18 to 9 · 1/11 = 0.82, so 8 and 1. Round 2: 1 place
/// is shared 18/19 to 1/19. From then on nothing is left to take.
#[test]
fn dsr_ends_with_the_weights_where_they_stay_large() {
    let row = |value: &str| format!("{}{}", format!("{value} ").repeat(10), ". ".repeat(10));
    let mut layers = [
        Layer::read("strong", &row("1.0")),
        Layer::read("weak", &row("0.0")),
    ];
    let rule = Threshold {
        initial: 0.5,
        ..Threshold::per_round(5)
    };
    let mut explorer = dsr::dsr(always(), rule).explorer().unwrap();
    let mut counts = Vec::new();
    for step in 1..=3 {
        let rewirings = round(&mut explorer, step, &layers, &[], 7).unwrap();
        for (layer, rewiring) in layers.iter_mut().zip(&rewirings) {
            layer.apply(rewiring);
            let value = layer.values.first().map_or(0.0, |&value| value);
            layer.values.fill(if layer.name == "strong" {
                1.0
            } else {
                value.min(0.0)
            });
            layer.refresh();
        }
        counts.push([0, 1].map(|i: usize| layers[i].topology.n_active()));
    }
    assert_eq!(counts, [[18, 2], [19, 1], [19, 1]]);
}

/// Dense layers are exempt: they neither give nor take, and their place in the answers stays.
#[test]
fn dense_layers_are_left_alone() {
    let mut head = Layer::read("head", "0.0 0.0 / 0.0 0.0");
    head.storage = Storage::Dense;
    let body = Layer::read("body", "0.5 0.1 . . / . 0.4 0.0 .");
    let layers = [head, body];
    let rule = Threshold {
        initial: 0.25,
        ..Threshold::per_round(2)
    };
    let gradients = [vec![9.0; 4], vec![1.0; 8]];
    let recipes = [
        set(always(), constant(0.5)),
        rigl(always(), constant(0.5)),
        dsr::dsr(always(), rule),
    ];
    for recipe in recipes {
        let mut explorer = recipe.explorer().unwrap();
        let views: Vec<LayerView<'_>> = layers.iter().map(Layer::view).collect();
        if let Some(requests) = explorer.request(1, &views, Streams::new(0)).unwrap() {
            assert_eq!(requests.len(), 2);
            assert!(requests[0].readmitted.is_empty());
        }
        let rewirings = round(&mut explorer, 1, &layers, &gradients, 3).unwrap();
        assert!(rewirings[0].is_empty());
        assert_eq!(rewirings[1].dropped().len(), rewirings[1].grown().len());
    }
}

#[test]
fn the_published_schedule_of_dsr_slows_down() {
    let window = dsr::published_window(391).unwrap();
    // 25 · 391 = 9 775, 80 · 391 = 31 280, 140 · 391 = 54 740, 190 · 391 = 74 290.
    for (step, due) in [
        (100, true),
        (9_700, true),
        (9_900, false),
        (10_000, true),
        (31_400, false),
        (31_600, true),
        (54_800, false),
        (55_200, true),
        (73_600, true),
        (74_400, false),
    ] {
        assert_eq!(window.contains(step), due, "{step}");
    }
    assert!(dsr::published_window(0).is_err());
}
