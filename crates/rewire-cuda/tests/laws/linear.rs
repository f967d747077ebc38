//! The linear layer against the tape of `rewire-autograd`.
//!
//! The tape multiplies the same weights, expanded, in single precision. What is left between the two
//! is the order of the sums, that dY is rounded to 16 bits for the device, and that results are.

use std::sync::Arc;

use half::{bf16, f16};
use ndarray::{Array1, Array2, Axis, Zip};
use rewire_autograd::mask::{MatrixShape, WeightView};
use rewire_autograd::{Gradients, ParameterId, ParameterViews, Plain, Tape};
use rewire_cuda::{Device, DeviceError, Element, Linear, Matrix, Packed24, Vector};

use crate::rig::{laws, real, transposable, unit};

/// Tokens, outputs and inputs.
const EXTENTS: [(usize, usize, usize); 4] = [(1, 4, 4), (7, 13, 10), (33, 66, 39), (130, 40, 129)];

laws!(
    forward_and_gradients_agree,
    a_layer_of_packed_weights_is_the_same,
    parts_that_do_not_fit_are_refused,
);

/// Dense parameters by number.
struct Store(Vec<Array2<f32>>);

impl ParameterViews for Store {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn view(&self, id: ParameterId) -> WeightView<'_> {
        let matrix = &self.0[id.0];
        WeightView::Dense {
            shape: MatrixShape::new(matrix.nrows(), matrix.ncols()),
            values: matrix.as_slice().unwrap(),
        }
    }
}

/// What the tape makes of a layer: Y, dY, dX and dW.
struct Expected {
    y: Array2<f32>,
    dy: Array2<f32>,
    dx: Array2<f32>,
    dw: Array2<f32>,
}

/// Records X·Wᵀ + bias and a squared error. X is the product of the identity with a parameter, and 0
/// as another is added to Y, so that the gradients of both come out as well.
fn on_the_tape(x: &Array2<f32>, w: &Array2<f32>, bias: &Array1<f32>) -> Expected {
    let (tokens, out) = (x.nrows(), w.nrows());
    let store = Store(vec![
        x.t().as_standard_layout().to_owned(),
        w.clone(),
        bias.clone().insert_axis(Axis(0)),
        Array2::zeros((out, tokens)),
    ]);
    let [of_x, of_w, of_bias, of_zero] = [0, 1, 2, 3].map(ParameterId);
    let mut tape = Tape::new(Arc::new(Plain));
    let identity: Vec<f32> = Array2::<f32>::eye(tokens).into_iter().collect();
    let identity = tape.input(&identity, tokens, tokens);
    let input = tape.linear(&store, identity, of_x);
    let affine = tape.affine(&store, input, of_w, of_bias);
    let zero = tape.linear(&store, identity, of_zero);
    let output = tape.add(affine, zero);
    let targets: Vec<f32> = real::<f16>(tokens, out, 30).into_iter().collect();
    let (loss, _) = tape.mean_squared_error(output, &targets);
    let mut gradients = Gradients::new();
    tape.backward(loss, &store, &mut gradients);
    let gradient = |id: ParameterId| {
        let shape = store.0[id.0].dim();
        Array2::from_shape_vec(shape, gradients.get(id).to_vec()).unwrap()
    };
    Expected {
        y: tape.value(affine).to_rows(),
        dy: gradient(of_zero).t().as_standard_layout().to_owned(),
        dx: gradient(of_x).t().as_standard_layout().to_owned(),
        dw: gradient(of_w),
    }
}

/// Every entry lies within what `terms` sums of `sizes` allow, each term off by `off` of itself, and a
/// last rounding to `E`.
fn within<E: Element>(
    found: &Array2<f32>,
    expected: &Array2<f32>,
    sizes: &Array2<f64>,
    terms: usize,
    off: f64,
    what: &str,
) {
    // Sums of either side lose at most 2⁻²³ of their terms at each addition. Below 2⁻¹⁴ the unit of
    // f16 is 2⁻²⁴ and no smaller, in a term, whose other factor is at most 1, and in the result.
    let small = (terms + 1) as f64 * 2.0f64.powi(-25);
    let sums = 2.0 * terms as f64 * 2.0f64.powi(-23) + off;
    Zip::from(found)
        .and(expected)
        .and(sizes)
        .for_each(|&found, &expected, &size| {
            let (found, expected) = (f64::from(found), f64::from(expected));
            let slack = size * sums + unit::<E>() * (expected.abs() + size * sums);
            let error = (found - expected).abs();
            assert!(
                error <= slack + small,
                "{what}: {found} is not {expected} within {slack}"
            );
        });
}

fn sizes_of(left: &Array2<f32>, right: &Array2<f32>) -> Array2<f64> {
    let size = |numbers: &Array2<f32>| numbers.mapv(|number| f64::from(number.abs()));
    size(left).dot(&size(right))
}

fn forward_and_gradients_agree<D: Device>(device: &D) {
    agree::<bf16, D>(device);
    agree::<f16, D>(device);
}

