//! Packing the marked elements of a column, and merging packed ones with others by marks.
//!
//! Columns are mostly floats or counts of 32 bits, for which AVX-512 has an instruction each; the
//! plain loops for any type write every element whether or not it stays, which costs a few
//! instructions but no mispredicted branch.

use std::any::TypeId;

#[cfg(target_arch = "x86_64")]
use super::Avx512;
use super::Isa;

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// Elements that must lie behind the packed ones, to be read or written in vain.
pub(crate) const PACK_SLACK: usize = 16;

impl Isa {
    /// Writes the elements whose bit is set to the front of `packed`, in order; returns how many.
    ///
    /// # Panics
    /// If there are not as many words as the elements need, or if `packed` is not longer than
    /// `elements` by [`PACK_SLACK`].
    pub(crate) fn pack<T: Copy + 'static>(
        self,
        elements: &[T],
        marks: &[u64],
        packed: &mut [T],
    ) -> usize {
        assert_eq!(marks.len(), elements.len().div_ceil(64));
        assert!(packed.len() >= elements.len() + PACK_SLACK);
        #[cfg(target_arch = "x86_64")]
        if let (Self::Avx512(proof), Some(elements)) = (self, as_words(elements))
            && let Some(packed) = as_words_mut(packed)
        {
            return proof.pack(elements, marks, packed);
        }
        pack(elements, marks, packed)
    }

    /// Fills `elements` from two lists, each in order: from the second one where the bit is set,
    /// from the first one elsewhere. Returns how many of each were used.
    ///
    /// # Panics
    /// If there are not as many words as the elements need, or if a list is not longer than what
    /// is used of it by [`PACK_SLACK`].
    pub(crate) fn merge<T: Copy + 'static>(
        self,
        lists: [&[T]; 2],
        marks: &[u64],
        elements: &mut [T],
    ) -> [usize; 2] {
        assert_eq!(marks.len(), elements.len().div_ceil(64));
        #[cfg(target_arch = "x86_64")]
        if let (Self::Avx512(proof), [Some(first), Some(second)]) = (self, lists.map(as_words))
            && let Some(elements) = as_words_mut(elements)
        {
            return proof.merge([first, second], marks, elements);
        }
        merge(lists, marks, elements)
    }
}

fn pack<T: Copy>(elements: &[T], marks: &[u64], packed: &mut [T]) -> usize {
    let mut n = 0;
    for (elements, &mark) in elements.chunks(64).zip(marks) {
        let mut mark = mark;
        for &element in elements {
            packed[n] = element;
            n += (mark & 1) as usize;
            mark >>= 1;
        }
    }
    n
}

fn merge<T: Copy>(lists: [&[T]; 2], marks: &[u64], elements: &mut [T]) -> [usize; 2] {
    let mut used = [0; 2];
    for (elements, &mark) in elements.chunks_mut(64).zip(marks) {
        let mut mark = mark;
        for element in elements {
            let next = [lists[0][used[0]], lists[1][used[1]]];
            let which = (mark & 1) as usize;
            *element = next[which];
            used[which] += 1;
            mark >>= 1;
        }
    }
    used
}

/// Whether elements of this type are 32 bits of which every pattern is a value.
#[cfg(target_arch = "x86_64")]
fn is_word<T: 'static>() -> bool {
    [TypeId::of::<f32>(), TypeId::of::<u32>()].contains(&TypeId::of::<T>())
}

#[cfg(target_arch = "x86_64")]
fn as_words<T: 'static>(elements: &[T]) -> Option<&[u32]> {
    // SAFETY: T is f32 or u32, which have the size and alignment of u32 and no invalid bits.
    is_word::<T>()
        .then(|| unsafe { std::slice::from_raw_parts(elements.as_ptr().cast(), elements.len()) })
}

#[cfg(target_arch = "x86_64")]
fn as_words_mut<T: 'static>(elements: &mut [T]) -> Option<&mut [u32]> {
    let (pointer, len) = (elements.as_mut_ptr().cast(), elements.len());
    // SAFETY: as above, and the slice that it is made of stays borrowed.
    is_word::<T>().then(|| unsafe { std::slice::from_raw_parts_mut(pointer, len) })
}

#[cfg(target_arch = "x86_64")]
impl Avx512 {
    fn pack(self, elements: &[u32], marks: &[u64], packed: &mut [u32]) -> usize {
        // SAFETY: the token proves that the processor has the features that the kernel enables.
        unsafe { pack_512(elements, marks, packed) }
    }

