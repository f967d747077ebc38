//! Networks and their transforms against published counts and against the laws of equal FLOPs.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod iso_flop;
mod networks;
mod published;
mod refusals;
