//! Mask algebra for sparse training: densities, masks, topologies, rewirings, budgets and coverage.
