//! Whether candidates compute the same, before anybody is timed.
//!
//! A layer's numbers are so coarse that every sum of its products is exact: answers have to be
//! equal. The first losses of a network have to agree to five decimals. Logits pass through sums of
//! as many terms as a unit has inputs, each rounded in proportion to what it has reached, which is of
//! the result's size: they may differ by one rounding per term.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use super::cases::{Case, Entry, Part};

/// Losses are printed and compared with five decimals.
const LOSS_TOLERANCE: f32 = 1e-5;

/// The numbers in a file of little-endian f32.
pub(super) fn read(path: &Path) -> Result<Vec<f32>> {
    let bytes = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    let numbers = bytes.chunks_exact(4);
    Ok(numbers
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect())
}

/// Compares what `entry` found with what was expected.
///
/// # Errors
/// With the place and both numbers where they differ by more than they may.
pub(super) fn check(case: &Case, entry: Entry, expected: &[f32], found: &[f32]) -> Result<()> {
    let what = || format!("{case}: {} by {}", entry.product, entry.candidate);
    ensure!(
        expected.len() == found.len(),
        "{} has {} numbers, not {}",
        what(),
        found.len(),
        expected.len()
    );
    let compared = match case.part {
        // Inactive weights of a dense candidate are trained too: only its first loss is the same.
        Part::Step | Part::Size if case.density < 1.0 && entry.candidate.ends_with("-dense") => 1,
        _ => found.len(),
    };
    let tolerance = tolerance(case, expected);
    for (place, (&expected, &found)) in expected.iter().zip(found).take(compared).enumerate() {
        let difference = (expected - found).abs();
        if difference > tolerance || difference.is_nan() {
            bail!(
                "{}: number {place} is {found}, not {expected}; they may differ by {tolerance}",
                what()
            );
        }
    }
    Ok(())
}

fn tolerance(case: &Case, expected: &[f32]) -> f32 {
    match case.part {
        Part::Product => 0.0,
        Part::Step | Part::Size => LOSS_TOLERANCE,
        Part::Inference => {
            let layers = &case.sizes[..case.sizes.len() - 1];
            let terms: usize = layers.iter().sum();
            let largest = expected
                .iter()
                .fold(0.0f32, |most, value| most.max(value.abs()));
            terms as f32 * f32::EPSILON * largest
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::cases;

    fn entry(candidate: &'static str) -> Entry {
        Entry {
            product: "step",
            candidate,
        }
    }

    #[test]
    fn products_are_equal_or_wrong() {
        let case = &cases::all(Some("product"))[0];
        let entry = entry("torch-mm");
        assert!(check(case, entry, &[1.0, 0.0], &[1.0, -0.0]).is_ok());
        assert!(check(case, entry, &[1.0], &[1.0 + f32::EPSILON]).is_err());
        assert!(check(case, entry, &[1.0], &[f32::NAN]).is_err());
        assert!(check(case, entry, &[1.0], &[1.0, 2.0]).is_err());
    }

    #[test]
    fn losses_agree_to_five_decimals_and_dense_ones_only_at_first() {
        let case = &cases::all(Some("step 128x3072-4096-4096-10 density 0.1"))[0];
        let expected = [2.5, 2.4];
        assert!(check(case, entry("torch-masked"), &expected, &[2.500005, 2.4]).is_ok());
        assert!(check(case, entry("torch-masked"), &expected, &[2.5, 2.3]).is_err());
        assert!(check(case, entry("torch-dense"), &expected, &[2.5, 2.3]).is_ok());
        assert!(check(case, entry("torch-dense"), &expected, &[2.6, 2.4]).is_err());
    }

    /// 3072 + 4096 + 4096 terms and a largest logit of 2.
    #[test]
    fn logits_may_differ_by_a_rounding_per_term() {
        let case = &cases::all(Some("inference"))[0];
        let bound = 11264.0 * f32::EPSILON * 2.0;
        assert!((tolerance(case, &[1.0, -2.0]) - bound).abs() < 1e-9);
    }
}
