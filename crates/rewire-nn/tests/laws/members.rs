//! Layers of several matrices: what they compute, and that linear ones fold into one.

use std::sync::Arc;

use ndarray::Array2;
use rewire_nn::autograd::mask::MatrixShape;
use rewire_nn::autograd::{Plain, Tape};
use rewire_nn::rng::Streams;
use rewire_nn::{
    Activation, Member, Members, Mlp, MlpSpec, Mode, NnError, Norm, Parameters, State, Storage,
};

use crate::by_position::{active, latent};
use crate::mlp::{matrix, train};
use crate::oracle::{Bias, Equations, Gelu, LayerNorm, Linear, Number, Rounded, numbers};

const EPSILON: f64 = 1e-5;

/// 6-7-5-3 with one member of each kind.
fn spec(norm: Norm, linear: bool) -> MlpSpec {
    MlpSpec {
        inputs: 6,
        hidden: vec![7, 5],
        outputs: 3,
        norm,
        activation: Activation::Gelu,
        dropout: 0.0,
        members: Members {
            layers: vec![
                Member::Parallel { branches: 3 },
                Member::Factorized { inner: 4 },
                Member::Doped { rank: 2 },
            ],
            linear,
        },
    }
}

const NAMES: [(&str, [usize; 2]); 8] = [
    ("fc1.1", [7, 6]),
    ("fc1.2", [7, 6]),
    ("fc1.3", [7, 6]),
    ("fc2.u", [4, 7]),
    ("fc2.v", [5, 4]),
    ("fc3", [3, 5]),
    ("fc3.low_u", [2, 5]),
    ("fc3.low_v", [3, 2]),
];

/// Every kind of storage among the factors.
fn storages() -> Vec<Storage> {
    let third = |n: u64| (0..n).filter(|p| p % 3 != 1).collect::<Vec<_>>();
    vec![
        active(7, 6, &third(42)),
        latent(7, 6, &third(42)),
        Storage::Dense,
        active(4, 7, &third(28)),
        latent(5, 4, &third(20)),
        active(3, 5, &third(15)),
        Storage::Dense,
        Storage::Dense,
    ]
}

/// A network whose vectors are no longer what they start with.
fn build(norm: Norm, linear: bool) -> (Mlp, Parameters, State) {
    let (mlp, mut parameters, mut state) =
        Mlp::new(spec(norm, linear), storages(), Streams::new(1)).expect("the storages fit");
    for (seed, parameter) in (10..).zip(parameters.iter_mut()) {
        if parameter.dims().len() == 1 {
            let shifts = numbers(1, parameter.stored(), seed);
            for (value, shift) in parameter.values_mut().iter_mut().zip(&shifts) {
                *value += shift / 2.0;
            }
        }
    }
    for (seed, norm) in (30..).zip(&mut state.norms) {
        norm.mean = numbers(1, norm.mean.len(), seed).into_iter().collect();
    }
    (mlp, parameters, state)
}

#[test]
fn matrices_are_named_after_what_they_are() {
    for (norm, linear, suffix) in [
        (Norm::None, false, None),
        (Norm::Batch, false, Some("bn")),
        (Norm::Layer, false, Some("ln")),
        (Norm::Batch, true, Some("bn")),
    ] {
        let spec = spec(norm, linear);
        let expected = NAMES.map(|(name, dims)| (name.to_owned(), dims));
        assert_eq!(spec.layers(), expected);
        let (mlp, parameters, state) = build(norm, linear);
        let weights = mlp.weights().map(|id| parameters.get(id).name().to_owned());
        let expected = NAMES.map(|(name, _)| format!("{name}.weight"));
        assert_eq!(weights.collect::<Vec<_>>(), expected);
        // σ follows every sparse matrix but V; it brings a bias and, where asked for, two vectors.
        let (biases, bent): (&[&str], &[&str]) = match linear {
            false => (
                &["fc1.1", "fc1.2", "fc1.3", "fc2.u", "fc2.v", "fc3"],
                &["fc1.1", "fc1.2", "fc1.3", "fc2.u", "fc3"],
            ),
            true => (&["fc1.1", "fc2.v", "fc3"], &[]),
        };
        let mut expected: Vec<String> = biases.iter().map(|name| format!("{name}.bias")).collect();
        if let Some(suffix) = suffix {
            let norms = bent.iter().map(|name| format!("{name}.{suffix}"));
            let norms: Vec<String> = norms
                .chain([1, 2].map(|layer| format!("{suffix}{layer}")))
                .collect();
            expected.extend(norms.iter().map(|norm| format!("{norm}.weight")));
            expected.extend(norms.iter().map(|norm| format!("{norm}.bias")));
            let running = if norm == Norm::Batch { norms.len() } else { 0 };
            assert_eq!(state.norms.len(), running);
        }
        expected.sort();
        let all = parameters.iter();
        let vectors: Vec<_> = all.filter(|p| p.dims().len() == 1).collect();
        let mut found: Vec<String> = vectors.iter().map(|p| p.name().to_owned()).collect();
        found.sort();
        assert_eq!(found, expected);
        let values: usize = vectors.iter().map(|p| p.stored()).sum();
        assert_eq!(spec.n_vector_values(), values as u64);
    }
}

