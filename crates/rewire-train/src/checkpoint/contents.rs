//! What a checkpoint holds, and how it is taken out again without trusting it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use super::ContentsError;

/// The elements of a tensor.
#[derive(Clone, Debug, PartialEq)]
pub enum TensorData {
    /// 32-bit floats.
    F32(Vec<f32>),
    /// Bytes.
    U8(Vec<u8>),
    /// 32-bit unsigned integers.
    U32(Vec<u32>),
    /// 64-bit unsigned integers.
    U64(Vec<u64>),
}

/// The element types a checkpoint may hold, by their safetensors names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dtype {
    F32,
    U8,
    U32,
    U64,
}

impl Dtype {
    pub(super) const LEGAL: &str = "F32, U8, U32, U64";

    pub(super) fn from_name(name: &str) -> Option<Self> {
        match name {
            "F32" => Some(Self::F32),
            "U8" => Some(Self::U8),
            "U32" => Some(Self::U32),
            "U64" => Some(Self::U64),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::U8 => "U8",
            Self::U32 => "U32",
            Self::U64 => "U64",
        }
    }

    /// Bytes of one element.
    pub(super) fn size(self) -> u64 {
        match self {
            Self::U8 => 1,
            Self::F32 | Self::U32 => 4,
            Self::U64 => 8,
        }
    }
}

impl TensorData {
    /// The number of elements.
    pub fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::U8(values) => values.len(),
            Self::U32(values) => values.len(),
            Self::U64(values) => values.len(),
        }
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The safetensors name of the element type: `F32`, `U8`, `U32` or `U64`.
    pub fn dtype_name(&self) -> &'static str {
        self.dtype().name()
    }

    fn dtype(&self) -> Dtype {
        match self {
            Self::F32(_) => Dtype::F32,
            Self::U8(_) => Dtype::U8,
            Self::U32(_) => Dtype::U32,
            Self::U64(_) => Dtype::U64,
        }
    }

    /// The elements in the file's byte order, little endian.
    pub(super) fn to_le_bytes(&self) -> Cow<'_, [u8]> {
        fn bytes<T: Copy, const N: usize>(values: &[T], word: fn(T) -> [u8; N]) -> Vec<u8> {
            let mut bytes = vec![0; N * values.len()];
            for (place, &value) in bytes.as_chunks_mut().0.iter_mut().zip(values) {
                *place = word(value);
            }
            bytes
        }
        Cow::Owned(match self {
            Self::U8(values) => return Cow::Borrowed(values),
            Self::F32(values) => bytes(values, f32::to_le_bytes),
            Self::U32(values) => bytes(values, u32::to_le_bytes),
            Self::U64(values) => bytes(values, u64::to_le_bytes),
        })
    }

    /// The elements of little endian bytes, whose number is a multiple of the element size.
    pub(super) fn from_le_bytes(dtype: Dtype, bytes: &[u8]) -> Self {
        fn words<T, const N: usize>(bytes: &[u8], word: fn([u8; N]) -> T) -> Vec<T> {
            let (chunks, rest) = bytes.as_chunks();
            assert!(
                rest.is_empty(),
                "{} bytes do not hold words of {N}",
                bytes.len()
            );
            chunks.iter().map(|&chunk| word(chunk)).collect()
        }
        match dtype {
            Dtype::F32 => Self::F32(words(bytes, f32::from_le_bytes)),
            Dtype::U8 => Self::U8(bytes.to_vec()),
            Dtype::U32 => Self::U32(words(bytes, u32::from_le_bytes)),
            Dtype::U64 => Self::U64(words(bytes, u64::from_le_bytes)),
        }
    }
}

impl From<Vec<f32>> for TensorData {
    fn from(values: Vec<f32>) -> Self {
        Self::F32(values)
    }
}

impl From<Vec<u8>> for TensorData {
    fn from(values: Vec<u8>) -> Self {
        Self::U8(values)
    }
}

impl From<Vec<u32>> for TensorData {
    fn from(values: Vec<u32>) -> Self {
        Self::U32(values)
    }
}

impl From<Vec<u64>> for TensorData {
    fn from(values: Vec<u64>) -> Self {
        Self::U64(values)
    }
}

/// Elements and how they are arranged, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// The sides; their product is the number of elements. No sides at all is a single number.
    pub shape: Vec<usize>,
    /// The elements.
    pub data: TensorData,
}

impl Tensor {
    /// A tensor with one side, as long as the data.
    pub fn vector(data: impl Into<TensorData>) -> Self {
        let data = data.into();
        Self {
            shape: vec![data.len()],
            data,
        }
    }

