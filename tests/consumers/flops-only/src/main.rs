//! What training LeNet-300-100 with a tenth of its weights costs, against dense training.

use rewire_ift::{LayerCost, NetworkCost, StepKind, TrainingMethod};

fn main() {
    // A tenth of 266 200 weights, shared by the Erdős–Rényi rule; two FLOPs per weight and sample.
    let network = NetworkCost::new([
        ("fc1", LayerCost::linear(784, 300, 18_714)),
        ("fc2", LayerCost::linear(300, 100, 6_906)),
        ("fc3", LayerCost::linear(100, 10, 1_000)),
    ]);
    assert_eq!(network.f_sparse(), 2 * 26_620);
    assert_eq!(network.f_dense(), 2 * 266_200);

    // A hundred steps of RigL: 99 cost 3 f_S, the one that grows costs 2 f_S + f_D.
    let batch = 100;
    let step = |kind| TrainingMethod::Rigl.step(kind, &network, batch);
    let window = 99 * step(StepKind::Train) + step(StepKind::Grow);
    let dense = 100 * TrainingMethod::Dense.step(StepKind::Train, &network, batch);
    let times_dense = window as f64 / dense as f64;
    // (99 · 3 · 0.1 + 2 · 0.1 + 1) / 300, one division away from exact.
    assert!((times_dense - 30.9 / 300.0).abs() <= 4.0 * f64::EPSILON);
    println!("RigL at sparsity 0.9 costs {times_dense:.3} × dense training");
}
