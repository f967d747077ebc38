//! Measuring a machine: from which densities on its dense products are faster.

use rewire_autograd::{Crossover, CrossoverRow};

use crate::build;
use crate::error::TrainError;

/// Measures square layers of these `(side, samples)` on so many threads, 0 for one per core, and
/// shows each row as it comes. A size that is listed twice is measured once.
///
/// The rows depend on the machine and on what else it does meanwhile; a run that is given the table
/// depends on it alone.
///
/// # Errors
/// [`TrainError`] if there are no sizes or the threads cannot be started.
///
/// # Panics
/// If a side or a number of samples is 0.
pub fn tune(
    sizes: &[(usize, usize)],
    threads: usize,
    mut show: impl FnMut(&CrossoverRow) + Send,
) -> Result<Crossover, TrainError> {
    let mut sizes = sizes.to_vec();
    sizes.sort_unstable();
    sizes.dedup();
    let measured = build::pool(threads)?.install(|| {
        sizes
            .iter()
            .map(|&(side, samples)| {
                let row = CrossoverRow::measure(side, samples);
                show(&row);
                row
            })
            .collect()
    });
    Crossover::new(measured).map_err(|error| TrainError::Bug {
        what: format!("a measured table: {error}"),
    })
}