type Matrix = Array2<Rounded>;

struct Oracle<'a> {
    parameters: &'a Parameters,
    norm: Norm,
}

impl Oracle<'_> {
    fn get(&self, name: &str) -> Matrix {
        matrix(self.parameters, name)
    }

    fn linear(&self, x: &Matrix, name: &str) -> Matrix {
        Linear.forward(&[x.clone(), self.get(&format!("{name}.weight"))])
    }

    fn affine(&self, x: &Matrix, name: &str) -> Matrix {
        Bias.forward(&[self.linear(x, name), self.get(&format!("{name}.bias"))])
    }

    fn bend(&self, x: Matrix, norm: &str) -> Matrix {
        let x = match self.norm {
            Norm::Layer => LayerNorm { epsilon: EPSILON }.forward(&[
                x,
                self.get(&format!("{norm}.weight")),
                self.get(&format!("{norm}.bias")),
            ]),
            Norm::None | Norm::Batch => x,
        };
        Gelu.forward(&[x])
    }

    fn bent(&self, x: &Matrix, name: &str) -> Matrix {
        self.bend(self.affine(x, name), &format!("{name}.ln"))
    }

    fn logits(&self, x: &Matrix) -> Matrix {
        let sum = |a: &Matrix, b: &Matrix| Array2::from_shape_fn(a.dim(), |at| a[at] + b[at]);
        let [one, two, three] = ["fc1.1", "fc1.2", "fc1.3"].map(|name| self.bent(x, name));
        let x = self.bend(sum(&sum(&one, &two), &three), "ln1");
        let inner = self.bent(&x, "fc2.u");
        let x = self.bend(self.affine(&inner, "fc2.v"), "ln2");
        let low = self.linear(&self.linear(&x, "fc3.low_u"), "fc3.low_v");
        sum(&low, &self.bent(&x, "fc3"))
    }
}

fn logits(network: &(Mlp, Parameters, State), x: &Array2<f32>, mode: Mode<'_>) -> Array2<f32> {
    let (mlp, parameters, state) = network;
    let mut tape = Tape::new(Arc::new(Plain));
    let rows: Vec<f32> = x.iter().copied().collect();
    let input = tape.input(&rows, x.nrows(), x.ncols());
    let z = mlp.forward(&mut tape, parameters, &mut state.clone(), input, mode);
    tape.value(z).to_rows()
}

#[test]
fn members_compute_their_equations() {
    for norm in [Norm::None, Norm::Layer] {
        for samples in [1, 2, 65] {
            let network = build(norm, false);
            let x = numbers(samples, 6, 3);
            let parameters = &network.1;
            let expected =
                Oracle { parameters, norm }.logits(&x.mapv(|v| Rounded::of(f64::from(v))));
            let indices: Vec<u32> = (0..samples as u32).collect();
            for mode in [train(&indices), Mode::Evaluate] {
                let found = logits(&network, &x, mode);
                assert_eq!(found.dim(), expected.dim());
                for (expected, &found) in expected.iter().zip(&found) {
                    let error = (expected.value - f64::from(found)).abs();
                    assert!(error <= expected.slack, "{norm:?}: {found}, {expected:?}");
                    // Seven matrices and five normalisations deep.
                    assert!(expected.slack < 5e-2, "{norm:?}: {expected:?}");
                }
            }
        }
    }
}

