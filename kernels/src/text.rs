//! What every text begins with, and the pieces that several kernels share.
