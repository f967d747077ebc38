//! Changes that do not fit are errors with the numbers in them, and change nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rewire_nn::autograd::mask::{MaskError, Rewiring};
use rewire_nn::rng::Streams;
use rewire_nn::{
    Activation, Column, LearningRate, LearningRateKind, Members, Mlp, MlpSpec, NnError, Norm,
    Optimizer, Parameter, Parameters, Storage,
};

use crate::by_position::{active, latent, marked};
use crate::rewiring::{ADAMW, OPTIMIZERS, SGD};

/// Three parameters, one of each storage, 2 × 3.
fn weights() -> [Parameter; 3] {
    [Storage::Dense, active(2, 3, &[0, 4]), latent(2, 3, &[1])]
        .map(|storage| marked(2, 3, storage, ADAMW.columns()))
}

fn refuses<T>(
    weight: &Parameter,
    change: impl FnOnce(&mut Parameter) -> Result<T, NnError>,
) -> NnError {
    let mut changed = weight.clone();
    let error = change(&mut changed).err().expect("this must be refused");
    assert_eq!(&changed, weight, "{error}");
    error
}

#[test]
fn storages_of_another_shape() {
    for weight in weights() {
        for storage in [active(3, 2, &[0]), latent(3, 2, &[0]), active(1, 6, &[0])] {
            let found = if storage == active(1, 6, &[0]) {
                "1×6"
            } else {
                "3×2"
            };
            let expected = NnError::Shape {
                name: "fc1.weight".into(),
                expected: "2×3".into(),
                found: found.into(),
            };
            let error = refuses(&weight, |weight| weight.convert(storage.clone()));
            assert_eq!(error, expected);
            let error = refuses(&weight, |weight| weight.restore(storage.clone(), vec![0.0]));
            assert_eq!(error, expected);
            let new = Parameter::new("fc1.weight", &[2, 3], storage, true);
            assert_eq!(new.unwrap_err(), expected);
        }
    }
}

#[test]
fn values_and_columns_of_another_length() {
    let storages = [
        (Storage::Dense, 6),
        (active(2, 3, &[5]), 1),
        (latent(2, 3, &[]), 6),
    ];
    for weight in weights() {
        for (storage, expected) in storages.clone() {
            for found in [0, expected - 1, expected + 1, 7] {
                if found == expected {
                    continue;
                }
                let values = vec![1.0; found];
                let error = refuses(&weight, |weight| weight.restore(storage.clone(), values));
                let expected = NnError::Length {
                    name: "fc1.weight".into(),
                    what: "values".into(),
                    found,
                    expected,
                };
                assert_eq!(error, expected);
            }
        }
        for (index, spec) in ADAMW.columns().iter().enumerate() {
            let mut columns = weight.columns().to_vec();
            columns[index] = Column::zeros(*spec, 5);
            let error = refuses(&weight, |weight| weight.restore_columns(columns));
            let expected = NnError::Length {
                name: "fc1.weight".into(),
                what: spec.name.into(),
                found: 5,
                expected: weight.stored(),
            };
            assert_eq!(error, expected);
        }
    }
}

/// What fits is taken: positions and values as given, columns at zero until they are restored.
#[test]
fn a_checkpoint_is_restored() {
    for target in weights() {
        for source in weights() {
            let mut weight = target.clone();
            weight
                .restore(source.storage().clone(), source.values().to_vec())
                .unwrap();
            let zeros = |column: &Column| *column == Column::zeros(column.spec, column.len());
            assert!(weight.columns().iter().all(zeros));
            weight.restore_columns(source.columns().to_vec()).unwrap();
            assert_eq!(weight, source);
        }
    }
}

