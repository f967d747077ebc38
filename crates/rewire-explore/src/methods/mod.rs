//! Published methods, each a function that returns a value of [`DropGrow`](crate::DropGrow).
//!
//! A file states what its method is, where this crate decides what the paper leaves open, and the
//! published settings as constants. Mixing is allowed: the fields of the value are public.

pub mod dsr;
pub mod fixed;
pub mod rigl;
pub mod set;
