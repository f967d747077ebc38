//! In-time over-parameterization: how much of a layer random growth explores.

use rewire_explore::methods::set::{FRACTION, set};
use rewire_explore::{Explorer, Window};
use rewire_mask::{Coverage, MatrixShape, Topology};
use rewire_rng::{Purpose, Streams};

use crate::network::{Layer, Storage, round};

/// With just-dropped places eligible, a place that was never active is chosen in a round with
/// probability f·d / (1 − d + f·d), so 1 − R_s = (1 − d) · ((1 − d)/(1 − d + f·d))^updates.
///
/// n = 20 000, d = 0.1, f = 0.3, 30 updates: 1 − 0.9 · (0.9/0.93)^30 = 0.6635.
#[test]
fn random_growth_explores_as_much_as_the_formula_says() {
    let (n, density, updates, seeds) = (20_000.0, 0.1, 30, 16);
    let chance: f64 = density * FRACTION.initial / (1.0 - density + FRACTION.initial * density);
    let expected = 1.0 - (1.0 - density) * (1.0 - chance).powi(updates);
    assert!((expected - 0.6635).abs() < 5e-5, "{expected}");

    let shape = MatrixShape::new(100, 200);
    let window = Window::every(1, updates as u64 + 1).unwrap();
    let mut mean = 0.0;
    for seed in 0..seeds {
        let mut initial = Streams::new(seed).stream(Purpose::Topology, "w", 0);
        let topology = Topology::random(shape, 2_000, &mut initial).unwrap();
        let mut coverage = Coverage::start(&topology);
        // All weights are equal: the drops go by position, which growth does not care about.
        let mut layer = Layer::new("w", Storage::Active, topology, vec![0.0; 2_000]);
        let mut explorer = set(window.clone(), FRACTION).explorer().unwrap();
        for step in window.times() {
            let layers = std::slice::from_ref(&layer);
            let rewirings = round(&mut explorer, step, layers, &[], seed).unwrap();
            layer.apply(&rewirings[0]);
            coverage.record(&layer.topology, &rewirings[0]).unwrap();
        }
        assert_eq!(explorer.state()["rounds"], updates);
        mean += coverage.rate() / seeds as f64;
    }
    // Choices without replacement vary less than independent ones: the standard deviation of the
    // mean over all places and seeds is at most √(p (1 − p) / (n · seeds)); five of them.
    let deviation = (expected * (1.0 - expected) / (n * seeds as f64)).sqrt();
    assert!((mean - expected).abs() < 5.0 * deviation, "{mean}");
}
