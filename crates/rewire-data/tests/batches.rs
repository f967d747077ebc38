//! Laws of batching: every sample once per epoch, and a position is all there is to store.

use proptest::prelude::*;
use rewire_data::{Batches, Position};
use rewire_rng::Streams;

/// `PROPTEST_CASES`, or as many as run in about a second.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(300)
}

/// One batch, owned: epoch, position, indices, last.
type Seen = (u64, u64, Vec<u32>, bool);

fn take(batches: &mut Batches, n: u64) -> Vec<Seen> {
    (0..n)
        .map(|_| {
            let batch = batches.next();
            (
                batch.epoch,
                batch.position,
                batch.indices.to_vec(),
                batch.last,
            )
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn every_sample_comes_once_per_epoch(
        samples in 1usize..200, batch in 1usize..70, seed: u64
    ) {
        let mut batches = Batches::new(samples, batch, Streams::new(seed)).unwrap();
        let per_epoch = batches.batches_per_epoch();
        for epoch in 0..3 {
            let seen = take(&mut batches, per_epoch);
            for (position, (e, p, indices, last)) in seen.iter().enumerate() {
                prop_assert_eq!((*e, *p), (epoch, position as u64));
                prop_assert_eq!(*last, p + 1 == per_epoch);
                // Only the last batch is smaller, and only by what the division leaves.
                let full = samples - position * batch >= batch;
                prop_assert_eq!(indices.len(), if full { batch } else { samples % batch });
            }
            let mut all: Vec<u32> = seen.into_iter().flat_map(|(_, _, i, _)| i).collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..samples as u32).collect::<Vec<_>>());
        }
    }

    #[test]
    fn resuming_at_any_position_equals_running_through(
        samples in 1usize..60, batch in 1usize..20, seed: u64
    ) {
        let fresh = || Batches::new(samples, batch, Streams::new(seed)).unwrap();
        let total = 3 * fresh().batches_per_epoch();
        let mut through = fresh();
        let mut positions = Vec::new();
        let mut whole = Vec::new();
        for _ in 0..total {
            positions.push(through.position());
            whole.extend(take(&mut through, 1));
        }
        for (done, position) in positions.into_iter().enumerate() {
            let mut resumed = fresh();
            resumed.seek(position).unwrap();
            prop_assert_eq!(resumed.position(), position);
            let rest = take(&mut resumed, total - done as u64);
            prop_assert_eq!(&rest, &whole[done..]);
            // Going back leads to the same batches too.
            resumed.seek(Position::default()).unwrap();
            prop_assert_eq!(take(&mut resumed, 1), whole[..1].to_vec());
        }
    }
}

#[test]
fn epochs_and_seeds_differ() {
    let epochs = |seed| {
        let mut batches = Batches::new(100, 100, Streams::new(seed)).unwrap();
        take(&mut batches, 3)
            .into_iter()
            .map(|seen| seen.2)
            .collect::<Vec<_>>()
    };
    let (a, b) = (epochs(1), epochs(2));
    // Two of 100! orders agree by chance with probability 1e-158.
    assert!(a[0] != a[1] && a[1] != a[2] && a[0] != a[2]);
    assert!(a[0] != b[0]);
    assert_eq!(a, epochs(1));
}

/// Written down: the order of samples is part of every published number.
#[test]
fn the_first_order_is_frozen() {
    let mut batches = Batches::new(10, 4, Streams::new(0)).unwrap();
    let orders: Vec<Vec<u32>> = take(&mut batches, 3)
        .into_iter()
        .map(|seen| seen.2)
        .collect();
    assert_eq!(orders, [vec![5, 1, 7, 9], vec![6, 4, 3, 0], vec![8, 2]]);
}

#[test]
fn the_position_after_the_last_batch_is_the_next_epoch() {
    let mut batches = Batches::new(5, 2, Streams::new(0)).unwrap();
    let mut positions = Vec::new();
    for _ in 0..4 {
        batches.next();
        positions.push((batches.position().epoch, batches.position().batch));
    }
    assert_eq!(positions, [(0, 1), (0, 2), (1, 0), (1, 1)]);
}

#[test]
fn impossible_batches_and_positions_are_refused_with_their_numbers() {
    for (samples, batch) in [(0, 1), (1, 0), (0, 0), (1 << 32, 1)] {
        let error = Batches::new(samples, batch, Streams::new(0)).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot cut {samples} samples into batches of {batch}")
        );
    }
    let mut batches = Batches::new(5, 2, Streams::new(0)).unwrap();
    batches.next();
    for batch in [3, 4, u64::MAX] {
        let error = batches.seek(Position { epoch: 7, batch }).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("epoch 7 has no batch {batch}: there are 3 batches per epoch")
        );
        assert_eq!(batches.position(), Position { epoch: 0, batch: 1 });
    }
}

#[test]
fn a_batch_larger_than_the_set_is_the_whole_set() {
    let mut batches = Batches::new(3, usize::MAX, Streams::new(0)).unwrap();
    assert_eq!(batches.batches_per_epoch(), 1);
    let batch = batches.next();
    assert_eq!((batch.indices.len(), batch.last), (3, true));
}
