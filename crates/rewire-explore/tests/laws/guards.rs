//! The guards of growth across layers: rounding, rooms, just-dropped places, shortfalls.

use std::collections::BTreeSet;

use rewire_explore::methods::{dsr::dsr, set::set};
use rewire_explore::{
    Decay, DropGrow, DropGrowExplorer, Explorer, Fraction, Grow, Share, Threshold, Window,
};
use serde_json::json;

use crate::network::{Layer, round};

/// DSR that drops below 0.25 and aims at `target` drops.
fn quarter(target: u64) -> DropGrowExplorer {
    let rule = Threshold {
        initial: 0.25,
        ..Threshold::per_round(target)
    };
    let window = Window::every(1, 100).unwrap();
    dsr(window, rule).explorer().unwrap()
}

/// Both layers lose 2 of 4; `narrow` has room for 1 of its 2, so `wide` takes 3.
#[test]
fn what_does_not_fit_goes_to_the_other_layers() {
    let layers = [
        Layer::read("narrow", "0.1 0.5 0.1 0.5 ."),
        Layer::read("wide", "0.1 0.5 0.1 0.5 . . . . ."),
    ];
    let rewirings = round(&mut quarter(4), 1, &layers, &[], 0).unwrap();
    assert_eq!(rewirings[0].grown(), [4]);
    assert_eq!(rewirings[1].grown().len(), 3);
}

/// 2 places to three layers of equal weight: the first two get one each.
#[test]
fn equal_remainders_go_to_the_lower_layer() {
    let layers = ["a", "b", "c"].map(|name| {
        let text = if name == "c" {
            "0.1 0.1 0.5 . ."
        } else {
            "0.5 . . . ."
        };
        Layer::read(name, text)
    });
    let rewirings = round(&mut quarter(2), 1, &layers, &[], 0).unwrap();
    let grown: Vec<usize> = rewirings.iter().map(|r| r.grown().len()).collect();
    assert_eq!(grown, [1, 1, 0]);
}

/// One free place and three drops: the free place is always filled, and two of the three just
/// dropped come back.
#[test]
fn just_dropped_places_serve_only_when_no_others_are_left() {
    let layers = [
        Layer::read("a", "0.1 0.5 0.2 0.5 ."),
        Layer::read("b", "0.5 0.1 0.5"),
    ];
    let mut gone = BTreeSet::new();
    for seed in 0..200 {
        let rewirings = round(&mut quarter(3), 1, &layers, &[], seed).unwrap();
        assert_eq!(rewirings[0].grown(), [4]);
        assert!(rewirings[1].is_empty());
        assert_eq!(rewirings[0].dropped().len(), 1);
        gone.extend(rewirings[0].dropped().to_vec());
    }
    // Places shared 3 · 2/4 : 3 · 2/4; `a` fills its free one, then 2 are left: one each, and the
    // one of `b` is its only place. Which of its two `a` keeps is random.
    assert_eq!(gone, BTreeSet::from([0, 2]));
}

#[test]
fn layers_without_any_room_keep_their_weights() {
    let layers = [
        Layer::read("a", "0.1 0.5 0.2 0.5"),
        Layer::read("b", "0.5 0.1 0.5"),
    ];
    let mut explorer = quarter(3);
    for step in 1..=20 {
        let rewirings = round(&mut explorer, step, &layers, &[], 0).unwrap();
        assert!(rewirings.iter().all(rewire_mask::Rewiring::is_empty));
        assert_eq!(explorer.shortfall(), 0);
    }
}

/// Without readmission a single layer falls back on its just-dropped places as well.
#[test]
fn a_layer_by_itself_fills_its_free_places_first() {
    let fraction = Fraction {
        initial: 0.8,
        decay: Decay::Constant,
    };
    let recipe = DropGrow {
        readmit: false,
        ..set(Window::every(1, 100).unwrap(), fraction)
    };
    // ⌊.8 · 5⌋ = 4 go and 2 places are free.
    let layer = Layer::read("w", "0.1 0.2 0.3 0.4 0.5 . .");
    for seed in 0..50 {
        let mut explorer = recipe.clone().explorer().unwrap();
        let layers = std::slice::from_ref(&layer);
        let rewirings = round(&mut explorer, 1, layers, &[], seed).unwrap();
        assert_eq!(rewirings[0].grown(), [5, 6]);
        assert_eq!(rewirings[0].dropped().len(), 2);
        assert!(!rewirings[0].dropped().contains(&4));
    }
}

