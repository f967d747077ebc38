//! How much magnitude the patterns keep of normally distributed weights.
//!
//! The shares of Σ|w| have known values, to three decimals: unstructured .797, 2:4 along rows .745,
//! transposable 2:4 .703, greedily .693. Unstructured, it is exp(−q²/2) with the quartile q = .6745.

use std::f64::consts::TAU;

use ndarray::Array2;
use rand_chacha::rand_core::RngCore;
use rewire_mask::{Edges, KeptMagnitude, Lines, Mask, Pattern, greedy_transposable};

use super::{density, nm};
use crate::rng;

const SIDE: usize = 2048;

/// What a share may differ by: half of the last digit, and four standard deviations of the sample.
///
/// In a tile, kept − share · all is the largest of linear functions of the 16 magnitudes whose
/// coefficients are 1 − share for eight and −share for eight, so it changes by at most
/// √(8·(.797² + .203²)) < 2.4 times the way the weights go, and by Poincaré's inequality for normal
/// weights its standard deviation is below that. The greedy choice is nearly such a largest one.
/// The sum over independent tiles is divided by all magnitude, 16 · .798 per tile.
fn tolerance() -> f64 {
    let tiles = (SIDE * SIDE / 16) as f64;
    0.0005 + 4.0 * 2.4 / (16.0 * 0.798) / tiles.sqrt()
}

/// Box and Muller's normal numbers.
fn normal(seed: u64) -> Array2<f32> {
    let mut rng = rng(seed);
    let mut uniform = || (f64::from(rng.next_u32()) + 0.5) * 2f64.powi(-32);
    Array2::from_shape_fn((SIDE, SIDE), |_| {
        let radius = (-2.0 * uniform().ln()).sqrt();
        (radius * (TAU * uniform()).cos()) as f32
    })
}

#[test]
#[cfg_attr(miri, ignore = "too many masks for an interpreter")]
fn normal_weights_lose_what_they_are_known_to_lose() {
    let weights = normal(11);
    let magnitudes = weights.mapv(f32::abs);
    let (nm, edges, along) = (nm(2, 4), Edges::Reject, Lines::Inputs);
    let project = |pattern: Pattern| pattern.project_magnitude(weights.view()).unwrap();
    let half = density(0.5);
    let best = project(Pattern::TransposableNm { nm, edges });
    let greedy = greedy_transposable(magnitudes.view(), nm, edges).unwrap();
    let kept = |mask: &Mask| KeptMagnitude::of(mask, weights.view()).unwrap();
    let shares = [
        (project(Pattern::Unstructured { density: half }), 0.797),
        (project(Pattern::Nm { nm, along, edges }), 0.745),
        (best.clone(), 0.703),
        (greedy.clone(), 0.693),
    ];
    assert!(tolerance() < 0.002);
    for (mask, share) in &shares {
        let found = kept(mask);
        assert!(
            (found.fraction() - share).abs() <= tolerance(),
            "{} {share}",
            found.fraction()
        );
        assert!((found.ratio() - share / 0.797).abs() <= 2.0 * tolerance() / 0.797);
        assert_eq!(mask.n_active() as usize, SIDE * SIDE / 2);
    }
    assert!(kept(&greedy).kept <= kept(&best).kept);
}

/// Larger tiles restrict less: of 4:8 the greedy one keeps more than the best of 2:4, and of
/// 16:32 more again; the best keeps at least what the greedy one does, tile by tile.
#[test]
#[cfg_attr(miri, ignore = "too many masks for an interpreter")]
fn larger_tiles_keep_more() {
    let weights = normal(12);
    let weights = weights.slice(ndarray::s![..256, ..256]);
    let magnitudes = weights.mapv(f32::abs);
    let edges = Edges::Reject;
    let mut before = 0.0;
    for of in [4, 8, 16, 32] {
        let nm = nm(of / 2, of);
        let best = Pattern::TransposableNm { nm, edges }.project(magnitudes.view());
        let best = KeptMagnitude::of(&best.unwrap(), weights)
            .unwrap()
            .fraction();
        let greedy = greedy_transposable(magnitudes.view(), nm, edges).unwrap();
        let greedy = KeptMagnitude::of(&greedy, weights).unwrap().fraction();
        assert!(
            before < greedy && greedy <= best,
            "{of}: {greedy} of {best}"
        );
        before = best;
    }
}
