//! The IDX format of unsigned bytes: a magic number, the dimensions, the elements.
//!
//! ```text
//! images  00 00 08 03 | number of images | number of rows | number of columns | pixels
//! labels  00 00 08 01 | number of labels | labels
//! ```
//!
//! All numbers are unsigned, 32 bits wide and big-endian; 08 is the type "unsigned byte", the last
//! byte of the magic number the number of dimensions. Other element types and other numbers of
//! dimensions are refused.
//!
//! Source: LeCun, Cortes & Burges, "The MNIST database of handwritten digits", file formats.

use std::path::Path;

use crate::error::DataError;
use crate::source::Source;

/// Which of the two kinds of IDX file is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Images,
    Labels,
}

impl Kind {
    pub(crate) fn magic(self) -> u32 {
        match self {
            Kind::Images => 0x0000_0803,
            Kind::Labels => 0x0000_0801,
        }
    }

    fn dimensions(self) -> &'static [&'static str] {
        match self {
            Kind::Images => &["number of images", "number of rows", "number of columns"],
            Kind::Labels => &["number of labels"],
        }
    }

    fn word(self) -> &'static str {
        match self {
            Kind::Images => "images",
            Kind::Labels => "labels",
        }
    }

    fn elements(self) -> &'static str {
        match self {
            Kind::Images => "pixels",
            Kind::Labels => "labels",
        }
    }
}

/// The checked contents of one file.
#[derive(Debug)]
pub(crate) struct Idx {
    pub(crate) gzip: bool,
    pub(crate) dims: Vec<u32>,
    /// As many bytes as the product of `dims`.
    pub(crate) elements: Vec<u8>,
}

/// Bytes of the header of a file of this kind: where its elements begin.
pub(crate) fn header_bytes(kind: Kind) -> u64 {
    4 * (1 + kind.dimensions().len() as u64)
}

/// Reads one file whole.
///
/// # Cost
/// Exactly one allocation of the size of the elements, after [`Source::admit`] has passed it.
///
/// # Errors
/// [`DataError::Io`], [`DataError::WrongKind`], and for contents that are not such a file
/// [`DataError::Magic`], [`DataError::ZeroDimension`], [`DataError::TooLarge`],
/// [`DataError::Truncated`], [`DataError::Trailing`] or [`DataError::Gzip`].
pub(crate) fn read(path: &Path, kind: Kind) -> Result<Idx, DataError> {
    let mut source = Source::open(path)?;
    let magic = read_u32(&mut source, "magic number")?;
    if magic != kind.magic() {
        return Err(DataError::Magic {
            file: path.to_owned(),
            kind: kind.word(),
            expected: kind.magic(),
            found: magic,
        });
    }
    let mut dims = Vec::new();
    for field in kind.dimensions() {
        let offset = source.offset();
        let dim = read_u32(&mut source, field)?;
        if dim == 0 {
            return Err(DataError::ZeroDimension {
                file: path.to_owned(),
                field,
                offset,
            });
        }
        dims.push(dim);
    }
    let mut elements = vec![0; source.admit(kind.elements(), &dims)?];
    source.fill(kind.elements(), &mut elements)?;
    source.end(kind.elements())?;
    Ok(Idx {
        gzip: source.is_gzip(),
        dims,
        elements,
    })
}

fn read_u32(source: &mut Source, field: &'static str) -> Result<u32, DataError> {
    let mut bytes = [0; 4];
    source.fill(field, &mut bytes)?;
    Ok(u32::from_be_bytes(bytes))
}
