//! Values in the order of a tile, and back.

use super::Isa;
use super::tiles::Segment;
use super::vector::{Portable, Vector};
#[cfg(target_arch = "x86_64")]
use super::vector::{Ymm, Zmm};

/// Segments ahead of the present one whose values are asked for.
const AHEAD: usize = 8;

impl Isa {
    /// `gathered[i] = values[indices[i]]`.
    ///
    /// # Panics
    /// If there are not as many indices as places.
    ///
    /// # Safety
    /// Every index must name a value, and be below 2³¹.
    pub(crate) unsafe fn gather(self, values: &[f32], indices: &[u32], gathered: &mut [f32]) {
        assert_eq!(indices.len(), gathered.len());
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(proof) => proof.run(
                #[inline(always)]
                // SAFETY: the proof stands for the vectors' instructions; the caller answers for
                // the indices.
                || unsafe { gather::<Zmm>(values, indices, gathered) },
            ),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(proof) => proof.run(
                #[inline(always)]
                // SAFETY: as above.
                || unsafe { gather::<Ymm>(values, indices, gathered) },
            ),
            // SAFETY: any processor has these; the caller answers for the indices.
            Self::Portable => unsafe { gather::<Portable>(values, indices, gathered) },
        }
    }
}

/// # Safety
/// As for [`Isa::gather`], for as many indices as places, and the processor must have the vector's
/// instructions.
#[inline(always)]
unsafe fn gather<V: Vector>(values: &[f32], indices: &[u32], gathered: &mut [f32]) {
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

impl Isa {
    /// Puts runs of values one behind the other: segment by segment, as many from its first entry
    /// on as it has entries.
    ///
    /// # Safety
    /// All entries must name values, and there must be a place for each.
    pub(super) unsafe fn gather_runs(
        self,
        values: &[f32],
        segments: &[Segment],
        firsts: &[u32],
        gathered: &mut [f32],
    ) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(proof) => proof.run(
                #[inline(always)]
                // SAFETY: the proof stands for the vectors' instructions; the caller answers for
                // the entries.
                || unsafe { gather_runs::<Zmm>(values, segments, firsts, gathered) },
            ),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(proof) => proof.run(
                #[inline(always)]
                // SAFETY: as above.
                || unsafe { gather_runs::<Ymm>(values, segments, firsts, gathered) },
            ),
            // SAFETY: any processor has these; the caller answers for the entries.
            Self::Portable => unsafe {
                gather_runs::<Portable>(values, segments, firsts, gathered);
            },
        }
    }

    /// Adds to runs of values what lies one behind the other, segment by segment. The first value
    /// is that of entry `origin`.
    ///
    /// # Safety
    /// As for [`Isa::gather_runs`], with a sum for each entry.
    pub(super) unsafe fn add_runs(
        self,
        sums: &[f32],
        segments: &[Segment],
        firsts: &[u32],
        origin: usize,
        values: &mut [f32],
    ) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(proof) => proof.run(
                #[inline(always)]
                // SAFETY: as above.
                || unsafe { add_runs::<Zmm>(sums, segments, firsts, origin, values) },
            ),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(proof) => proof.run(
                #[inline(always)]
                // SAFETY: as above.
                || unsafe { add_runs::<Ymm>(sums, segments, firsts, origin, values) },
            ),
            // SAFETY: as above.
            Self::Portable => unsafe {
                add_runs::<Portable>(sums, segments, firsts, origin, values)
            },
        }
    }
}

/// # Safety
/// As for [`Isa::gather_runs`], and the processor must have the vector's instructions.
#[inline(always)]
unsafe fn gather_runs<V: Vector>(
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
/// As for [`Isa::add_runs`], and the processor must have the vector's instructions.
#[inline(always)]
unsafe fn add_runs<V: Vector>(
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
