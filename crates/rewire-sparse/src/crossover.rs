//! Which kernels multiply active weights: a function of shape, density, batch and a table.
//!
//! Kernels that walk positions take time in proportion to the density, a dense product takes the
//! same at any. Where they meet depends on the machine, so a table lists the densities at which
//! they do for layers and batches of several sizes. A layer follows the row that is nearest to it.
//! Nothing is timed while a network trains, so the choice, and with it every bit of a result,
//! is the same in every run with the same table.

mod measure;

use std::fmt;

/// What multiplies active weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// The active entries, tile by tile.
    Tiled,
    /// A dense product, over tiles in which the inactive entries are 0.
    Dense,
}

/// One of the three products of a training step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// `Y = X·Wᵀ`
    Forward,
    /// `dX = dY·W`
    InputGradient,
    /// `dW = dYᵀ·X`
    WeightGradient,
}

impl Product {
    /// All of them, in the order of a step.
    pub const ALL: [Self; 3] = [Self::Forward, Self::InputGradient, Self::WeightGradient];
}

/// The densities above which a dense product is faster, for layers and batches of one size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CrossoverRow {
    /// Entries of the matrix, active or not: out × in, at least 1.
    pub weights: u64,
    /// Samples, at least 1.
    pub samples: u64,
    /// The density, in [0, 1], above which each product of [`Product::ALL`] is dense.
    pub densities: [f64; 3],
}

/// A table of [`CrossoverRow`]s.
///
/// # Examples
/// ```
/// use rewire_sparse::{Crossover, CrossoverRow, Kernel, Product};
///
/// let row = CrossoverRow {
///     weights: 1 << 20,
///     samples: 128,
///     densities: [0.6, 0.5, 0.4],
/// };
/// let table = Crossover::new(vec![row])?;
/// let kernel = |product| table.kernel(product, 1 << 20, 0.45, 100);
/// assert_eq!(kernel(Product::Forward), Kernel::Tiled);
/// assert_eq!(kernel(Product::WeightGradient), Kernel::Dense);
/// # Ok::<(), rewire_sparse::CrossoverError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Crossover {
    rows: Vec<CrossoverRow>,
}

/// Why rows are no table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CrossoverError {
    /// There are none.
    Empty,
    /// A row is for no weights or no samples.
    NoSize {
        /// The row, from 0.
        row: usize,
    },
    /// A density is not in [0, 1].
    Density {
        /// The row, from 0.
        row: usize,
        /// What stands there.
        density: f64,
    },
    /// Two rows are for the same size.
    Repeated {
        /// The later row, from 0.
        row: usize,
    },
}

impl fmt::Display for CrossoverError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => out.write_str("a table of crossovers has at least one row"),
            Self::NoSize { row } => {
                write!(
                    out,
                    "row {row} of the crossovers is for 0 weights or 0 samples"
                )
            }
            Self::Density { row, density } => {
                write!(
                    out,
                    "row {row} of the crossovers has the density {density}, not one in [0, 1]"
                )
            }
            Self::Repeated { row } => {
                write!(
                    out,
                    "row {row} of the crossovers is for the same sizes as one before it"
                )
            }
        }
    }
}

impl std::error::Error for CrossoverError {}

impl Crossover {
    /// A table of these rows, in any order.
    ///
    /// # Errors
    /// [`CrossoverError`], with the row.
    pub fn new(mut rows: Vec<CrossoverRow>) -> Result<Self, CrossoverError> {
        if rows.is_empty() {
            return Err(CrossoverError::Empty);
        }
        for (row, found) in rows.iter().enumerate() {
            if found.weights == 0 || found.samples == 0 {
                return Err(CrossoverError::NoSize { row });
            }
            for density in found.densities {
                if !(0.0..=1.0).contains(&density) {
                    return Err(CrossoverError::Density { row, density });
                }
            }
            if rows[..row]
                .iter()
                .any(|before| before.size() == found.size())
            {
                return Err(CrossoverError::Repeated { row });
            }
        }
        rows.sort_by_key(CrossoverRow::size);
        Ok(Self { rows })
    }

    /// The table that takes one kernel everywhere.
    pub fn always(kernel: Kernel) -> Self {
        let density = match kernel {
            Kernel::Tiled => 1.0,
            Kernel::Dense => 0.0,
        };
        let row = CrossoverRow {
            weights: 1,
            samples: 1,
            densities: [density; 3],
        };
        Self { rows: vec![row] }
    }

    /// The rows by ascending size.
    pub fn rows(&self) -> &[CrossoverRow] {
        &self.rows
    }

