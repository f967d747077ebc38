//! Numbers for the lanes of a probe, the same on every machine.

use crate::Element;

/// A sequence of pseudo-random numbers (splitmix64).
pub(super) struct Numbers(u64);

/// Which numbers a matrix instruction is probed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Whole numbers from −8 to 8: sums have the same bits in every order.
    Whole,
    /// Multiples of 2⁻⁷ between −1 and 1, whose products are summed with rounding.
    Real,
}

/// The six pairs of ascending columns that metadata can name.
const PAIRS: [u32; 6] = [0x4, 0x8, 0x9, 0xC, 0xD, 0xE];

impl Numbers {
    /// A sequence of its own for each name.
    pub(super) fn of(name: &str) -> Self {
        // FNV-1a.
        let hash = name.bytes().fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
        });
        Self(hash)
    }

    pub(super) fn word(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ mixed >> 31) >> 32) as u32
    }

    /// A number below `bound`, a power of two.
    pub(super) fn below(&mut self, bound: u32) -> u32 {
        self.word() & (bound - 1)
    }

    pub(super) fn single(&mut self, kind: Kind) -> f32 {
        match kind {
            Kind::Whole => (self.word() % 17) as f32 - 8.0,
            Kind::Real => (self.word() % 257) as f32 / 128.0 - 1.0,
        }
    }

    /// The bits of a 16-bit number; those of both kinds are exact in either type.
    fn half(&mut self, element: Element, kind: Kind) -> u32 {
        let bits = self.single(kind).to_bits();
        match element {
            Element::Bf16 => bits >> 16,
            // Between 2⁻⁷ and 8 all are normal: the exponent moves from a bias of 127 to 15.
            Element::F16 if bits << 1 == 0 => bits >> 16,
            Element::F16 => bits >> 16 & 0x8000 | ((bits & 0x7FFF_FFFF) - (112 << 23)) >> 13,
        }
    }

    /// Two 16-bit numbers.
    pub(super) fn halves(&mut self, element: Element, kind: Kind) -> u32 {
        self.half(element, kind) | self.half(element, kind) << 16
    }

    /// A word of metadata: eight legal pairs.
    pub(super) fn pairs(&mut self) -> u32 {
        (0..8).fold(0, |word, group| {
            word | PAIRS[self.word() as usize % PAIRS.len()] << (4 * group)
        })
    }
}
