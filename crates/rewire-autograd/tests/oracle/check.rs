//! The one check that every op goes through.

use std::sync::Arc;

use ndarray::Array2;
use rewire_autograd::{Gradients, ParameterId, Plain, Tape};

use super::equations::Equations;
use super::losses::Loss;
use super::number::{Number, Rounded};
use super::stored::{Store, Stored};

/// Samples × features around every edge: one, odd numbers, panels of 64 samples, runs of 32, 16
/// and 4.
pub(crate) const SHAPES: [(usize, usize); 24] = [
    (1, 1),
    (1, 2),
    (1, 7),
    (2, 1),
    (2, 5),
    (3, 3),
    (4, 4),
    (5, 16),
    (7, 13),
    (15, 6),
    (17, 9),
    (31, 8),
    (32, 5),
    (33, 4),
    (63, 3),
    (64, 1),
    (64, 7),
    (65, 2),
    (65, 11),
    (100, 5),
    (127, 3),
    (128, 9),
    (130, 4),
    (130, 33),
];

/// Entries of an operand that are differentiated numerically.
const PROBES: usize = 24;

/// Half the distance of a central difference. Its truncation error is h²/6 times the third
/// derivative, its rounding error about 2⁻⁵²/h: 10⁻¹⁰ and 10⁻¹¹ of values around 1.
const H: f64 = 1e-5;

/// Checks op and loss together: the oracle's gradient against differences (to the relative error
/// `allowed`), and the tape's values and gradients against the oracle.
///
/// `operands` are the input and the parameters as matrices with zeros for inactive weights,
/// `stored` the parameters as the tape gets them. The input gradient is seen as well: the input is
/// made of a parameter, as the product of its transpose with the identity.
pub(crate) fn check<E: Equations, L: Loss>(
    op: &E,
    loss: &L,
    operands: &[Array2<f32>],
    stored: Vec<Stored>,
    allowed: f64,
    what: &str,
) {
    differences_agree(op, loss, operands, allowed, what);

    let x = &operands[0];
    let transposed = x.t().as_standard_layout().to_owned();
    let store = Store([vec![Stored::dense(&transposed)], stored].concat());
    let ids: Vec<ParameterId> = (1..store.0.len()).map(ParameterId).collect();
    let mut tape = Tape::new(Arc::new(Plain));
    let identity: Vec<f32> = Array2::<f32>::eye(x.nrows()).into_iter().collect();
    let input = tape.input(&identity, x.nrows(), x.nrows());
    let input = tape.linear(&store, input, ParameterId(0));
    assert_eq!(tape.value(input).to_rows(), x, "{what}: the input");
    let output = op.record(&mut tape, &store, input, &ids);
    let (end, mean) = loss.record(&mut tape, output);
    let mut found = Gradients::new();
    tape.backward(end, &store, &mut found);

    let exact: Vec<Array2<Rounded>> = operands.iter().map(as_numbers).collect();
    let y = op.forward(&exact);
    let values = tape.value(output).to_rows();
    assert_eq!(values.dim(), y.dim(), "{what}: the output");
    let pairs = y.iter().zip(values.iter().map(|&v| f64::from(v)));
    all_within(pairs, 1.0, &format!("{what}: the output"));
    let expected = loss.mean(&y);
    let kept = f64::from(tape.value(end).values()[0]);
    let losses = [(&expected, mean), (&expected, kept)].into_iter();
    all_within(losses, 1.0, &format!("{what}: the loss"));

    let dy = loss.backward(&y);
    // Each term of the loss has a slope around 1.
    let scale = 1.0 / loss.terms(&y).len() as f64;
    let mut gradients = op.backward(&exact, &dy);
    gradients[0] = gradients[0].t().as_standard_layout().to_owned();
    for (index, (stored, gradient)) in store.0.iter().zip(&gradients).enumerate() {
        let what = format!("{what}: gradient of operand {index}");
        let shape = stored.view().shape();
        let found = found.get(ParameterId(index));
        let positions = stored.positions();
        assert_eq!(found.len(), positions.len(), "{what}");
        let zero = Rounded::of(0.0);
        let expected: Vec<&Rounded> = positions
            .iter()
            .map(|&position| match stored.has_gradient(position) {
                true => &gradient[shape.row_col(position)],
                false => &zero,
            })
            .collect();
        let found = found.iter().map(|&v| f64::from(v));
        all_within(expected.into_iter().zip(found), scale, &what);
    }
}

/// Every value lies within its bound and within 10⁻⁴ of the largest value or of `scale`, whichever
/// is larger; and no bound is so wide that it says nothing: it stays below 10⁻³ of the same.
fn all_within<'a>(pairs: impl Iterator<Item = (&'a Rounded, f64)>, scale: f64, what: &str) {
    let (mut widest, mut worst, mut largest) = (0.0f64, 0.0f64, scale);
    for (index, (expected, found)) in pairs.enumerate() {
        let error = (expected.value - found).abs();
        // Written so that NaN fails.
        assert!(
            error <= expected.slack,
            "{what}, entry {index}: {found} instead of {}, {error:e} off where {:e} is allowed",
            expected.value,
            expected.slack
        );
        worst = worst.max(error);
        widest = widest.max(expected.slack);
        largest = largest.max(expected.value.abs());
    }
    assert!(
        worst <= 1e-4 * largest && widest <= 1e-3 * largest,
        "{what}: an error of {worst:e} in a bound of {widest:e} is too much for values up to \
         {largest:e}"
    );
}

/// The oracle's gradients of the loss by every operand.
pub(crate) fn gradients<N: Number, E: Equations, L: Loss>(
    op: &E,
    loss: &L,
    operands: &[Array2<N>],
) -> Vec<Array2<N>> {
    let y = op.forward(operands);
    op.backward(operands, &loss.backward(&y))
}

/// Central differences of the oracle's loss agree with the oracle's gradient.
pub(crate) fn differences_agree<E: Equations, L: Loss>(
    op: &E,
    loss: &L,
    operands: &[Array2<f32>],
    allowed: f64,
    what: &str,
) {
    let mut exact: Vec<Array2<f64>> = operands.iter().map(as_numbers).collect();
    let gradients = gradients(op, loss, &exact);
    for (operand, gradient) in gradients.iter().enumerate() {
        let n = gradient.len();
        let largest = gradient.iter().fold(0.0, |max: f64, g| max.max(g.abs()));
        // A stride that shares no factor with common sizes reaches all rows and columns.
        let stride = if n <= PROBES { 1 } else { n / PROBES + 1 };
        for flat in (0..n).step_by(stride).chain(n.checked_sub(1)) {
            let at = [flat / gradient.ncols(), flat % gradient.ncols()];
            let start = exact[operand][at];
            let mut terms = |shift: f64| {
                exact[operand][at] = start + shift;
                loss.terms(&op.forward(&exact))
            };
            let (above, below) = (terms(H), terms(-H));
            exact[operand][at] = start;
            let differences = above.iter().zip(&below).map(|(a, b)| a - b);
            let slope = differences.sum::<f64>() / above.len() as f64 / (2.0 * H);
            let error = (slope - gradient[at]).abs();
            assert!(
                error <= allowed * gradient[at].abs().max(1e-3 * largest),
                "{what}: operand {operand} at {at:?}: the difference {slope} is not the gradient \
                 {}: {:e} relative error",
                gradient[at],
                error / gradient[at].abs()
            );
        }
    }
}

fn as_numbers<N: Number>(matrix: &Array2<f32>) -> Array2<N> {
    matrix.mapv(|value| N::of(f64::from(value)))
}
