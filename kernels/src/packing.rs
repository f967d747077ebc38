//! Pieces that the kernels between dense and packed 2:4 matrices share.
//!
//! **Codes.** A group keeps one of six pairs of columns. Kernels name a pair by a *code*, the sum of
//! 4, 2, 1 and 0 for columns 0, 1, 2 and 3, which is 1 to 6 and different for each pair: it can be
//! added up, and four codes in the four nibbles of a half-word are a selector with which one `prmt`
//! looks four of them up in a table of eight bytes ([`pairs`]).
//!
//! **Strips.** Three of the kernels give a block 32 rows of 256 columns, so that a warp reads whole
//! rows of 512 bytes and writes whole lines of metadata ([`strip`]); all of them give a lane eight
//! columns of four rows ([`chunks`]).

pub(crate) mod chunks;
pub(crate) mod pairs;
pub(crate) mod strip;
pub(crate) mod text;
