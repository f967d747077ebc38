//! Vectors of floats as the kernels see them.
//!
//! The intrinsics are only inlined where a kernel is compiled for their instructions, so every
//! function here is unsafe to call elsewhere.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

use crate::PANEL;

/// Evaluates `$work` with `$vector` standing for the vectors of `$isa`, compiled for its
/// instructions.
macro_rules! with_vectors {
    ($isa:expr, $vector:ident => $work:expr) => {
        match $isa {
            #[cfg(target_arch = "x86_64")]
            rewire_mask::Isa::Avx512(proof) => {
                type $vector = crate::simd::vector::Zmm;
                proof.vectorize(
                    #[inline(always)]
                    || $work,
                )
            }
            #[cfg(target_arch = "x86_64")]
            rewire_mask::Isa::Avx2(proof) => {
                type $vector = crate::simd::vector::Ymm;
                proof.vectorize(
                    #[inline(always)]
                    || $work,
                )
            }
            rewire_mask::Isa::Portable => {
                type $vector = crate::simd::vector::Portable;
                $work
            }
        }
    };
}
pub(in crate::simd) use with_vectors;

/// What is done for a few vectors of samples at a time.
pub(super) trait Run {
    /// Does it for `N` vectors of samples from `first` on, the last of which has `last` lanes.
    /// `WIDTH` is the panel's width if it is known to the compiler, and then all vectors are whole.
    ///
    /// # Safety
    /// The processor must have the vector's instructions, and those samples must exist.
    unsafe fn run<V: Vector, const N: usize, const WIDTH: usize>(
        &mut self,
        first: usize,
        last: usize,
    );
}

/// Does it for all samples of a panel of that width, [`RUN`] vectors at a time.
///
/// # Safety
/// The processor must have the vector's instructions.
#[inline(always)]
pub(super) unsafe fn in_runs<V: Vector>(width: usize, work: &mut impl Run) {
    // SAFETY: the runs lie within the width; the caller answers for the instructions.
    unsafe {
        if width == PANEL {
            for first in (0..PANEL).step_by(RUN * V::LANES) {
                work.run::<V, RUN, PANEL>(first, V::LANES);
            }
            return;
        }
        let mut first = 0;
        while first < width {
            let rest = (width - first).min(RUN * V::LANES);
            let last = (rest - 1) % V::LANES + 1;
            match rest.div_ceil(V::LANES) {
                1 => work.run::<V, 1, 0>(first, last),
                2 => work.run::<V, 2, 0>(first, last),
                3 => work.run::<V, 3, 0>(first, last),
                _ => work.run::<V, 4, 0>(first, last),
            }
            first += rest;
        }
    }
}

/// Vectors of a row that are held in registers at a time.
pub(super) const RUN: usize = 4;

/// Some floats that are worked on at a time.
///
/// # Safety
/// Every function asks that the processor has the vector's instructions; those with a pointer, that
/// it points to as many floats as they read or write: [`Vector::LANES`], or `n` of them.
pub(super) trait Vector: Copy {
    /// Floats of a vector.
    const LANES: usize;

    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    /// The first `n` floats, at most [`Vector::LANES`]; the other lanes are 0.
    unsafe fn load_first(from: *const f32, n: usize) -> Self;
    unsafe fn store(self, to: *mut f32);
    /// Stores the first `n` lanes, at most [`Vector::LANES`].
    unsafe fn store_first(self, to: *mut f32, n: usize);
    /// `self + other`.
    unsafe fn plus(self, other: Self) -> Self;
    /// `self · other + sum`, rounded once where the processor can.
    unsafe fn times_plus(self, other: Self, sum: Self) -> Self;
    /// Adds up the lanes of each of [`Vector::LANES`] vectors that lie one behind the other: lane l
    /// of the result is the sum of vector l.
    unsafe fn sums(vectors: *const f32) -> Self;
    /// Gathers `values[indices[lane]]`.
    unsafe fn gather(values: *const f32, indices: *const u32) -> Self;
    /// Asks for a cache line that will be read soon; any address is allowed.
    unsafe fn prefetch(address: *const f32);
}

