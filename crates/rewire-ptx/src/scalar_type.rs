//! The scalar types of PTX: how wide a value is and what may stand in for it.

use std::fmt;

/// A fundamental type of PTX, as in `.reg .b32 %r` or `add.s32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each variant is spelled as PTX spells it")]
pub enum ScalarType {
    Pred,
    B8,
    B16,
    B32,
    B64,
    U8,
    U16,
    U32,
    U64,
    S8,
    S16,
    S32,
    S64,
    F16,
    F16x2,
    Bf16,
    Bf16x2,
    F32,
    F64,
}

/// What the bits of a type mean, which decides where its registers may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Predicate,
    Bits,
    Integer,
    Float,
}

/// Every type with its word.
const WORDS: [(ScalarType, &str); 19] = [
    (ScalarType::Pred, "pred"),
    (ScalarType::B8, "b8"),
    (ScalarType::B16, "b16"),
    (ScalarType::B32, "b32"),
    (ScalarType::B64, "b64"),
    (ScalarType::U8, "u8"),
    (ScalarType::U16, "u16"),
    (ScalarType::U32, "u32"),
    (ScalarType::U64, "u64"),
    (ScalarType::S8, "s8"),
    (ScalarType::S16, "s16"),
    (ScalarType::S32, "s32"),
    (ScalarType::S64, "s64"),
    (ScalarType::F16, "f16"),
    (ScalarType::F16x2, "f16x2"),
    (ScalarType::Bf16, "bf16"),
    (ScalarType::Bf16x2, "bf16x2"),
    (ScalarType::F32, "f32"),
    (ScalarType::F64, "f64"),
];

impl ScalarType {
    /// The type with this word, without the dot.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        WORDS
            .iter()
            .find(|(_, name)| *name == word)
            .map(|&(scalar, _)| scalar)
    }

    /// Bytes of a value in memory; a predicate has none.
    pub fn bytes(self) -> usize {
        use ScalarType as T;
        match self {
            T::Pred => 0,
            T::B8 | T::U8 | T::S8 => 1,
            T::B16 | T::U16 | T::S16 | T::F16 | T::Bf16 => 2,
            T::B32 | T::U32 | T::S32 | T::F16x2 | T::Bf16x2 | T::F32 => 4,
            T::B64 | T::U64 | T::S64 | T::F64 => 8,
        }
    }

    /// Bits of a value.
    pub(crate) fn bits(self) -> u32 {
        self.bytes() as u32 * 8
    }

    /// The bits a value may have, as a mask.
    pub(crate) fn mask(self) -> u64 {
        match self.bits() {
            64 => u64::MAX,
            bits => (1 << bits) - 1,
        }
    }

    /// Whether widening repeats the highest bit.
    pub(crate) fn is_signed(self) -> bool {
        use ScalarType as T;
        matches!(self, T::S8 | T::S16 | T::S32 | T::S64)
    }

    pub(crate) fn family(self) -> Family {
        use ScalarType as T;
        match self {
            T::Pred => Family::Predicate,
            T::B8 | T::B16 | T::B32 | T::B64 => Family::Bits,
            T::U8 | T::U16 | T::U32 | T::U64 | T::S8 | T::S16 | T::S32 | T::S64 => Family::Integer,
            T::F16 | T::F16x2 | T::Bf16 | T::Bf16x2 | T::F32 | T::F64 => Family::Float,
        }
    }

    /// Whether a register of type `self` may hold an operand of type `wanted`: widths agree, and
    /// integers and floats meet only through untyped bits.
    pub(crate) fn holds(self, wanted: Self) -> bool {
        self.bits() == wanted.bits() && self.mixes_with(wanted)
    }

    /// As [`ScalarType::holds`], but the register may be wider, as loads, stores and conversions
    /// allow.
    pub(crate) fn holds_or_exceeds(self, wanted: Self) -> bool {
        self.bits() >= wanted.bits() && self.mixes_with(wanted)
    }

    fn mixes_with(self, wanted: Self) -> bool {
        let (own, other) = (self.family(), wanted.family());
        if own == Family::Predicate || other == Family::Predicate {
            return own == other;
        }
        match (own, other) {
            (Family::Float, Family::Float) => self == wanted,
            (Family::Bits, _) | (_, Family::Bits) => true,
            _ => own == other,
        }
    }
}

impl fmt::Display for ScalarType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = WORDS
            .iter()
            .find(|(scalar, _)| scalar == self)
            .map_or("?", |&(_, word)| word);
        write!(f, ".{word}")
    }
}
