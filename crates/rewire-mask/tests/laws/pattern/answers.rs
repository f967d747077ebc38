//! What a rewiring inside a pattern asks for, and the answers it refuses.

use ndarray::{Array2, array};
use rewire_mask::{Candidate, Candidates, Edges, GrowthRequest, Lines, MaskError, Part, Pattern};

use super::density;
use super::release::{at, columns, pairs, tiles};
use crate::rng;

pub(super) fn candidates(list: &[(u64, f32)]) -> Vec<Candidate> {
    let candidate = |&(position, magnitude)| Candidate {
        position,
        magnitude,
    };
    list.iter().map(candidate).collect()
}

#[test]
fn what_cannot_be_given_up_is_refused() {
    let topology = at(2, 4, &[0, 3, 4, 7]);
    let request = |pattern: Pattern, released: &[u64]| {
        let error = pattern.growth_request(&topology, released).unwrap_err();
        let at_random = pattern.regrow_at_random(&topology, released, &mut rng(1));
        assert_eq!(at_random.as_ref(), Err(&error));
        let regrown = pattern.regrow(&topology, released, &Candidates::Best(Vec::new()));
        assert_eq!(regrown, at_random);
        error
    };
    for pattern in [pairs(), columns(Edges::Reject), Pattern::FanIn { keep: 2 }] {
        let error = MaskError::NotActive { position: 1 };
        assert_eq!(request(pattern, &[0, 1, 2]), error);
        assert_eq!(request(pattern, &[8]), MaskError::NotActive { position: 8 });
        for (previous, position) in [(4, 3), (4, 4)] {
            let error = MaskError::NotAscending { previous, position };
            assert_eq!(request(pattern, &[0, previous, position]), error);
        }
    }
    let error = request(columns(Edges::Reject), &[0, 3, 4]);
    let (position, released, entries) = (3, 1, 2);
    let expected = MaskError::PartialUnit {
        position,
        released,
        entries,
    };
    assert_eq!(error, expected);
    let text = "only 1 of the 2 entries of the block at position 3 are given up";
    assert_eq!(error.to_string(), text);
}

#[test]
fn candidates_that_answer_something_else_are_refused() {
    let topology = at(2, 4, &[0, 3, 5, 6]);
    let blocks = at(2, 4, &[0, 1, 4, 5]);
    let all = || {
        [
            Candidates::Best(Vec::new()),
            Candidates::PerGroup(Vec::new()),
            Candidates::Tiles(Array2::zeros((1, 4))),
            Candidates::AtPositions(vec![0.0; 4]),
            Candidates::Dense(vec![0.0; 8]),
        ]
    };
    let half = density(0.5);
    let by_family = [
        (Pattern::Unstructured { density: half }, 0),
        (pairs(), 1),
        (Pattern::FanIn { keep: 2 }, 1),
        (columns(Edges::Reject), 2),
        (tiles(), 3),
    ];
    for (pattern, right) in by_family {
        let topology = if right == 2 { &blocks } else { &topology };
        for (index, candidates) in all().iter().enumerate() {
            let answer = pattern.regrow(topology, &[], candidates);
            let is_wrong = matches!(answer, Err(MaskError::WrongCandidates { .. }));
            // No tile is touched, so four gradients are four too many for tiles.
            assert_eq!(
                is_wrong,
                index != right || right == 3,
                "{pattern:?} {index}"
            );
        }
    }
    // A touched 2×2 tile without survivors has four places.
    let released = [0, 5];
    for (n, is_right) in [(3, false), (4, true), (5, false)] {
        let gradients = Candidates::AtPositions(vec![1.0; n]);
        let answer = tiles().regrow(&topology, &released, &gradients);
        assert_eq!(answer.is_ok(), is_right);
    }
    for (dim, is_right) in [
        ((1, 3), false),
        ((2, 4), false),
        ((4, 1), false),
        ((1, 4), true),
    ] {
        let sums = Candidates::Tiles(Array2::ones(dim));
        let answer = columns(Edges::Reject).regrow(&blocks, &[0, 4], &sums);
        assert_eq!(answer.is_ok(), is_right, "{dim:?}");
    }
}

