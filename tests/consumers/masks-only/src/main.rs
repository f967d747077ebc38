//! Prunes a network of three weight matrices by magnitude, then moves a few weights.
//!
//! The matrices are the user's own `ndarray` arrays; the crate decides how many weights each keeps,
//! which ones, and carries an array of the user's across the change of positions.

use ndarray::Array2;
use rewire_mask::{
    Allocation, Coverage, Density, LayerDims, Mask, MaskError, Rewiring, Topology, allocate,
    lowest, top_k,
};

fn main() -> Result<(), MaskError> {
    let layers = [
        LayerDims {
            name: "fc1",
            dims: &[300, 784],
        },
        LayerDims {
            name: "fc2",
            dims: &[100, 300],
        },
        LayerDims {
            name: "fc3",
            dims: &[10, 100],
        },
    ];
    let density = Density::from_sparsity(0.9)?;
    let counts = allocate(&layers, density, Allocation::Erk)?;
    assert_eq!(counts.iter().sum::<u64>(), 26_620, "a tenth of 266 200");

    for (layer, &count) in layers.iter().zip(&counts) {
        prune_and_move(layer, count)?;
    }
    println!("LeNet-300-100 at sparsity 0.9 keeps {counts:?} weights");
    Ok(())
}

/// Keeps the `count` heaviest weights of a layer and replaces the lightest tenth of them.
fn prune_and_move(layer: &LayerDims<'_>, count: u64) -> Result<(), MaskError> {
    let (rows, cols) = (layer.dims[0], layer.dims[1]);
    let weights = Array2::from_shape_fn((rows, cols), |(row, col)| {
        ((row * cols + col) as f32 * 0.618_034).sin()
    });
    let magnitudes: Vec<f32> = weights.iter().map(|weight| weight.abs()).collect();
    let kept = top_k(&magnitudes, count as usize)?;
    let bits = {
        let mut bits = Array2::from_elem((rows, cols), false);
        for &index in &kept {
            bits[[index / cols, index % cols]] = true;
        }
        bits
    };
    let mask = Mask::from_array(bits.view());
    assert_eq!(mask.n_active(), count);
    let lightest_kept = kept
        .iter()
        .map(|&index| magnitudes[index])
        .fold(f32::INFINITY, f32::min);
    let heaviest_pruned = (0..magnitudes.len())
        .filter(|&index| !mask.contains(index as u64))
        .map(|index| magnitudes[index])
        .fold(0.0, f32::max);
    assert!(lightest_kept >= heaviest_pruned);

    let before = Topology::from_mask(&mask);
    let values: Vec<f32> = before
        .positions()
        .map(|position| weights[[position as usize / cols, position as usize % cols]])
        .collect();
    let moved = (count / 10).min(before.n_inactive()) as usize;
    let scores: Vec<f32> = values.iter().map(|value| value.abs()).collect();
    let dropped = lowest(&scores, moved)?
        .into_iter()
        .map(|index| before.position(index));
    let grown = (0..(rows * cols) as u64)
        .filter(|&position| !before.contains(position))
        .take(moved);
    let rewiring = Rewiring::new(dropped.collect(), grown.collect())?;
    let (after, gather) = before.apply(&rewiring)?;
    let values = gather.gather(&values, 0.0);
    assert_eq!(after.n_active() as u64, count);
    for (index, position) in after.positions().enumerate() {
        let survived = before.contains(position);
        let expected = weights[[position as usize / cols, position as usize % cols]];
        assert_eq!(values[index], if survived { expected } else { 0.0 });
    }

    let mut coverage = Coverage::start(&before);
    coverage.record(&after, &rewiring)?;
    assert_eq!(coverage.explored(), count + moved as u64);
    Ok(())
}
