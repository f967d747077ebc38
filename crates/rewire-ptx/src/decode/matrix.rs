//! `ldmatrix`, `movmatrix`, `mma.sync` and `mma.sp`.

use super::{Decoded, Reader};
use crate::ScalarType;
use crate::error::Flaw;
use crate::instruction::{Instruction, Source, Space};
use crate::matrix::{DenseShape, HalfFormat, SparseShape};

impl Reader<'_> {
    pub(super) fn matrix(&mut self) -> Decoded {
        match self.words[0] {
            "ldmatrix" => return self.load_matrix(),
            "movmatrix" => return self.transpose(),
            _ => {}
        }
        match self.take_one(&["sp::ordered_metadata", "sp"]) {
            Some(_) => self.multiply_sparse(),
            None => self.multiply(),
        }
    }

    fn load_matrix(&mut self) -> Decoded {
        self.require("sync")?;
        self.require("aligned")?;
        self.require("m8n8")?;
        let count = match self.require_one(&["x1", "x2", "x4"])? {
            "x1" => 1,
            "x2" => 2,
            _ => 4,
        };
        let transposed = self.take("trans");
        self.require_one(&["shared::cta", "shared"])?;
        self.require("b16")?;
        self.finish(2..=2)?;
        Ok(Instruction::LoadMatrix {
            to: self.targets(0, count, ScalarType::B32)?,
            transposed,
            address: self.address(1, Space::Shared)?,
        })
    }

    fn transpose(&mut self) -> Decoded {
        for word in ["sync", "aligned", "m8n8", "trans", "b16"] {
            self.require(word)?;
        }
        self.finish(2..=2)?;
        Ok(Instruction::Transpose {
            to: self.target(0, ScalarType::B32)?,
            a: self.source(1, ScalarType::B32)?,
        })
    }

    /// `.row.col.f32.bf16.bf16.f32`: the format of A and B.
    fn format(&mut self) -> Result<HalfFormat, Flaw> {
        self.require("row")?;
        self.require("col")?;
        self.require("f32")?;
        let word = self.require_one(&["f16", "bf16"])?;
        self.require(word)?;
        self.require("f32")?;
        Ok(match word {
            "f16" => HalfFormat::F16,
            _ => HalfFormat::Bf16,
        })
    }

    fn quad<T: Copy>(&self, index: usize, values: &[T]) -> Result<[T; 4], Flaw> {
        values
            .try_into()
            .map_err(|_| self.operand_flaw(index, "a vector of 4"))
    }

    fn accumulators(&self) -> Result<([u32; 4], [Source; 4]), Flaw> {
        let to = self.targets(0, 4, ScalarType::F32)?;
        let c = self.sources(3, 4, ScalarType::F32)?;
        Ok((self.quad(0, &to)?, self.quad(3, &c)?))
    }

    fn multiply(&mut self) -> Decoded {
        self.require("sync")?;
        self.require("aligned")?;
        let shape = match self.require_one(&["m16n8k16", "m16n8k8"])? {
            "m16n8k8" => DenseShape::K8,
            _ => DenseShape::K16,
        };
        let format = self.format()?;
        self.finish(4..=4)?;
        let (to, c) = self.accumulators()?;
        Ok(Instruction::Multiply {
            shape,
            format,
            to,
            a: self.sources(1, shape.depth() / 4, ScalarType::B32)?,
            b: self.sources(2, shape.depth() / 8, ScalarType::B32)?,
            c,
        })
    }

    fn multiply_sparse(&mut self) -> Decoded {
        self.require("sync")?;
        self.require("aligned")?;
        let shape = match self.require_one(&["m16n8k32", "m16n8k16"])? {
            "m16n8k16" => SparseShape::K16,
            _ => SparseShape::K32,
        };
        let format = self.format()?;
        self.finish(6..=6)?;
        let (to, c) = self.accumulators()?;
        Ok(Instruction::MultiplySparse {
            shape,
            format,
            to,
            a: self.sources(1, shape.depth() / 8, ScalarType::B32)?,
            b: self.sources(2, shape.depth() / 8, ScalarType::B32)?,
            c,
            metadata: self.source(4, ScalarType::B32)?,
            selector: self.constant(5, shape.selectors() as u64 - 1)? as usize,
        })
    }
}