#[test]
fn candidates_that_cannot_be_grown_are_refused() {
    let topology = at(2, 4, &[0, 3, 5, 6]);
    let regrow = |list: &[(u64, f32)]| {
        let candidates = Candidates::PerGroup(candidates(list));
        pairs().regrow(&topology, &[0, 6], &candidates)
    };
    let (part, wanted, available) = (Part::Group(3), 1, 0);
    let error = MaskError::NoRoom {
        part,
        wanted,
        available,
    };
    assert_eq!(regrow(&[(0, 1.0)]), Err(error.clone()));
    assert_eq!(error.to_string(), "group 3 has 0 candidates for 1 place");
    let error = MaskError::AlreadyActive { position: 5 };
    assert_eq!(regrow(&[(0, 1.0), (5, 1.0), (6, 1.0)]), Err(error));
    let (position, shape) = (8, topology.shape());
    let error = MaskError::OutOfRange { position, shape };
    assert_eq!(regrow(&[(8, 1.0)]), Err(error));
    for value in [f32::INFINITY, f32::NEG_INFINITY] {
        let error = MaskError::NonFinite { index: 7, value };
        assert_eq!(regrow(&[(0, 1.0), (7, value)]), Err(error));
        let answer = Candidates::AtPositions(vec![0.0, value, 0.0, 0.0]);
        let error = MaskError::NonFinite { index: 3, value };
        assert_eq!(tiles().regrow(&topology, &[3, 6], &answer), Err(error));
        let blocks = at(2, 4, &[0, 1, 4, 5]);
        let sums = Candidates::Tiles(array![[0.0, 0.0, value, 0.0]]);
        let error = MaskError::NonFinite { index: 2, value };
        let grown = columns(Edges::Reject).regrow(&blocks, &[0, 4], &sums);
        assert_eq!(grown, Err(error));
    }
    let named = regrow(&[(0, f32::NAN)]);
    assert!(matches!(named, Err(MaskError::NonFinite { index: 0, .. })));
    let density = density(0.5);
    let whole = Pattern::Unstructured { density };
    let too_few = Candidates::Best(candidates(&[(1, 1.0)]));
    let text = whole.regrow(&topology, &[0, 6], &too_few).unwrap_err();
    assert_eq!(text.to_string(), "the mask has 1 candidate for 2 places");
}

/// No request asks for the dense gradient, and none for more than the touched units hold.
#[test]
fn requests_ask_for_what_is_needed() {
    let topology = at(2, 4, &[0, 3, 5, 6]);
    let growth = |pattern: Pattern, released: &[u64]| {
        let request = pattern.growth_request(&topology, released).unwrap();
        assert_eq!(request.readmitted, released);
        request.growth
    };
    let density = density(0.5);
    let whole = growth(Pattern::Unstructured { density }, &[0, 6]);
    assert_eq!(whole, GrowthRequest::TopK { k: 2 });
    let (along, of, k) = (Lines::Inputs, 2, 1);
    let per_group = GrowthRequest::BestPerGroup { along, of, k };
    assert_eq!(growth(pairs(), &[0, 6]), per_group);
    let (of, k) = (4, 2);
    let per_row = GrowthRequest::BestPerGroup { along, of, k };
    assert_eq!(growth(Pattern::FanIn { keep: 2 }, &[0, 3, 5]), per_row);
    // The first tile with survivor 5: its other three entries; the second is not touched.
    let positions = vec![0, 1, 4];
    assert_eq!(growth(tiles(), &[0]), GrowthRequest::AtPositions(positions));
    let (tile_rows, tile_cols) = (2, 1);
    let per_block = GrowthRequest::PatternScores {
        tile_rows,
        tile_cols,
    };
    let request = columns(Edges::Reject).growth_request(&at(2, 4, &[0, 1, 4, 5]), &[]);
    assert_eq!(request.unwrap().growth, per_block);
}
