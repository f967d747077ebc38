//! The bytes of a checkpoint: what is saved comes back, anything else is refused by name.

use std::fs;
use std::path::Path;

use crate::cases;
use proptest::prelude::*;
use rewire_train::checkpoint::{
    CheckpointError, ContentsError, Snapshot, Tensor, TensorData, decode, encode, load, save,
};
use rewire_train::disk::{DiskError, HostDisk};
use rewire_train::error::{ErrorKind, TrainError};
use serde_json::json;

fn snapshot() -> Snapshot {
    let tensors = [
        (
            "fc1.weight",
            Tensor {
                shape: vec![2, 3],
                data: vec![0.5f32, -1.0, f32::MIN_POSITIVE, -0.0, 3e38, 1e-45].into(),
            },
        ),
        ("fc1.mask", Tensor::vector(vec![1u8, 0, 1])),
        ("fc1.steps", Tensor::vector(vec![7u32, u32::MAX])),
        ("fc1.positions", Tensor::vector(vec![0u64, u64::MAX])),
        (
            "loss",
            Tensor {
                shape: vec![],
                data: vec![0.25f32].into(),
            },
        ),
        (
            "none",
            Tensor {
                shape: vec![0, 5],
                data: TensorData::F32(vec![]),
            },
        ),
    ];
    Snapshot {
        tensors: tensors
            .map(|(name, tensor)| (name.to_owned(), tensor))
            .into(),
        meta: json!({"step": 12, "text": "a \"quoted\" word, ∞", "best": 0.1}),
    }
}

const NAME: &str = "last.safetensors";

fn bytes_of(snapshot: &Snapshot) -> Vec<u8> {
    encode(Path::new(NAME), snapshot).unwrap()
}

fn read(bytes: &[u8]) -> Result<Snapshot, CheckpointError> {
    decode(Path::new(NAME), bytes)
}

/// The error of these bytes, which must name the file and say what to do.
pub(crate) fn refusal(bytes: &[u8]) -> CheckpointError {
    let error = read(bytes).unwrap_err();
    assert!(
        error.to_string().starts_with("last.safetensors: "),
        "{error}"
    );
    assert!(error.hint().is_some(), "{error}");
    error
}

/// A file with this header in front of this payload.
pub(crate) fn file(header: &str, payload: &[u8]) -> Vec<u8> {
    let length = (header.len() as u64).to_le_bytes();
    [&length, header.as_bytes(), payload].concat()
}

fn header_length(bytes: &[u8]) -> usize {
    u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize
}

fn header(bytes: &[u8]) -> &str {
    std::str::from_utf8(&bytes[8..8 + header_length(bytes)]).unwrap()
}

#[test]
fn what_is_saved_comes_back_and_equal_snapshots_have_equal_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(NAME);
    for snapshot in [snapshot(), Snapshot::default(), snapshot()] {
        save(&HostDisk, &path, &snapshot).unwrap();
        let bytes = fs::read(&path).unwrap();
        assert_eq!(bytes, bytes_of(&snapshot));
        let loaded = load(&path).unwrap();
        assert_eq!(loaded, snapshot);
        assert_eq!(bytes_of(&loaded), bytes);
    }
    // The file is held to the same standard as bytes in memory.
    let bytes = bytes_of(&snapshot());
    fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    assert!(matches!(load(&path), Err(CheckpointError::Cut { .. })));
}

/// The reference implementation of the format reads the file and finds the same bytes.
#[test]
fn the_file_is_a_safetensors_file() {
    let bytes = bytes_of(&snapshot());
    let reference = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(reference.len(), snapshot().tensors.len());
    let weight = reference.tensor("fc1.weight").unwrap();
    assert_eq!(weight.dtype(), safetensors::Dtype::F32);
    assert_eq!(weight.shape(), [2, 3]);
    let expected: Vec<u8> = snapshot()
        .f32("fc1.weight", 6)
        .unwrap()
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    assert_eq!(weight.data(), expected);
    let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let keys: Vec<_> = metadata.metadata().as_ref().unwrap().keys().collect();
    assert_eq!(keys, ["rewire"]);
}