    fn merge(self, lists: [&[u32]; 2], marks: &[u64], elements: &mut [u32]) -> [usize; 2] {
        // SAFETY: the token proves that the processor has the features that the kernel enables.
        unsafe { merge_512(lists, marks, elements) }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,popcnt")]
fn pack_512(elements: &[u32], marks: &[u64], packed: &mut [u32]) -> usize {
    assert!(packed.len() >= elements.len() + PACK_SLACK);
    let (blocks, rest) = elements.as_chunks::<64>();
    let mut n = 0;
    for (block, &mark) in blocks.iter().zip(marks) {
        for (part, elements) in block.as_chunks::<16>().0.iter().enumerate() {
            let mark = (mark >> (16 * part)) as u16;
            // SAFETY: the source is 16 elements; each earlier vector packed at most its 16, so
            // that n + 16 <= elements.len() < packed.len(), as asserted.
            unsafe {
                let found = _mm512_loadu_si512(elements.as_ptr().cast());
                let found = _mm512_maskz_compress_epi32(mark, found);
                _mm512_storeu_si512(packed.as_mut_ptr().add(n).cast(), found);
            }
            n += mark.count_ones() as usize;
        }
    }
    n + pack(rest, &marks[blocks.len()..], &mut packed[n..])
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,popcnt")]
fn merge_512(lists: [&[u32]; 2], marks: &[u64], elements: &mut [u32]) -> [usize; 2] {
    let (blocks, rest) = elements.as_chunks_mut::<64>();
    let (marks, last) = marks.split_at(blocks.len());
    let ones: usize = marks.iter().map(|mark| mark.count_ones() as usize).sum();
    assert!(lists[0].len() >= 64 * blocks.len() - ones + PACK_SLACK);
    assert!(lists[1].len() >= ones + PACK_SLACK);
    let mut used = [0; 2];
    for (block, &mark) in blocks.iter_mut().zip(marks) {
        for (part, elements) in block.as_chunks_mut::<16>().0.iter_mut().enumerate() {
            let mark = (mark >> (16 * part)) as u16;
            // SAFETY: all blocks together use 16 elements fewer of each list than it has, as
            // asserted; the target is 16 elements.
            unsafe {
                let first = _mm512_loadu_si512(lists[0].as_ptr().add(used[0]).cast());
                let second = _mm512_loadu_si512(lists[1].as_ptr().add(used[1]).cast());
                let merged = _mm512_maskz_expand_epi32(!mark, first);
                let merged = _mm512_mask_expand_epi32(merged, mark, second);
                _mm512_storeu_si512(elements.as_mut_ptr().cast(), merged);
            }
            let ones = mark.count_ones() as usize;
            used = [used[0] + 16 - ones, used[1] + ones];
        }
    }
    let more = merge([&lists[0][used[0]..], &lists[1][used[1]..]], last, rest);
    [used[0] + more[0], used[1] + more[1]]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words that are empty, full and mixed.
    fn marks(len: usize) -> Vec<u64> {
        let word = |i: u64| match i % 4 {
            0 => u64::MAX,
            1 => 0,
            _ => (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15),
        };
        let mut marks: Vec<u64> = (0..len.div_ceil(64) as u64).map(word).collect();
        if let (Some(last), 1..) = (marks.last_mut(), len % 64) {
            *last &= (1 << (len % 64)) - 1;
        }
        marks
    }

    /// Packs and merges elements of one type by every path.
    fn check<T: Copy + PartialEq + std::fmt::Debug + 'static>(number: impl Fn(u32) -> T) {
        let lens = [0, 1, 63, 65, 64, 128, 200, 64 * 9 + 5];
        for len in lens.into_iter().take(if cfg!(miri) { 4 } else { 8 }) {
            let marks = marks(len);
            let is_marked = |i: usize| marks[i / 64] >> (i % 64) & 1 == 1;
            let elements: Vec<T> = (0..len as u32).map(&number).collect();
            let expected: Vec<T> = (0..len)
                .filter(|&i| is_marked(i))
                .map(|i| elements[i])
                .collect();
            let fill = number(1_000_000);
            let unmarked = len - expected.len();
            let (first, second) = elements.split_at(unmarked);
            let (mut a, mut b) = (first.iter().copied(), second.iter().copied());
            let merged: Vec<T> = (0..len)
                .map(|i| if is_marked(i) { b.next() } else { a.next() })
                .map(Option::unwrap)
                .collect();
            for isa in Isa::all() {
                let mut packed = vec![fill; len + PACK_SLACK];
                assert_eq!(
                    isa.pack(&elements, &marks, &mut packed),
                    expected.len(),
                    "{isa:?}"
                );
                assert_eq!(packed[..expected.len()], expected, "{isa:?}");
                let [first, second] = [first, second].map(|list| {
                    let mut list = list.to_vec();
                    list.resize(list.len() + PACK_SLACK, fill);
                    list
                });
                let mut found = vec![fill; len];
                assert_eq!(
                    isa.merge([&first, &second], &marks, &mut found),
                    [unmarked, len - unmarked],
                    "{isa:?}"
                );
                assert_eq!(found, merged, "{isa:?}, {len} elements");
            }
        }
    }

    #[test]
    fn every_path_packs_and_merges_every_type_alike() {
        check(|i| i);
        check(|i| i as f32);
        check(u64::from);
        check(|i| (i as u8, i as u16));
    }

    #[test]
    fn floats_keep_their_bits() {
        let odd = [0x7f80_0001, 0xffc0_dead, 0x8000_0000, 1].map(f32::from_bits);
        for isa in Isa::all() {
            let mut packed = [0.0; 4 + PACK_SLACK];
            assert_eq!(isa.pack(&odd, &[0b1111], &mut packed), 4);
            assert_eq!(
                packed[..4].iter().map(|x| x.to_bits()).collect::<Vec<_>>(),
                odd.map(f32::to_bits)
            );
        }
    }
}
