//! Masks and compressed forms as the bytes of a safetensors file.
//!
//! Every matrix becomes a few tensors named after it (`fc1.weight.values`, …) and an entry in one
//! JSON text that gives its kind and shape; `docs/formats/masks.md` has the table and a reader in
//! numpy. The text is the only metadata key, because the format does not order several of them:
//! equal matrices give equal bytes.
//!
//! Bytes from outside are not trusted. Shapes are only compared with tensors that the bytes really
//! hold, and every form is rebuilt through the constructor that checks its invariants.

mod directory;
mod read;
mod write;

use std::collections::BTreeMap;

use ndarray::Array2;
use safetensors::Dtype;

use super::{BitmaskValues, BlockSparse, Csr, Element, FormFault, Packed24};
use crate::{Mask, MaskError, MatrixShape};

/// What a file holds for one matrix.
///
/// More kinds of values may follow, and two depend on a feature: a match needs a last arm.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Stored {
    /// Positions without values.
    Mask(Mask),
    /// 32-bit values.
    F32(Compressed<f32>),
    /// bfloat16 values.
    #[cfg(feature = "half")]
    Bf16(Compressed<half::bf16>),
    /// IEEE half-precision values.
    #[cfg(feature = "half")]
    F16(Compressed<half::f16>),
}

/// A matrix in one of the compressed forms.
#[derive(Clone, Debug, PartialEq)]
pub enum Compressed<T> {
    /// Two of every four columns.
    Packed24(Packed24<T>),
    /// Compressed sparse rows.
    Csr(Csr<T>),
    /// A mask and its active values.
    Bitmask(BitmaskValues<T>),
    /// Dense blocks at sparse places.
    Blocks(BlockSparse<T>),
}

impl<T: Element> Compressed<T> {
    /// The matrix, `out × in`, without padding.
    pub fn shape(&self) -> MatrixShape {
        match self {
            Self::Packed24(form) => form.shape(),
            Self::Csr(form) => form.topology().shape(),
            Self::Bitmask(form) => form.mask().shape(),
            Self::Blocks(form) => form.shape(),
        }
    }

    /// The matrix with every entry, +0 where nothing is active. Cost: O(out · in).
    ///
    /// # Panics
    /// If such a matrix does not fit in memory.
    pub fn expand(&self) -> Array2<T> {
        match self {
            Self::Packed24(form) => form.expand(),
            Self::Csr(form) => form.expand(),
            Self::Bitmask(form) => form.expand(),
            Self::Blocks(form) => form.expand(),
        }
    }
}

/// The bytes of a safetensors file with these matrices, by name.
///
/// Equal matrices give equal bytes on every machine.
///
/// # Cost
/// O(bytes); the largest tensor is held twice for a moment.
///
/// # Errors
/// [`FormFault::File`] if the names alone exceed the 100 MB that the format allows its header.
///
/// # Examples
/// ```
/// use std::collections::BTreeMap;
///
/// use rewire_mask::{Mask, MatrixShape, Stored, from_safetensors, to_safetensors};
///
/// let mask = Mask::from_positions(MatrixShape::new(3, 4), [0, 5, 10])?;
/// let matrices = BTreeMap::from([("fc1.weight".to_owned(), Stored::Mask(mask))]);
/// let bytes = to_safetensors(&matrices)?;
/// assert_eq!(bytes[bytes.len() - 2..], [0b0010_0001, 0b0000_0100]);
/// assert_eq!(from_safetensors(&bytes)?, matrices);
/// # Ok::<(), rewire_mask::MaskError>(())
/// ```
pub fn to_safetensors(matrices: &BTreeMap<String, Stored>) -> Result<Vec<u8>, MaskError> {
    write::file(matrices).map_err(MaskError::from)
}

/// The matrices in the bytes of a safetensors file, by name.
///
/// # Cost
/// O(bytes); memory is asked for only as far as the bytes bear it out.
///
/// # Errors
/// [`FormFault::File`] for bytes that are not such a file or say nothing about their matrices,
/// [`FormFault::Tensor`] for a tensor that is missing, of the wrong type or shape, or of no
/// matrix, [`FormFault::Matrix`] for a matrix that breaks a rule of its form.
pub fn from_safetensors(bytes: &[u8]) -> Result<BTreeMap<String, Stored>, MaskError> {
    read::file(bytes)
}

/// An element as a file holds it, little-endian.
trait FileElement: Element {
    const DTYPE: Dtype;

    fn to_bytes(values: &[Self]) -> Vec<u8>;
    fn from_bytes(bytes: &[u8]) -> Vec<Self>;
}

macro_rules! file_element {
    ($number:ty, $dtype:expr) => {
        impl FileElement for $number {
            const DTYPE: Dtype = $dtype;

            fn to_bytes(values: &[Self]) -> Vec<u8> {
                bytes_of(values, Self::to_le_bytes)
            }

            fn from_bytes(bytes: &[u8]) -> Vec<Self> {
                words_of(bytes, Self::from_le_bytes)
            }
        }
    };
}

file_element!(f32, Dtype::F32);
#[cfg(feature = "half")]
file_element!(half::bf16, Dtype::BF16);
#[cfg(feature = "half")]
file_element!(half::f16, Dtype::F16);

/// Words one after the other.
fn bytes_of<T: Copy, const N: usize>(words: &[T], bytes: fn(T) -> [u8; N]) -> Vec<u8> {
    words.iter().flat_map(|&word| bytes(word)).collect()
}

/// The words in bytes whose number is a multiple of a word's.
fn words_of<T, const N: usize>(bytes: &[u8], word: fn([u8; N]) -> T) -> Vec<T> {
    bytes
        .as_chunks()
        .0
        .iter()
        .map(|&chunk| word(chunk))
        .collect()
}

fn file_fault(what: impl ToString) -> FormFault {
    FormFault::File {
        what: what.to_string(),
    }
}
