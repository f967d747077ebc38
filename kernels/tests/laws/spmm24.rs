//! Y = X·Wᵀ: every version against sums over the dense masked matrix.

use rewire_kernels::{
    Activation, Call, DenseSize, Element, PackedSize, SizeError, Spmm24, Spmm24Version as Version,
};
use rewire_ptx::{Memory, Schedule};

use crate::rig::{
    Dense, EDGES, Failure, Numbers, SCHEDULES, Sparse, bits, download, launch, number, reserve,
    rounding, upload,
};

/// A product with everything it reads.
pub(crate) struct Case {
    pub(crate) product: Spmm24,
    pub(crate) w: Sparse,
    pub(crate) x: Dense,
    pub(crate) bias: Option<Vec<f32>>,
}

impl Case {
    /// A case of whole numbers or of reals, without bias and activation. Rows of X and Y are a
    /// little further apart than they need be where the sizes are odd.
    pub(crate) fn new(
        element: Element,
        [out, tokens, inner]: [u64; 3],
        draw: fn(&mut Numbers) -> f32,
    ) -> Self {
        let mut numbers = Numbers(out << 40 ^ tokens << 20 ^ inner);
        let pitch = |cols: u64| (cols + 8 * (tokens % 2)).next_multiple_of(8);
        let product = Spmm24 {
            element,
            weights: PackedSize::new(out, inner).unwrap(),
            x: DenseSize::with_pitch(tokens, inner, pitch(inner)).unwrap(),
            y: DenseSize::with_pitch(tokens, out, pitch(out)).unwrap(),
            has_bias: false,
            activation: Activation::Identity,
        };
        Self {
            product,
            w: Sparse::new(element, out, inner, &mut numbers, draw),
            x: Dense::new(element, tokens, inner, || draw(&mut numbers)),
            bias: None,
        }
    }

    /// The same with a bias and an activation.
    pub(crate) fn with(mut self, bias: Vec<f32>, activation: Activation) -> Self {
        self.product.has_bias = true;
        self.product.activation = activation;
        self.bias = Some(bias);
        self
    }

    /// What a text leaves in Y, launched as the version is.
    pub(crate) fn run_text(
        &self,
        version: Version,
        text: &str,
        schedule: Schedule,
    ) -> Result<Vec<u16>, Failure> {
        let call = self.product.call_of(version).unwrap();
        self.run_call(&call, text, schedule)
    }

    fn run_call(&self, call: &Call, text: &str, schedule: Schedule) -> Result<Vec<u16>, Failure> {
        let Spmm24 { element, x, y, .. } = self.product;
        let mut memory = Memory::default();
        let mut buffers = vec![
            upload(&mut memory, call, "values", &self.w.values(element)),
            upload(&mut memory, call, "metadata", &self.w.metadata()),
            self.x.upload(&mut memory, element, x),
        ];
        if let Some(bias) = &self.bias {
            buffers.push(upload(&mut memory, call, "bias", bias));
        }
        let out = reserve(&mut memory, call, "y");
        buffers.push(out);
        launch(call, text, schedule, &mut memory, &buffers)?;
        download(&memory, out, y)
    }

    /// What the version leaves in Y.
    pub(crate) fn run(&self, version: Version, schedule: Schedule) -> Vec<u16> {
        let call = self.product.call_of(version).unwrap();
        self.run_call(&call, call.code().text(), schedule)
            .unwrap_or_else(|failure| panic!("{:?}, {schedule:?}: {failure:?}", self.product))
    }