#[test]
fn a_shortfall_is_grown_as_soon_as_there_is_room() {
    let layers = [Layer::read("w", "0.5 0.1 0.5 . . .")];
    // shortfall before; weights grown; shortfall after. One weight is dropped: 4 places in all,
    // of which the just-dropped one is the last to be filled.
    for (before, grown, after) in [(0, 1, 0), (2, 3, 0), (3, 3, 0), (9, 3, 6)] {
        let mut explorer = quarter(1);
        let state = json!({ "rounds": 5, "shortfall": before, "threshold": 0.25 });
        explorer.restore(&state).unwrap();
        let rewirings = round(&mut explorer, 6, &layers, &[], 0).unwrap();
        assert_eq!(rewirings[0].grown().len(), grown, "{before}");
        // From 3 on the dropped weight comes back: it is in neither list.
        let dropped = usize::from(before < 3);
        assert_eq!(rewirings[0].dropped().len(), dropped, "{before}");
        assert_eq!(explorer.shortfall(), after, "{before}");
        assert_eq!(3 + before, 3 - dropped as u64 + grown as u64 + after);
    }
}

#[test]
fn the_heaviest_weight_of_a_layer_stays() {
    let layers = [
        Layer::read("a", "0.1 -0.2 0.2 . ."),
        Layer::read("b", "0.0 . ."),
        Layer::read("c", "0.5 0.5 . . . ."),
    ];
    let rewirings = round(&mut quarter(2), 1, &layers, &[], 0).unwrap();
    // −0.2 and 0.2 tie: the lower position stays.
    assert_eq!(rewirings[0].dropped(), [0, 2]);
    assert!(rewirings[1].dropped().is_empty());
    // Survivors 1, 1, 2: 2 · ¼, 2 · ¼, 2 · ½ = 0, 0, 1 and the last to the lowest of the equals.
    let grown: Vec<usize> = rewirings.iter().map(|r| r.grown().len()).collect();
    assert_eq!(grown, [1, 0, 1]);
}

/// Ten drops a round against targets around them, δ = 0.1.
#[test]
fn the_threshold_follows_the_number_of_drops() {
    let text = format!("{}{}", "0.1 ".repeat(10), "0.5 ".repeat(10)) + &". ".repeat(20);
    let layers = [Layer::read("w", &text)];
    // (1 + δ) N_p = 9.9 < 10 halves; 11 and 9.9 keep; 10 < (1 − δ) N_p = 10.8 doubles.
    for (target, threshold) in [(9, 0.125), (10, 0.25), (11, 0.25), (12, 0.5)] {
        let mut explorer = quarter(target);
        assert_eq!(explorer.threshold(), Some(0.25));
        round(&mut explorer, 1, &layers, &[], 0).unwrap();
        assert_eq!(explorer.threshold(), Some(threshold), "{target}");
        assert_eq!(explorer.rounds(), 1);
    }
}

/// Growth by gradient divides places between layers as growth at random does.
#[test]
fn gradients_can_decide_places_in_other_layers() {
    let recipe = DropGrow {
        grow: Grow::Gradient,
        share: Share::Survivors,
        ..quarter(3).recipe().clone()
    };
    let layers = [
        Layer::read("a", "0.5 0.5 0.5 . . ."),
        Layer::read("b", "0.1 0.1 0.5 . . ."),
    ];
    // 2 · 3/4 = 1.5 and 2 · 1/4 = 0.5: equal remainders, the lower layer gets the second one.
    let gradients = [vec![9.0, 9.0, 9.0, 1.0, 3.0, 2.0], vec![1.0; 6]];
    let mut explorer = recipe.explorer().unwrap();
    let rewirings = round(&mut explorer, 1, &layers, &gradients, 0).unwrap();
    assert_eq!(rewirings[0].grown(), [4, 5]);
    assert_eq!(rewirings[1].dropped(), [0, 1]);
    assert!(rewirings[1].grown().is_empty());
}