/// The least that any processor has: the compiler makes of it what the target allows.
#[derive(Clone, Copy)]
pub(super) struct Portable([f32; 8]);

impl Vector for Portable {
    const LANES: usize = 8;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; 8])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: as many floats can be read.
        Self(unsafe { from.cast::<[f32; 8]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f32, n: usize) -> Self {
        let mut lanes = [0.0; 8];
        // SAFETY: n floats can be read.
        lanes[..n].copy_from_slice(unsafe { std::slice::from_raw_parts(from, n) });
        Self(lanes)
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as many floats can be written.
        unsafe { to.cast::<[f32; 8]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, n: usize) {
        // SAFETY: n floats can be written.
        unsafe { std::slice::from_raw_parts_mut(to, n) }.copy_from_slice(&self.0[..n]);
    }

    #[inline(always)]
    unsafe fn plus(self, other: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane] + other.0[lane]))
    }

    #[inline(always)]
    unsafe fn times_plus(self, other: Self, sum: Self) -> Self {
        Self(std::array::from_fn(|lane| {
            self.0[lane] * other.0[lane] + sum.0[lane]
        }))
    }

    #[inline(always)]
    unsafe fn sums(vectors: *const f32) -> Self {
        // SAFETY: eight vectors can be read.
        let vectors = unsafe { vectors.cast::<[[f32; 8]; 8]>().read_unaligned() };
        Self(vectors.map(|v| {
            let halves = [v[0] + v[4], v[1] + v[5], v[2] + v[6], v[3] + v[7]];
            halves[0] + halves[2] + (halves[1] + halves[3])
        }))
    }

    #[inline(always)]
    unsafe fn gather(values: *const f32, indices: *const u32) -> Self {
        // SAFETY: eight indices can be read, and the values that they name.
        Self(std::array::from_fn(|lane| unsafe {
            *values.add(*indices.add(lane) as usize)
        }))
    }

    #[inline(always)]
    unsafe fn prefetch(_: *const f32) {}
}

/// 512-bit vectors.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(super) struct Zmm(__m512);

/// A mask of the first `n` of 16 lanes.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn first_of_16(n: usize) -> __mmask16 {
    ((1u32 << n) - 1) as u16
}

// SAFETY of every block: the processor has the instructions and the pointers reach as far as the
// trait asks of its callers.
#[cfg(target_arch = "x86_64")]
impl Vector for Zmm {
    const LANES: usize = 16;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm512_set1_ps(value) })
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm512_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f32, n: usize) -> Self {
        // SAFETY: as said above; lanes that the mask leaves out are not read.
        Self(unsafe { _mm512_maskz_loadu_ps(first_of_16(n), from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as said above.
        unsafe { _mm512_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, n: usize) {
        // SAFETY: as said above; lanes that the mask leaves out are not written.
        unsafe { _mm512_mask_storeu_ps(to, first_of_16(n), self.0) }
    }

    #[inline(always)]
    unsafe fn plus(self, other: Self) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm512_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn times_plus(self, other: Self, sum: Self) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm512_fmadd_ps(self.0, other.0, sum.0) })
    }

    #[inline(always)]
    unsafe fn sums(vectors: *const f32) -> Self {
        // SAFETY: as said above.
        unsafe {
            let mut v = [_mm512_setzero_ps(); 16];
            for (index, v) in v.iter_mut().enumerate() {
                *v = _mm512_loadu_ps(vectors.add(16 * index));
            }
            // Each step adds halves, quarters, pairs and neighbours of two vectors and puts the
            // sums of the first into the lanes of lower bit 0, those of the second into bit 1.
            let halves =
                _mm512_setr_epi32(8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23);
            let quarters =
                _mm512_setr_epi32(4, 5, 6, 7, 16, 17, 18, 19, 12, 13, 14, 15, 24, 25, 26, 27);
            let pairs =
                _mm512_setr_epi32(2, 3, 16, 17, 6, 7, 20, 21, 10, 11, 24, 25, 14, 15, 28, 29);
            let neighbours =
                _mm512_setr_epi32(1, 16, 3, 18, 5, 20, 7, 22, 9, 24, 11, 26, 13, 28, 15, 30);
            let fold = |a, b, order, second| {
                _mm512_add_ps(
                    _mm512_mask_blend_ps(second, a, b),
                    _mm512_permutex2var_ps(a, order, b),
                )
            };
            for k in 0..8 {
                v[k] = fold(v[k], v[k + 8], halves, 0xFF00);
            }
            for k in 0..4 {
                v[k] = fold(v[k], v[k + 4], quarters, 0xF0F0);
            }
            for k in 0..2 {
                v[k] = fold(v[k], v[k + 2], pairs, 0xCCCC);
            }
            Self(fold(v[0], v[1], neighbours, 0xAAAA))
        }
    }

    #[inline(always)]
    unsafe fn gather(values: *const f32, indices: *const u32) -> Self {
        // SAFETY: as said above.
        unsafe {
            let indices = _mm512_loadu_si512(indices.cast());
            Self(_mm512_i32gather_ps::<4>(indices, values))
        }
    }

    #[inline(always)]
    unsafe fn prefetch(address: *const f32) {
        // SAFETY: a prefetch of any address is allowed.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
    }
}

