//! `y = a + b`, in the sums that layers of several matrices are made of.

use ndarray::Array2;
use rewire_autograd::{ParameterId, ParameterViews, Tape, Var};

use crate::oracle::{
    Equations, Gelu, Linear, Number, SHAPES, SquaredError, Stored, check, numbers,
};
use crate::tape::Bench;

/// `y = gelu(x·W₁ᵀ) + gelu(x·W₂ᵀ) + …`: Sparse Parallel.
struct Branches;

/// `y = gelu(x·Uᵀ)·Vᵀ`: Sparse Factorized.
struct Factors;

/// `y = (x·Uᵀ)·Vᵀ + gelu(x·Wᵀ)`, parameters W, U, V: Sparse Doped.
struct Doped;

/// `y = f(x) + x`: a residual connection around `f(x) = x·Wᵀ`.
struct Residual;

/// Gradients of a linear layer's input and weights.
fn linear_back<N: Number>(x: &Array2<N>, w: &Array2<N>, dy: &Array2<N>) -> [Array2<N>; 2] {
    let gradients = Linear.backward(&pair(x, w), dy);
    gradients.try_into().expect("one gradient per operand")
}

/// Operands of a linear layer.
fn pair<N: Number>(x: &Array2<N>, w: &Array2<N>) -> [Array2<N>; 2] {
    [x.clone(), w.clone()]
}

/// A linear layer and what bends it, and both ways back.
fn bent<N: Number>(x: &Array2<N>, w: &Array2<N>) -> Array2<N> {
    Gelu.forward(&[Linear.forward(&pair(x, w))])
}

fn bent_back<N: Number>(x: &Array2<N>, w: &Array2<N>, dy: &Array2<N>) -> [Array2<N>; 2] {
    let product = Linear.forward(&pair(x, w));
    let dproduct = Gelu.backward(&[product], dy).remove(0);
    linear_back(x, w, &dproduct)
}

fn sum<N: Number>(a: &Array2<N>, b: &Array2<N>) -> Array2<N> {
    Array2::from_shape_fn(a.dim(), |at| a[at] + b[at])
}

impl Equations for Branches {
    fn forward<N: Number>(&self, operands: &[Array2<N>]) -> Array2<N> {
        let branches = operands[1..].iter().map(|w| bent(&operands[0], w));
        branches.reduce(|a, b| sum(&a, &b)).expect("a branch")
    }
    fn backward<N: Number>(&self, operands: &[Array2<N>], dy: &Array2<N>) -> Vec<Array2<N>> {
        let mut gradients: Vec<Array2<N>> = Vec::new();
        let mut dx: Option<Array2<N>> = None;
        for w in &operands[1..] {
            let [passed, dw] = bent_back(&operands[0], w, dy);
            dx = Some(dx.map_or(passed.clone(), |dx| sum(&dx, &passed)));
            gradients.push(dw);
        }
        gradients.insert(0, dx.expect("a branch"));
        gradients
    }
    fn record(
        &self,
        tape: &mut Tape,
        parameters: &dyn ParameterViews,
        x: Var,
        ids: &[ParameterId],
    ) -> Var {
        let branches: Vec<Var> = (ids.iter())
            .map(|&id| {
                let product = tape.linear(parameters, x, id);
                tape.gelu(product)
            })
            .collect();
        let sum = branches.into_iter().reduce(|a, b| tape.add(a, b));
        sum.expect("a branch")
    }
}

impl Equations for Factors {
    fn forward<N: Number>(&self, operands: &[Array2<N>]) -> Array2<N> {
        let inner = bent(&operands[0], &operands[1]);
        Linear.forward(&pair(&inner, &operands[2]))
    }
    fn backward<N: Number>(&self, operands: &[Array2<N>], dy: &Array2<N>) -> Vec<Array2<N>> {
        let inner = bent(&operands[0], &operands[1]);
        let [dinner, dv] = linear_back(&inner, &operands[2], dy);
        let [dx, du] = bent_back(&operands[0], &operands[1], &dinner);
        vec![dx, du, dv]
    }
    fn record(
        &self,
        tape: &mut Tape,
        parameters: &dyn ParameterViews,
        x: Var,
        ids: &[ParameterId],
    ) -> Var {
        let inner = tape.linear(parameters, x, ids[0]);
        let inner = tape.gelu(inner);
        tape.linear(parameters, inner, ids[1])
    }
}

