//! Shuffles a data set and draws dice from streams that depend on nothing but their keys.

use rewire_rng::{Purpose, Streams, below, permutation};

fn main() {
    let streams = Streams::new(2024);

    // The order of epoch 7 is the same whether or not the epochs before it were ever shuffled.
    let order = |epoch| permutation(1000, &mut streams.stream(Purpose::Shuffle, "train", epoch));
    let resumed = order(7);
    for epoch in 0..7 {
        assert_ne!(order(epoch), resumed, "epochs {epoch} and 7");
    }
    assert_eq!(order(7), resumed);

    // Six faces, 6000 throws: each face 1000 times, five standard deviations of 28.9 allowed.
    let mut dice = streams.stream(Purpose::Rewire, "dice", 0);
    let mut faces = [0u32; 6];
    for _ in 0..6000 {
        faces[below(6, &mut dice) as usize] += 1;
    }
    assert!(faces.iter().all(|&count| count.abs_diff(1000) <= 144));
    println!(
        "epoch 7 begins with {:?}, dice fell {faces:?}",
        &resumed[..3]
    );
}
