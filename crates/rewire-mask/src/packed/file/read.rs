//! From the tensors of a file back to matrices.

use std::collections::BTreeMap;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::directory::{self, Entry, Kind};
use super::{Compressed, FileElement, Stored, file_fault, words_of};
use crate::packed::block::grid;
use crate::packed::two_four::words_per_row;
use crate::{
    BitmaskValues, BlockSparse, Csr, FormFault, Mask, MaskError, MatrixShape, Packed24, Topology,
};

/// The matrices in the bytes of a file.
pub(super) fn file(bytes: &[u8]) -> Result<BTreeMap<String, Stored>, MaskError> {
    let entries = directory::of_file(bytes)?;
    let tensors = SafeTensors::deserialize(bytes).map_err(file_fault)?;
    let mut tensors: Tensors<'_> = tensors.tensors().into_iter().collect();
    let mut matrices = BTreeMap::new();
    for (name, entry) in entries {
        let stored = matrix(&mut tensors, &name, &entry).map_err(|fault| match fault {
            MaskError::Form(FormFault::Tensor { .. }) => fault,
            fault => MaskError::Form(FormFault::Matrix {
                name: name.clone(),
                fault: Box::new(fault),
            }),
        })?;
        matrices.insert(name, stored);
    }
    match tensors.into_keys().next() {
        Some(name) => Err(tensor_fault(&name, "belongs to no matrix of the file")),
        None => Ok(matrices),
    }
}

/// The tensors that no matrix has taken yet.
type Tensors<'a> = BTreeMap<String, TensorView<'a>>;

fn matrix(tensors: &mut Tensors<'_>, name: &str, entry: &Entry) -> Result<Stored, MaskError> {
    let [rows, cols] = entry.shape;
    let shape = MatrixShape::new(rows, cols);
    // The limit of an array's sides, which holds for a matrix without entries too.
    let sides = rows.max(1).checked_mul(cols.max(1));
    if sides.is_none_or(|product| product > isize::MAX as usize) {
        return Err(FormFault::TooManyEntries { shape }.into());
    }
    let part = |suffix: &str| format!("{name}.{suffix}");
    if entry.kind == Kind::Mask {
        return Ok(Stored::Mask(mask(tensors, &part("mask"), shape)?));
    }
    let values = part("values");
    let dtype = tensors
        .get(&values)
        .map(TensorView::dtype)
        .ok_or_else(|| tensor_fault(&values, "is missing"))?;
    match dtype {
        Dtype::F32 => compressed(tensors, &part, shape, entry).map(Stored::F32),
        #[cfg(feature = "half")]
        Dtype::BF16 => compressed(tensors, &part, shape, entry).map(Stored::Bf16),
        #[cfg(feature = "half")]
        Dtype::F16 => compressed(tensors, &part, shape, entry).map(Stored::F16),
        #[cfg(not(feature = "half"))]
        Dtype::BF16 | Dtype::F16 => Err(tensor_fault(
            &values,
            &format!("has dtype {dtype}, which needs the feature `half`"),
        )),
        other => Err(tensor_fault(
            &values,
            &format!("has dtype {other}, not F32, BF16 or F16"),
        )),
    }
}

fn compressed<T: FileElement>(
    tensors: &mut Tensors<'_>,
    part: &dyn Fn(&str) -> String,
    shape: MatrixShape,
    entry: &Entry,
) -> Result<Compressed<T>, MaskError> {
    let values = |tensors: &mut _, sides: &[usize]| {
        let view = take(tensors, &part("values"), T::DTYPE, Some(sides))?;
        Ok::<_, MaskError>(T::from_bytes(view.data()))
    };
    Ok(match entry.kind {
        Kind::Mask => unreachable!("a mask has no values"),
        Kind::Packed24 => {
            let words = words_per_row(shape);
            let sides = [shape.rows, words];
            let view = take(tensors, &part("metadata"), Dtype::U16, Some(&sides))?;
            let metadata = words_of(view.data(), u16::from_le_bytes);
            let values = values(tensors, &[shape.rows, 8 * words])?;
            Compressed::Packed24(Packed24::from_parts(shape, values, metadata)?)
        }
        Kind::Csr => {
            let names = [part("row_offsets"), part("columns")];
            let topology = topology(tensors, &names, shape)?;
            let values = values(tensors, &[topology.n_active()])?;
            Compressed::Csr(Csr::from_parts(topology, values)?)
        }
        Kind::Bitmask => {
            let mask = mask(tensors, &part("mask"), shape)?;
            let values = values(tensors, &[mask.n_active() as usize])?;
            Compressed::Bitmask(BitmaskValues::from_parts(mask, values)?)
        }
        Kind::Blocks => {
            let [rows, cols] = entry.block.expect("blocks have one in every directory");
            let block = MatrixShape::new(rows, cols);
            let grid = grid(shape, block)?;
            let names = [part("block_row_offsets"), part("block_columns")];
            let blocks = topology(tensors, &names, grid)?;
            let values = values(tensors, &[blocks.n_active(), rows, cols])?;
            Compressed::Blocks(BlockSparse::from_parts(shape, block, blocks, values)?)
        }
    })
}

fn mask(tensors: &mut Tensors<'_>, name: &str, shape: MatrixShape) -> Result<Mask, MaskError> {
    let len = shape.len().div_ceil(8) as usize;
    let view = take(tensors, name, Dtype::U8, Some(&[len]))?;
    let (whole, rest) = view.data().as_chunks();
    let mut words: Vec<u64> = whole.iter().map(|&word| u64::from_le_bytes(word)).collect();
    if !rest.is_empty() {
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        words.push(u64::from_le_bytes(last));
    }
    Mask::from_words(shape, words)
}

fn topology(
    tensors: &mut Tensors<'_>,
    [offsets, columns]: &[String; 2],
    shape: MatrixShape,
) -> Result<Topology, MaskError> {
    // Sides are at most `isize::MAX`, so that one more can be counted.
    let view = take(tensors, offsets, Dtype::U64, Some(&[shape.rows + 1]))?;
    let row_offsets = words_of(view.data(), u64::from_le_bytes)
        .into_iter()
        .map(|offset| {
            usize::try_from(offset)
                .map_err(|_| tensor_fault(offsets, &format!("has the offset {offset}")))
        })
        .collect::<Result<_, _>>()?;
    let view = take(tensors, columns, Dtype::U32, None)?;
    Topology::from_parts(
        shape,
        row_offsets,
        words_of(view.data(), u32::from_le_bytes),
    )
}

/// Takes the tensor of this name, type and shape; without a shape any list will do.
fn take<'a>(
    tensors: &mut Tensors<'a>,
    name: &str,
    dtype: Dtype,
    sides: Option<&[usize]>,
) -> Result<TensorView<'a>, MaskError> {
    let view = tensors
        .remove(name)
        .ok_or_else(|| tensor_fault(name, "is missing"))?;
    if view.dtype() != dtype {
        let what = format!("has dtype {}, not {dtype}", view.dtype());
        return Err(tensor_fault(name, &what));
    }
    let found = view.shape();
    let fits = sides.map_or(found.len() == 1, |sides| found == sides);
    if !fits {
        let wanted = sides.map_or("one side".to_owned(), |sides| format!("{sides:?}"));
        return Err(tensor_fault(
            name,
            &format!("has shape {found:?}, not {wanted}"),
        ));
    }
    Ok(view)
}

fn tensor_fault(name: &str, what: &str) -> MaskError {
    MaskError::Form(FormFault::Tensor {
        name: name.to_owned(),
        what: what.to_owned(),
    })
}
