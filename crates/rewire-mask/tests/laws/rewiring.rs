//! Rewirings as differences of sets, and what a gather list does to a column.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rewire_mask::{MaskError, MatrixShape, Rewiring, Topology};

use crate::{cases, mask, pairs, topology};

fn list(set: &BTreeSet<u64>) -> Vec<u64> {
    set.iter().copied().collect()
}

/// A value that only this position has, signalling NaN payloads included: a copy that goes through
/// arithmetic would not keep it.
fn value_at(position: u64) -> f32 {
    f32::from_bits(0x7f80_0001 + position as u32)
}

#[test]
fn lists_that_are_no_rewiring_are_refused() {
    assert_eq!(
        Rewiring::new(vec![4, 1, 4], vec![]),
        Err(MaskError::Duplicate { position: 4 })
    );
    assert_eq!(
        Rewiring::net(vec![], vec![7, 7]),
        Err(MaskError::Duplicate { position: 7 })
    );
    assert_eq!(
        Rewiring::new(vec![4, 1], vec![9, 1]),
        Err(MaskError::DroppedAndGrown { position: 1 })
    );
}

#[test]
fn rewirings_that_do_not_fit_a_topology_are_refused() {
    let shape = MatrixShape::new(2, 3);
    let topology = Topology::from_positions(shape, [0, 4]).unwrap();
    let refused = |dropped: &[u64], grown: &[u64]| {
        let rewiring = Rewiring::new(dropped.to_vec(), grown.to_vec()).unwrap();
        topology.apply(&rewiring).unwrap_err()
    };
    assert_eq!(refused(&[1], &[]), MaskError::NotActive { position: 1 });
    assert_eq!(refused(&[], &[4]), MaskError::AlreadyActive { position: 4 });
    // Rows of few entries for their width are rewired in another way.
    let wide = MatrixShape::new(2, 10_000);
    let topology_of_wide = Topology::from_positions(wide, [0, 4, 10_004]).unwrap();
    for (dropped, grown, error) in [
        (vec![0, 5], vec![], MaskError::NotActive { position: 5 }),
        (
            vec![9_999],
            vec![1],
            MaskError::NotActive { position: 9_999 },
        ),
        (
            vec![0],
            vec![10_003, 10_004],
            MaskError::AlreadyActive { position: 10_004 },
        ),
    ] {
        let rewiring = Rewiring::new(dropped, grown).unwrap();
        assert_eq!(topology_of_wide.apply(&rewiring), Err(error));
    }
    let outside = MaskError::OutOfRange { position: 6, shape };
    assert_eq!(refused(&[6], &[]), outside);
    assert_eq!(refused(&[0], &[6]), outside);
    let (left, right) = (shape, MatrixShape::new(3, 2));
    assert_eq!(
        Rewiring::between(&topology, &Topology::empty(right)),
        Err(MaskError::ShapeMismatch { left, right })
    );
}

#[test]
fn a_gather_list_reads_as_on_paper() {
    let before = Topology::from_positions(MatrixShape::new(3, 4), [0, 1, 3, 6, 9]).unwrap();
    let rewiring = Rewiring::new(vec![3, 6], vec![4, 5, 11]).unwrap();
    let (after, gather) = before.apply(&rewiring).unwrap();
    assert!(after.positions().eq([0, 1, 4, 5, 9, 11]));
    assert_eq!(
        (gather.old_len(), gather.new_len(), gather.n_new()),
        (5, 6, 3)
    );
    assert_eq!(
        gather.gather(&['a', 'b', 'c', 'd', 'e'], '-'),
        ['a', 'b', '-', '-', 'e', '-']
    );
}

#[test]
#[should_panic(expected = "a column of 1 elements is not the one of 2 before the rewiring")]
fn a_column_of_another_length_is_refused() {
    let topology = Topology::full(MatrixShape::new(1, 2));
    let (_, gather) = topology.apply(&Rewiring::none()).unwrap();
    gather.gather(&[1.0], 0.0);
}

