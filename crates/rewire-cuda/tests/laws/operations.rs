//! Each operation against plain Rust on odd sizes.
//!
//! The numbers are whole and small where something is multiplied, so that every order of summation
//! gives the same bits: the emulator, the GPU and the oracle have to agree exactly.

use half::{bf16, f16};
use ndarray::Array2;
use rewire_cuda::kernels::{Activation, SizeError};
use rewire_cuda::mask;
use rewire_cuda::{
    Device, DeviceError, Element, Matrix, Packed24, Vector, expand24, gemm_nt, gemm_tn,
    mask_gradient24, prune24, prune24_transposable, spmm24,
};

use crate::rig::{along_rows, laws, real, rounded, transposable, unit, whole};

/// Three extents around the edges of fragments, steps and tiles.
const EXTENTS: [(usize, usize, usize); 6] = [
    (1, 1, 1),
    (2, 5, 3),
    (17, 9, 33),
    (31, 65, 64),
    (66, 130, 20),
    (129, 16, 257),
];

/// Rows × columns around the edges of groups, words, steps and blocks.
const SIZES: [(usize, usize); 7] = [
    (1, 1),
    (3, 6),
    (4, 4),
    (9, 65),
    (33, 30),
    (65, 17),
    (62, 259),
];

laws!(
    sparse_products_agree,
    gelu_agrees,
    dense_products_agree,
    products_of_blocks_agree,
    pruning_agrees,
    transposable_pruning_agrees,
    weights_that_are_no_numbers_are_counted,
    expansion_agrees,
    gradients_are_cut_to_the_mask,
    sizes_have_to_fit,
);

fn matrix<E: Element, D: Device>(device: &D, numbers: &Array2<f32>) -> Matrix<E, D> {
    Matrix::from_f32(device, numbers.view()).unwrap()
}

/// The packed form of what a mask keeps, on the host and on the device.
fn pack<E: Element, D: Device>(
    device: &D,
    mask: &mask::Mask,
    weights: &Array2<f32>,
) -> (mask::Packed24<f32>, Packed24<E, D>) {
    let plain = mask::Packed24::pack(mask, weights.view()).unwrap();
    let there = Packed24::from_packed(device, &plain).unwrap();
    (plain, there)
}

fn sparse_products_agree<D: Device>(device: &D) {
    sparse_product::<bf16, D>(device);
    sparse_product::<f16, D>(device);
}

fn sparse_product<E: Element, D: Device>(device: &D) {
    for (tokens, out, inner) in EXTENTS {
        let w = whole(out, inner, 4, 1);
        let x = whole(tokens, inner, 4, 2);
        let bias = whole(1, out, 30, 3);
        let (plain, there) = pack::<E, D>(device, &along_rows(&w), &w);
        let sums = x.dot(&plain.expand().t());
        let x = matrix::<E, D>(device, &x);
        let vector = Vector::from_host(device, bias.as_slice().unwrap()).unwrap();

        let y = spmm24(&there, x.view(), None, Activation::Identity).unwrap();
        assert_eq!(
            y.to_f32().unwrap(),
            rounded::<E>(&sums),
            "{tokens} {out} {inner}"
        );
        let y = spmm24(&there, x.view(), Some(&vector), Activation::Relu).unwrap();
        let expected = (&sums + &bias.row(0)).mapv(|sum| sum.max(0.0));
        assert_eq!(
            y.to_f32().unwrap(),
            rounded::<E>(&expected),
            "{tokens} {out} {inner}"
        );
    }
}