/// The checksum by the rule of docs/formats/checkpoint.md, on a file small enough for paper.
#[test]
fn the_checksum_is_the_documented_one() {
    use sha2::{Digest, Sha256};
    let snapshot = Snapshot {
        tensors: [(
            "ab".to_owned(),
            Tensor {
                shape: vec![1, 2],
                data: vec![3u8, 4].into(),
            },
        )]
        .into(),
        meta: json!({"z": 1}),
    };
    let bytes = bytes_of(&snapshot);
    let zeros = "0".repeat(64);
    let text = format!(r#"{{"checksum":"{zeros}","format_version":1,"meta":{{"z":1}}}}"#);
    let mut message = Vec::new();
    message.extend([2, 0, 0, 0, 0, 0, 0, 0]);
    message.extend(b"ab");
    message.extend(b"U8\0");
    message.extend([
        2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0,
    ]);
    message.extend([3, 4]);
    message.extend(text.as_bytes());
    let digest: String = Sha256::digest(&message)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let metadata = text.replace(&zeros, &digest).replace('"', "\\\"");
    assert!(header(&bytes).contains(&metadata), "{}", header(&bytes));
}

#[test]
fn a_cut_anywhere_is_an_error() {
    let bytes = bytes_of(&snapshot());
    for length in 0..bytes.len() {
        let error = refusal(&bytes[..length]);
        assert!(
            matches!(error, CheckpointError::Cut { found, .. } if found == length as u64),
            "{length}: {error}"
        );
    }
    let large = Snapshot {
        tensors: [("w".to_owned(), Tensor::vector(vec![1.0f32; 40_000]))].into(),
        meta: json!(null),
    };
    let bytes = bytes_of(&large);
    let start = 8 + header_length(&bytes);
    for place in 0..64 {
        let length = start + (bytes.len() - start) * place / 64;
        let error = refusal(&bytes[..length]);
        assert!(
            matches!(
                error,
                CheckpointError::Cut {
                    part: "last tensor",
                    ..
                }
            ),
            "{error}"
        );
    }
}

#[test]
fn a_flipped_bit_anywhere_is_an_error() {
    let bytes = bytes_of(&snapshot());
    for byte in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[byte] ^= 1 << bit;
            refusal(&damaged);
        }
    }
    // Damage to what no other check looks at is found by the checksum.
    let mut damaged = bytes.clone();
    *damaged.last_mut().unwrap() ^= 1;
    assert!(matches!(
        refusal(&damaged),
        CheckpointError::Checksum { .. }
    ));
    let text = String::from_utf8_lossy(&bytes);
    let step = text.find("12,").unwrap();
    let mut damaged = bytes.clone();
    damaged[step] = b'2';
    assert!(matches!(
        refusal(&damaged),
        CheckpointError::Checksum { .. }
    ));
}

#[test]
fn bytes_after_the_last_tensor_are_an_error() {
    let mut bytes = bytes_of(&snapshot());
    bytes.push(0);
    assert!(matches!(refusal(&bytes), CheckpointError::Trailing { .. }));
}

#[test]
fn only_regular_files_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let error = load(folder.path()).unwrap_err();
    assert!(
        matches!(
            error,
            CheckpointError::NotAFile {
                found: "folder",
                ..
            }
        ),
        "{error}"
    );
    let error = load(&folder.path().join("missing")).unwrap_err();
    assert!(
        matches!(
            &error,
            CheckpointError::Disk(DiskError { action: "read", .. })
        ),
        "{error}"
    );
    if cfg!(unix) {
        let error = load(Path::new("/dev/zero")).unwrap_err();
        assert!(
            matches!(
                error,
                CheckpointError::NotAFile {
                    found: "special file",
                    ..
                }
            ),
            "{error}"
        );
    }
}

#[test]
fn damage_is_bad_data_and_a_missing_file_is_the_systems_answer() {
    let kind = |error: CheckpointError| TrainError::from(error).kind();
    assert_eq!(kind(refusal(b"short")), ErrorKind::Data);
    assert_eq!(
        kind(load(Path::new("missing/last.safetensors")).unwrap_err()),
        ErrorKind::Io
    );
    let misfit = snapshot()
        .f32("fc2.weight", 1)
        .unwrap_err()
        .in_file(Path::new(NAME));
    assert_eq!(misfit.kind(), ErrorKind::Data);
    assert!(
        misfit
            .to_string()
            .ends_with("last.safetensors: tensor `fc2.weight` is missing"),
        "{misfit}"
    );
}

#[test]
fn every_element_type_is_read_back() {
    let snapshot = snapshot();
    assert_eq!(snapshot.f32("loss", 1).unwrap(), [0.25]);
    assert_eq!(snapshot.u8("fc1.mask", 3).unwrap(), [1, 0, 1]);
    assert_eq!(snapshot.u32("fc1.steps", 2).unwrap(), [7, u32::MAX]);
    assert_eq!(snapshot.u64("fc1.positions", 2).unwrap(), [0, u64::MAX]);
    assert_eq!(snapshot.length_of("fc1.mask").unwrap(), 3);
    assert_eq!(snapshot.field::<u64>("step").unwrap(), 12);
}