    /// Token and out of each number of Y, its sum with the bias and the sum of magnitudes, from the
    /// dense masked matrix.
    pub(crate) fn sums(&self) -> impl Iterator<Item = (usize, usize, f64, f64)> + '_ {
        let (tokens, outs) = (
            self.product.y.rows() as usize,
            self.product.y.cols() as usize,
        );
        (0..tokens * outs).map(move |index| {
            let (token, out) = (index / outs, index % outs);
            let first = self.bias.as_ref().map_or(0.0, |bias| f64::from(bias[out]));
            let (mut sum, mut magnitude) = (first, first.abs());
            for (&x, &w) in self.x.row(token).iter().zip(self.w.masked.row(out)) {
                let product = f64::from(x) * f64::from(w);
                sum += product;
                magnitude += product.abs();
            }
            (token, out, sum, magnitude)
        })
    }

    /// Whether a result on whole numbers is the exact sums, rounded once.
    pub(crate) fn is_exact(&self, found: &[u16]) -> Result<(), String> {
        let element = self.product.element;
        for ((token, out, sum, _), &found) in self.sums().zip(found) {
            let sum = match self.product.activation {
                Activation::Relu => sum.max(0.0),
                _ => sum,
            };
            let found = number(element, found);
            if found != number(element, bits(element, sum as f32)) {
                return Err(format!("token {token}, out {out}: {found} for {sum}"));
            }
        }
        Ok(())
    }

    /// Runs a version on whole numbers and compares.
    pub(crate) fn check_exact(&self, version: Version, schedule: Schedule) {
        self.is_exact(&self.run(version, schedule))
            .unwrap_or_else(|wrong| panic!("{version:?} {:?}: {wrong}", self.product));
    }

    /// Checks a result on reals. `n` singles added in any order, truncated or rounded, err by at
    /// most n · 2⁻²³ of the sum of magnitudes; the result is then rounded to its element.
    fn check_near(&self, version: Version, found: &[u16]) {
        let element = self.product.element;
        let terms = f64::from(self.product.x.cols()) + 1.0;
        let (relative, least) = rounding(element);
        for ((token, out, sum, magnitude), &found) in self.sums().zip(found) {
            let slack = terms * 2f64.powi(-23) * magnitude;
            let slack = slack + (sum.abs() + slack) * relative + least;
            let found = f64::from(number(element, found));
            assert!(
                (found - sum).abs() <= slack,
                "{version:?} {:?}: token {token}, out {out}: {found} for {sum}",
                self.product
            );
        }
    }
}

/// Every edge in every place, each with three others.
fn shapes() -> impl Iterator<Item = [u64; 3]> {
    (0..EDGES.len()).map(|index| {
        let edge = |factor: usize, shift: usize| EDGES[(factor * index + shift) % EDGES.len()];
        [edge(1, 0), edge(5, 7), edge(7, 12)]
    })
}

#[test]
fn every_version_is_exact_at_every_edge() {
    for (index, shape) in shapes().enumerate() {
        // Bit for bit the same for both elements, so that each sees half of the shapes.
        let case = Case::new(Element::ALL[index % 2], shape, Numbers::whole);
        for version in Version::ALL {
            let schedule = SCHEDULES[index % SCHEDULES.len()];
            case.check_exact(version, schedule);
        }
    }
}

#[test]
fn copies_may_happen_when_they_like() {
    let shapes = [[1, 1, 1], [129, 65, 257], [65, 130, 100], [300, 20, 64]];
    for (index, shape) in shapes.into_iter().enumerate() {
        let case = Case::new(Element::ALL[index % 2], shape, Numbers::whole);
        for version in [Version::Pipelined, Version::Wide] {
            for schedule in SCHEDULES {
                case.check_exact(version, schedule);
            }
        }
    }
}

#[test]
fn blocks_cover_results_of_several_groups() {
    // Groups span 2048 outs, and the last one is narrower.
    let case = Case::new(Element::F16, [2200, 129, 1], Numbers::whole);
    for version in [Version::Pipelined, Version::Wide] {
        case.check_exact(version, Schedule::Early);
    }
}

