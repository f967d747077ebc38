//! What is refused, and that a refusal leaves the explorer as it was.

use rewire_explore::methods::{dsr::dsr, rigl, set};
use rewire_explore::{
    Decay, DropGrow, ExploreError, Explorer, Fraction, LayerView, Threshold, Window,
};
use rewire_mask::{Candidate, Candidates};
use rewire_rng::Streams;
use serde_json::json;

use crate::network::{Layer, round};

fn always() -> Window {
    Window::every(1, 100).unwrap()
}

fn recipes() -> [DropGrow; 5] {
    [
        set::set(always(), set::FRACTION),
        set::set_two_sided(always(), set::FRACTION),
        rigl::rigl(always(), rigl::FRACTION),
        rigl::rigl_sampled(always(), rigl::FRACTION, 1),
        dsr(always(), Threshold::per_round(5)),
    ]
}

#[test]
fn weights_that_are_not_finite_are_named_by_every_method() {
    let good = Layer::read("fc1.weight", "0.1 0.2 . .");
    for value in ["NaN", "inf", "-inf"] {
        let bad = Layer::read("fc2.weight", &format!(". 0.5 . . / . . {value} 0.1"));
        for recipe in recipes() {
            let mut explorer = recipe.explorer().unwrap();
            let before = explorer.clone();
            let layers = [good.clone(), bad.clone()];
            let gradients = [vec![0.0; 4], vec![0.0; 8]];
            let error = round(&mut explorer, 1, &layers, &gradients, 0).unwrap_err();
            let message = error.to_string();
            assert!(message.contains("weight 6 of `fc2.weight`"), "{message}");
            assert!(message.contains(value), "{message}");
            assert_eq!(explorer, before);
        }
    }
}

#[test]
fn candidates_must_be_those_asked_for() {
    let layer = Layer::read("w", "0.4 0.1 . . / . 0.3 0.2 .");
    let views: [LayerView<'_>; 1] = [layer.view()];
    // ⌊.5 · 4⌋ = 2 of positions 1 and 6 and the free ones are wanted.
    let fraction = Fraction {
        initial: 0.5,
        decay: Decay::Constant,
    };
    let mut explorer = rigl::rigl(always(), fraction).explorer().unwrap();
    let before = explorer.clone();
    let ranked = |positions: &[u64]| {
        let candidate = |&position| Candidate {
            position,
            magnitude: 1.0,
        };
        Candidates::Best(positions.iter().map(candidate).collect())
    };
    let rows = [
        (vec![], "1 layers grow by gradient but 0 lists"),
        (vec![ranked(&[2]); 2], "but 2 lists"),
        (
            vec![ranked(&[2])],
            "asked for 2 ranked candidates and got 1",
        ),
        (vec![ranked(&[2, 3, 4])], "and got 3"),
        (vec![Candidates::Dense(vec![0.0; 8])], "of another kind"),
        (
            vec![ranked(&[2, 5])],
            "candidate 5 of `w` is not an eligible",
        ),
        (vec![ranked(&[2, 2])], "`w`: position 2"),
        (vec![ranked(&[2, 8])], "candidate 8 of `w`"),
    ];
    for (candidates, words) in rows {
        let error = explorer
            .rewire(1, &views, &candidates, Streams::new(0))
            .unwrap_err();
        let message = error.to_string();
        assert!(message.contains(words), "{message}");
        assert_eq!(explorer, before);
    }
    let good = explorer
        .rewire(1, &views, &[ranked(&[6, 3])], Streams::new(0))
        .unwrap();
    assert_eq!((good[0].dropped(), good[0].grown()), (&[1][..], &[3][..]));
}

#[test]
fn gradients_must_be_those_of_the_sample() {
    let layer = Layer::read("w", "0.4 0.1 . . / . 0.3 0.2 .");
    let views = [layer.view()];
    let fraction = Fraction {
        initial: 0.5,
        decay: Decay::Constant,
    };
    // A sample of all six eligible places: 0 and 5 survive.
    let recipe = rigl::rigl_sampled(always(), fraction, 9);
    let mut explorer = recipe.explorer().unwrap();
    let before = explorer.clone();
    let at = |gradients: &[f32]| Candidates::AtPositions(gradients.to_vec());
    let rows = [
        (vec![], "1 layers grow by gradient but 0 lists"),
        (vec![at(&[1.0; 5])], "asked for 6 gradients and got 5"),
        (vec![at(&[1.0; 7])], "and got 7"),
        (vec![Candidates::Best(vec![])], "of another kind"),
        // The sample is 1, 2, 3, 4, 6, 7.
        (
            vec![at(&[1.0, 1.0, 1.0, 1.0, f32::NAN, 1.0])],
            "`w`: score NaN at position 6",
        ),
    ];
    for (candidates, words) in rows {
        let error = explorer
            .rewire(1, &views, &candidates, Streams::new(0))
            .unwrap_err();
        let message = error.to_string();
        assert!(message.contains(words), "{message}");
        assert_eq!(explorer, before);
    }
    let gradients = at(&[1.0, -2.0, 0.5, 0.0, 2.0, -1.0]);
    let good = explorer
        .rewire(1, &views, &[gradients], Streams::new(0))
        .unwrap();
    assert_eq!((good[0].dropped(), good[0].grown()), (&[1][..], &[2][..]));
}

#[test]
fn damaged_or_foreign_states_are_refused() {
    let state = |threshold: serde_json::Value| json!({ "rounds": 3, "shortfall": 0, "threshold": threshold });
    for recipe in recipes() {
        let mut explorer = recipe.explorer().unwrap();
        let before = explorer.clone();
        let mut wrong = vec![
            json!(null),
            json!({}),
            json!([3, 0]),
            json!({ "rounds": 3, "threshold": null }),
            json!({ "rounds": -3, "shortfall": 0, "threshold": null }),
            json!({ "rounds": 3, "shortfall": 0, "threshold": null, "extra": 1 }),
            json!({ "rounds": u64::MAX, "shortfall": 0, "threshold": null }),
            json!({ "rounds": 3, "shortfall": u64::MAX, "threshold": null }),
            state(json!("high")),
            state(json!(0.0)),
            state(json!(-1.0)),
            state(json!(1e300)),
        ];
        if explorer.threshold().is_none() {
            wrong.push(state(json!(0.5)));
        }
        for state in wrong {
            let error = explorer.restore(&state).unwrap_err();
            assert!(matches!(error, ExploreError::State { .. }), "{error}");
            assert_eq!(explorer, before);
        }
        explorer.restore(&state(json!(null))).unwrap();
        assert_eq!(explorer.rounds(), 3);
    }
}

#[test]
fn recipes_that_mean_nothing_are_refused() {
    let fraction = |initial| Fraction {
        initial,
        decay: Decay::Cosine,
    };
    let flat = Fraction {
        initial: 0.3,
        decay: Decay::Power { exponent: 0.0 },
    };
    let wrong = [
        (set::set(always(), fraction(1.0)), "fraction is 1"),
        (
            set::set_two_sided(always(), fraction(-0.5)),
            "fraction is -0.5",
        ),
        (rigl::rigl(always(), flat), "exponent is 0"),
        (
            rigl::rigl_sampled(always(), rigl::FRACTION, 0),
            "sample is 0",
        ),
        (dsr(always(), Threshold::per_round(0)), "target is 0"),
    ];
    for (recipe, words) in wrong {
        let message = recipe.explorer().unwrap_err().to_string();
        assert!(message.contains(words), "{message}");
    }
}
