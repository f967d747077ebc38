//! Model files that are damaged, by accident or by somebody who can compute their checksum.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::LazyLock;

use crate::cases;
use crate::model_file::files;
use proptest::prelude::*;
use rewire_train::checkpoint::{self, Snapshot, Tensor, TensorData};
use rewire_train::disk::HostDisk;
use rewire_train::error::TrainError;
use rewire_train::export::{Form, export};
use rewire_train::inspect::{evaluate, inspect};
use serde_json::Value;

/// The error of damaged bytes, which names the file.
fn refusal(path: &Path, bytes: &[u8]) -> TrainError {
    fs::write(path, bytes).unwrap();
    let error = evaluate(path, None, 1).unwrap_err();
    assert!(error.to_string().contains("damaged"), "{error}");
    assert!(error.hint().is_some());
    assert!(inspect(path).is_err() && export(path, None, Form::Dense, true).is_err());
    error
}

#[test]
fn damage_is_refused_with_file_tensor_and_numbers() {
    let files = files(&["model.kind=mlp:40", "sparsity.sparsity=0.95"]);
    let path = files.dir.path().join("damaged");
    let whole = checkpoint::load(&files.model).unwrap();
    let changed = |change: &dyn Fn(&mut Snapshot)| {
        let mut snapshot = whole.clone();
        change(&mut snapshot);
        let bytes = checkpoint::encode(&path, &snapshot).unwrap();
        refusal(&path, &bytes).to_string()
    };
    let put = |name: &'static str, tensor: TensorData| {
        changed(&|file| {
            drop(
                file.tensors
                    .insert(name.into(), Tensor::vector(tensor.clone())),
            )
        })
    };
    let set = |key: &'static str, value: Value| changed(&|file| file.meta[key] = value.clone());
    let rows = [
        (
            put("fc1.weight.gaps", vec![0x80u8].into()),
            "`fc1.weight.gaps`: the gap after 0 positions is cut off at byte 1",
        ),
        (
            put("fc1.weight.gaps", vec![5u8, 0xff, 0x7f].into()),
            "after 1 positions",
        ),
        (
            put("fc1.weight.gaps", vec![0u32].into()),
            "`fc1.weight.gaps` holds U32, wanted U8",
        ),
        (
            put("fc1.weight.gaps", vec![0u8].into()),
            "`fc1.weight.values` has",
        ),
        (
            put("fc1.weight.mask", vec![0u8; 3].into()),
            "3 bytes instead of the 320 of a mask of 40×64",
        ),
        (
            put("fc1.bias", vec![0f32; 39].into()),
            "`fc1.bias` has 39 elements, wanted 40",
        ),
        (
            put("fc2.bias", vec![f32::NAN; 10].into()),
            "`fc2.bias`: holds NaN",
        ),
        (
            changed(&|file| drop(file.tensors.remove("fc1.weight.gaps"))),
            "`fc1.weight.gaps` is missing",
        ),
        (set("kind", "picture".into()), "`kind`: is `picture`"),
        (set("step", (-1).into()), "-1"),
        (set("config", "model.kind = 3".into()), "model.kind"),
        (
            changed(&|file| file.meta["data"]["image"] = vec![1u64, 1 << 40, 1 << 40].into()),
            "1×1099511627776×1099511627776",
        ),
        (
            changed(&|file| file.meta["data"]["image"] = vec![0, 8, 8].into()),
            "0×8×8",
        ),
        (
            changed(&|file| file.meta["data"]["classes"] = (1u64 << 40).into()),
            "`fc2.bias` has 10 elements, wanted 1099511627776",
        ),
        (
            changed(&|file| file.meta["data"]["image"] = vec![1, 1, u64::MAX >> 3].into()),
            "fc1 would be 40×2305843009213693951",
        ),
    ];
    for (text, what) in rows {
        assert!(text.contains(what), "{what} is not in\n{text}");
    }
}

#[test]
fn a_file_that_is_cut_or_flipped_anywhere_is_refused() {
    let files = files(&["model.kind=mlp:8", "sparsity.sparsity=0.9"]);
    let path = files.dir.path().join("damaged");
    let whole = fs::read(&files.model).unwrap();
    let places = (0..16).chain((16..whole.len()).step_by(whole.len() / 60));
    for place in places {
        refusal(&path, &whole[..place]);
        let mut flipped = whole.clone();
        flipped[place] ^= 1 << (place % 8);
        refusal(&path, &flipped);
    }
}

