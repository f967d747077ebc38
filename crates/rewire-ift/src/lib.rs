//! FLOP accounting and Sparse-IFT arithmetic on shapes; no arrays.
