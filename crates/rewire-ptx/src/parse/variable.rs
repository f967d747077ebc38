//! Variables: where shared ones lie, and the bytes of constants.

use super::Parser;
use crate::error::{Flaw, PtxErrorKind};
use crate::scope::Named;
use crate::syntax::VariableSpace;

/// The most bytes of one variable.
const MOST_BYTES: u64 = 1 << 20;

impl Parser<'_> {
    /// What follows `.shared`: alignment, type, name and extent.
    pub(super) fn shared_variable(&mut self) -> Result<(), Flaw> {
        let align = self.alignment()?;
        let scalar = self.scalar()?;
        let align = align.max(scalar.bytes() as u64).max(1);
        let place = self.place();
        let name = self.word("the name of a variable")?;
        let space = match self.extent()? {
            Some(0) => {
                self.dynamic_align = self.dynamic_align.max(align);
                VariableSpace::Dynamic(align)
            }
            count => {
                let bytes = count.unwrap_or(1).saturating_mul(scalar.bytes() as u64);
                let begin = self.shared.next_multiple_of(align);
                if bytes > MOST_BYTES || begin + bytes > MOST_BYTES {
                    return Err(place.flaw(PtxErrorKind::TooLarge {
                        what: "bytes of shared memory",
                        limit: MOST_BYTES,
                    }));
                }
                self.shared = begin + bytes;
                VariableSpace::Shared(begin)
            }
        };
        self.scopes.declare(name, Named::Variable(space), place)?;
        self.mark(';', "`;`")
    }

    /// What follows `.const`: a variable with the values it begins with.
    pub(super) fn constant(&mut self) -> Result<(), Flaw> {
        let align = self.alignment()?;
        let scalar = self.scalar()?;
        let bytes = scalar.bytes().max(1);
        let place = self.place();
        let name = self.word("the name of a variable")?;
        let count = self.extent()?;
        let begin = self
            .constants
            .len()
            .next_multiple_of(bytes.max(align as usize));
        self.constants.resize(begin, 0);
        if self.take_mark('=') {
            let braced = self.take_mark('{');
            loop {
                let value = self.constant_bits(scalar)?;
                self.constants
                    .extend_from_slice(&value.to_le_bytes()[..bytes]);
                if !(braced && self.take_mark(',')) {
                    break;
                }
            }
            if braced {
                self.mark('}', "`}`")?;
            }
        }
        let wanted = count.unwrap_or(1).saturating_mul(bytes as u64);
        let given = (self.constants.len() - begin) as u64;
        if wanted > MOST_BYTES || (wanted != 0 && given > wanted) {
            return Err(place.flaw(PtxErrorKind::TooLarge {
                what: "bytes of a constant",
                limit: wanted.min(MOST_BYTES),
            }));
        }
        self.constants.resize(begin + wanted.max(given) as usize, 0);
        let space = VariableSpace::Constant(begin as u64);
        self.scopes.declare(name, Named::Variable(space), place)?;
        self.mark(';', "`;`")
    }
}
