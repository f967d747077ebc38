//! A layer of 300 000 × 300 000 weights, whose bitmap would take 11 GB, is handled like any other.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rewire_mask::{Coverage, MatrixShape, PositionSet, Rewiring, Topology};

const SHAPE: MatrixShape = MatrixShape::new(300_000, 300_000);

#[test]
fn memory_grows_with_the_active_weights() {
    let before_peak = peak_memory();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let n_active = 1_000_000;
    let before = Topology::random(SHAPE, n_active, &mut rng).unwrap();
    assert_eq!(before.n_active() as u64, n_active);
    assert_eq!(before.n_inactive(), 90_000_000_000 - n_active);

    let mut coverage = Coverage::start(&before);
    let dropped: Vec<u64> = before.positions().step_by(10).collect();
    let grown = before.sample_inactive(100_000, &dropped, &mut rng).unwrap();
    let rewiring = Rewiring::new(dropped, grown).unwrap();
    let (after, gather) = before.apply(&rewiring).unwrap();
    coverage.record(&after, &rewiring).unwrap();

    assert_eq!(after.n_active() as u64, n_active);
    assert_eq!((gather.new_len(), gather.n_new()), (1_000_000, 100_000));
    assert_eq!(Rewiring::between(&before, &after).unwrap(), rewiring);
    assert_eq!(after.apply(&rewiring.inverse()).unwrap().0, before);
    assert_eq!(
        (coverage.explored(), coverage.survived()),
        (1_100_000, 900_000)
    );

    // Eight bytes per active position for each of a dozen lists that exist at a time, and the row
    // offsets of as many topologies: 125 MB.
    if let (Some(before), Some(after)) = (before_peak, peak_memory()) {
        let taken = after - before;
        assert!(taken < 125_000_000, "{taken} bytes");
    }
}

#[test]
fn positions_near_the_last_one_are_exact() {
    let last = SHAPE.len() - 1;
    let topology = Topology::from_positions(SHAPE, [0, last - 1, last]).unwrap();
    assert_eq!(topology.position(2), last);
    assert_eq!(topology.index_of(last - 1), Some(1));
    assert_eq!(topology.row(299_999), [299_998, 299_999]);
    assert_eq!(topology.row_range(1), 1..1);
    let set = Coverage::start(&topology);
    assert_eq!(set.explored_positions(), [0, last - 1, last]);
    assert!(matches!(PositionSet::empty(SHAPE), PositionSet::Sorted(_)));
}

/// The most memory this process has held, in bytes, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}
