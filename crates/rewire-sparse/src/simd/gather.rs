//! Values in the order of a tile, and back.

use rewire_mask::Isa;

use super::tiles::Segment;
use super::vector::{Vector, with_vectors};

/// Segments ahead of the present one whose values are asked for.
const AHEAD: usize = 8;

/// `gathered[i] = values[indices[i]]`.
///
/// # Panics
/// If there are not as many indices as places.
///
/// # Safety
/// Every index must name a value, and be below 2³¹.
pub(super) unsafe fn gather(isa: Isa, values: &[f32], indices: &[u32], gathered: &mut [f32]) {
    assert_eq!(indices.len(), gathered.len());
    // SAFETY: the vectors are those of the processor; the caller answers for the indices.
    with_vectors!(isa, V => unsafe { gather_with::<V>(values, indices, gathered) });
}

/// Puts runs of values one behind the other: segment by segment, as many from its first entry on as
/// it has entries.
///
/// # Safety
/// All entries must name values, and there must be a place for each.
pub(super) unsafe fn gather_runs(
    isa: Isa,
    values: &[f32],
    segments: &[Segment],
    firsts: &[u32],
    gathered: &mut [f32],
) {
    // SAFETY: the vectors are those of the processor; the caller answers for the entries.
    with_vectors!(isa, V => unsafe { gather_runs_with::<V>(values, segments, firsts, gathered) });
}

/// Adds to runs of values what lies one behind the other, segment by segment. The first value is
/// that of entry `origin`.
///
/// # Safety
/// As for [`gather_runs`], with a sum for each entry.
pub(super) unsafe fn add_runs(
    isa: Isa,
    sums: &[f32],
    segments: &[Segment],
    firsts: &[u32],
    origin: usize,
    values: &mut [f32],
) {
    // SAFETY: as above.
    with_vectors!(isa, V => unsafe { add_runs_with::<V>(sums, segments, firsts, origin, values) });
}

/// # Safety
/// As for [`gather`], for as many indices as places, and the processor must have the vector's
/// instructions.
#[inline(always)]
unsafe fn gather_with<V: Vector>(values: &[f32], indices: &[u32], gathered: &mut [f32]) {
    let whole = indices.len() - indices.len() % V::LANES;
    for first in (0..whole).step_by(V::LANES) {
        // SAFETY: as many indices and places lie behind `first`.
        unsafe {
            let found = V::gather(values.as_ptr(), indices.as_ptr().add(first));
            found.store(gathered.as_mut_ptr().add(first));
        }
    }
    for (place, &index) in gathered[whole..].iter_mut().zip(&indices[whole..]) {
        *place = values[index as usize];
    }
}

/// # Safety
/// As for [`gather_runs`], and the processor must have the vector's instructions.
#[inline(always)]
unsafe fn gather_runs_with<V: Vector>(
    values: &[f32],
    segments: &[Segment],
    firsts: &[u32],
    gathered: &mut [f32],
) {
    let mut to = gathered.as_mut_ptr();
    for (index, (segment, &first)) in segments.iter().zip(firsts).enumerate() {
        let len = usize::from(segment.len);
        // SAFETY: the segment's values and as many places follow.
        unsafe {
            if let Some(&ahead) = firsts.get(index + AHEAD) {
                let next = values.as_ptr().wrapping_add(ahead as usize);
                V::prefetch(next);
                V::prefetch(next.wrapping_add(len));
            }
            let from = values.as_ptr().add(first as usize);
            for at in (0..len).step_by(V::LANES) {
                let n = V::LANES.min(len - at);
                V::load_first(from.add(at), n).store_first(to.add(at), n);
            }
            to = to.add(len);
        }
    }
}

/// # Safety
/// As for [`add_runs`], and the processor must have the vector's instructions.
#[inline(always)]
unsafe fn add_runs_with<V: Vector>(
    sums: &[f32],
    segments: &[Segment],
    firsts: &[u32],
    origin: usize,
    values: &mut [f32],
) {
    let mut from = sums.as_ptr();
    for (index, (segment, &first)) in segments.iter().zip(firsts).enumerate() {
        let len = usize::from(segment.len);
        // SAFETY: the segment's values and as many sums follow.
        unsafe {
            if let Some(&ahead) = firsts.get(index + AHEAD) {
                let next = values.as_ptr().wrapping_add(ahead as usize - origin);
                V::prefetch(next);
                V::prefetch(next.wrapping_add(len));
            }
            let to = values.as_mut_ptr().add(first as usize - origin);
            for at in (0..len).step_by(V::LANES) {
                let n = V::LANES.min(len - at);
                let sum = V::load_first(from.add(at), n);
                sum.plus(V::load_first(to.add(at), n))
                    .store_first(to.add(at), n);
            }
            from = from.add(len);
        }
    }
}
