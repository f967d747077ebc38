//! A parameter as a map from positions to numbers: what every storage has to mean.

use std::collections::BTreeMap;

use rewire_nn::autograd::mask::{Extent, Mask, MatrixShape, NestedSets, Topology};
use rewire_nn::{Column, ColumnData, ColumnSpec, Optimizer, Parameter, Storage};

/// Value and columns of one weight, as bits.
pub(crate) type Entry = Vec<u32>;

/// Every stored position with its value and columns, as bits: equality then means to the bit.
///
/// Panics if any column has another length than the storage has positions.
pub(crate) fn entries(parameter: &Parameter) -> BTreeMap<u64, Entry> {
    let positions: Vec<u64> = match parameter.storage() {
        Storage::Active(topology) => topology.positions().collect(),
        Storage::Dense | Storage::Latent(_) => (0..parameter.shape().len()).collect(),
    };
    assert_eq!(parameter.stored(), positions.len());
    assert_eq!(parameter.values().len(), positions.len());
    let columns: Vec<Vec<u32>> = parameter.columns().iter().map(bits).collect();
    for (column, bits) in parameter.columns().iter().zip(&columns) {
        assert_eq!(
            (column.len(), bits.len()),
            (positions.len(), positions.len())
        );
    }
    let entry = |index: usize| {
        let value = parameter.values()[index].to_bits();
        let columns = columns.iter().map(|column| column[index]);
        std::iter::once(value).chain(columns).collect()
    };
    let indexed = positions.into_iter().enumerate();
    indexed.map(|(index, p)| (p, entry(index))).collect()
}

fn bits(column: &Column) -> Vec<u32> {
    match &column.data {
        ColumnData::F32(values) => values.host().iter().map(|value| value.to_bits()).collect(),
        ColumnData::U32(counts) => counts.clone(),
    }
}

/// What a weight starts with: value 0 and every column 0.
pub(crate) fn fresh(columns: usize) -> Entry {
    vec![0; 1 + columns]
}

/// Steps one weight alone, with columns of length 1.
pub(crate) fn step_alone(
    optimizer: &dyn Optimizer,
    rate: f64,
    decay: bool,
    entry: &mut Entry,
    gradient: f32,
) {
    let mut value = [f32::from_bits(entry[0])];
    let specs = optimizer.columns();
    let mut columns: Vec<Column> = specs.iter().map(|&spec| Column::zeros(spec, 1)).collect();
    for (column, &bits) in columns.iter_mut().zip(&entry[1..]) {
        match &mut column.data {
            ColumnData::F32(values) => values.host_mut()[0] = f32::from_bits(bits),
            ColumnData::U32(counts) => counts[0] = bits,
        }
    }
    optimizer.step(rate, decay, &mut value, &[gradient], &mut columns, 0..1);
    let after = columns.iter().flat_map(bits);
    *entry = std::iter::once(value[0].to_bits()).chain(after).collect();
}

/// A weight matrix whose values and columns are all different and none of them 0.
pub(crate) fn marked(
    rows: usize,
    cols: usize,
    storage: Storage,
    specs: &[ColumnSpec],
) -> Parameter {
    let mut parameter = Parameter::new("fc1.weight", &[rows, cols], storage, true)
        .expect("the storage has the parameter's shape");
    parameter.set_columns(specs);
    let positions: Vec<u64> = entries(&parameter).into_keys().collect();
    let mark = |index: usize, column: u64| positions[index] * 10 + column + 1;
    for (index, value) in parameter.values_mut().iter_mut().enumerate() {
        *value = -(mark(index, 0) as f32);
    }
    let mut columns = parameter.columns().to_vec();
    for (number, column) in (1..).zip(&mut columns) {
        match &mut column.data {
            ColumnData::F32(values) => values
                .host_mut()
                .iter_mut()
                .enumerate()
                .for_each(|(index, value)| *value = mark(index, number) as f32),
            ColumnData::U32(counts) => counts
                .iter_mut()
                .enumerate()
                .for_each(|(index, count)| *count = mark(index, number) as u32),
        }
    }
    parameter
        .restore_columns(columns)
        .expect("the columns are as long as before");
    parameter
}

/// Active storage of these positions.
pub(crate) fn active(rows: usize, cols: usize, positions: &[u64]) -> Storage {
    let shape = MatrixShape::new(rows, cols);
    Storage::Active(
        Topology::from_positions(shape, positions.iter().copied()).expect("positions ascend"),
    )
}

/// Latent storage with this forward set and everything in the others.
pub(crate) fn latent(rows: usize, cols: usize, forward: &[u64]) -> Storage {
    latent_within(rows, cols, forward, None, None)
}

/// Latent storage with these sets; `None` is everything.
pub(crate) fn latent_within(
    rows: usize,
    cols: usize,
    forward: &[u64],
    update: Option<&[u64]>,
    gradient: Option<&[u64]>,
) -> Storage {
    let shape = MatrixShape::new(rows, cols);
    let mask = |positions: &[u64]| {
        Mask::from_positions(shape, positions.iter().copied()).expect("positions ascend")
    };
    let extent = |set: Option<&[u64]>| set.map_or(Extent::All, |set| Extent::Only(mask(set)));
    Storage::Latent(
        NestedSets::new(mask(forward), extent(update), extent(gradient)).expect("sets nest"),
    )
}
