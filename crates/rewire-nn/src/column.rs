//! Columns: arrays that hold one entry per stored weight.

use rewire_autograd::Buffer;
use rewire_autograd::mask::GatherList;

/// The number type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// 32-bit floats: momentum, moments.
    F32,
    /// 32-bit counts: steps, ages.
    U32,
}

/// A column that an optimizer wants beside the values.
///
/// Entries start at 0, at creation as well as when a weight is grown: a grown weight has fresh
/// state whatever its position held before, and a dropped weight's state is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnSpec {
    /// Stable name, part of the checkpoint format.
    pub name: &'static str,
    /// Number type.
    pub kind: ColumnKind,
}

/// The entries of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum ColumnData {
    /// Floats.
    F32(Buffer),
    /// Counts.
    U32(Vec<u32>),
}

/// One per-weight array of a parameter, always exactly as long as its stored values.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// What it is.
    pub spec: ColumnSpec,
    /// Its entries.
    pub data: ColumnData,
}

impl Column {
    /// `len` zeros.
    pub fn zeros(spec: ColumnSpec, len: usize) -> Self {
        let data = match spec.kind {
            ColumnKind::F32 => ColumnData::F32(Buffer::zeros(len)),
            ColumnKind::U32 => ColumnData::U32(vec![0; len]),
        };
        Self { spec, data }
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        match &self.data {
            ColumnData::F32(values) => values.len(),
            ColumnData::U32(counts) => counts.len(),
        }
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The floats.
    ///
    /// # Panics
    /// If the column holds counts.
    pub fn f32_mut(&mut self) -> &mut [f32] {
        match &mut self.data {
            ColumnData::F32(values) => values.host_mut(),
            ColumnData::U32(_) => panic!("column {} holds counts, not floats", self.spec.name),
        }
    }

    /// The counts.
    ///
    /// # Panics
    /// If the column holds floats.
    pub fn u32_mut(&mut self) -> &mut [u32] {
        match &mut self.data {
            ColumnData::U32(counts) => counts,
            ColumnData::F32(_) => panic!("column {} holds floats, not counts", self.spec.name),
        }
    }

    /// Survivors keep their entries to the bit, grown weights start at 0.
    pub(crate) fn gather(&mut self, list: &GatherList) {
        match &mut self.data {
            ColumnData::F32(values) => *values = gather_buffer(list, values),
            ColumnData::U32(counts) => *counts = list.gather(counts, 0),
        }
    }

    /// The entries at these indices of a column over all positions.
    pub(crate) fn pick(&mut self, positions: impl Iterator<Item = usize>) {
        match &mut self.data {
            ColumnData::F32(values) => *values = pick_buffer(values, positions),
            ColumnData::U32(counts) => *counts = positions.map(|index| counts[index]).collect(),
        }
    }

    /// Entries spread to these indices of a column over all `len` positions, zeros elsewhere.
    pub(crate) fn spread(&mut self, positions: impl Iterator<Item = usize>, len: usize) {
        match &mut self.data {
            ColumnData::F32(values) => *values = spread_buffer(values, positions, len),
            ColumnData::U32(counts) => {
                let mut all = vec![0; len];
                for (&count, index) in counts.iter().zip(positions) {
                    all[index] = count;
                }
                *counts = all;
            }
        }
    }
}

pub(crate) fn gather_buffer(list: &GatherList, old: &Buffer) -> Buffer {
    let mut gathered = Buffer::zeros(list.new_len());
    list.gather_into(old.host(), 0.0, gathered.host_mut());
    gathered
}

pub(crate) fn pick_buffer(all: &Buffer, positions: impl Iterator<Item = usize>) -> Buffer {
    let all = all.host();
    Buffer::from(positions.map(|index| all[index]).collect::<Vec<_>>())
}

pub(crate) fn spread_buffer(
    values: &Buffer,
    positions: impl Iterator<Item = usize>,
    len: usize,
) -> Buffer {
    let mut all = Buffer::zeros(len);
    for (&value, index) in values.host().iter().zip(positions) {
        all.host_mut()[index] = value;
    }
    all
}
