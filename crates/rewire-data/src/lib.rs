//! Readers and seeded batches for image data sets, with the UCI digits embedded.
