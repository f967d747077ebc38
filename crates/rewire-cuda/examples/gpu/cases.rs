//! The shapes of a check: every edge of a tile in every dimension, in combinations drawn anew.

use rand::RngCore;

/// Extents around the edges of pairs, chunks, fragments, steps and tiles.
const EDGES: [usize; 25] = [
    1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 191, 255, 256, 257,
    320,
];

/// At least `count` triples of extents, of which each edge takes each place at least once. On an
/// emulator `most` keeps them small.
pub(super) fn shapes(count: usize, most: usize, rng: &mut impl RngCore) -> Vec<[usize; 3]> {
    let edges: Vec<usize> = EDGES.into_iter().filter(|&edge| edge <= most).collect();
    let mut draw = || edges[rng.next_u32() as usize % edges.len()];
    let mut shapes = Vec::new();
    for place in 0..3 {
        for &edge in &edges {
            let mut shape = [draw(), draw(), draw()];
            shape[place] = edge;
            shapes.push(shape);
        }
    }
    while shapes.len() < count {
        shapes.push([draw(), draw(), draw()]);
    }
    shapes
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn every_edge_takes_every_place() {
        let shapes = shapes(200, 400, &mut ChaCha8Rng::seed_from_u64(1));
        assert_eq!(shapes.len(), 200);
        for place in 0..3 {
            for edge in EDGES {
                assert!(shapes.iter().any(|shape| shape[place] == edge));
            }
        }
    }
}