    /// What multiplies a matrix of so many entries.
    ///
    /// The row is the one for which the quotient of the weights times that of the samples, each at
    /// least 1, is least; of equal ones the first. An empty matrix or batch counts as one of 1.
    pub fn kernel(&self, product: Product, weights: u64, density: f64, samples: usize) -> Kernel {
        let quotient = |a: u64, b: u64| a.max(b) as f64 / a.min(b) as f64;
        let distance = |row: &CrossoverRow| {
            quotient(row.weights, weights.max(1)) * quotient(row.samples, (samples as u64).max(1))
        };
        let mut nearest = &self.rows[0];
        for row in &self.rows[1..] {
            if distance(row) < distance(nearest) {
                nearest = row;
            }
        }
        if density > nearest.densities[product as usize] {
            Kernel::Dense
        } else {
            Kernel::Tiled
        }
    }
}

impl Default for Crossover {
    /// What [`CrossoverRow::measure`] found on one thread of a processor with AVX-512 whose nearest
    /// cache has 32 KB.
    fn default() -> Self {
        let row = |(weights, samples, densities)| CrossoverRow {
            weights,
            samples,
            densities,
        };
        Self {
            rows: DEFAULT.map(row).to_vec(),
        }
    }
}

/// Weights, samples, densities, by ascending size.
const DEFAULT: [(u64, u64, [f64; 3]); 16] = [
    (1 << 12, 1, [0.99, 0.99, 0.26]),
    (1 << 12, 16, [0.99, 0.98, 0.35]),
    (1 << 12, 128, [0.98, 0.96, 0.8]),
    (1 << 12, 512, [0.76, 0.79, 0.63]),
    (1 << 16, 1, [0.99, 0.76, 0.21]),
    (1 << 16, 16, [0.99, 0.99, 0.23]),
    (1 << 16, 128, [0.62, 0.57, 0.52]),
    (1 << 16, 512, [0.49, 0.62, 0.45]),
    (1 << 20, 1, [0.99, 0.99, 0.21]),
    (1 << 20, 16, [0.99, 0.99, 0.23]),
    (1 << 20, 128, [0.68, 0.98, 0.45]),
    (1 << 20, 512, [0.54, 0.77, 0.4]),
    (1 << 24, 1, [0.99, 0.99, 0.3]),
    (1 << 24, 16, [0.99, 0.99, 0.24]),
    (1 << 24, 128, [0.77, 0.99, 0.51]),
    (1 << 24, 512, [0.57, 0.88, 0.45]),
];

impl CrossoverRow {
    fn size(&self) -> (u64, u64) {
        (self.weights, self.samples)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(weights: u64, samples: u64, density: f64) -> CrossoverRow {
        CrossoverRow {
            weights,
            samples,
            densities: [density; 3],
        }
    }

    #[test]
    fn the_nearest_row_decides() {
        let rows = vec![
            row(1 << 20, 128, 0.5),
            row(1 << 10, 128, 0.2),
            row(1 << 10, 1, 0.9),
        ];
        let table = Crossover::new(rows).unwrap();
        let is_dense = |weights, density, samples| {
            table.kernel(Product::Forward, weights, density, samples) == Kernel::Dense
        };
        assert!(is_dense(1 << 20, 0.51, 128) && !is_dense(1 << 20, 0.5, 128));
        assert!(is_dense(u64::MAX, 0.51, 1_000_000));
        assert!(is_dense(1 << 14, 0.3, 128) && !is_dense(1 << 16, 0.3, 128));
        assert!(is_dense(1 << 10, 0.3, 12) && !is_dense(1 << 10, 0.3, 11));
        // As far from either: the first by size.
        assert!(is_dense(1 << 15, 0.3, 128));
        assert!(!is_dense(0, 0.9, 0) && is_dense(0, 1.0, 0));
    }

    #[test]
    fn the_default_is_a_table() {
        let table = Crossover::default();
        assert_eq!(Crossover::new(table.rows().to_vec()), Ok(table));
    }

    #[test]
    fn one_kernel_everywhere() {
        for density in [1e-9, 0.5, 1.0] {
            for product in Product::ALL {
                let of = |kernel| Crossover::always(kernel).kernel(product, 77, density, 3);
                assert_eq!(of(Kernel::Tiled), Kernel::Tiled);
                assert_eq!(of(Kernel::Dense), Kernel::Dense);
            }
        }
    }

    #[test]
    fn rows_that_are_no_table() {
        let error = |rows: &[CrossoverRow]| Crossover::new(rows.to_vec()).unwrap_err();
        assert_eq!(error(&[]), CrossoverError::Empty);
        let good = row(8, 8, 0.5);
        assert_eq!(
            error(&[good, row(0, 8, 0.5)]),
            CrossoverError::NoSize { row: 1 }
        );
        assert_eq!(error(&[row(8, 0, 0.5)]), CrossoverError::NoSize { row: 0 });
        let density = 1.5;
        assert_eq!(
            error(&[row(8, 8, density)]),
            CrossoverError::Density { row: 0, density }
        );
        assert!(Crossover::new(vec![row(8, 8, f64::NAN)]).is_err());
        assert_eq!(
            error(&[good, row(9, 8, 0.1), good]),
            CrossoverError::Repeated { row: 2 }
        );
    }
}
