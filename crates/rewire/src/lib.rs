//! Sparse training from the command line: train, eval, inspect, data check.
