//! Finds the planted weights of a layer by gradient: one weight at a time, as matching pursuit does.
//!
//! There is no tape and no optimizer here, only the four products of one layer.

use rewire_sparse::mask::{
    Candidates, GrowthRequest, LayerRequest, MaskError, MatrixShape, Rewiring, Topology, WeightView,
};
use rewire_sparse::{Batch, Geometry, GradientPair, Plain, Products};

const SAMPLES: usize = 200;

fn main() -> Result<(), MaskError> {
    let shape = MatrixShape::new(3, 40);
    let layer = Geometry::linear(shape);
    let planted = Topology::from_positions(shape, [7, 33, 60, 101])?;
    let truth = WeightView::Active {
        topology: &planted,
        values: &[1.0, -0.5, 2.0, 1.5],
    };

    let mut x = Batch::zeros(SAMPLES, shape.cols);
    let rows: Vec<f32> = (0..SAMPLES * shape.cols)
        .map(|i| ((i * i) as f32 * 0.618_034).sin())
        .collect();
    x.fill_rows(&rows);
    let mut target = Batch::zeros(SAMPLES, shape.rows);
    let flops = Plain.forward(layer, truth, &x, &mut target);
    assert_eq!(flops, 2 * 4 * SAMPLES as u64);

    let mut topology = Topology::empty(shape);
    let mut values: Vec<f32> = Vec::new();
    for found in 0..4 {
        // The steepest inactive weight of the squared error of what is not explained yet.
        let residual = residual(layer, &topology, &values, &x, &target);
        let pair = GradientPair {
            output_gradient: &residual,
            input: &x,
        };
        let request = LayerRequest {
            growth: GrowthRequest::TopK { k: 1 },
            readmitted: Vec::new(),
        };
        let view = WeightView::Active {
            topology: &topology,
            values: &values,
        };
        let (Candidates::Best(best), _) = Plain.growth(layer, view, &[pair], &request)? else {
            panic!("a request for the best is answered by candidates");
        };
        let grown = Rewiring::new(Vec::new(), vec![best[0].position])?;
        let (after, gather) = topology.apply(&grown)?;
        values = gather.gather(&values, 0.0);
        topology = after;
        assert_eq!(topology.n_active(), found + 1);
        fit(layer, &topology, &mut values, &x, &target);
    }

    assert_eq!(topology, planted);
    for (value, truth) in values.iter().zip([1.0, -0.5, 2.0, 1.5]) {
        assert!((value - truth).abs() < 1e-3, "{value} instead of {truth}");
    }
    println!("found the 4 planted of {} weights: {values:?}", shape.len());
    Ok(())
}

/// What the layer makes of `x`, minus the target.
fn residual(layer: Geometry, topology: &Topology, values: &[f32], x: &Batch, t: &Batch) -> Batch {
    let mut y = Batch::zeros(SAMPLES, layer.outputs());
    let view = WeightView::Active { topology, values };
    Plain.forward(layer, view, x, &mut y);
    for (y, &t) in y.values_mut().iter_mut().zip(t.values()) {
        *y -= t;
    }
    y
}

/// Gradient descent on the mean squared error of the active weights.
fn fit(layer: Geometry, topology: &Topology, values: &mut [f32], x: &Batch, target: &Batch) {
    for _ in 0..60 {
        let residual = residual(layer, topology, values, x, target);
        let mut gradient = vec![0.0; values.len()];
        let view = WeightView::Active { topology, values };
        let pair = GradientPair {
            output_gradient: &residual,
            input: x,
        };
        Plain.weight_gradient(layer, view, pair, &mut gradient);
        for (value, gradient) in values.iter_mut().zip(gradient) {
            // The mean square of x is a half, so this is a step of one half of Newton's.
            *value -= gradient / SAMPLES as f32;
        }
    }
}
