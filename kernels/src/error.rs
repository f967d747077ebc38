//! Sizes that no kernel takes.

use std::error::Error;
use std::fmt;

/// Why there is no call for these sizes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SizeError {
    /// A matrix has no rows or columns, or too many.
    Extent {
        /// What there are too many or too few of.
        what: &'static str,
        /// How many there are.
        given: u64,
    },
    /// Less or more bytes than can be copied.
    Bytes {
        /// How many there are.
        given: u64,
        /// How many there may be.
        most: u64,
    },
    /// Rows do not begin at multiples of 16 bytes, or overlap.
    Pitch {
        /// Elements from row to row.
        pitch: u64,
        /// Columns.
        cols: u32,
    },
    /// Two matrices do not fit each other.
    Mismatch {
        /// The kernel.
        kernel: &'static str,
        /// What has to be equal, such as "columns of w and of x".
        what: &'static str,
        /// The two numbers.
        found: (u32, u32),
    },
    /// More blocks than a launch can have.
    Grid {
        /// The kernel.
        kernel: &'static str,
        /// How many it would take.
        blocks: u64,
    },
}

impl SizeError {
    /// Checks that two numbers of rows or columns are equal.
    pub(crate) fn unless_equal(
        kernel: &'static str,
        what: &'static str,
        left: u32,
        right: u32,
    ) -> Result<(), Self> {
        if left == right {
            return Ok(());
        }
        let found = (left, right);
        Err(Self::Mismatch {
            kernel,
            what,
            found,
        })
    }
}

impl fmt::Display for SizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Extent { what, given } => {
                write!(f, "a matrix of {given} {what}; 1 to 2^30 are possible")
            }
            Self::Bytes { given, most } => {
                write!(f, "a copy of {given} bytes; 16 to {most} are possible")
            }
            Self::Pitch { pitch, cols } => write!(
                f,
                "a row every {pitch} elements; it takes a multiple of 8 that is not below the {cols} columns"
            ),
            Self::Mismatch {
                kernel,
                what,
                found: (left, right),
            } => write!(
                f,
                "{kernel}: {what} are {left} and {right}; they have to be equal"
            ),
            Self::Grid { kernel, blocks } => {
                write!(
                    f,
                    "{kernel}: {blocks} blocks; a launch has at most 2^31 - 1"
                )
            }
        }
    }
}

impl Error for SizeError {}
