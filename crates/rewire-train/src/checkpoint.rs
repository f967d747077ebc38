//! Checkpoints: one safetensors file that is either whole or refused.
//!
//! A [`Snapshot`] is a set of named tensors and one JSON value. Its file has a single metadata
//! key, `rewire`, whose string holds the format version, the JSON value and a SHA-256 over
//! everything a reader relies on: names, dtypes, shapes and bytes of the tensors in name order,
//! and that string itself. One key, because the order of several would differ from save to save.
//! `docs/formats/checkpoint.md` describes the bytes.
//!
//! Saving replaces the file by way of a temporary ([`crate::disk::replace`]), so a name leads to
//! a whole checkpoint at every instant. Loading trusts nothing: sizes are compared with the
//! file's before memory is asked for, and a cut, a flipped bit or a lying header is an error that
//! names the file.
//!
//! This module does not know what the tensors mean.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use serde::Deserialize;
use sha2::{Digest, Sha256};

mod contents;
mod error;
mod header;

pub use contents::{Snapshot, Tensor, TensorData};
pub use error::{CheckpointError, ContentsError};
use header::Header;

pub use crate::disk::remove_stale_temporaries;
use crate::disk::{Disk, DiskError, replace};

/// The format this version writes, and the only one it reads.
pub const FORMAT_VERSION: u64 = 1;

/// The longest header that is read, in bytes: the limit of the safetensors format.
pub const HEADER_LIMIT: u64 = 100_000_000;

const METADATA_KEY: &str = "rewire";
const NO_CHECKSUM: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Writes a snapshot to `path`, replacing what was there.
///
/// # Determinism
/// Equal snapshots give equal bytes. When this returns, the checkpoint survives a power cut; when
/// it fails, the file that was there before still loads.
///
/// # Cost
/// One copy of the tensors in memory, one SHA-256 over them, one write.
///
/// # Errors
/// [`CheckpointError::Disk`] with the operation that failed, [`CheckpointError::Header`] if the
/// names and shapes alone exceed [`HEADER_LIMIT`].
///
/// # Panics
/// As [`encode`].
pub fn save(disk: &dyn Disk, path: &Path, snapshot: &Snapshot) -> Result<(), CheckpointError> {
    Ok(replace(disk, path, &encode(path, snapshot)?)?)
}

/// Reads the snapshot in `path`.
///
/// # Cost
/// Memory for the tensors and for one of them again; one SHA-256 over them. Nothing is allocated
/// on the word of the header: every size is first compared with the length of the file.
///
/// # Errors
/// Anything but the exact bytes of a [`save`] is a [`CheckpointError`] that names the file and
/// what is wrong with it.
pub fn load(path: &Path) -> Result<Snapshot, CheckpointError> {
    let (mut file, length) = open_regular(path)?;
    read(path, &mut file, length)
}