#[test]
#[should_panic(expected = "a column of 3 elements cannot take the 2 after the rewiring")]
fn a_destination_of_another_length_is_refused() {
    let topology = Topology::full(MatrixShape::new(1, 2));
    let (_, gather) = topology.apply(&Rewiring::none()).unwrap();
    gather.gather_into(&[1.0, 2.0], 0.0, &mut [0.0; 3]);
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn the_difference_of_two_topologies_leads_from_one_to_the_other((shape, a, b) in pairs()) {
        let (before, after) = (topology(shape, &a), topology(shape, &b));
        let rewiring = Rewiring::between(&before, &after).unwrap();
        prop_assert_eq!(rewiring.dropped(), list(&(&a - &b)));
        prop_assert_eq!(rewiring.grown(), list(&(&b - &a)));
        prop_assert_eq!(rewiring.is_empty(), a == b);
        prop_assert_eq!(&before.apply(&rewiring).unwrap().0, &after);
        prop_assert_eq!(&after.apply(&rewiring.inverse()).unwrap().0, &before);
        prop_assert_eq!(&Rewiring::between(&after, &before).unwrap(), &rewiring.inverse());
        prop_assert_eq!(
            &Rewiring::between_masks(&mask(shape, &a), &mask(shape, &b)).unwrap(),
            &rewiring
        );
        prop_assert_eq!(
            Rewiring::new(rewiring.dropped().to_vec(), rewiring.grown().to_vec()),
            Ok(rewiring)
        );
    }

    /// Rows wide enough for both ways of rewiring them, in one matrix.
    #[test]
    fn rows_of_any_density_are_rewired_alike(
        a in prop::collection::btree_set(0u64..4000, 0..200),
        b in prop::collection::btree_set(0u64..4000, 0..200),
        few in prop::collection::btree_set(4000u64..12_000, 0..6),
        others in prop::collection::btree_set(4000u64..12_000, 0..6),
    ) {
        let shape = MatrixShape::new(3, 4000);
        let (a, b) = (&a | &few, &b | &others);
        let before = topology(shape, &a);
        let rewiring = Rewiring::net(list(&(&a - &b)), list(&(&b - &a))).unwrap();
        let (after, gather) = before.apply(&rewiring).unwrap();
        prop_assert_eq!(&after, &topology(shape, &b));
        let old: Vec<u64> = list(&a);
        let expected: Vec<u64> = b.iter().map(|p| if a.contains(p) { *p } else { u64::MAX }).collect();
        prop_assert_eq!(gather.gather(&old, u64::MAX), expected);
    }

    #[test]
    fn survivors_keep_their_elements_to_the_bit((shape, a, b) in pairs()) {
        let (before, after) = (topology(shape, &a), topology(shape, &b));
        let rewiring = Rewiring::between(&before, &after).unwrap();
        let (_, gather) = before.apply(&rewiring).unwrap();
        let grown = f32::from_bits(0xffc0_dead);
        let old: Vec<f32> = a.iter().map(|&position| value_at(position)).collect();
        let new = gather.gather(&old, grown);
        let expected: Vec<u32> = b
            .iter()
            .map(|position| if a.contains(position) { value_at(*position) } else { grown })
            .map(f32::to_bits)
            .collect();
        let bits = |column: &[f32]| column.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(&bits(&new), &expected);
        let mut into = vec![1.0; new.len()];
        gather.gather_into(&old, grown, &mut into);
        prop_assert_eq!(&bits(&into), &expected);
        prop_assert_eq!(gather.old_len(), a.len());
        prop_assert_eq!(gather.new_len(), b.len());
        prop_assert_eq!(gather.n_new(), (&b - &a).len());
    }

    #[test]
    fn a_position_in_both_lists_stays((_, a, b) in pairs(), order in any::<u64>()) {
        let rotated = |set: &BTreeSet<u64>| {
            let mut positions = list(set);
            let by = order as usize % positions.len().max(1);
            positions.rotate_left(by);
            positions
        };
        let net = Rewiring::net(rotated(&a), rotated(&b)).unwrap();
        prop_assert_eq!(net.dropped(), list(&(&a - &b)));
        prop_assert_eq!(net.grown(), list(&(&b - &a)));
        let refused = Rewiring::new(rotated(&a), rotated(&b));
        match (&a & &b).first() {
            Some(&position) => {
                prop_assert_eq!(refused, Err(MaskError::DroppedAndGrown { position }));
            }
            None => prop_assert_eq!(refused, Ok(net)),
        }
    }
}
