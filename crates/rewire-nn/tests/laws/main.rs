//! Laws of parameters, initialisation, models and optimizers.

#[path = "../../../rewire-autograd/tests/oracle/mod.rs"]
#[allow(dead_code, reason = "the tape's own tests use the rest of the oracle")]
#[allow(unused_imports, reason = "as above")]
mod oracle;

mod by_position;
mod conversion;
mod dropout;
mod init;
mod members;
mod mlp;
mod refusals;
mod rewiring;
mod statistics;
mod training;
