//! Which entries of a tile may be grown, as bits.

use std::ops::Range;

use rewire_mask::{Mask, Topology, WeightView};

/// Sets the bits of the inactive and the readmitted entries of these rows: the entry at flat
/// position p has bit p − f, where f is the position at which the rows begin. Bits beyond the last
/// entry are 0.
pub(super) fn mark(
    weights: WeightView<'_>,
    readmitted: &[u64],
    rows: Range<usize>,
    words: &mut Vec<u64>,
) {
    let shape = weights.shape();
    let first = shape.position(rows.start, 0);
    let entries = rows.len() * shape.cols;
    words.clear();
    words.resize(entries.div_ceil(64), 0);
    match weights {
        WeightView::Dense { .. } => {}
        WeightView::Active { topology, .. } => mark_outside(topology, rows, words),
        WeightView::Latent { forward, .. } => mark_unset(forward, first, words),
    }
    if let (Some(last), 1..) = (words.last_mut(), entries % 64) {
        *last &= (1 << (entries % 64)) - 1;
    }
    let from = readmitted.partition_point(|&position| position < first);
    let count = readmitted[from..].partition_point(|&position| position - first < entries as u64);
    for &position in &readmitted[from..from + count] {
        let index = (position - first) as usize;
        words[index / 64] |= 1 << (index % 64);
    }
}

fn mark_outside(topology: &Topology, rows: Range<usize>, words: &mut [u64]) {
    words.fill(u64::MAX);
    let cols = topology.shape().cols;
    for (row, start) in rows.zip((0..).step_by(cols)) {
        for &column in topology.row(row) {
            let index = start + column as usize;
            words[index / 64] &= !(1 << (index % 64));
        }
    }
}

fn mark_unset(mask: &Mask, first: u64, words: &mut [u64]) {
    let set = &mask.words()[(first / 64) as usize..];
    let shift = first % 64;
    for (index, word) in words.iter_mut().enumerate() {
        let low = set[index] >> shift;
        let high = set.get(index + 1).copied().unwrap_or(0);
        // Shifted in two parts, for a word cannot be shifted by all its 64 bits.
        *word = !(low | high << 1 << (63 - shift));
    }
}
