//! From matrices to the tensors of a file.

use std::borrow::Cow;
use std::collections::BTreeMap;

use safetensors::{Dtype, View};

use super::directory::{self, Entry, Kind, METADATA_KEY};
use super::{Compressed, FileElement, Stored, bytes_of, file_fault};
use crate::{FormFault, Mask, MatrixShape, Topology};

/// A tensor whose bytes are made when they are written, so that only one is held at a time.
struct Tensor<'a> {
    dtype: Dtype,
    shape: Vec<usize>,
    len: usize,
    bytes: Box<dyn Fn() -> Vec<u8> + 'a>,
}

impl View for Tensor<'_> {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Owned((self.bytes)())
    }

    fn data_len(&self) -> usize {
        self.len
    }
}

/// The bytes of a file with these matrices.
pub(super) fn file(matrices: &BTreeMap<String, Stored>) -> Result<Vec<u8>, FormFault> {
    let mut tensors = Vec::new();
    let mut entries = BTreeMap::new();
    for (name, stored) in matrices {
        let mut add = |suffix: &str, tensor| tensors.push((format!("{name}.{suffix}"), tensor));
        let entry = match stored {
            Stored::Mask(mask) => {
                add("mask", bits(mask));
                entry(Kind::Mask, mask.shape(), None)
            }
            Stored::F32(form) => compressed(form, &mut add),
            #[cfg(feature = "half")]
            Stored::Bf16(form) => compressed(form, &mut add),
            #[cfg(feature = "half")]
            Stored::F16(form) => compressed(form, &mut add),
        };
        entries.insert(name.clone(), entry);
    }
    let text = directory::to_text(entries)?;
    let metadata = [(METADATA_KEY.to_owned(), text)].into_iter().collect();
    safetensors::serialize(tensors, Some(metadata)).map_err(file_fault)
}

fn compressed<'a, T: FileElement>(
    form: &'a Compressed<T>,
    add: &mut impl FnMut(&str, Tensor<'a>),
) -> Entry {
    let shape = form.shape();
    match form {
        Compressed::Packed24(form) => {
            let (rows, per_row) = (shape.rows, form.values_per_row());
            add("values", values(form.values(), vec![rows, per_row]));
            let words = form.metadata();
            add(
                "metadata",
                tensor(Dtype::U16, vec![rows, per_row / 8], words, u16::to_le_bytes),
            );
            entry(Kind::Packed24, shape, None)
        }
        Compressed::Csr(form) => {
            positions(form.topology(), ["row_offsets", "columns"], add);
            add("values", values(form.values(), vec![form.values().len()]));
            entry(Kind::Csr, shape, None)
        }
        Compressed::Bitmask(form) => {
            add("mask", bits(form.mask()));
            add("values", values(form.values(), vec![form.values().len()]));
            entry(Kind::Bitmask, shape, None)
        }
        Compressed::Blocks(form) => {
            positions(form.blocks(), ["block_row_offsets", "block_columns"], add);
            let (n, block) = (form.blocks().n_active(), form.block());
            add(
                "values",
                values(form.values(), vec![n, block.rows, block.cols]),
            );
            entry(Kind::Blocks, shape, Some([block.rows, block.cols]))
        }
    }
}

fn entry(kind: Kind, shape: MatrixShape, block: Option<[usize; 2]>) -> Entry {
    let shape = [shape.rows, shape.cols];
    Entry { kind, shape, block }
}

/// Bit p mod 8 of byte p / 8 is position p: the words, cut behind the last entry.
fn bits(mask: &Mask) -> Tensor<'_> {
    let len = mask.shape().len().div_ceil(8) as usize;
    Tensor {
        dtype: Dtype::U8,
        shape: vec![len],
        len,
        bytes: Box::new(move || {
            let mut bytes = bytes_of(mask.words(), u64::to_le_bytes);
            bytes.truncate(len);
            bytes
        }),
    }
}

fn positions<'a>(
    topology: &'a Topology,
    [offsets, columns]: [&str; 2],
    add: &mut impl FnMut(&str, Tensor<'a>),
) {
    let words = topology.row_offsets();
    let offset = |offset: usize| (offset as u64).to_le_bytes();
    add(
        offsets,
        tensor(Dtype::U64, vec![words.len()], words, offset),
    );
    let words = topology.columns();
    add(
        columns,
        tensor(Dtype::U32, vec![words.len()], words, u32::to_le_bytes),
    );
}

fn values<T: FileElement>(values: &[T], shape: Vec<usize>) -> Tensor<'_> {
    Tensor {
        dtype: T::DTYPE,
        shape,
        len: size_of_val(values),
        bytes: Box::new(|| T::to_bytes(values)),
    }
}

fn tensor<T: Copy, const N: usize>(
    dtype: Dtype,
    shape: Vec<usize>,
    words: &[T],
    bytes: fn(T) -> [u8; N],
) -> Tensor<'_> {
    Tensor {
        dtype,
        shape,
        len: N * words.len(),
        bytes: Box::new(move || bytes_of(words, bytes)),
    }
}
