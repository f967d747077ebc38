//! `cvt`.

use super::{Decoded, Reader};
use crate::ScalarType;
use crate::alu::convert::{Conversion, Rounding, is_float};
use crate::instruction::{Instruction, Source};
use crate::matrix::HalfFormat;
use crate::syntax::Operand;

impl Reader<'_> {
    pub(super) fn conversion(&mut self) -> Decoded {
        let rounding = self.take_one(&["rni", "rzi", "rmi", "rpi", "rn", "rz", "rm", "rp"]);
        let rectifies = self.take("relu");
        // Conversions keep subnormals: no target of the subset flushes them to advantage.
        let saturates = self.take("sat");
        let to = self.scalar()?;
        if let Some(format) = HalfFormat::of_pair(to) {
            return self.pair_conversion(format, rounding, saturates, rectifies);
        }
        let from = self.scalar()?;
        self.finish(2..=2)?;
        for scalar in [to, from] {
            let integer = scalar.family() == crate::scalar_type::Family::Integer;
            if !(integer || is_float(scalar)) {
                return Err(self.no_such_type(scalar));
            }
        }
        let bf16 = |scalar| scalar == ScalarType::Bf16;
        if (bf16(to) && from != ScalarType::F32) || (bf16(from) && to != ScalarType::F32) {
            self.needs_target(90)?;
        }
        let whole = match rounding {
            Some("rni") => Some(Rounding::Nearest),
            Some("rzi") => Some(Rounding::Zero),
            Some("rmi") => Some(Rounding::Down),
            Some("rpi") => Some(Rounding::Up),
            _ => None,
        };
        let narrows = is_float(to) && (!is_float(from) || to.bits() < from.bits());
        let fits = match (is_float(from), is_float(to)) {
            (true, false) => whole.is_some(),
            (true, true) if !narrows && to.bits() == from.bits() && to == from => {
                rounding.is_none() || whole.is_some()
            }
            _ if narrows || to.bits() == 16 && is_float(to) => rounding == Some("rn"),
            _ => rounding.is_none(),
        };
        if !fits {
            return Err(self.modifier_flaw(format!(
                "{} does not round a {from} to a {to} here",
                rounding.map_or("nothing".into(), |word| format!("`.{word}`"))
            )));
        }
        if rectifies && to.bits() != 16 {
            return Err(self.no_such_type(to));
        }
        let register = self.wide_target(self.operand(0), 0, to)?;
        Ok(Instruction::Convert {
            conversion: Conversion {
                to,
                from,
                whole,
                saturates,
                rectifies,
                register: if is_float(to) {
                    to.mask()
                } else {
                    register.scalar.mask()
                },
            },
            to: register.slot,
            a: match *self.operand(1) {
                Operand::Special(special) if from == ScalarType::U32 => Source::Special(special),
                _ => self.wide_source(1, from)?,
            },
        })
    }

    /// `cvt.rn.bf16x2.f32 d, a, b`: a becomes the upper half.
    fn pair_conversion(
        &mut self,
        format: HalfFormat,
        rounding: Option<&str>,
        saturates: bool,
        rectifies: bool,
    ) -> Decoded {
        self.require("f32")?;
        self.finish(3..=3)?;
        if rounding != Some("rn") || saturates {
            return Err(self.modifier_flaw("pairs are rounded by `.rn` alone"));
        }
        Ok(Instruction::ConvertPair {
            format,
            rectifies,
            to: self.target(0, ScalarType::B32)?,
            upper: self.source(1, ScalarType::F32)?,
            lower: self.source(2, ScalarType::F32)?,
        })
    }
}