/// 256-bit vectors.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(super) struct Ymm(__m256);

/// A mask of the first `n` of 8 lanes.
///
/// # Safety
/// The processor must have AVX2.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn first_of_8(n: usize) -> __m256i {
    // SAFETY: the caller has AVX2.
    unsafe {
        let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        _mm256_cmpgt_epi32(_mm256_set1_epi32(n as i32), lanes)
    }
}

// SAFETY of every block: the processor has the instructions and the pointers reach as far as the
// trait asks of its callers.
#[cfg(target_arch = "x86_64")]
impl Vector for Ymm {
    const LANES: usize = 8;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm256_set1_ps(value) })
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm256_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f32, n: usize) -> Self {
        // SAFETY: as said above; lanes that the mask leaves out are not read.
        Self(unsafe { _mm256_maskload_ps(from, first_of_8(n)) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as said above.
        unsafe { _mm256_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, n: usize) {
        // SAFETY: as said above; lanes that the mask leaves out are not written.
        unsafe { _mm256_maskstore_ps(to, first_of_8(n), self.0) }
    }

    #[inline(always)]
    unsafe fn plus(self, other: Self) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm256_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn times_plus(self, other: Self, sum: Self) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm256_fmadd_ps(self.0, other.0, sum.0) })
    }

    #[inline(always)]
    unsafe fn sums(vectors: *const f32) -> Self {
        // SAFETY: as said above.
        unsafe {
            let load = |index: usize| _mm256_loadu_ps(vectors.add(8 * index));
            // Neighbours of two vectors side by side, within each half; then pairs.
            let pairs = |a, b, c, d| {
                let ab = _mm256_hadd_ps(load(a), load(b));
                _mm256_hadd_ps(ab, _mm256_hadd_ps(load(c), load(d)))
            };
            let (low, high) = (pairs(0, 1, 2, 3), pairs(4, 5, 6, 7));
            let straight = _mm256_blend_ps::<0xF0>(low, high);
            Self(_mm256_add_ps(
                straight,
                _mm256_permute2f128_ps::<0x21>(low, high),
            ))
        }
    }

    #[inline(always)]
    unsafe fn gather(values: *const f32, indices: *const u32) -> Self {
        // SAFETY: as said above.
        unsafe {
            let indices = _mm256_loadu_si256(indices.cast());
            Self(_mm256_i32gather_ps::<4>(values, indices))
        }
    }

    #[inline(always)]
    unsafe fn prefetch(address: *const f32) {
        // SAFETY: a prefetch of any address is allowed.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
    }
}
