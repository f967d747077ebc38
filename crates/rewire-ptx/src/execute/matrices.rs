//! Matrix instructions of a whole warp.

use super::{Done, Execution};
use crate::fault::{FaultKind, Mishap};
use crate::instruction::{Address, Instruction, LANES, Lanes, Source};
use crate::matrix;
use crate::shadow::Actor;

/// Bytes of a row of an 8 × 8 matrix.
const ROW: usize = 16;

impl Execution<'_, '_> {
    pub(super) fn matrices(&mut self, instruction: &Instruction) -> Done {
        match instruction {
            Instruction::LoadMatrix {
                to,
                transposed,
                address,
            } => self.load_matrices(to, *transposed, *address),
            &Instruction::Transpose { to, a } => {
                let transposed = matrix::transposed(&self.value(a)?);
                self.write(to, &transposed);
                Ok(())
            }
            Instruction::Multiply {
                shape,
                format,
                to,
                a,
                b,
                c,
            } => {
                let (a, b, c) = (self.fragment(a)?, self.fragment(b)?, self.values(*c)?);
                let product = matrix::multiply(*shape, *format, &a, &b, &c);
                self.write_all(to, &product);
                Ok(())
            }
            Instruction::MultiplySparse {
                shape,
                format,
                to,
                a,
                b,
                c,
                metadata,
                selector,
            } => {
                let (a, b, c) = (self.fragment(a)?, self.fragment(b)?, self.values(*c)?);
                // Only the lanes that the selector names supply metadata.
                let lanes_per_quad = shape.depth() / 16;
                let quad = ((1u32 << lanes_per_quad) - 1) << (selector * lanes_per_quad);
                let metadata = self.value_in(*metadata, quad * 0x1111_1111)?;
                let product =
                    matrix::multiply_sparse(*shape, *format, &a, &b, &c, &metadata, *selector)
                        .map_err(|bad| {
                            FaultKind::Metadata {
                                word: bad.word,
                                place: bad.place,
                            }
                            .of_lane(bad.lane as usize)
                        })?;
                self.write_all(to, &product);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn fragment(&self, registers: &[Source]) -> Result<Vec<Lanes>, Mishap> {
        registers.iter().map(|&source| self.value(source)).collect()
    }

    fn write_all(&mut self, to: &[u32], values: &[Lanes]) {
        for (&slot, values) in to.iter().zip(values) {
            self.write(slot, values);
        }
    }

    /// Lane `8i + j` names row j of matrix i. Lane `4g + t` receives elements 2t and 2t + 1 of row
    /// g, or of column g if transposed; it is the one that reads them.
    fn load_matrices(&mut self, to: &[u32], transposed: bool, address: Address) -> Done {
        let naming = u32::MAX >> (LANES - 8 * to.len());
        let rows = self.addresses(address, naming)?;
        for (lane, &row) in rows.iter().enumerate().take(8 * to.len()) {
            let checked = self.around.shared.check(row, ROW);
            checked.map_err(|kind| kind.of_lane(lane))?;
        }
        for (index, &slot) in to.iter().enumerate() {
            let rows = &rows[8 * index..8 * index + 8];
            let mut values = [0; LANES];
            for (lane, value) in values.iter_mut().enumerate() {
                let (g, t) = (lane / 4, lane % 4);
                *value = if transposed {
                    let at = 2 * g as u64;
                    let low = self.shared_bytes(rows[2 * t] + at, 2, lane)?;
                    let high = self.shared_bytes(rows[2 * t + 1] + at, 2, lane)?;
                    high << 16 | low
                } else {
                    self.shared_bytes(rows[g] + 4 * t as u64, 4, lane)?
                };
            }
            self.write(slot, &values);
        }
        Ok(())
    }

    fn shared_bytes(&mut self, address: u64, bytes: usize, lane: usize) -> Result<u64, Mishap> {
        let actor = Actor {
            thread: self.thread(lane),
            line: self.line,
        };
        let around = &mut *self.around;
        let read = around.shared.read(address, bytes, actor, &around.clocks);
        let read = read.map_err(|kind| kind.of_lane(lane))?;
        Ok(read
            .iter()
            .rev()
            .fold(0, |value, &byte| value << 8 | u64::from(byte)))
    }
}