fn gelu_agrees<D: Device>(device: &D) {
    let (tokens, out, inner) = (5, 19, 24);
    let w = real::<f16>(out, inner, 4);
    let x = real::<f16>(tokens, inner, 5);
    let (plain, there) = pack::<f16, D>(device, &along_rows(&w), &w);
    let y = spmm24(
        &there,
        matrix::<f16, D>(device, &x).view(),
        None,
        Activation::Gelu,
    )
    .unwrap();
    let y = y.to_f32().unwrap();
    let (w, x) = (plain.expand().mapv(f64::from), x.mapv(f64::from));
    let (sums, sizes) = (x.dot(&w.t()), x.mapv(f64::abs).dot(&w.mapv(f64::abs).t()));
    for ((found, &sum), &size) in y.iter().zip(&sums).zip(&sizes) {
        let inside = (2.0 / std::f64::consts::PI).sqrt() * (sum + 0.044_715 * sum.powi(3));
        let expected = sum / 2.0 * (1.0 + inside.tanh());
        // The slope of GELU is below 1.13, the sum is off by what its terms allow, and a hyperbolic
        // tangent in hardware is off by up to 2⁻¹⁰·⁹⁸⁷.
        let slack = 1.13 * size * (inner as f64) * 2.0f64.powi(-23)
            + sum.abs() / 2.0 * 2.0f64.powf(-10.987)
            + unit::<f16>() * expected.abs()
            + 2.0f64.powi(-25);
        let error = (f64::from(*found) - expected).abs();
        assert!(error <= slack, "{sum}: {found} {expected}");
    }
}

fn dense_products_agree<D: Device>(device: &D) {
    dense_products::<bf16, D>(device);
    dense_products::<f16, D>(device);
}

fn dense_products<E: Element, D: Device>(device: &D) {
    for (m, n, k) in EXTENTS {
        let (a, b) = (whole(m, k, 4, 6), whole(n, k, 4, 7));
        let expected = rounded::<E>(&a.dot(&b.t()));
        let (left, right) = (matrix::<E, D>(device, &a), matrix::<E, D>(device, &b));
        let c = gemm_nt(left.view(), right.view()).unwrap();
        assert_eq!(c.to_f32().unwrap(), expected, "{m} {n} {k}");

        let turned = |numbers: &Array2<f32>| matrix::<E, D>(device, &numbers.t().to_owned());
        let (left, right) = (turned(&a), turned(&b));
        let c = gemm_tn(left.view(), right.view()).unwrap();
        assert_eq!(c.to_f32().unwrap(), expected, "{m} {n} {k}");
    }
}

fn products_of_blocks_agree<D: Device>(device: &D) {
    let (a, b) = (whole(20, 50, 4, 8), whole(30, 61, 4, 9));
    let (left, right) = (matrix::<bf16, D>(device, &a), matrix::<bf16, D>(device, &b));
    let c = gemm_nt(
        left.block(3..20, 16..43).unwrap(),
        right.block(1..30, 24..51).unwrap(),
    )
    .unwrap();
    let (a, b) = (
        a.slice(ndarray::s![3..20, 16..43]),
        b.slice(ndarray::s![1..30, 24..51]),
    );
    assert_eq!(c.to_f32().unwrap(), rounded::<bf16>(&a.dot(&b.t())));
}

fn pruning_agrees<D: Device>(device: &D) {
    prune::<bf16, D>(device);
    prune::<f16, D>(device);
}

fn prune<E: Element, D: Device>(device: &D) {
    for (rows, cols) in SIZES {
        // Few different magnitudes, so that there are ties.
        for w in [whole(rows, cols, 3, 10), real::<E>(rows, cols, 11)] {
            let pruned = prune24(matrix::<E, D>(device, &w).view()).unwrap();
            pruned.status.finite().unwrap();
            let expected = mask::Packed24::<f32>::pack(&along_rows(&w), w.view()).unwrap();
            assert_eq!(
                pruned.packed.to_packed().unwrap(),
                expected,
                "{rows} {cols}"
            );
        }
    }
}

fn transposable_pruning_agrees<D: Device>(device: &D) {
    prune_both::<bf16, D>(device);
    prune_both::<f16, D>(device);
}

fn prune_both<E: Element, D: Device>(device: &D) {
    for (rows, cols) in SIZES {
        for w in [whole(rows, cols, 3, 12), real::<E>(rows, cols, 13)] {
            let pruned = prune24_transposable(matrix::<E, D>(device, &w).view()).unwrap();
            pruned.status.finite().unwrap();
            let mask = transposable(&w);
            let (plain, turned) = mask::Packed24::<f32>::pack_both(&mask, w.view()).unwrap();
            assert_eq!(pruned.packed.to_packed().unwrap(), plain, "{rows} {cols}");
            let found = pruned.transposed.to_packed().unwrap();
            assert_eq!(found, turned, "{rows} {cols}");
        }
    }
}

