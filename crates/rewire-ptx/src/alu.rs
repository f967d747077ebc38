//! Scalar arithmetic, 32 lanes at a time.
//!
//! Every function is total: lanes that do not take part in an instruction may hold any bits. An
//! operation on one lane is a closure; the macros below lay the loop around it once per operation.

pub(crate) mod bits;
pub(crate) mod convert;
pub(crate) mod float;
pub(crate) mod half;
pub(crate) mod integer;

use crate::instruction::Unary;

/// A function over all lanes from one over a lane's bits.
macro_rules! unary {
    ($one:expr) => {{
        fn run(a: &$crate::instruction::Lanes) -> $crate::instruction::Lanes {
            let one = $one;
            std::array::from_fn(|lane| one(a[lane]))
        }
        run as $crate::instruction::Unary
    }};
}

macro_rules! binary {
    ($one:expr) => {{
        fn run(
            a: &$crate::instruction::Lanes,
            b: &$crate::instruction::Lanes,
        ) -> $crate::instruction::Lanes {
            let one = $one;
            std::array::from_fn(|lane| one(a[lane], b[lane]))
        }
        run as $crate::instruction::Binary
    }};
}

macro_rules! ternary {
    ($one:expr) => {{
        fn run(
            a: &$crate::instruction::Lanes,
            b: &$crate::instruction::Lanes,
            c: &$crate::instruction::Lanes,
        ) -> $crate::instruction::Lanes {
            let one = $one;
            std::array::from_fn(|lane| one(a[lane], b[lane], c[lane]))
        }
        run as $crate::instruction::Ternary
    }};
}

/// One bit per lane.
macro_rules! comparison {
    ($one:expr) => {{
        fn run(a: &$crate::instruction::Lanes, b: &$crate::instruction::Lanes) -> u32 {
            let one = $one;
            (0..$crate::instruction::LANES)
                .map(|lane| u32::from(one(a[lane], b[lane])) << lane)
                .sum()
        }
        run as $crate::instruction::Comparison
    }};
}

pub(crate) use {binary, comparison, ternary, unary};

/// A value as it is.
pub(crate) const SAME: Unary = unary!(|a: u64| a);
