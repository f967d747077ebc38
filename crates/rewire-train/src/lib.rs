//! The training loop: configuration, records, run folders, checkpoints and resume.
