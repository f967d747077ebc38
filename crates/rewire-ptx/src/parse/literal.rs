//! Numbers as bits of a type.

use super::Parser;
use crate::ScalarType;
use crate::error::Flaw;
use crate::lexer::TokenKind;

impl Parser<'_> {
    /// A number, perhaps with a sign: an integer in two's complement or a float of its own width.
    pub(super) fn number(&mut self) -> Result<TokenKind<'static>, Flaw> {
        let negative = self.take_mark('-');
        let number = match self.peek() {
            TokenKind::Integer(value) if negative => TokenKind::Integer(value.wrapping_neg()),
            TokenKind::Integer(value) => TokenKind::Integer(value),
            TokenKind::Single(bits) => TokenKind::Single(bits ^ u32::from(negative) << 31),
            TokenKind::Double(bits) => TokenKind::Double(bits ^ u64::from(negative) << 63),
            _ => return self.unexpected("a number"),
        };
        self.at += 1;
        Ok(number)
    }

    /// The bits of a number as a value of type `scalar`.
    pub(super) fn constant_bits(&mut self, scalar: ScalarType) -> Result<u64, Flaw> {
        Ok(match self.number()? {
            TokenKind::Integer(value) => value & scalar.mask(),
            TokenKind::Single(bits) => u64::from(bits),
            TokenKind::Double(bits) if scalar == ScalarType::F32 => {
                u64::from((f64::from_bits(bits) as f32).to_bits())
            }
            TokenKind::Double(bits) => bits,
            _ => 0,
        })
    }
}
