//! Topologies against sorted sets of positions and against masks.

use proptest::prelude::*;
use rewire_mask::{Mask, MaskError, MatrixShape, Topology};

use crate::{cases, mask, sets, topology};

#[test]
fn empty_and_full_are_what_they_say() {
    for (rows, cols) in [(0, 0), (0, 5), (5, 0), (1, 1), (3, 65)] {
        let shape = MatrixShape::new(rows, cols);
        assert_eq!(Topology::empty(shape), topology(shape, &[].into()));
        let full = Topology::full(shape);
        assert_eq!(full, topology(shape, &(0..shape.len()).collect()));
        assert_eq!((full.n_inactive(), full.to_mask()), (0, Mask::full(shape)));
    }
}

#[test]
fn lists_of_positions_that_are_no_set_are_refused() {
    let shape = MatrixShape::new(2, 5);
    let refused =
        |positions: &[u64]| Topology::from_positions(shape, positions.iter().copied()).unwrap_err();
    let descends = |previous, position| MaskError::NotAscending { previous, position };
    assert_eq!(refused(&[1, 4, 3]), descends(4, 3));
    assert_eq!(refused(&[1, 4, 4]), descends(4, 4));
    assert_eq!(
        refused(&[1, 10]),
        MaskError::OutOfRange {
            position: 10,
            shape
        }
    );
}

#[test]
fn parts_that_contradict_each_other_are_refused() {
    let shape = MatrixShape::new(2, 5);
    let refused = |offsets: &[usize], columns: &[u32]| {
        Topology::from_parts(shape, offsets.to_vec(), columns.to_vec()).unwrap_err()
    };
    let count = |found| MaskError::OffsetCount {
        found,
        expected: 3,
        shape,
    };
    let offsets = |row, start, end, n_active| MaskError::Offsets {
        row,
        start,
        end,
        n_active,
    };
    assert_eq!(refused(&[], &[]), count(0));
    assert_eq!(refused(&[0, 1], &[0]), count(2));
    assert_eq!(refused(&[0, 0, 0, 1], &[0]), count(4));
    assert_eq!(refused(&[1, 1, 2], &[0, 1]), offsets(0, 1, 2, 2));
    assert_eq!(refused(&[0, 2, 1], &[0, 1]), offsets(1, 2, 1, 2));
    assert_eq!(refused(&[0, 3, 3], &[0, 1]), offsets(0, 0, 3, 2));
    assert_eq!(refused(&[0, 1, 1], &[0, 1]), offsets(1, 1, 1, 2));
    assert_eq!(
        refused(&[0, 1, usize::MAX], &[0]),
        offsets(1, 1, usize::MAX, 1)
    );
    assert_eq!(
        refused(&[0, 0, 1], &[5]),
        MaskError::ColumnOutOfRange {
            row: 1,
            column: 5,
            shape
        }
    );
    for columns in [[3, 3], [3, 2]] {
        let (previous, position) = (8, 5 + u64::from(columns[1]));
        assert_eq!(
            refused(&[0, 0, 2], &columns),
            MaskError::NotAscending { previous, position }
        );
    }
    let no_rows = MatrixShape::new(0, 5);
    assert!(Topology::from_parts(no_rows, vec![0], vec![]).is_ok());
    assert!(Topology::from_parts(no_rows, vec![0], vec![1]).is_err());
}

#[test]
fn columns_beyond_32_bits_are_refused() {
    let widest = MatrixShape::new(1, u32::MAX as usize);
    let last = u64::from(u32::MAX) - 1;
    let topology = Topology::from_positions(widest, [last]).unwrap();
    assert_eq!(topology.position(0), last);
    let shape = MatrixShape::new(1, 1 << 32);
    assert_eq!(
        Topology::from_positions(shape, []),
        Err(MaskError::TooManyColumns { shape })
    );
    assert_eq!(
        Topology::from_parts(shape, vec![0, 0], vec![]),
        Err(MaskError::TooManyColumns { shape })
    );
}

#[test]
#[should_panic(expected = "indices of 2 entries")]
fn an_entry_that_is_not_there_has_no_position() {
    let topology = Topology::from_positions(MatrixShape::new(3, 4), [1, 5]).unwrap();
    topology.positions_at(&[1, 2]);
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_topology_a_mask_and_a_set_say_the_same((shape, set) in sets()) {
        let topology = topology(shape, &set);
        prop_assert!(topology.positions().eq(set.iter().copied()));
        prop_assert_eq!(topology.to_mask(), mask(shape, &set));
        prop_assert_eq!(&Topology::from_mask(&mask(shape, &set)), &topology);
        let (offsets, columns) = (topology.row_offsets(), topology.columns());
        let parts = Topology::from_parts(shape, offsets.to_vec(), columns.to_vec());
        prop_assert_eq!(&parts.unwrap(), &topology);
        prop_assert_eq!(topology.n_active(), set.len());
        prop_assert_eq!(topology.n_inactive(), shape.len() - set.len() as u64);
        prop_assert_eq!(topology.density(), mask(shape, &set).density());
    }

    #[test]
    fn indices_and_positions_are_inverse((shape, set) in sets()) {
        let topology = topology(shape, &set);
        for (index, &position) in set.iter().enumerate() {
            prop_assert_eq!(topology.position(index), position);
            prop_assert_eq!(topology.index_of(position), Some(index));
            let (row, col) = shape.row_col(position);
            let range = topology.row_range(row);
            prop_assert!(range.contains(&index));
            prop_assert_eq!(topology.row(row)[index - range.start] as usize, col);
        }
        let indices: Vec<usize> = (0..set.len()).filter(|index| index % 3 > 0).collect();
        let positions: Vec<u64> = indices.iter().map(|&index| topology.position(index)).collect();
        prop_assert_eq!(topology.positions_at(&indices), positions);
        for position in 0..shape.len() + 3 {
            prop_assert_eq!(topology.contains(position), set.contains(&position));
        }
    }
}