#[test]
fn what_is_too_large_becomes_infinite() {
    let case = Case::new(Element::F16, [10, 10, 16], |_| 255.0);
    // Two of four columns make 130050, beyond the largest half.
    assert!(case.sums().any(|(_, _, sum, _)| sum > 65504.0));
    for version in Version::ALL {
        case.check_exact(version, Schedule::Early);
    }
}

#[test]
fn every_number_of_columns_is_exact() {
    for inner in 1..=130 {
        let element = Element::ALL[inner as usize % 2];
        let case = Case::new(element, [9, 3, inner], Numbers::whole);
        case.check_exact(Version::Pipelined, Schedule::Late);
        // The others take turns; three and eight have no common factor, so each meets every tail.
        let version = [Version::Scalar, Version::Shared, Version::Mma][inner as usize % 3];
        case.check_exact(version, Schedule::Late);
    }
}

#[test]
fn reals_are_near() {
    for element in Element::ALL {
        for shape in [[33, 17, 65], [70, 40, 200], [130, 9, 511]] {
            let case = Case::new(element, shape, Numbers::real);
            for version in Version::ALL {
                case.check_near(version, &case.run(version, Schedule::Early));
            }
        }
    }
}

#[test]
fn a_product_of_256_takes_seconds() {
    let case = Case::new(Element::Bf16, [256; 3], Numbers::whole);
    for version in [Version::Mma, Version::Pipelined, Version::Wide] {
        case.check_exact(version, Schedule::Early);
    }
}

#[test]
fn bias_and_rectification_are_exact() {
    for element in Element::ALL {
        for activation in [Activation::Identity, Activation::Relu] {
            let shape = [71, 37, 30];
            let bias = (0..71).map(|out| (out * 7 % 23 - 11) as f32).collect();
            let case = Case::new(element, shape, Numbers::whole).with(bias, activation);
            for version in Version::ALL {
                case.check_exact(version, Schedule::Early);
            }
        }
    }
}

/// x·σ(2u) in double precision, and how far a kernel may be from it before it rounds.
///
/// With p = v·(a + b·v²) in four roundings 2^p errs by |p|·ln 2·4·2⁻²⁴ and its own 2⁻²²; 1 + 2^p,
/// its reciprocal and the product add at most 2⁻²² more; all of it counted twice. Powers below
/// 2⁻¹²⁶ may be taken for 0.
fn gelu(value: f64) -> (f64, f64) {
    let inner = (2.0 / std::f64::consts::PI).sqrt() * (value + 0.044_715 * value.powi(3));
    let exact = value / (1.0 + (-2.0 * inner).exp());
    let power = 2.0 * inner.abs() * std::f64::consts::LOG2_E;
    let relative = 2.0 * (4.0 * power * std::f64::consts::LN_2 * 2f64.powi(-24) + 2f64.powi(-21));
    (
        exact,
        exact.abs() * relative + value.abs() * 2f64.powi(-126),
    )
}

#[test]
fn gelu_is_near_its_formula() {
    for element in Element::ALL {
        // Sums of a few whole numbers and quarters around 0, where GELU bends.
        let bias: Vec<f32> = (0..75).map(|out| out as f32 / 4.0 - 9.0).collect();
        let case = Case::new(element, [75, 20, 3], |numbers| {
            numbers.below(3) as f32 - 1.0
        });
        let case = case.with(bias, Activation::Gelu);
        let (relative, least) = rounding(element);
        for version in Version::ALL {
            let found = case.run(version, Schedule::Early);
            for ((token, out, sum, _), &found) in case.sums().zip(&found) {
                let (exact, slack) = gelu(sum);
                let slack = slack + (exact.abs() + slack) * relative + least;
                let found = f64::from(number(element, found));
                assert!(
                    (found - exact).abs() <= slack,
                    "{version:?} {element} token {token} out {out}: gelu({sum}) = {exact}, not {found}"
                );
            }
        }
    }
}