    pub(super) fn check_shape(&self, name: &str) {
        let (shape, n) = (&self.shape, self.data.len());
        let product = shape
            .iter()
            .try_fold(1usize, |product, &side| product.checked_mul(side));
        assert!(
            product == Some(n),
            "tensor `{name}`: the shape {shape:?} does not hold {n} elements"
        );
    }
}

impl safetensors::View for &Tensor {
    fn dtype(&self) -> safetensors::Dtype {
        match self.data.dtype() {
            Dtype::F32 => safetensors::Dtype::F32,
            Dtype::U8 => safetensors::Dtype::U8,
            Dtype::U32 => safetensors::Dtype::U32,
            Dtype::U64 => safetensors::Dtype::U64,
        }
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.data.to_le_bytes()
    }

    fn data_len(&self) -> usize {
        self.data.len() * self.data.dtype().size() as usize
    }
}

/// Everything a checkpoint holds: named tensors and one JSON value.
///
/// JSON has no NaN and no infinity: `serde_json` turns them into `null`, which
/// [`Snapshot::field`] then refuses as a number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// The tensors by name.
    pub tensors: BTreeMap<String, Tensor>,
    /// Everything that is not a tensor, by convention an object.
    pub meta: serde_json::Value,
}

impl Snapshot {
    /// The tensor of this name.
    ///
    /// # Errors
    /// [`ContentsError::MissingTensor`].
    pub fn tensor(&self, name: &str) -> Result<&Tensor, ContentsError> {
        self.tensors
            .get(name)
            .ok_or_else(|| ContentsError::MissingTensor {
                name: name.to_owned(),
            })
    }

    /// The number of elements of the tensor of this name.
    ///
    /// # Errors
    /// [`ContentsError::MissingTensor`].
    pub fn length_of(&self, name: &str) -> Result<usize, ContentsError> {
        Ok(self.tensor(name)?.data.len())
    }

    /// The `len` floats of a tensor.
    ///
    /// # Errors
    /// [`ContentsError::MissingTensor`], [`ContentsError::Dtype`] or [`ContentsError::Length`].
    pub fn f32(&self, name: &str, len: usize) -> Result<&[f32], ContentsError> {
        match &self.tensor(name)?.data {
            TensorData::F32(values) => with_length(name, values, len),
            other => Err(wrong_dtype(name, Dtype::F32, other)),
        }
    }

    /// The `len` bytes of a tensor; errors as [`Snapshot::f32`].
    pub fn u8(&self, name: &str, len: usize) -> Result<&[u8], ContentsError> {
        match &self.tensor(name)?.data {
            TensorData::U8(values) => with_length(name, values, len),
            other => Err(wrong_dtype(name, Dtype::U8, other)),
        }
    }

    /// The `len` 32-bit integers of a tensor; errors as [`Snapshot::f32`].
    pub fn u32(&self, name: &str, len: usize) -> Result<&[u32], ContentsError> {
        match &self.tensor(name)?.data {
            TensorData::U32(values) => with_length(name, values, len),
            other => Err(wrong_dtype(name, Dtype::U32, other)),
        }
    }

    /// The `len` 64-bit integers of a tensor; errors as [`Snapshot::f32`].
    pub fn u64(&self, name: &str, len: usize) -> Result<&[u64], ContentsError> {
        match &self.tensor(name)?.data {
            TensorData::U64(values) => with_length(name, values, len),
            other => Err(wrong_dtype(name, Dtype::U64, other)),
        }
    }

    /// A field of the JSON value, as any type that can be read from JSON.
    ///
    /// # Errors
    /// [`ContentsError::Field`] if it is missing or of another type.
    pub fn field<T: DeserializeOwned>(&self, key: &str) -> Result<T, ContentsError> {
        let refuse = |what: String| ContentsError::Field {
            key: key.to_owned(),
            what,
        };
        let value = self
            .meta
            .get(key)
            .ok_or_else(|| refuse("is missing".to_owned()))?;
        T::deserialize(value).map_err(|error| refuse(error.to_string()))
    }
}

fn with_length<'a, T>(name: &str, values: &'a [T], len: usize) -> Result<&'a [T], ContentsError> {
    if values.len() == len {
        return Ok(values);
    }
    Err(ContentsError::Length {
        name: name.to_owned(),
        wanted: len,
        found: values.len(),
    })
}

fn wrong_dtype(name: &str, wanted: Dtype, found: &TensorData) -> ContentsError {
    ContentsError::Dtype {
        name: name.to_owned(),
        wanted: wanted.name(),
        found: found.dtype_name(),
    }
}
