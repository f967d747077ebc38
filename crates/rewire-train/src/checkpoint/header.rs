//! The header of a safetensors file, read as if somebody wanted to harm us with it.
//!
//! The reference reader keeps the last of two tensors with the same name and does not say which
//! tensor is wrong; this one refuses duplicates and names what it refuses.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::CheckpointError;
use super::contents::Dtype;

/// The parsed header: the metadata string and the tensors in the order of their bytes.
pub(super) struct Header {
    pub(super) metadata: String,
    pub(super) entries: Vec<Entry>,
}

/// What the header says of one tensor; `end - begin` is what shape and dtype need.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    /// First byte, counted from the end of the header.
    pub(super) begin: u64,
    /// One past the last byte.
    pub(super) end: u64,
}

impl Header {
    /// Reads the header's JSON and checks each tensor by itself.
    pub(super) fn parse(path: &Path, text: &[u8]) -> Result<Self, CheckpointError> {
        let refuse = |what: String| CheckpointError::Header {
            path: path.to_path_buf(),
            what,
        };
        let text = std::str::from_utf8(text).map_err(|error| refuse(error.to_string()))?;
        let raw: RawHeader =
            serde_json::from_str(text).map_err(|error| refuse(error.to_string()))?;
        let metadata = raw
            .metadata
            .ok_or_else(|| refuse("no `__metadata__`: rewire did not write this file".into()))?;
        let mut entries = raw
            .entries
            .into_iter()
            .map(|(name, entry)| entry.check(path, name))
            .collect::<Result<Vec<_>, _>>()?;
        // A tensor without elements comes before the one that starts at the same byte.
        entries.sort_by(|a, b| (a.begin, a.end, &a.name).cmp(&(b.begin, b.end, &b.name)));
        Ok(Self {
            metadata: metadata.rewire,
            entries,
        })
    }
}

/// Checks that the tensors cover the rest of the file without holes or overlaps.
///
/// `start` is where the header ends and `length` where the file does.
pub(super) fn check_layout(
    path: &Path,
    entries: &[Entry],
    start: u64,
    length: u64,
) -> Result<(), CheckpointError> {
    let mut covered = 0;
    for entry in entries {
        if entry.begin != covered {
            let fault = if entry.begin < covered {
                "overlaps"
            } else {
                "leaves a hole after"
            };
            return Err(CheckpointError::Tensor {
                path: path.to_path_buf(),
                name: entry.name.clone(),
                what: format!(
                    "starts at byte {} and {fault} the one before, which ends at byte {covered}",
                    entry.begin
                ),
            });
        }
        covered = entry.end;
    }
    // Saturating: a sum beyond 2⁶⁴ is beyond every file as well.
    let wanted = start.saturating_add(covered);
    let (path, found) = (path.to_path_buf(), length);
    match wanted.cmp(&length) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Less => Err(CheckpointError::Trailing {
            path,
            wanted,
            found,
        }),
        std::cmp::Ordering::Greater => Err(CheckpointError::Cut {
            path,
            part: "last tensor",
            wanted,
            found,
        }),
    }
}

struct RawHeader {
    metadata: Option<RawMetadata>,
    entries: Vec<(String, RawEntry)>,
}

/// Further keys would lie outside the checksum and are therefore refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMetadata {
    rewire: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: (u64, u64),
}

impl RawEntry {
    fn check(self, path: &Path, name: String) -> Result<Entry, CheckpointError> {
        let refuse = |what: String| CheckpointError::Tensor {
            path: path.to_path_buf(),
            name: name.clone(),
            what,
        };
        let Some(dtype) = Dtype::from_name(&self.dtype) else {
            return Err(refuse(format!(
                "dtype `{}` is none of {}",
                self.dtype,
                Dtype::LEGAL
            )));
        };
        let (begin, end) = self.data_offsets;
        let Some(size) = end.checked_sub(begin) else {
            return Err(refuse(format!(
                "ends at byte {end}, before it starts at {begin}"
            )));
        };
        let needed = self
            .shape
            .iter()
            .try_fold(dtype.size(), |bytes, &side| bytes.checked_mul(side));
        if needed != Some(size) {
            let needed = needed.map_or("more than 2⁶⁴".to_owned(), |bytes| bytes.to_string());
            return Err(refuse(format!(
                "shape {:?} of {} needs {needed} bytes, the offsets {begin}..{end} hold {size}",
                self.shape, self.dtype
            )));
        }
        let shape = self
            .shape
            .iter()
            .map(|&side| usize::try_from(side))
            .collect::<Result<_, _>>()
            .map_err(|_| refuse(format!("shape {:?} exceeds this machine", self.shape)))?;
        Ok(Entry {
            name: name.clone(),
            dtype,
            shape,
            begin,
            end,
        })
    }
}

impl<'de> Deserialize<'de> for RawHeader {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = RawHeader;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a map from tensor names to their places")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawHeader, A::Error> {
        let mut header = RawHeader {
            metadata: None,
            entries: Vec::new(),
        };
        let mut names = BTreeSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if !names.insert(name.clone()) {
                return Err(A::Error::custom(format!("`{name}` appears twice")));
            }
            let in_field = |error: A::Error| A::Error::custom(format!("`{name}`: {error}"));
            if name == "__metadata__" {
                header.metadata = Some(map.next_value().map_err(in_field)?);
            } else {
                let entry = map.next_value().map_err(in_field)?;
                header.entries.push((name, entry));
            }
        }
        Ok(header)
    }
}