fn agree<E: Element, D: Device>(device: &D) {
    for (tokens, out, inner) in EXTENTS {
        let weights = real::<E>(out, inner, 31);
        let x = real::<E>(tokens, inner, 32);
        let bias = real::<E>(1, out, 33).row(0).to_owned();
        let dense = Matrix::<E, D>::from_f32(device, weights.view()).unwrap();
        let vector = Vector::from_host(device, bias.as_slice().unwrap()).unwrap();
        let (layer, status) = Linear::prune(dense.view(), Some(vector)).unwrap();
        status.finite().unwrap();

        let w = layer.weights().to_packed().unwrap().expand();
        assert_eq!(w, layer.transposed().to_packed().unwrap().expand().t());
        let mask = transposable(&weights);
        for ((row, col), &kept) in w.indexed_iter() {
            let expected = if mask.get(row, col) {
                weights[[row, col]]
            } else {
                0.0
            };
            assert_eq!(kept, expected);
        }

        let expected = on_the_tape(&x, &w, &bias);
        let there = Matrix::<E, D>::from_f32(device, x.view()).unwrap();
        let y = layer.forward(there.view()).unwrap().to_f32().unwrap();
        let sizes = sizes_of(&x, &w.t().to_owned()) + bias.mapv(|b| f64::from(b.abs()));
        within::<E>(&y, &expected.y, &sizes, inner + 1, 0.0, "Y");

        // f16 holds gradients this small only if they are scaled, as losses are in training.
        let scale = 256.0;
        let dy = expected.dy.mapv(|slope| slope * scale);
        let slopes = Matrix::<E, D>::from_f32(device, dy.view()).unwrap();
        // Rounding dY: half a unit, where f16 is not below its smallest normal number.
        let off = unit::<E>();
        let dx = layer.input_gradient(slopes.view()).unwrap();
        let dx = dx.to_f32().unwrap();
        let scaled = expected.dx.mapv(|slope| slope * scale);
        within::<E>(&dx, &scaled, &sizes_of(&dy, &w), out, off, "dX");

        let dw = layer.weight_gradient(slopes.view(), there.view()).unwrap();
        let dw = dw.to_f32().unwrap();
        let scaled = expected.dw.mapv(|slope| slope * scale);
        let sizes = sizes_of(&dy.t().to_owned(), &x);
        within::<E>(&dw, &scaled, &sizes, tokens, off, "dW");

        // What is cut to the mask has the bits of the dense gradient.
        let kept = layer
            .kept_weight_gradient(slopes.view(), there.view())
            .unwrap();
        let plain = layer.weights().to_packed().unwrap();
        let cut = rewire_cuda::mask::Packed24::<f32>::pack(&plain.mask(), dw.view()).unwrap();
        let cut = Packed24::<E, D>::from_packed(device, &cut).unwrap();
        assert_eq!(kept.to_host().unwrap(), cut.to_parts().unwrap().0);
    }
}

fn a_layer_of_packed_weights_is_the_same<D: Device>(device: &D) {
    let (tokens, out, inner) = (9, 21, 35);
    let weights = real::<bf16>(out, inner, 34);
    let mask = transposable(&weights);
    let (plain, turned) =
        rewire_cuda::mask::Packed24::<bf16>::pack_both(&mask, weights.view()).unwrap();
    let there = |packed| Packed24::<bf16, D>::from_packed(device, packed).unwrap();
    let layer = Linear::from_packed(there(&plain), there(&turned), None).unwrap();
    assert!(layer.bias().is_none());
    let dense = Matrix::<bf16, D>::from_f32(device, weights.view()).unwrap();
    let (other, _) = Linear::prune(dense.view(), None).unwrap();
    let x = Matrix::<bf16, D>::from_f32(device, real::<bf16>(tokens, inner, 35).view()).unwrap();
    let dy = Matrix::<bf16, D>::from_f32(device, real::<bf16>(tokens, out, 36).view()).unwrap();
    for (layer, other) in [
        (layer.forward(x.view()), other.forward(x.view())),
        (
            layer.input_gradient(dy.view()),
            other.input_gradient(dy.view()),
        ),
    ] {
        assert_eq!(
            layer.unwrap().to_host().unwrap(),
            other.unwrap().to_host().unwrap()
        );
    }
}

fn parts_that_do_not_fit_are_refused<D: Device>(device: &D) {
    let packed = |rows, cols| {
        let weights = real::<bf16>(rows, cols, 37);
        let mask = transposable(&weights);
        let plain = rewire_cuda::mask::Packed24::<bf16>::pack(&mask, weights.view()).unwrap();
        Packed24::<bf16, D>::from_packed(device, &plain).unwrap()
    };
    let bias = |length| Some(Vector::from_host(device, &vec![0.0; length]).unwrap());
    for (rows, cols, length) in [(8, 12, 12), (12, 9, 12), (8, 12, 11)] {
        let layer = Linear::from_packed(packed(12, 8), packed(rows, cols), bias(length));
        let refused = layer.is_err();
        assert_eq!(refused, (rows, cols, length) != (8, 12, 12));
        if let Err(error) = layer {
            assert!(matches!(error, DeviceError::Size(_)), "{error}");
        }
    }
    let layer = Linear::from_packed(packed(12, 8), packed(8, 12), bias(12)).unwrap();
    let dense = |rows, cols| {
        Matrix::<bf16, D>::from_f32(device, real::<bf16>(rows, cols, 38).view()).unwrap()
    };
    let (x, dy) = (dense(5, 8), dense(5, 12));
    assert!(layer.forward(dy.view()).is_err());
    assert!(layer.input_gradient(x.view()).is_err());
    assert!(layer.weight_gradient(x.view(), dy.view()).is_err());
    assert!(layer.kept_weight_gradient(x.view(), x.view()).is_err());
}