/// What somebody does to a file who can compute its checksum.
#[derive(Clone, Debug)]
enum Harm {
    Remove(usize),
    Shorten(usize, usize),
    Byte(usize, usize, u8),
    Dtype(usize),
    Rename(usize, &'static str),
    Config(usize, char),
    Meta(&'static str, i64),
}

fn harm() -> impl Strategy<Value = Harm> {
    let n = 0usize..1 << 16;
    let suffix = prop::sample::select(vec![".mask", ".gaps", ".values", ".bias", ""]);
    let key = prop::sample::select(vec!["step", "data", "config", "flops", "kind", "epochs"]);
    let character = prop::sample::select(vec!['0', '9', '1', '"', '\n', 'x', '.']);
    prop_oneof![
        n.clone().prop_map(Harm::Remove),
        (n.clone(), n.clone()).prop_map(|(tensor, len)| Harm::Shorten(tensor, len)),
        (n.clone(), n.clone(), any::<u8>()).prop_map(|(t, at, bits)| Harm::Byte(t, at, bits)),
        n.clone().prop_map(Harm::Dtype),
        (n.clone(), suffix).prop_map(|(tensor, suffix)| Harm::Rename(tensor, suffix)),
        (n, character).prop_map(|(at, character)| Harm::Config(at, character)),
        (key, any::<i64>()).prop_map(|(key, number)| Harm::Meta(key, number)),
    ]
}

fn inflict(harm: &Harm, file: &mut Snapshot) {
    let name = |tensor: usize, file: &Snapshot| {
        let names: Vec<_> = file.tensors.keys().cloned().collect();
        (!names.is_empty()).then(|| names[tensor % names.len()].clone())
    };
    let mut change = |tensor, with: &dyn Fn(&mut Vec<u8>)| {
        let Some(tensor) = name(tensor, file).and_then(|name| file.tensors.get_mut(&name)) else {
            return;
        };
        match &mut tensor.data {
            TensorData::U8(bytes) => with(bytes),
            TensorData::F32(values) => {
                let mut bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
                with(&mut bytes);
                let words = bytes.chunks_exact(4);
                *values = words
                    .map(|w| f32::from_le_bytes(w.try_into().unwrap()))
                    .collect();
            }
            TensorData::U32(values) => values.truncate(values.len() / 2),
            TensorData::U64(values) => values.truncate(values.len() / 2),
        }
        tensor.shape = vec![tensor.data.len()];
    };
    match *harm {
        Harm::Remove(tensor) => {
            name(tensor, file).map(|name| file.tensors.remove(&name));
        }
        Harm::Shorten(tensor, len) => {
            change(tensor, &|bytes| bytes.truncate(len % (bytes.len() + 1)))
        }
        Harm::Byte(tensor, at, bits) => change(tensor, &|bytes| {
            let len = bytes.len();
            if let Some(byte) = bytes.get_mut(at % len.max(1)) {
                *byte ^= bits;
            }
        }),
        Harm::Dtype(tensor) => {
            if let Some(name) = name(tensor, file) {
                file.tensors.insert(name, Tensor::vector(vec![7u32; 5]));
            }
        }
        Harm::Rename(tensor, suffix) => {
            if let Some(name) = name(tensor, file) {
                let stem = name
                    .rsplit_once('.')
                    .map_or("", |(stem, _)| stem)
                    .to_owned();
                let tensor = file.tensors.remove(&name).unwrap();
                file.tensors.insert(stem + suffix, tensor);
            }
        }
        Harm::Config(at, character) => {
            let text = file.meta["config"].as_str().unwrap_or_default();
            let mut text: Vec<char> = text.chars().collect();
            let len = text.len().max(1);
            if let Some(place) = text.get_mut(at % len) {
                *place = character;
            }
            file.meta["config"] = text.into_iter().collect::<String>().into();
        }
        Harm::Meta(key, number) => file.meta[key] = number.into(),
    }
}

/// A model file and the checkpoint it is from.
static WHOLE: LazyLock<[Snapshot; 2]> = LazyLock::new(|| {
    let settings = [
        "model.kind=mlp:12,7",
        "sparsity.sparsity=0.8",
        "model.norm=batch",
    ];
    let files = files(&settings);
    [&files.model, &files.checkpoint].map(|path| checkpoint::load(path).unwrap())
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(150)))]

    /// A signed file may say anything: it is evaluated or refused with its name.
    #[test]
    fn no_harm_ends_in_a_panic(
        file in 0usize..2,
        harms in prop::collection::vec(harm(), 1..4),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("damaged");
        let mut snapshot = WHOLE[file].clone();
        for harm in &harms {
            inflict(harm, &mut snapshot);
        }
        checkpoint::save(&HostDisk, &path, &snapshot).unwrap();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            (evaluate(&path, Some("digits"), 1).err(), inspect(&path).err())
        }));
        let Ok((evaluated, inspected)) = outcome else {
            return Err(TestCaseError::fail("a panic"));
        };
        for error in [evaluated, inspected].into_iter().flatten() {
            prop_assert!(error.to_string().contains("damaged"), "{}", error);
        }
    }
}
