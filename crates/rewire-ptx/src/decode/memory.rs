//! `ld`, `st`, `atom`, `red` and `prefetch`.

use super::{Decoded, Reader};
use crate::ScalarType;
use crate::error::Flaw;
use crate::instruction::{Instruction, Source, Space, Update};
use crate::syntax::Operand;

/// Words about caches and the memory model, which change no value here.
const HINTS: [&str; 26] = [
    "volatile",
    "relaxed",
    "acquire",
    "release",
    "weak",
    "cta",
    "gpu",
    "sys",
    "ca",
    "cg",
    "cs",
    "lu",
    "cv",
    "wb",
    "wt",
    "nc",
    "L1::evict_normal",
    "L1::evict_unchanged",
    "L1::evict_first",
    "L1::evict_last",
    "L1::no_allocate",
    "L2::evict_first",
    "L2::evict_last",
    "L2::64B",
    "L2::128B",
    "L2::256B",
];

impl Reader<'_> {
    pub(super) fn memory(&mut self) -> Decoded {
        match self.words[0] {
            "ld" | "ldu" => self.load(),
            "st" => self.store(),
            "prefetch" => self.prefetch(),
            _ => self.atomic(),
        }
    }

    fn skip_hints(&mut self) {
        while self.take_one(&HINTS).is_some() {}
    }

    fn space(&mut self) -> Space {
        match self.take_one(&["global", "shared::cta", "shared", "const", "param"]) {
            Some("global") => Space::Global,
            Some("const") => Space::Constant,
            Some("param") => Space::Parameter,
            Some(_) => Space::Shared,
            None => Space::Generic,
        }
    }

    /// `.v2` and `.v4` with the type behind them.
    fn vector(&mut self) -> Result<(usize, ScalarType), Flaw> {
        let count = match self.take_one(&["v2", "v4"]) {
            Some("v2") => 2,
            Some(_) => 4,
            None => 1,
        };
        let scalar = self.scalar()?;
        if matches!(
            scalar,
            ScalarType::Pred | ScalarType::F16x2 | ScalarType::Bf16x2
        ) || count * scalar.bytes() > 16
        {
            return Err(self.no_such_type(scalar));
        }
        Ok((count, scalar))
    }

    fn load(&mut self) -> Decoded {
        self.skip_hints();
        let space = self.space();
        self.skip_hints();
        let (count, scalar) = self.vector()?;
        self.finish(2..=2)?;
        let mut widest = scalar.bits();
        let slot = |element: &Operand| match element {
            Operand::Sink => Ok(None),
            _ => {
                let register = self.wide_target(element, 0, scalar)?;
                widest = widest.max(register.scalar.bits());
                Ok(Some(register.slot))
            }
        };
        let to = self
            .elements_or_one(0, count)?
            .iter()
            .map(slot)
            .collect::<Result<Vec<_>, Flaw>>()?;
        if count > 1 && widest != scalar.bits() && scalar.is_signed() {
            return Err(self.operand_flaw(0, format!("a vector of {scalar} registers")));
        }
        let widen: fn(u64) -> u64 = match (scalar, widest) {
            (ScalarType::S8, 64) => |value| value as i8 as u64,
            (ScalarType::S8, 32) => |value| value as i8 as u32 as u64,
            (ScalarType::S8, 16) => |value| value as i8 as u16 as u64,
            (ScalarType::S16, 64) => |value| value as i16 as u64,
            (ScalarType::S16, 32) => |value| value as i16 as u32 as u64,
            (ScalarType::S32, 64) => |value| value as i32 as u64,
            _ => |value| value,
        };
        Ok(Instruction::Load {
            space,
            bytes: scalar.bytes(),
            widen,
            to,
            address: self.address(1, space)?,
        })
    }

    fn store(&mut self) -> Decoded {
        self.skip_hints();
        let space = self.space();
        self.skip_hints();
        let (count, scalar) = self.vector()?;
        self.finish(2..=2)?;
        if matches!(space, Space::Constant | Space::Parameter) {
            return Err(self.modifier_flaw("this space cannot be written"));
        }
        let from = self
            .elements_or_one(1, count)?
            .iter()
            .map(|element| self.value(element, 1, scalar, ScalarType::holds_or_exceeds))
            .collect::<Result<Vec<_>, Flaw>>()?;
        Ok(Instruction::Store {
            space,
            bytes: scalar.bytes(),
            from,
            address: self.address(0, space)?,
        })
    }

    fn prefetch(&mut self) -> Decoded {
        let space = self.space();
        self.require_one(&["L1", "L2"])?;
        self.finish(1..=1)?;
        self.address(0, space)?;
        Ok(Instruction::Nothing)
    }

    fn atomic(&mut self) -> Decoded {
        let returns = self.words[0] == "atom";
        self.skip_hints();
        let space = self.space();
        self.skip_hints();
        let name = self.require_one(&[
            "add", "min", "max", "and", "or", "xor", "exch", "cas", "inc", "dec",
        ])?;
        let scalar = self.scalar()?;
        let first = usize::from(returns);
        let count = first + 2 + usize::from(name == "cas");
        self.finish(count..=count)?;
        if matches!(space, Space::Constant | Space::Parameter) {
            return Err(self.modifier_flaw("this space cannot be written"));
        }
        let to = match self.operand(0) {
            _ if !returns => None,
            Operand::Sink => None,
            _ => Some(self.target(0, scalar)?),
        };
        Ok(Instruction::Atomic {
            space,
            bytes: scalar.bytes(),
            update: update(name, scalar).ok_or_else(|| self.no_such_type(scalar))?,
            to,
            address: self.address(first, space)?,
            a: self.source(first + 1, scalar)?,
            b: match name {
                "cas" => self.source(first + 2, scalar)?,
                _ => Source::Immediate(0),
            },
        })
    }
}

/// What an atomic operation makes of the old value, its operand and, for `cas`, the new value.
fn update(name: &str, scalar: ScalarType) -> Option<Update> {
    use ScalarType as T;
    Some(match (name, scalar) {
        ("add", T::U32 | T::S32) => |old, a, _| u64::from((old as u32).wrapping_add(a as u32)),
        ("add", T::U64) => |old, a, _| old.wrapping_add(a),
        ("add", T::F32) => |old, a, _| {
            let sum = f32::from_bits(old as u32) + f32::from_bits(a as u32);
            u64::from(sum.to_bits())
        },
        ("min", T::U32 | T::U64) => |old, a, _| old.min(a),
        ("max", T::U32 | T::U64) => |old, a, _| old.max(a),
        ("min", T::S32) => |old, a, _| (old as i32).min(a as i32) as u32 as u64,
        ("max", T::S32) => |old, a, _| (old as i32).max(a as i32) as u32 as u64,
        ("min", T::S64) => |old, a, _| (old as i64).min(a as i64) as u64,
        ("max", T::S64) => |old, a, _| (old as i64).max(a as i64) as u64,
        ("and", T::B32 | T::B64) => |old, a, _| old & a,
        ("or", T::B32 | T::B64) => |old, a, _| old | a,
        ("xor", T::B32 | T::B64) => |old, a, _| old ^ a,
        ("exch", T::B32 | T::B64) => |_, a, _| a,
        ("cas", T::B32 | T::B64) => |old, a, b| if old == a { b } else { old },
        ("inc", T::U32) => |old, a, _| if old >= a { 0 } else { old + 1 },
        ("dec", T::U32) => |old, a, _| if old == 0 || old > a { a } else { old - 1 },
        _ => return None,
    })
}
