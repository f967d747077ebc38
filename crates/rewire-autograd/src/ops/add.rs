//! `y = a + b`; `da = dy`, `db = dy`.

use rayon::prelude::*;

use super::CHUNK;

/// Adds `addend` to `values`, entry by entry.
pub(crate) fn forward(addend: &[f32], values: &mut [f32]) {
    let add = |(values, addend): (&mut [f32], &[f32])| {
        for (value, &addend) in values.iter_mut().zip(addend) {
            *value += addend;
        }
    };
    if values.len() <= CHUNK {
        add((values, addend));
    } else {
        let addends = addend.par_chunks(CHUNK);
        values.par_chunks_mut(CHUNK).zip(addends).for_each(add);
    }
}
