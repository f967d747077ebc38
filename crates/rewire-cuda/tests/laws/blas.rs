//! The dense products of cuBLASLt, on a GPU that has it.

use half::{bf16, f16};
use rewire_cuda::kernels::{Element as Kind, PackedSize, Prune24};
use rewire_cuda::{CublasLt, Device, DeviceError, Element, Gpu, Matrix};

use crate::rig::{gpu, rounded, whole};

/// The library, or nothing and a line that says so.
fn library() -> Option<(&'static Gpu, CublasLt)> {
    let gpu = gpu()?;
    let blas = CublasLt::open(gpu)
        .inspect_err(|error| println!("skipped with cuBLASLt: {error}"))
        .ok()?;
    Some((gpu, blas))
}

#[test]
fn a_library_that_is_missing_is_an_error() {
    if let Some(gpu) = gpu()
        && let Err(error) = CublasLt::open(gpu)
    {
        let library = "cuBLASLt";
        assert_eq!(error, DeviceError::NoLibrary { library });
    }
}

#[test]
fn its_products_agree() {
    if let Some((gpu, blas)) = library() {
        products::<bf16>(gpu, &blas);
        products::<f16>(gpu, &blas);
    }
}

fn products<E: Element>(gpu: &Gpu, blas: &CublasLt) {
    let put =
        |numbers: &ndarray::Array2<f32>| Matrix::<E, Gpu>::from_f32(gpu, numbers.view()).unwrap();
    // The second time the algorithm is known already.
    for _ in 0..2 {
        for (m, n, k) in [(8, 8, 8), (17, 9, 33), (66, 130, 20), (129, 16, 257)] {
            let (a, b) = (whole(m, k, 4, 70), whole(n, k, 4, 71));
            let expected = rounded::<E>(&a.dot(&b.t()));
            let c = blas.gemm_nt(put(&a).view(), put(&b).view()).unwrap();
            assert_eq!(c.to_f32().unwrap(), expected, "{m} {n} {k}");
            let (a, b) = (a.t().to_owned(), b.t().to_owned());
            let c = blas.gemm_tn(put(&a).view(), put(&b).view()).unwrap();
            assert_eq!(c.to_f32().unwrap(), expected, "{m} {n} {k}");
        }
    }
    // Blocks that begin at a multiple of 16 bytes and of nothing more.
    let (a, b) = (whole(20, 50, 4, 72), whole(30, 61, 4, 73));
    let (left, right) = (put(&a), put(&b));
    let left = left.block(3..20, 8..35).unwrap();
    let c = blas.gemm_nt(left, right.block(1..30, 24..51).unwrap());
    let (a, b) = (
        a.slice(ndarray::s![3..20, 8..35]),
        b.slice(ndarray::s![1..30, 24..51]),
    );
    assert_eq!(c.unwrap().to_f32().unwrap(), rounded::<E>(&a.dot(&b.t())));
}

#[test]
fn it_multiplies_dense_matrices_and_nothing_else() {
    let Some((gpu, blas)) = library() else { return };
    let w = Matrix::<bf16, Gpu>::from_f32(gpu, whole(4, 8, 3, 74).view()).unwrap();
    let other = Matrix::<bf16, Gpu>::from_f32(gpu, whole(4, 9, 3, 75).view()).unwrap();
    assert!(matches!(
        blas.gemm_nt(w.view(), other.view()),
        Err(DeviceError::Size(_))
    ));
    let prune = Prune24 {
        element: Kind::Bf16,
        weights: w.size(),
    };
    let size = PackedSize::new(4, 8).unwrap();
    let (values, metadata) = (size.value_bytes(), size.metadata_bytes());
    let mut buffers = [values, metadata, 4].map(|bytes| gpu.zeros(bytes).unwrap());
    let [values, metadata, status] = &mut buffers;
    let mut operands = [
        w.buffer().into(),
        values.into(),
        metadata.into(),
        status.into(),
    ];
    let refused = blas.run(&prune.call().unwrap(), &mut operands);
    assert!(matches!(refused, Err(DeviceError::Lacks { .. })));
}
