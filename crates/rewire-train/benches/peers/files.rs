//! Raw little-endian arrays, which NumPy reads with `fromfile`.

use std::fs;
use std::path::Path;

use crate::Answer;

pub(crate) fn write_f32(path: &Path, values: &[f32]) -> Answer<()> {
    write(path, values.iter().flat_map(|value| value.to_le_bytes()))
}

pub(crate) fn write_u32(path: &Path, values: &[u32]) -> Answer<()> {
    write(path, values.iter().flat_map(|value| value.to_le_bytes()))
}

/// Row offsets as 64 bits, whatever the machine counts with.
pub(crate) fn write_offsets(path: &Path, values: &[usize]) -> Answer<()> {
    let wide = values.iter().map(|&value| value as u64);
    write(path, wide.flat_map(u64::to_le_bytes))
}

fn write(path: &Path, bytes: impl Iterator<Item = u8>) -> Answer<()> {
    let bytes: Vec<u8> = bytes.collect();
    fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))
}
