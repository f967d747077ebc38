//! Parameters, layers, models, initialisation, optimizers and schedules for sparse training.
