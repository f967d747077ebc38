//! Model files: small, bit-equal to what they were taken from, and put where they may be.

use std::fs;
use std::path::PathBuf;

use rewire_train::checkpoint::{self, Tensor, TensorData};
use rewire_train::config::ConfigBuilder;
use rewire_train::disk::HostDisk;
use rewire_train::error::{ErrorKind, TrainError};
use rewire_train::export::{Exported, Form, export};
use rewire_train::inspect::{FileKind, evaluate, inspect};
use rewire_train::run_folder::RunFolder;
use rewire_train::trainer::Trainer;
use tempfile::TempDir;

/// The header of a model file with up to three hidden layers is shorter: names, offsets and the
/// configuration.
const HEADER_BYTES: u64 = 4608;

/// From this size on the header is less than 2 % of the weights at any density from 0.01 on.
const LARGE: u64 = 1 << 21;

fn trainer(settings: &[&str]) -> Trainer {
    let mut builder = ConfigBuilder::new();
    for setting in settings {
        builder = builder.set(setting).unwrap();
    }
    Trainer::new(&builder.build().unwrap()).unwrap()
}

/// A checkpoint after a few steps and the model file taken from it.
pub(crate) struct Files {
    pub(crate) dir: TempDir,
    pub(crate) checkpoint: PathBuf,
    pub(crate) model: PathBuf,
    exported: Exported,
}

pub(crate) fn files(settings: &[&str]) -> Files {
    let dir = tempfile::tempdir().unwrap();
    let checkpoint = dir.path().join("last.safetensors");
    let mut trainer = trainer(settings);
    for _ in 0..3 {
        trainer.step().unwrap();
    }
    checkpoint::save(&HostDisk, &checkpoint, &trainer.snapshot().unwrap()).unwrap();
    let exported = export(&checkpoint, None, Form::Sparse, false).unwrap();
    Files {
        model: dir.path().join("model.safetensors"),
        dir,
        checkpoint,
        exported,
    }
}

fn bytes(tensor: &Tensor) -> u64 {
    let size = match tensor.data {
        TensorData::U8(_) => 1,
        TensorData::F32(_) | TensorData::U32(_) => 4,
        TensorData::U64(_) => 8,
    };
    size * tensor.data.len() as u64
}

/// A sparse matrix of N weights takes at most (32·d + 1)·N/8 bytes, its density being d = n/N; the
/// whole file as much for all of them, four bytes for every other value, and its header, which is less
/// than 2 % of a large network.
#[test]
fn a_sparse_matrix_takes_at_most_its_description_length() {
    let small = "model.kind=mlp:300,100";
    let large = "model.kind=mlp:2048,2000,64";
    for (model, sparsities) in [
        (
            small,
            &["0", "0.3", "0.5", "0.8", "0.875", "0.9", "0.95", "0.98"][..],
        ),
        (large, &["0.5", "0.875", "0.9", "0.99"]),
    ] {
        for sparsity in sparsities {
            let setting = format!("sparsity.sparsity={sparsity}");
            let files = files(&[
                model,
                "sparsity.method=static",
                &setting,
                "model.norm=batch",
            ]);
            let snapshot = checkpoint::load(&files.model).unwrap();
            let inspection = inspect(&files.model).unwrap();
            let (mut sparse, mut bits) = (0, 0);
            for layer in &inspection.layers {
                let of_layer = snapshot.tensors.iter().filter(|(name, _)| {
                    name.strip_prefix(&layer.name)
                        .is_some_and(|rest| rest.starts_with('.'))
                });
                let taken: u64 = of_layer.map(|(_, tensor)| bytes(tensor)).sum();
                let law = 4 * layer.n_active + layer.n_total.div_ceil(8);
                assert!(taken <= law, "{model} {sparsity} {}: {taken}", layer.name);
                sparse += taken;
                bits += 32 * layer.n_active + layer.n_total;
            }
            let all: u64 = snapshot.tensors.values().map(bytes).sum();
            let file = fs::metadata(&files.model).unwrap().len();
            assert_eq!(file, files.exported.bytes);
            assert!(file - all <= HEADER_BYTES, "{} of header", file - all);
            let others = all - sparse;
            if inspection.n_total >= LARGE {
                let bound = 1.02 * bits as f64 / 8.0;
                let taken = (file - others) as f64;
                assert!(taken <= bound, "{sparsity}: {taken} of {bound}");
            }
        }
    }
}

/// Every storage, every normalisation, both optimizers.
const NETWORKS: [&[&str]; 6] = [
    &["model.kind=mlp:40"],
    &[
        "model.kind=mlp:40,30",
        "model.norm=batch",
        "sparsity.sparsity=0.95",
    ],
    &[
        "model.kind=mlp:64,9",
        "model.norm=layer",
        "sparsity.sparsity=0.3",
    ],
    &[
        "model.kind=mlp:33",
        "sparsity.method=dense",
        "model.norm=batch",
    ],
    &[
        "model.kind=mlp:50,20",
        "sparsity.dense=fc3",
        "layers.fc1.sparsity=0.98",
    ],
    &[
        "model.kind=mlp:30",
        "optimizer.kind=adamw",
        "schedule.lr=0.001",
        "model.dropout=0.2",
    ],
];

