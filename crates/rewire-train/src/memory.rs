//! What a run needs of memory at the least, and whether the machine has it.
//!
//! The need follows from numbers of weights alone and is a lower bound: for each stored weight its
//! value, its gradient and its optimizer state, for each active one its position and what the
//! products keep of it, and one activation per unit and sample of a batch. A run whose least need is beyond what the system can
//! give would end in an abort without a word; such a run is refused before anything is allocated.

use std::fmt;
use std::fs;

use rewire_autograd::Fast;

use crate::budget::LayerBudget;
use crate::config::ProductsKind;
use crate::error::TrainError;

/// A number of bytes; shown as `3.2 GB`, with powers of 1000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u128);

impl fmt::Display for Bytes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = ["kB", "MB", "GB", "TB", "PB"];
        let mut shown = None;
        let mut size = 1000u128;
        for unit in units {
            // What would be shown as 1000.0 of a unit is 1.0 of the next.
            if self.0 * 20 >= size * 20 - size / 1000 {
                shown = Some((self.0 as f64 / size as f64, unit));
            }
            size *= 1000;
        }
        match shown {
            Some((number, unit)) => write!(out, "{number:.1} {unit}"),
            None => write!(out, "{} bytes", self.0),
        }
    }
}

/// The least that a run with this budget holds at once; `columns` numbers of optimizer state per
/// weight, `batch` samples in a step.
pub(crate) fn needed(
    budget: &[LayerBudget],
    products: ProductsKind,
    columns: usize,
    batch: usize,
) -> Bytes {
    // Every number is of 32 bits, a row offset of 64.
    let per_position = match products {
        ProductsKind::Auto | ProductsKind::Tiled => 1 + Fast::BYTES_PER_ACTIVE as u128 / 4,
        ProductsKind::Dense | ProductsKind::Plain => 1,
    };
    let per_weight = 2 + columns as u128;
    let numbers: u128 = budget
        .iter()
        .map(|layer| {
            let stored = u128::from(layer.n_stored());
            let positions = match layer.n_active {
                Some(_) => per_position * stored + 2 * layer.dims[0] as u128,
                None => 0,
            };
            stored * per_weight + positions + layer.dims[0] as u128 * batch as u128
        })
        .sum();
    Bytes(4 * numbers)
}

/// Refuses what the system cannot give.
///
/// # Errors
/// [`TrainError::Memory`]; never on a system that does not say what it has.
pub(crate) fn check(needed: Bytes) -> Result<(), TrainError> {
    match available() {
        Some(available) if needed > available => Err(TrainError::Memory { needed, available }),
        _ => Ok(()),
    }
}

/// What Linux has free, reclaimable caches and swap space included, or the limit of the container
/// if that is less; other systems have no file to ask.
fn available() -> Option<Bytes> {
    let free = free_memory(&fs::read_to_string("/proc/meminfo").ok()?)?;
    let limits = [
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ];
    let limit = limits
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok()?.trim().parse().ok())
        .min();
    Some(Bytes(limit.map_or(free, |limit: u128| limit.min(free))))
}

/// `MemAvailable` and `SwapFree` of `/proc/meminfo`, which counts in units of 1024 bytes.
fn free_memory(meminfo: &str) -> Option<u128> {
    let field = |name: &str| -> Option<u128> {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        let number = line.trim().strip_suffix("kB")?.trim();
        number.parse::<u128>().ok()?.checked_mul(1024)
    };
    field("MemAvailable:")?.checked_add(field("SwapFree:").unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_shown_in_the_largest_unit_that_holds_one() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (1000, "1.0 kB"),
            (999_949, "999.9 kB"),
            (999_950, "1.0 MB"),
            (12_000_000_000_000, "12.0 TB"),
            (5_000_000_000_000_000_000, "5000.0 PB"),
        ] {
            assert_eq!(Bytes(bytes).to_string(), text);
        }
    }

    /// By hand: 4 · (6 · 4 + 6 + 2 · 3 + 3 · 5) for the active layer of 6 of 12 weights, and
    /// 4 · (6 · 4 + 2 · 5) for the dense one of 2 × 3.
    #[test]
    fn the_need_counts_values_gradients_state_positions_and_activations() {
        let layer = |dims, n_active| LayerBudget {
            name: "fc".into(),
            dims,
            n_active,
            pattern: None,
        };
        let budget = [layer([3, 4], Some(6)), layer([2, 3], None)];
        let plain = needed(&budget, ProductsKind::Plain, 2, 5);
        assert_eq!(plain, Bytes(4 * 51 + 4 * 34));
        // Two places and an index of each of the 6 weights.
        let tiled = needed(&budget, ProductsKind::Tiled, 2, 5);
        assert_eq!(tiled, Bytes(plain.0 + 6 * (2 + 2 + 4)));
    }

    #[test]
    fn free_memory_is_what_can_be_had_with_swap() {
        let text = "MemTotal:  100 kB\nMemFree:  1 kB\nMemAvailable:    40 kB\nSwapFree: 2 kB\n";
        assert_eq!(free_memory(text), Some(42 * 1024));
        assert_eq!(free_memory("MemAvailable: 3 kB\n"), Some(3 * 1024));
        assert_eq!(free_memory("MemTotal: 3 kB\n"), None);
        assert_eq!(free_memory("MemAvailable: many kB\n"), None);
    }

    #[test]
    fn only_what_no_machine_has_is_refused() {
        assert!(check(Bytes(0)).is_ok());
        let huge = check(Bytes(1 << 80));
        assert_eq!(huge.is_err(), available().is_some());
    }
}
