//! The command line of rewire.

fn main() {}