#[test]
fn a_misfit_names_the_tensor_and_both_sides() {
    let snapshot = snapshot();
    let rows: Vec<(ContentsError, &str)> = vec![
        (
            snapshot.f32("fc2", 2).unwrap_err(),
            "tensor `fc2` is missing",
        ),
        (
            snapshot.length_of("fc2").unwrap_err(),
            "tensor `fc2` is missing",
        ),
        (
            snapshot.f32("fc1.mask", 3).unwrap_err(),
            "tensor `fc1.mask` holds U8, wanted F32",
        ),
        (
            snapshot.u8("fc1.steps", 2).unwrap_err(),
            "tensor `fc1.steps` holds U32, wanted U8",
        ),
        (
            snapshot.u32("fc1.positions", 2).unwrap_err(),
            "tensor `fc1.positions` holds U64, wanted U32",
        ),
        (
            snapshot.u64("loss", 1).unwrap_err(),
            "tensor `loss` holds F32, wanted U64",
        ),
        (
            snapshot.f32("fc1.weight", 5).unwrap_err(),
            "tensor `fc1.weight` has 6 elements, wanted 5",
        ),
        (
            snapshot.field::<u64>("epoch").unwrap_err(),
            "field `epoch`: is missing",
        ),
        (
            snapshot.field::<u64>("best").unwrap_err(),
            "field `best`: invalid type: floating point `0.1`, expected u64",
        ),
    ];
    for (error, text) in rows {
        assert_eq!(error.to_string(), text);
    }
}

#[test]
#[should_panic(expected = "tensor `w`: the shape [2, 3] does not hold 5 elements")]
fn a_shape_that_does_not_fit_is_a_bug_of_the_caller() {
    let tensor = Tensor {
        shape: vec![2, 3],
        data: vec![0.0f32; 5].into(),
    };
    bytes_of(&Snapshot {
        tensors: [("w".to_owned(), tensor)].into(),
        meta: json!(null),
    });
}

fn any_tensor() -> impl Strategy<Value = Tensor> {
    // Bits, not numbers: NaN payloads must come back as well.
    let words = proptest::collection::vec(any::<u64>(), 0..20);
    (words, 0..4usize).prop_map(|(words, kind)| {
        let data = match kind {
            0 => TensorData::F32(
                words
                    .iter()
                    .map(|&word| f32::from_bits(word as u32))
                    .collect(),
            ),
            1 => TensorData::U8(words.iter().map(|&word| word as u8).collect()),
            2 => TensorData::U32(words.iter().map(|&word| word as u32).collect()),
            _ => TensorData::U64(words),
        };
        Tensor {
            shape: vec![1, data.len(), 1],
            data,
        }
    })
}

/// Equality of bits, under which a NaN equals itself.
fn bits(snapshot: &Snapshot) -> String {
    let tensors = snapshot.tensors.iter().map(|(name, tensor)| {
        let data = match &tensor.data {
            TensorData::F32(values) => format!(
                "{:?}",
                values
                    .iter()
                    .map(|value| value.to_bits())
                    .collect::<Vec<_>>()
            ),
            other => format!("{other:?}"),
        };
        format!(
            "{name:?} {:?} {} {data}",
            tensor.shape,
            tensor.data.dtype_name()
        )
    });
    format!("{:?} {}", tensors.collect::<Vec<_>>(), snapshot.meta)
}

proptest! {
    // 500 snapshots take well under a second.
    #![proptest_config(ProptestConfig::with_cases(cases(500)))]

    #[test]
    fn any_snapshot_comes_back_bit_for_bit(
        tensors in proptest::collection::btree_map(any::<String>(), any_tensor(), 0..6),
        number in any::<f64>(),
        text in any::<String>(),
    ) {
        let snapshot = Snapshot { tensors, meta: json!({"number": number, "text": text}) };
            let bytes = bytes_of(&snapshot);
        let loaded = read(&bytes).unwrap();
        prop_assert_eq!(bits(&loaded), bits(&snapshot));
        prop_assert_eq!(bytes_of(&loaded), bytes);
    }

    /// Any number of bytes replaced at once is refused as well, and never panics.
    #[test]
    fn scrambled_bytes_are_refused(
        places in proptest::collection::vec((any::<prop::sample::Index>(), 1..=255u8), 1..8),
    ) {
            let bytes = bytes_of(&snapshot());
        let mut damaged = bytes.clone();
        for (place, change) in places {
            damaged[place.index(bytes.len())] ^= change;
        }
        if damaged != bytes {
            refusal(&damaged);
        }
    }
}
