//! Laws that hold across crates live in `tests/laws/`; this library is empty.
#![forbid(unsafe_code)]