#[test]
fn what_is_not_finite_goes_where_weights_are_kept() {
    for element in Element::ALL {
        for activation in [Activation::Identity, Activation::Relu, Activation::Gelu] {
            let mut case = Case::new(element, [40, 12, 70], Numbers::whole);
            case.product.activation = activation;
            for (token, special) in [(1, f32::NAN), (3, f32::INFINITY), (5, f32::NEG_INFINITY)] {
                case.x.values[token * 70 + 13 * token] = special;
            }
            let kept = case.w.packed.mask();
            for version in Version::ALL {
                let found = case.run(version, Schedule::Early);
                for (index, &found) in found.iter().enumerate() {
                    let (token, out) = (index / 40, index % 40);
                    // Of what is not kept nothing is multiplied, not even by 0.
                    let sum = (0..70)
                        .filter(|&col| kept.get(out, col))
                        .fold(0.0, |sum, col| {
                            sum + case.x.row(token)[col] * case.w.masked.row(out)[col]
                        });
                    let wanted = match activation {
                        Activation::Identity => sum,
                        Activation::Relu if sum < 0.0 => 0.0,
                        Activation::Relu => sum,
                        Activation::Gelu if sum == f32::NEG_INFINITY => f32::NAN,
                        // Finite values are another test's.
                        Activation::Gelu if sum.is_finite() => continue,
                        Activation::Gelu => sum,
                    };
                    let found = number(element, found);
                    let wanted = number(element, bits(element, wanted));
                    assert!(
                        found == wanted || found.is_nan() && wanted.is_nan(),
                        "{version:?} {activation:?} token {token} out {out}: {found}, not {wanted}"
                    );
                }
            }
        }
    }
}

#[test]
fn sizes_that_do_not_fit_have_no_call() {
    let size = |rows, cols| DenseSize::new(rows, cols).unwrap();
    let product = Spmm24 {
        element: Element::Bf16,
        weights: PackedSize::new(10, 20).unwrap(),
        x: size(5, 20),
        y: size(5, 10),
        has_bias: false,
        activation: Activation::Identity,
    };
    assert!(product.call().is_ok());
    let wrong = [
        Spmm24 {
            x: size(5, 21),
            ..product
        },
        Spmm24 {
            x: size(6, 20),
            ..product
        },
        Spmm24 {
            y: size(5, 11),
            ..product
        },
    ];
    for product in wrong {
        for version in Version::ALL {
            let error = product.call_of(version).unwrap_err();
            assert!(matches!(error, SizeError::Mismatch { .. }), "{error}");
        }
    }
    let many = Spmm24 {
        weights: PackedSize::new(1 << 30, 8).unwrap(),
        x: size(1 << 30, 8),
        y: size(1 << 30, 1 << 30),
        ..product
    };
    assert!(matches!(many.call(), Err(SizeError::Grid { .. })));
}

#[test]
fn large_results_take_large_blocks() {
    let version = |out, tokens| {
        let product = Spmm24 {
            element: Element::Bf16,
            weights: PackedSize::new(out, 64).unwrap(),
            x: DenseSize::new(tokens, 64).unwrap(),
            y: DenseSize::new(tokens, out).unwrap(),
            has_bias: false,
            activation: Activation::Identity,
        };
        assert_eq!(product.call(), product.call_of(product.version()));
        product.version()
    };
    // 263 and 264 blocks of 256 × 128.
    assert_eq!(version(256, 263 * 128), Version::Pipelined);
    assert_eq!(version(256, 263 * 128 + 1), Version::Wide);
    assert_eq!(version(4096, 4096), Version::Wide);
    assert_eq!(version(2048, 2048), Version::Pipelined);
    // Half a block, an eighth and a seventh beyond the last out.
    assert_eq!(version(100, 1 << 20), Version::Pipelined);
    assert_eq!(version(9 * 128, 1 << 20), Version::Wide);
    assert_eq!(version(7 * 128, 1 << 20), Version::Pipelined);
}
