//! Counting: nearest whole number, ties to even, monotone, never beyond the whole.

use proptest::prelude::*;
use rewire_mask::{Density, MaskError};

use crate::cases;

#[test]
fn sparsities_count_as_on_paper() {
    let rows: [(f64, u64, u64); 12] = [
        (0.9, 0, 0),
        (0.9, 1, 0),
        (0.9, 5, 0),
        (0.9, 15, 2),
        (0.9, 25, 2),
        (0.9, 35, 4),
        (0.9, 266_200, 26_620),
        (0.95, 266_200, 13_310),
        (0.98, 266_200, 5_324),
        (0.99, 266_200, 2_662),
        (0.5, 3, 2),
        (0.0, 7, 7),
    ];
    for (sparsity, n, expected) in rows {
        let density = Density::from_sparsity(sparsity).unwrap();
        assert_eq!(density.count(n), expected, "{n} weights at {sparsity}");
        assert_eq!(density.sparsity(), sparsity);
    }
}

#[test]
fn a_dense_count_is_exact_beyond_double_precision() {
    assert_eq!(Density::DENSE.count(u64::MAX), u64::MAX);
    assert_eq!(Density::DENSE.count((1 << 53) + 1), (1 << 53) + 1);
}

#[test]
fn values_outside_the_range_are_refused_with_the_value() {
    for value in [-0.1, 1.0000000000000002, f64::INFINITY] {
        assert_eq!(
            Density::new(value),
            Err(MaskError::DensityOutOfRange { value })
        );
    }
    for value in [-1e-300, 1.0, 2.0, f64::NEG_INFINITY] {
        assert_eq!(
            Density::from_sparsity(value),
            Err(MaskError::SparsityOutOfRange { value })
        );
    }
    assert!(Density::new(f64::NAN).is_err());
    assert!(Density::from_sparsity(f64::NAN).is_err());
    assert!(Density::new(-0.0).unwrap().get().is_sign_positive());
}

proptest! {
    #![proptest_config(cases())]

    /// Densities a/1024 make products exact, ties included, so whole numbers decide.
    #[test]
    fn halves_go_to_the_even_neighbour(a in 0u64..=1024, n in 0u64..1 << 40) {
        let (floor, rest) = (a * n / 1024, a * n % 1024);
        let expected = match rest.cmp(&512) {
            std::cmp::Ordering::Less => floor,
            std::cmp::Ordering::Greater => floor + 1,
            std::cmp::Ordering::Equal => floor + floor % 2,
        };
        prop_assert_eq!(Density::new(a as f64 / 1024.0).unwrap().count(n), expected);
    }

    #[test]
    fn counts_are_nearest_monotone_and_bounded(
        low in 0.0..=1.0f64, high in 0.0..=1.0f64, n in 0u64..1 << 40, more in 0u64..1 << 40,
    ) {
        let (low, high) = (low.min(high), low.max(high));
        let count = |d: f64, n: u64| Density::new(d).unwrap().count(n);
        prop_assert!(count(low, n) <= count(high, n));
        prop_assert!(count(low, n) <= count(low, n + more));
        prop_assert!(count(high, n) <= n);
        // Half for the rounding to a whole number; the product is below 2^40, where doubles lie
        // at most 2^-13 apart.
        let product = low * n as f64;
        prop_assert!((count(low, n) as f64 - product).abs() <= 0.5 + 2f64.powi(-13));
    }

    /// Decimal sparsities become the double nearest to their complement.
    #[test]
    fn the_complement_of_a_decimal_is_that_decimal(thousandths in 0u32..1000) {
        let sparsity = f64::from(thousandths) / 1000.0;
        let density = Density::from_sparsity(sparsity).unwrap();
        prop_assert_eq!(density.get(), f64::from(1000 - thousandths) / 1000.0);
        prop_assert_eq!(density.sparsity(), sparsity);
    }
}