fn weights_that_are_no_numbers_are_counted<D: Device>(device: &D) {
    let mut w = real::<bf16>(10, 37, 14);
    let wrong = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
    for (index, number) in wrong.into_iter().enumerate() {
        w[[3 * index + 1, 36 - index]] = number;
        let w = matrix::<bf16, D>(device, &w);
        let count = index as u32 + 1;
        let expected = Err(DeviceError::NonFinite { count });
        let pruned = prune24(w.view()).unwrap();
        assert_eq!(pruned.status.finite(), expected);
        // Legal all the same.
        pruned.packed.to_packed().unwrap();
        let pruned = prune24_transposable(w.view()).unwrap();
        assert_eq!(pruned.status.finite(), expected);
        pruned.packed.to_packed().unwrap();
        pruned.transposed.to_packed().unwrap();
    }
}

fn expansion_agrees<D: Device>(device: &D) {
    expand::<bf16, D>(device);
    expand::<f16, D>(device);
}

fn expand<E: Element, D: Device>(device: &D) {
    for (rows, cols) in SIZES {
        let w = real::<E>(rows, cols, 15);
        let (plain, there) = pack::<E, D>(device, &along_rows(&w), &w);
        let dense = expand24(&there).unwrap();
        assert_eq!(dense.to_f32().unwrap(), plain.expand(), "{rows} {cols}");
    }
}

fn gradients_are_cut_to_the_mask<D: Device>(device: &D) {
    cut::<bf16, D>(device);
    cut::<f16, D>(device);
}

fn cut<E: Element, D: Device>(device: &D) {
    for (rows, cols) in SIZES {
        let (w, g) = (real::<E>(rows, cols, 16), real::<E>(rows, cols, 17));
        // A full mask of the gradient's shape that lies where the weights are kept.
        let (plain, there) = pack::<E, D>(device, &along_rows(&w), &w);
        let kept = mask::Packed24::<f32>::pack(&plain.mask(), g.view()).unwrap();
        let expected = Packed24::<E, D>::from_packed(device, &kept).unwrap();
        let values = mask_gradient24(matrix::<E, D>(device, &g).view(), &there).unwrap();
        let (expected, _) = expected.to_parts().unwrap();
        assert_eq!(values.to_host().unwrap(), expected, "{rows} {cols}");
    }
}

fn sizes_have_to_fit<D: Device>(device: &D) {
    let dense = |rows, cols| matrix::<bf16, D>(device, &whole(rows, cols, 1, 18));
    let (_, packed) = pack::<bf16, D>(
        device,
        &along_rows(&whole(6, 9, 1, 19)),
        &whole(6, 9, 1, 19),
    );
    let what = |error: DeviceError| match error {
        DeviceError::Size(SizeError::Mismatch { what, found, .. }) => (what, found),
        other => panic!("{other}"),
    };
    let (left, right) = (dense(3, 8), dense(4, 9));
    let refused = gemm_nt(left.view(), right.view()).unwrap_err();
    assert_eq!(what(refused), ("columns of a and of b", (8, 9)));
    let refused = gemm_tn(left.view(), right.view()).unwrap_err();
    assert_eq!(what(refused), ("rows of a and of b", (3, 4)));
    let refused = spmm24(&packed, left.view(), None, Activation::Identity).unwrap_err();
    assert_eq!(what(refused), ("columns of w and of x", (9, 8)));
    let bias = Vector::from_host(device, &[1.0; 7]).unwrap();
    let refused = spmm24(&packed, right.view(), Some(&bias), Activation::Identity).unwrap_err();
    assert_eq!(what(refused), ("rows of w and numbers of the bias", (6, 7)));
    let refused = mask_gradient24(right.view(), &packed).unwrap_err();
    assert_eq!(what(refused), ("rows of the two matrices", (6, 4)));
}