/// The bytes of the file of a snapshot; `path` is what errors call it.
///
/// Equal snapshots have equal bytes.
///
/// # Errors
/// [`CheckpointError::Header`] if the header exceeds [`HEADER_LIMIT`].
///
/// # Panics
/// If a tensor's shape does not multiply to its number of elements, or is called `__metadata__`.
pub fn encode(path: &Path, snapshot: &Snapshot) -> Result<Vec<u8>, CheckpointError> {
    for (name, tensor) in &snapshot.tensors {
        assert!(name != "__metadata__", "no tensor can be called {name}");
        tensor.check_shape(name);
    }
    let text = |checksum: &str| {
        let meta = &snapshot.meta;
        format!(r#"{{"checksum":"{checksum}","format_version":{FORMAT_VERSION},"meta":{meta}}}"#)
    };
    let signed = text(&checksum(snapshot, &text(NO_CHECKSUM)));
    let metadata = [(METADATA_KEY.to_owned(), signed)].into_iter().collect();
    safetensors::serialize(&snapshot.tensors, Some(metadata)).map_err(|error| {
        CheckpointError::Header {
            path: path.to_path_buf(),
            what: error.to_string(),
        }
    })
}

/// The snapshot in the bytes of a file; `path` is what errors call it.
///
/// # Errors
/// As [`load`].
pub fn decode(path: &Path, mut bytes: &[u8]) -> Result<Snapshot, CheckpointError> {
    let length = bytes.len() as u64;
    read(path, &mut bytes, length)
}

/// Reads a snapshot from a source of `length` bytes.
fn read(path: &Path, source: &mut dyn Read, length: u64) -> Result<Snapshot, CheckpointError> {
    let header_length = header_length(path, source, length)?;
    // Bounded by the length of the file, so the conversion to memory sizes is safe.
    let mut text = vec![0; header_length as usize];
    read_exact(path, source, &mut text)?;
    let Header { metadata, entries } = Header::parse(path, &text)?;
    let metadata = Metadata::parse(path, &metadata)?;
    header::check_layout(path, &entries, 8 + header_length, length)?;

    let mut snapshot = Snapshot {
        tensors: BTreeMap::new(),
        meta: metadata.meta,
    };
    for entry in entries {
        let mut bytes = vec![0; (entry.end - entry.begin) as usize];
        read_exact(path, source, &mut bytes)?;
        let data = TensorData::from_le_bytes(entry.dtype, &bytes);
        let shape = entry.shape;
        snapshot.tensors.insert(entry.name, Tensor { shape, data });
    }
    let computed = checksum(&snapshot, &metadata.unsigned);
    if computed != metadata.checksum {
        return Err(CheckpointError::Checksum {
            path: path.to_path_buf(),
            stored: metadata.checksum,
            computed,
        });
    }
    Ok(snapshot)
}

/// SHA-256 over the tensors in name order and over the metadata text with its digits zeroed.
fn checksum(snapshot: &Snapshot, unsigned: &str) -> String {
    let mut digest = Sha256::new();
    let number = |digest: &mut Sha256, n: usize| digest.update((n as u64).to_le_bytes());
    for (name, tensor) in &snapshot.tensors {
        number(&mut digest, name.len());
        digest.update(name);
        digest.update(tensor.data.dtype_name());
        digest.update([0]);
        number(&mut digest, tensor.shape.len());
        for &side in &tensor.shape {
            number(&mut digest, side);
        }
        digest.update(tensor.data.to_le_bytes());
    }
    digest.update(unsigned);
    hexadecimal(&digest.finalize())
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

struct Metadata {
    checksum: String,
    meta: serde_json::Value,
    /// The text of the metadata with the digits of its checksum replaced by zeros.
    unsigned: String,
}

impl Metadata {
    /// Reads the metadata text; whether its checksum is right is for the caller to say.
    fn parse(path: &Path, text: &str) -> Result<Self, CheckpointError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Fields {
            checksum: String,
            format_version: u64,
            meta: serde_json::Value,
        }
        #[derive(Deserialize)]
        struct VersionOnly {
            format_version: u64,
        }
        let refuse = |what: String| CheckpointError::Header {
            path: path.to_path_buf(),
            what: format!("metadata `{METADATA_KEY}`: {what}"),
        };
        let parse_error = |error: serde_json::Error| refuse(error.to_string());
        // The version comes first: only it says which other fields to expect.
        let VersionOnly { format_version } = serde_json::from_str(text).map_err(parse_error)?;
        if format_version != FORMAT_VERSION {
            return Err(CheckpointError::Version {
                path: path.to_path_buf(),
                found: format_version,
            });
        }
        let fields: Fields = serde_json::from_str(text).map_err(parse_error)?;
        debug_assert_eq!(fields.format_version, format_version);
        let is_digest = fields.checksum.len() == NO_CHECKSUM.len()
            && (fields.checksum.bytes()).all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !is_digest {
            return Err(refuse(format!(
                "`checksum` must be 64 hexadecimal digits, it is `{}`",
                fields.checksum
            )));
        }
        let unsigned = text.replacen(&fields.checksum, NO_CHECKSUM, 1);
        Ok(Self {
            checksum: fields.checksum,
            meta: fields.meta,
            unsigned,
        })
    }
}

/// Opens a regular file and tells its length; a pipe would block, a folder cannot be read.
fn open_regular(path: &Path) -> Result<(File, u64), CheckpointError> {
    let read_error = || DiskError::at("read", path);
    let kind = fs::metadata(path).map_err(read_error())?.file_type();
    if !kind.is_file() {
        return Err(CheckpointError::NotAFile {
            path: path.to_path_buf(),
            found: if kind.is_dir() {
                "folder"
            } else {
                "special file"
            },
        });
    }
    let file = File::open(path).map_err(read_error())?;
    let length = file.metadata().map_err(read_error())?.len();
    Ok((file, length))
}

/// Reads the first eight bytes and holds them against the length of the file.
fn header_length(path: &Path, source: &mut dyn Read, length: u64) -> Result<u64, CheckpointError> {
    let cut = |part, wanted| CheckpointError::Cut {
        path: path.to_path_buf(),
        part,
        wanted,
        found: length,
    };
    if length < 8 {
        return Err(cut("length of the header", 8));
    }
    let mut word = [0; 8];
    read_exact(path, source, &mut word)?;
    let header = u64::from_le_bytes(word);
    if header > HEADER_LIMIT {
        return Err(CheckpointError::HeaderTooLong {
            path: path.to_path_buf(),
            length: header,
        });
    }
    if header > length - 8 {
        return Err(cut("header", 8 + header));
    }
    Ok(header)
}

fn read_exact(path: &Path, source: &mut dyn Read, bytes: &mut [u8]) -> Result<(), CheckpointError> {
    source
        .read_exact(bytes)
        .map_err(|error| match error.kind() {
            // The length was sufficient a moment ago: another process shortened the file.
            io::ErrorKind::UnexpectedEof => CheckpointError::Header {
                path: path.to_path_buf(),
                what: "the file became shorter while it was read".to_owned(),
            },
            _ => DiskError::at("read", path)(error).into(),
        })
}