#[test]
fn rewirings_that_do_not_fit() {
    let rewire = |dropped: &[u64], grown: &[u64]| {
        let rewiring = Rewiring::new(dropped.to_vec(), grown.to_vec()).unwrap();
        move |weight: &mut Parameter| weight.rewire(&rewiring)
    };
    let [dense, active, latent] = weights();
    for (weight, storage) in [(dense, "dense"), (latent, "latent")] {
        let expected = NnError::NotActive {
            name: "fc1.weight".into(),
            storage,
        };
        assert_eq!(refuses(&weight, rewire(&[0], &[2])), expected);
    }
    for (dropped, grown, source) in [
        (&[1][..], &[2][..], MaskError::NotActive { position: 1 }),
        (&[0], &[4], MaskError::AlreadyActive { position: 4 }),
        (
            &[0],
            &[6],
            MaskError::OutOfRange {
                position: 6,
                shape: active.shape(),
            },
        ),
    ] {
        let expected = NnError::Mask {
            name: "fc1.weight".into(),
            source,
        };
        assert_eq!(refuses(&active, rewire(dropped, grown)), expected);
    }
}

fn spec() -> MlpSpec {
    MlpSpec {
        inputs: 3,
        hidden: vec![4],
        outputs: 2,
        norm: Norm::None,
        activation: Activation::Relu,
        dropout: 0.0,
        members: Members::default(),
    }
}

#[test]
fn models_that_cannot_be() {
    let build = |spec: MlpSpec, storages: Vec<Storage>| {
        let error = Mlp::new(spec, storages, Streams::new(0)).err();
        error.expect("this must be refused").to_string()
    };
    let dense = || vec![Storage::Dense, Storage::Dense];
    let message = build(spec(), vec![Storage::Dense]);
    assert!(message.contains('2') && message.contains('1'), "{message}");
    let message = build(spec(), vec![Storage::Dense, active(4, 2, &[])]);
    assert!(
        message.contains("fc2.weight is 2×4, its storage is 4×2"),
        "{message}"
    );
    for (inputs, hidden, outputs, name) in [(0, 4, 2, "fc1"), (3, 0, 2, "fc1"), (3, 4, 0, "fc2")] {
        let empty = MlpSpec {
            inputs,
            hidden: vec![hidden],
            outputs,
            ..spec()
        };
        let message = build(empty, dense());
        assert!(message.contains(name) && message.contains('0'), "{message}");
    }
    for dropout in [-0.1, 1.0, 7.0, f64::NAN] {
        let message = build(MlpSpec { dropout, ..spec() }, dense());
        assert!(message.contains(&dropout.to_string()), "{message}");
    }
}

fn panic_of(work: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(work)).expect_err("this must panic");
    match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => payload.downcast::<&str>().expect("a message").to_string(),
    }
}

#[test]
fn mistakes_of_the_calling_code_panic_with_their_numbers() {
    for mut weight in weights() {
        let stored = weight.stored().to_string();
        let message = panic_of(|| weight.step(&ADAMW, 0.1, &[0.0; 9]));
        assert!(
            message.contains(&stored) && message.contains('9'),
            "{message}"
        );
    }
    // An optimizer without its columns.
    for (optimizer, wanted) in OPTIMIZERS.into_iter().zip(["1", "3"]) {
        let mut bare = Parameter::new("w", &[2], Storage::Dense, true).unwrap();
        let message = panic_of(|| bare.step(optimizer, 0.1, &[0.0; 2]));
        assert!(
            message.contains(wanted) && message.contains('0'),
            "{message}"
        );
    }
    // One optimizer's columns under another.
    let mut weight = Parameter::new("w", &[2], Storage::Dense, true).unwrap();
    weight.set_columns(ADAMW.columns());
    let message = panic_of(|| weight.step(&SGD, 0.1, &[0.0; 2]));
    assert!(message.contains('1') && message.contains('3'), "{message}");

    let mut parameters = Parameters::new();
    let twice = || Parameter::new("fc1.weight", &[2], Storage::Dense, true).unwrap();
    parameters.add(twice());
    let message = panic_of(|| {
        parameters.add(twice());
    });
    assert!(message.contains("fc1.weight"), "{message}");

    let rate = LearningRate {
        base: 0.1,
        kind: LearningRateKind::Constant,
        warmup: 0,
        total: 10,
    };
    let message = panic_of(|| {
        rate.at(0);
    });
    assert!(message.contains('1'), "{message}");
}
