//! What can go wrong when parameters change.

use rewire_autograd::mask::MaskError;
use thiserror::Error;

/// An impossible change of a parameter or a damaged part of one.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum NnError {
    /// A mask operation failed for this parameter.
    #[error("{name}: {source}")]
    Mask {
        /// The parameter.
        name: String,
        /// What failed.
        source: MaskError,
    },
    /// Positions can only change where they are stored.
    #[error("{name}: {storage} storage has no topology to rewire")]
    NotActive {
        /// The parameter.
        name: String,
        /// How it is stored.
        storage: &'static str,
    },
    /// Values or a column of the wrong length.
    #[error("{name}: {what} holds {found} values, the storage needs {expected}")]
    Length {
        /// The parameter.
        name: String,
        /// Which array.
        what: String,
        /// Values it holds.
        found: usize,
        /// Values the storage needs.
        expected: usize,
    },
    /// A storage of another shape than the parameter.
    #[error("{name} is {expected}, its storage is {found}")]
    Shape {
        /// The parameter.
        name: String,
        /// Shape of the parameter.
        expected: String,
        /// Shape of the storage.
        found: String,
    },
    /// A model without the layers it needs.
    #[error("{0}")]
    Model(String),
}