impl Equations for Doped {
    fn forward<N: Number>(&self, operands: &[Array2<N>]) -> Array2<N> {
        let low = Linear.forward(&pair(&operands[0], &operands[2]));
        let low = Linear.forward(&pair(&low, &operands[3]));
        sum(&low, &bent(&operands[0], &operands[1]))
    }
    fn backward<N: Number>(&self, operands: &[Array2<N>], dy: &Array2<N>) -> Vec<Array2<N>> {
        let [dx, dw] = bent_back(&operands[0], &operands[1], dy);
        let low = Linear.forward(&pair(&operands[0], &operands[2]));
        let [dlow, dv] = linear_back(&low, &operands[3], dy);
        let [passed, du] = linear_back(&operands[0], &operands[2], &dlow);
        vec![sum(&dx, &passed), dw, du, dv]
    }
    fn record(
        &self,
        tape: &mut Tape,
        parameters: &dyn ParameterViews,
        x: Var,
        ids: &[ParameterId],
    ) -> Var {
        let low = tape.linear(parameters, x, ids[1]);
        let low = tape.linear(parameters, low, ids[2]);
        let sparse = tape.linear(parameters, x, ids[0]);
        let sparse = tape.gelu(sparse);
        tape.add(low, sparse)
    }
}

impl Equations for Residual {
    fn forward<N: Number>(&self, operands: &[Array2<N>]) -> Array2<N> {
        sum(&Linear.forward(operands), &operands[0])
    }
    fn backward<N: Number>(&self, operands: &[Array2<N>], dy: &Array2<N>) -> Vec<Array2<N>> {
        let mut gradients = Linear.backward(operands, dy);
        gradients[0] = sum(&gradients[0], dy);
        gradients
    }
    fn record(
        &self,
        tape: &mut Tape,
        parameters: &dyn ParameterViews,
        x: Var,
        ids: &[ParameterId],
    ) -> Var {
        let product = tape.linear(parameters, x, ids[0]);
        tape.add(product, x)
    }
}

/// One member on every shape; `matrices` are the shapes of its parameters for D_in features and a
/// number between 1 and 4.
fn agrees<E: Equations>(
    op: &E,
    matrices: impl Fn(usize, usize) -> Vec<(usize, usize)>,
    what: &str,
) {
    for (index, (samples, features)) in SHAPES.into_iter().enumerate() {
        let shapes = matrices(features, index % 4 + 1);
        let outputs = shapes.last().expect("a matrix").0;
        let weights: Vec<Array2<f32>> = (shapes.iter().zip(10..))
            .map(|(&(rows, cols), seed)| numbers(rows, cols, seed))
            .collect();
        let stored = weights.iter().map(Stored::dense).collect();
        let operands = [vec![numbers(samples, features, 1)], weights].concat();
        let loss = SquaredError {
            targets: numbers(samples, outputs, 2),
        };
        let what = format!("{what} of {samples} × {features}");
        check(op, &loss, &operands, stored, 1e-5, &what);
    }
}

#[test]
fn members_of_sparse_ift_agree_with_the_oracle() {
    agrees(&Branches, |d, k| vec![(3, d); k], "parallel");
    agrees(&Factors, |d, k| vec![(k, d), (3, k)], "factorized");
    agrees(&Doped, |d, k| vec![(3, d), (k, d), (3, k)], "doped");
}

#[test]
fn a_value_added_to_itself_later_gets_both_gradients() {
    agrees(&Residual, |d, _| vec![(d, d)], "residual");
}

/// y = a + a: both operands are one value, whose gradient is twice that of the sum.
#[test]
fn a_sum_of_one_value_by_hand() {
    let mut bench = Bench::new(&[Stored::dense(&ndarray::arr2(&[[3.0], [-1.0]]))]);
    let input = bench.tape.input(&[1.0], 1, 1);
    let x = bench.tape.linear(&bench.store, input, ParameterId(0));
    let y = bench.tape.add(x, x);
    assert_eq!(bench.tape.value(y).values(), [6.0, -2.0]);
    // ((6 − 4)² + (−2 + 2)²)/2: 2(y − t)/2 by y, twice that by x.
    let (loss, mean) = bench.tape.mean_squared_error(y, &[4.0, -2.0]);
    assert_eq!(mean, 2.0);
    assert_eq!(bench.gradient(loss, 0), [4.0, 0.0]);
    // Data have no gradient, and neither has their sum.
    bench.tape.clear();
    let data = bench.tape.input(&[1.0, 2.0], 1, 2);
    let twice = bench.tape.add(data, data);
    assert_eq!(bench.tape.value(twice).values(), [2.0, 4.0]);
}

#[test]
#[should_panic(expected = "samples and features of a sum")]
fn sums_of_different_widths_are_refused() {
    let mut bench = Bench::new(&[]);
    let wide = bench.tape.input(&[1.0, 2.0], 1, 2);
    let narrow = bench.tape.input(&[1.0], 1, 1);
    bench.tape.add(wide, narrow);
}
