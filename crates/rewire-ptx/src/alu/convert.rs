//! Conversions between integers and floats of any width.
//!
//! A conversion is `from` bits to a value, rounding, and the value to bits of `to`. Values travel
//! as `i128`, which holds every integer, or as `f64`, which holds every float.

use super::half::{bf16_to_f32, f16_to_f32, f64_to_bf16, f64_to_f16};
use crate::ScalarType;

/// How a value that the target does not hold is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rounding {
    Nearest,
    Zero,
    Down,
    Up,
}

/// One conversion, with the width of the register that receives it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conversion {
    pub(crate) to: ScalarType,
    pub(crate) from: ScalarType,
    /// How a float becomes an integer, or a whole float.
    pub(crate) whole: Option<Rounding>,
    pub(crate) saturates: bool,
    /// Negative results become zero.
    pub(crate) rectifies: bool,
    /// The bits that the target register has.
    pub(crate) register: u64,
}

impl Conversion {
    /// The bits of the target register for the bits of a source register.
    pub(crate) fn run(self, bits: u64) -> u64 {
        let bits = bits & self.from.mask();
        let result = match (is_float(self.from), is_float(self.to)) {
            (true, true) => self.float_to_float(float_value(self.from, bits)),
            (true, false) => self.float_to_integer(float_value(self.from, bits)),
            (false, true) => self.integer_to_float(integer_value(self.from, bits)),
            (false, false) => self.integer_to_integer(integer_value(self.from, bits)),
        };
        result & self.register
    }

    fn float_to_float(self, value: f64) -> u64 {
        let value = self.whole.map_or(value, |rounding| whole(value, rounding));
        let value = match (self.saturates, self.rectifies) {
            (true, _) if value.is_nan() => 0.0,
            (true, _) => value.clamp(0.0, 1.0),
            (_, true) if value < 0.0 || (value == 0.0 && value.is_sign_negative()) => 0.0,
            _ => value,
        };
        float_bits(self.to, value)
    }

    /// Integers of 64 bits are rounded straight to a single, not by way of a double.
    fn integer_to_float(self, value: i128) -> u64 {
        match self.to {
            ScalarType::F32 => u64::from((value as f32).to_bits()),
            _ => float_bits(self.to, value as f64),
        }
    }

    fn float_to_integer(self, value: f64) -> u64 {
        // The cast below makes a NaN 0, as PTX does.
        let value = whole(value, self.whole.unwrap_or(Rounding::Zero));
        let (least, most) = limits(self.to);
        (value as i128).clamp(least, most) as u64
    }

    fn integer_to_integer(self, value: i128) -> u64 {
        if self.saturates {
            let (least, most) = limits(self.to);
            return value.clamp(least, most) as u64;
        }
        // The bits that the type keeps, widened by its own sign.
        integer_value(self.to, value as u64 & self.to.mask()) as u64
    }
}

pub(crate) fn is_float(scalar: ScalarType) -> bool {
    use ScalarType as T;
    matches!(scalar, T::F16 | T::Bf16 | T::F32 | T::F64)
}

fn float_value(scalar: ScalarType, bits: u64) -> f64 {
    match scalar {
        ScalarType::F16 => f16_to_f32(bits as u16).into(),
        ScalarType::Bf16 => bf16_to_f32(bits as u16).into(),
        ScalarType::F32 => f32::from_bits(bits as u32).into(),
        _ => f64::from_bits(bits),
    }
}

fn float_bits(scalar: ScalarType, value: f64) -> u64 {
    match scalar {
        ScalarType::F16 => f64_to_f16(value).into(),
        ScalarType::Bf16 => f64_to_bf16(value).into(),
        ScalarType::F32 if value.is_nan() => 0x7FFF_FFFF,
        ScalarType::F32 => (value as f32).to_bits().into(),
        _ => value.to_bits(),
    }
}

fn integer_value(scalar: ScalarType, bits: u64) -> i128 {
    let unused = 64 - scalar.bits().clamp(8, 64);
    if scalar.is_signed() {
        return i128::from((bits << unused) as i64 >> unused);
    }
    i128::from(bits)
}

fn limits(scalar: ScalarType) -> (i128, i128) {
    let bits = scalar.bits();
    if scalar.is_signed() {
        return (-(1 << (bits - 1)), (1 << (bits - 1)) - 1);
    }
    (0, (1 << bits) - 1)
}

fn whole(value: f64, rounding: Rounding) -> f64 {
    match rounding {
        Rounding::Nearest => value.round_ties_even(),
        Rounding::Zero => value.trunc(),
        Rounding::Down => value.floor(),
        Rounding::Up => value.ceil(),
    }
}
