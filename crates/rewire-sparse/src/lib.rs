//! Products of sparse layers: forward, input gradient, weight gradient and streamed growth candidates.