/// Whatever stands in the place of a matrix, the mean square of what a hidden layer hands on is that
/// of its input: four layers deep, 1 within what 20 000 values of one network vary.
#[test]
fn members_keep_the_size_of_values() {
    const UNITS: usize = 400;
    for (member, linear) in [
        (Member::Plain, false),
        (Member::Parallel { branches: 4 }, false),
        (Member::Parallel { branches: 4 }, true),
        (Member::Factorized { inner: 700 }, false),
        (Member::Factorized { inner: 700 }, true),
        (Member::Doped { rank: 150 }, false),
        (Member::Doped { rank: 150 }, true),
    ] {
        let spec = MlpSpec {
            inputs: UNITS,
            hidden: vec![UNITS; 4],
            outputs: UNITS,
            norm: Norm::None,
            activation: Activation::Relu,
            dropout: 0.0,
            members: Members {
                layers: vec![member, member, member, member, Member::Plain],
                linear,
            },
        };
        let storages = vec![Storage::Dense; spec.layers().len()];
        let network = Mlp::new(spec, storages, Streams::new(3)).unwrap();
        let x = numbers(50, UNITS, 4);
        let square = |values: &Array2<f32>| {
            let squares = values.iter().map(|&v| f64::from(v).powi(2));
            squares.sum::<f64>() / values.len() as f64
        };
        // The last layer doubles what it reads.
        let ratio = square(&logits(&network, &x, Mode::Evaluate)) / square(&x) / 2.0;
        assert!(
            (0.6..1.7).contains(&ratio),
            "{member:?}, linear {linear}: {ratio}"
        );
    }
}

/// A linear member is one matrix: logits agree, and so does every shape.
#[test]
fn linear_members_fold_into_one_matrix() {
    for norm in [Norm::None, Norm::Batch, Norm::Layer] {
        let network = build(norm, true);
        let folded = network.0.folded(&network.1, &network.2).unwrap();
        let dims = [("fc1", [7, 6]), ("fc2", [5, 7]), ("fc3", [3, 5])];
        assert_eq!(
            folded.0.spec().layers(),
            dims.map(|(name, dims)| (name.to_owned(), dims))
        );
        let x = numbers(65, 6, 3);
        let (whole, one) = (
            logits(&network, &x, Mode::Evaluate),
            logits(&folded, &x, Mode::Evaluate),
        );
        // Values around 1 through three layers of at most 21 roundings each, in either network;
        // normalising divides by a deviation that is not small here.
        let allowed = 2.0 * 3.0 * 21.0 * f32::EPSILON * 16.0;
        for (a, b) in whole.iter().zip(&one) {
            assert!((a - b).abs() <= allowed, "{norm:?}: {a} {b}");
        }
        assert!(whole.iter().any(|z| z.abs() > 0.1));
    }
}

/// V·U of a factorized layer by hand.
#[test]
fn a_product_of_factors_by_hand() {
    let spec = MlpSpec {
        inputs: 2,
        hidden: vec![],
        outputs: 2,
        members: Members {
            layers: vec![Member::Factorized { inner: 1 }],
            linear: true,
        },
        ..spec(Norm::None, true)
    };
    let storages = vec![Storage::Dense, Storage::Dense];
    let (mlp, mut parameters, state) = Mlp::new(spec, storages, Streams::new(1)).unwrap();
    for (name, values) in [
        ("fc1.u.weight", &[2.0, -1.0][..]),
        ("fc1.v.weight", &[3.0, 0.5]),
        ("fc1.v.bias", &[7.0, 8.0]),
    ] {
        let id = parameters.by_name(name).unwrap();
        parameters.get_mut(id).values_mut().copy_from_slice(values);
    }
    let (_, folded, _) = mlp.folded(&parameters, &state).unwrap();
    let get = |name: &str| folded.get(folded.by_name(name).unwrap());
    assert_eq!(get("fc1.weight").values(), [6.0, -3.0, 1.0, -0.5]);
    assert_eq!(get("fc1.weight").shape(), MatrixShape::new(2, 2));
    assert_eq!(get("fc1.bias").values(), [7.0, 8.0]);
}

#[test]
fn what_cannot_be_built_or_folded_is_refused() {
    let (mlp, parameters, state) = build(Norm::None, false);
    let message = mlp.folded(&parameters, &state).unwrap_err().to_string();
    assert!(message.contains("non-linearity"), "{message}");
    let refusal = |layers: Vec<Member>, storages: usize| {
        let spec = MlpSpec {
            members: Members {
                layers,
                linear: false,
            },
            ..spec(Norm::None, false)
        };
        let storages = vec![Storage::Dense; storages];
        match Mlp::new(spec, storages, Streams::new(1)) {
            Err(NnError::Model(message)) => message,
            other => panic!("{other:?}"),
        }
    };
    let plain = Member::Plain;
    for (layers, storages, text) in [
        (
            vec![plain; 2],
            3,
            "3 layers need as many members, 2 were given",
        ),
        (
            vec![plain, Member::Parallel { branches: 0 }, plain],
            2,
            "fc2 would be a sum of no branches",
        ),
        (
            vec![plain, Member::Factorized { inner: 0 }, plain],
            4,
            "fc2.u would be 0×7",
        ),
        (
            vec![plain, Member::Doped { rank: 3 }, plain],
            3,
            "5 layers need as many storages, 3 were given",
        ),
    ] {
        let message = refusal(layers, storages);
        assert!(message.contains(text), "{message}");
    }
}
