//! A device is used from several threads.

use std::thread;

use half::bf16;
use rewire_cuda::{Device, DeviceError, Linear, Matrix, Status, Vector, gemm_nt};

use crate::rig::{laws, rounded, whole};

laws!(threads_share_a_device, results_move_between_threads);

fn threads_share_a_device<D: Device>(device: &D) {
    thread::scope(|scope| {
        for seed in 0..4 {
            scope.spawn(move || {
                for round in 0..3 {
                    let (a, b) = (whole(17, 40, 4, seed), whole(9, 40, 4, seed + round));
                    let put = |numbers: &ndarray::Array2<f32>| {
                        Matrix::<bf16, D>::from_f32(device, numbers.view()).unwrap()
                    };
                    let c = gemm_nt(put(&a).view(), put(&b).view()).unwrap();
                    let expected = rounded::<bf16>(&a.dot(&b.t()));
                    assert_eq!(c.to_f32().unwrap(), expected);
                }
            });
        }
    });
}

fn results_move_between_threads<D: Device>(device: &D) {
    let (w, x) = (whole(20, 24, 4, 50), whole(6, 24, 4, 51));
    let put = |numbers: &ndarray::Array2<f32>| {
        Matrix::<bf16, D>::from_f32(device, numbers.view()).unwrap()
    };
    let bias = Vector::from_host(device, &[1.0; 20]).unwrap();
    let (layer, status): (Linear<bf16, D>, Status<D>) =
        Linear::prune(put(&w).view(), Some(bias)).unwrap();
    let x = put(&x);
    let y = thread::scope(|scope| {
        let layer = &layer;
        let x = &x;
        let queued = scope.spawn(move || layer.forward(x.view()));
        queued.join().unwrap()
    });
    let again = layer.forward(x.view()).unwrap();
    assert_eq!(y.unwrap().to_host().unwrap(), again.to_host().unwrap());
    let checked: Result<(), DeviceError> = thread::scope(|scope| {
        let asked = scope.spawn(move || status.finite());
        asked.join().unwrap()
    });
    checked.unwrap();
}
