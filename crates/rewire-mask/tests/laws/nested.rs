//! Nested sets, patterns, views and the matrix a tensor is seen as.

use proptest::prelude::*;
use rewire_mask::{Extent, Mask, MaskError, MatrixShape, NestedSets, Nm, Topology, WeightView};

use crate::{cases, mask, pairs};

#[test]
fn patterns_keep_at_least_one_and_at_most_all() {
    for keep in 0..=40 {
        for of in 0..=40 {
            let legal = keep >= 1 && keep <= of && of <= 32;
            let expected = if legal {
                Ok(Nm { keep, of })
            } else {
                Err(MaskError::NotAPattern { keep, of })
            };
            assert_eq!(Nm::new(keep, of), expected);
        }
    }
}

#[test]
fn tensors_are_matrices_of_outputs_by_the_rest() {
    let rows: [(&[usize], usize, usize); 6] = [
        (&[], 1, 1),
        (&[7], 7, 1),
        (&[7, 0], 7, 0),
        (&[300, 784], 300, 784),
        (&[64, 3, 7, 7], 64, 147),
        (&[1, 2, 3, 4, 5], 1, 120),
    ];
    for (dims, rows, cols) in rows {
        assert_eq!(MatrixShape::from_dims(dims), MatrixShape::new(rows, cols));
    }
}

#[test]
#[should_panic(expected = "cannot be counted")]
fn a_matrix_beyond_64_bits_has_no_length() {
    let _ = MatrixShape::new(usize::MAX, 2).len();
}

#[test]
fn an_extent_of_all_and_a_full_mask_are_the_same_set() {
    let shape = MatrixShape::new(3, 22);
    let some = Mask::from_fn(shape, |row, col| row == col);
    let full = || Extent::Only(Mask::full(shape));
    assert!(NestedSets::new(some.clone(), Extent::All, full()).is_ok());
    assert!(NestedSets::new(some.clone(), full(), Extent::All).is_ok());
    assert_eq!(
        NestedSets::new(some.clone(), Extent::All, Extent::Only(some)),
        Err(MaskError::NotNested {
            inner: "update",
            outer: "gradient"
        })
    );
}

#[test]
fn a_view_counts_what_reaches_the_products() {
    let shape = MatrixShape::new(2, 3);
    let topology = Topology::from_positions(shape, [1, 4]).unwrap();
    let forward = topology.to_mask();
    let dense = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let views = [
        (
            WeightView::Dense {
                shape,
                values: &dense,
            },
            6,
            6,
        ),
        (
            WeightView::Active {
                topology: &topology,
                values: &dense[..2],
            },
            2,
            2,
        ),
        (
            WeightView::Latent {
                values: &dense,
                forward: &forward,
                gradient: None,
            },
            2,
            6,
        ),
    ];
    for (view, n_active, stored) in views {
        assert_eq!(view.shape(), shape);
        assert_eq!(view.n_active(), n_active);
        assert_eq!(view.values(), &dense[..stored]);
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn sets_are_accepted_exactly_when_nested((shape, a, b) in pairs(), update_all in any::<bool>()) {
        let (forward, other) = (mask(shape, &a), mask(shape, &b));
        let both = forward.union(&other).unwrap();
        let update = if update_all { Extent::All } else { Extent::Only(other.clone()) };
        let sets = NestedSets::new(forward.clone(), update.clone(), Extent::All);
        prop_assert_eq!(sets.is_ok(), update_all || a.is_subset(&b));
        let sets = NestedSets::new(forward.clone(), Extent::Only(both.clone()), Extent::Only(other));
        prop_assert_eq!(sets.is_ok(), a.is_subset(&b));
        let sets = NestedSets::new(forward, Extent::Only(both.clone()), Extent::Only(both));
        prop_assert!(sets.is_ok());
        for position in 0..shape.len() {
            prop_assert_eq!(update.contains(position), update_all || b.contains(&position));
        }
    }

    #[test]
    fn a_reprojection_reports_the_difference_or_changes_nothing((shape, a, b) in pairs()) {
        let (old, new) = (mask(shape, &a), mask(shape, &b));
        let mut free = NestedSets::new(old.clone(), Extent::All, Extent::All).unwrap();
        let rewiring = free.reproject(new.clone()).unwrap();
        prop_assert!(rewiring.dropped().iter().eq(&(&a - &b)));
        prop_assert!(rewiring.grown().iter().eq(&(&b - &a)));
        prop_assert_eq!(free.forward(), &new);

        let mut bound = NestedSets::new(old.clone(), Extent::Only(old), Extent::All).unwrap();
        let untouched = bound.clone();
        let reprojected = bound.reproject(new);
        prop_assert_eq!(reprojected.is_ok(), b.is_subset(&a));
        if !b.is_subset(&a) {
            prop_assert_eq!(bound, untouched);
        }
    }
}