#[test]
fn a_model_file_is_the_model_of_its_checkpoint_to_the_bit() {
    for settings in NETWORKS {
        let files = files(settings);
        let (old, new) = (
            inspect(&files.checkpoint).unwrap(),
            inspect(&files.model).unwrap(),
        );
        assert_eq!(
            (old.kind, new.kind),
            (FileKind::Checkpoint, FileKind::Model)
        );
        assert_eq!(old.weights_sha256, new.weights_sha256, "{settings:?}");
        assert_eq!((old.config, old.config_hash), (new.config, new.config_hash));
        assert_eq!((old.step, old.train_flops), (new.step, new.train_flops));
        for (old, new) in old.layers.iter().zip(&new.layers) {
            assert_eq!((&old.name, old.storage), (&new.name, new.storage));
            assert_eq!((old.n_active, old.dead_rows), (new.n_active, new.dead_rows));
            assert_eq!((new.coverage, new.columns.len()), (None, 0));
        }
        let old = evaluate(&files.checkpoint, None, 1).unwrap();
        let new = evaluate(&files.model, None, 1).unwrap();
        assert_eq!(old.loss.to_bits(), new.loss.to_bits(), "{settings:?}");
        assert_eq!(old.accuracy, new.accuracy);

        // What is taken from the model file is the model file.
        let again = files.dir.path().join("again");
        export(&files.model, Some(&again), Form::Sparse, false).unwrap();
        assert_eq!(fs::read(&again).unwrap(), fs::read(&files.model).unwrap());
    }
}

#[test]
fn a_model_file_holds_nothing_to_train_on_from() {
    let settings = NETWORKS[1];
    let files = files(settings);
    let snapshot = checkpoint::load(&files.model).unwrap();
    let names: Vec<&str> = snapshot.tensors.keys().map(String::as_str).collect();
    let parts = [
        "values",
        "gaps",
        "mask",
        "bias",
        "weight",
        "running_mean",
        "running_var",
    ];
    for name in names {
        let part = name.rsplit('.').next().unwrap();
        assert!(
            parts.contains(&part) || part == "num_batches_tracked",
            "{name}"
        );
    }
    let error = trainer(settings)
        .restore(&snapshot, &files.model)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(
        error.to_string().contains("no state to train on"),
        "{error}"
    );
}

/// The reference reader finds every weight where PyTorch looks for it, 0 where none is active.
#[test]
fn a_dense_export_is_a_state_dict() {
    let files = files(NETWORKS[1]);
    let exported = export(&files.model, None, Form::Dense, false).unwrap();
    assert_eq!(exported.file, files.dir.path().join("dense.safetensors"));
    let bytes = fs::read(&exported.file).unwrap();
    let dense = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut names = dense.names();
    names.sort_unstable();
    let norm = [
        "bias",
        "num_batches_tracked",
        "running_mean",
        "running_var",
        "weight",
    ];
    let linear = ["bias", "weight"];
    let expected: Vec<String> = [("bn1", &norm[..]), ("bn2", &norm), ("fc1", &linear)]
        .into_iter()
        .chain([("fc2", &linear[..]), ("fc3", &linear)])
        .flat_map(|(layer, parts)| parts.iter().map(move |part| format!("{layer}.{part}")))
        .collect();
    assert_eq!(names, expected);
    let batches = dense.tensor("bn1.num_batches_tracked").unwrap();
    assert_eq!(batches.dtype(), safetensors::Dtype::I64);
    assert!(batches.shape().is_empty());
    assert_eq!(batches.data(), 3i64.to_le_bytes());
    for layer in inspect(&files.model).unwrap().layers {
        let weight = dense.tensor(&layer.name).unwrap();
        assert_eq!(weight.shape(), layer.dims);
        let values = weight.data().chunks(4);
        let active = values.filter(|word| *word != [0; 4]).count() as u64;
        assert_eq!(active, layer.n_active);
    }
}

#[test]
fn what_is_there_is_replaced_only_where_that_is_asked_for_and_legal() {
    let files = files(NETWORKS[0]);
    let out = |name: &str| files.dir.path().join(name);
    let whole = fs::read(&files.model).unwrap();
    let refused = |name: &str, overwrite| {
        let error = export(&files.checkpoint, Some(&out(name)), Form::Sparse, overwrite);
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
        assert!(error.to_string().contains(name), "{error}");
        assert!(error.hint().is_some());
        error
    };
    fs::write(out("other"), b"other").unwrap();
    fs::create_dir(out("folder")).unwrap();
    assert!(matches!(
        refused("other", false),
        TrainError::FileExists { .. }
    ));
    refused("folder", false);
    refused("folder", true);
    // The names of a run are its own, there or not.
    let before = fs::read(&files.checkpoint).unwrap();
    for name in ["last.safetensors", "best.safetensors", "metrics.csv"] {
        refused(name, true);
    }
    assert_eq!(fs::read(&files.checkpoint).unwrap(), before);
    assert_eq!(fs::read(out("other")).unwrap(), b"other");
    export(&files.checkpoint, Some(&out("other")), Form::Sparse, true).unwrap();
    assert_eq!(fs::read(out("other")).unwrap(), whole);
}

/// The run that holds the folder keeps it; a model may still be written elsewhere.
#[test]
fn a_run_that_is_running_admits_no_model_and_an_overwritten_one_leaves_none() {
    let files = files(NETWORKS[0]);
    let dir = files.dir.path().join("run");
    let running = RunFolder::create(Some(&dir), false).unwrap();
    fs::copy(&files.checkpoint, running.last_checkpoint()).unwrap();
    let error = export(&dir, None, Form::Sparse, false).unwrap_err();
    assert!(matches!(error, TrainError::InUse { .. }), "{error}");
    let elsewhere = files.dir.path().join("elsewhere");
    export(&dir, Some(&elsewhere), Form::Sparse, false).unwrap();
    drop(running);
    let exported = export(&dir, None, Form::Sparse, false).unwrap();
    assert_eq!(exported.file, dir.join("model.safetensors"));
    export(&dir, None, Form::Dense, false).unwrap();
    RunFolder::create(Some(&dir), true).unwrap();
    let left: Vec<_> = fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, [".lock"]);
}
