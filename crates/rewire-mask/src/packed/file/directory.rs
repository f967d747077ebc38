//! The JSON in a file: what its matrices are, and the header around it.
//!
//! The safetensors crate keeps the last of two tensors with the same name and adds up offsets
//! without looking for overflow, so names and offsets are checked here before it sees the bytes.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::file_fault;
use crate::FormFault;

/// The only metadata key of a file.
pub(super) const METADATA_KEY: &str = "rewire-mask";

/// The version that is written and the only one that is read.
const FORMAT_VERSION: u64 = 1;

/// The form in which a matrix is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Mask,
    Packed24,
    Csr,
    Bitmask,
    Blocks,
}

/// What the tensors of a matrix do not say themselves.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    pub(super) shape: [usize; 2],
    /// Sides of a block: there for [`Kind::Blocks`] and for no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) block: Option<[usize; 2]>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Directory {
    format_version: u64,
    matrices: Distinct<Entry>,
}

/// Read before the rest, whose fields may differ in another version.
#[derive(Deserialize)]
struct Version {
    format_version: u64,
}

/// The text for these matrices.
pub(super) fn to_text(matrices: BTreeMap<String, Entry>) -> Result<String, FormFault> {
    let directory = Directory {
        format_version: FORMAT_VERSION,
        matrices: Distinct(matrices),
    };
    serde_json::to_string(&directory).map_err(file_fault)
}

/// The matrices that the header of a file names.
pub(super) fn of_file(bytes: &[u8]) -> Result<BTreeMap<String, Entry>, FormFault> {
    let header = header(bytes)?;
    let length = bytes.len() as u64;
    let places: Distinct<Place> = serde_json::from_str(header).map_err(file_fault)?;
    for (name, place) in &places.0 {
        if let Some((_, end)) = place.data_offsets.filter(|&(_, end)| end > length) {
            return Err(FormFault::Tensor {
                name: name.clone(),
                what: format!("ends at byte {end} of {length}"),
            });
        }
    }
    let metadata: Header = serde_json::from_str(header).map_err(file_fault)?;
    let text = metadata
        .metadata
        .and_then(|mut texts| texts.0.remove(METADATA_KEY))
        .ok_or_else(|| file_fault(format_args!("its metadata has no key `{METADATA_KEY}`")))?;
    let in_text = |error| file_fault(format_args!("metadata `{METADATA_KEY}`: {error}"));
    let version: Version = serde_json::from_str(&text).map_err(in_text)?;
    if version.format_version != FORMAT_VERSION {
        return Err(file_fault(format_args!(
            "format version {}, this is {FORMAT_VERSION}",
            version.format_version
        )));
    }
    let directory: Directory = serde_json::from_str(&text).map_err(in_text)?;
    for (name, entry) in &directory.matrices.0 {
        if entry.block.is_some() != (entry.kind == Kind::Blocks) {
            return Err(file_fault(format_args!(
                "matrix `{name}`: kind `blocks`, and it alone, has the field `block`"
            )));
        }
    }
    Ok(directory.matrices.0)
}

/// The header's text: eight bytes give its length.
fn header(bytes: &[u8]) -> Result<&str, FormFault> {
    let found = bytes.len();
    let (length, rest) = bytes
        .split_first_chunk()
        .ok_or_else(|| file_fault(format_args!("{found} bytes")))?;
    let length = u64::from_le_bytes(*length);
    let header = usize::try_from(length).ok().and_then(|n| rest.get(..n));
    let header = header
        .ok_or_else(|| file_fault(format_args!("a header of {length} bytes in {found} bytes")))?;
    std::str::from_utf8(header).map_err(file_fault)
}

/// The offsets of a tensor; the metadata has none.
#[derive(Deserialize)]
struct Place {
    #[serde(default)]
    data_offsets: Option<(u64, u64)>,
}

/// The metadata, if there is any.
#[derive(Deserialize)]
struct Header {
    #[serde(rename = "__metadata__")]
    metadata: Option<Distinct<String>>,
}

/// A JSON object in which every name appears once; in ascending order when written.
#[derive(Serialize)]
#[serde(transparent)]
struct Distinct<V>(BTreeMap<String, V>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Distinct<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(DistinctVisitor(PhantomData))
    }
}

struct DistinctVisitor<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for DistinctVisitor<V> {
    type Value = Distinct<V>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Distinct<V>, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map
                .next_value()
                .map_err(|error| A::Error::custom(format_args!("`{name}`: {error}")))?;
            if entries.contains_key(&name) {
                return Err(A::Error::custom(format_args!("`{name}` appears twice")));
            }
            entries.insert(name, value);
        }
        Ok(Distinct(entries))
    }
}
