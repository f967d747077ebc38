//! A table of crossovers as a configuration writes it: one list of five numbers per row.

use rewire_autograd::{Crossover, CrossoverError, CrossoverRow};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Rows of entries of the matrix, samples, and the densities above which forward product, input
/// gradient and weight gradient are dense.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Rows(Vec<(u64, u64, f64, f64, f64)>);

impl Rows {
    /// What the key takes.
    pub(super) const LEGAL: &str = "a list of [weights, samples, forward, input gradient, weight \
                                    gradient], sizes from 1, no two the same, densities in [0, 1]";

    pub(super) fn of(table: &Crossover) -> Self {
        let row = |row: &CrossoverRow| {
            let [forward, input_gradient, weight_gradient] = row.densities;
            let (weights, samples) = (row.weights, row.samples);
            (weights, samples, forward, input_gradient, weight_gradient)
        };
        Self(table.rows().iter().map(row).collect())
    }

    pub(super) fn table(self) -> Result<Crossover, CrossoverError> {
        let row = |(weights, samples, forward, input_gradient, weight_gradient)| CrossoverRow {
            weights,
            samples,
            densities: [forward, input_gradient, weight_gradient],
        };
        Crossover::new(self.0.into_iter().map(row).collect())
    }
}

pub(super) fn serialize<S: Serializer>(table: &Crossover, to: S) -> Result<S::Ok, S::Error> {
    Rows::of(table).serialize(to)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Crossover, D::Error> {
    Rows::deserialize(from)?.table().map_err(de::Error::custom)
}
