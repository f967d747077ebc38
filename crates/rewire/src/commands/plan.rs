//! `rewire plan`: a dense network and its sparse transform side by side.

use rewire_ift::{LayerCount, NetworkTransform};

use super::flops::shape;
use super::network::{plan, transformed};
use crate::args::network::PlanArgs;
use crate::failure::Failure;
use crate::output::{self, Table, flops, rate, share, times_dense};

/// Plans a transform and prints it beside the dense network.
pub(crate) fn run(args: &PlanArgs) -> Result<u8, Failure> {
    let dense = plan(&args.network)?;
    let transform = transformed(&dense, args.transform, args.sparsity, &args.terms)?;
    output::print(&format!("{}\n{}", layers(&transform), totals(&transform)))?;
    Ok(0)
}

fn layers(plan: &NetworkTransform) -> Table {
    let mut table = Table::new([
        "layer",
        "becomes",
        "treatment",
        "dense shape",
        "shape",
        "weights",
        "active",
        "density",
        "× layer",
    ])
    .words(3);
    for (count, layer) in plan.model.counts().iter().zip(&plan.layers) {
        let before = &plan.dense.counts()[layer.source];
        if count.multiply_adds() == 0 {
            continue;
        }
        let active = u128::from(layer.n_active) * u128::from(count.positions);
        let cost = active + u128::from(count.weightless);
        table.row([
            before.name.clone(),
            count.name.clone(),
            layer.treatment.reason().to_owned(),
            shape(before),
            shape(count),
            count.weights.to_string(),
            layer.n_active.to_string(),
            share(layer.n_active, count.weights),
            rate(cost as f64 / LayerCount::multiply_adds(before) as f64),
        ]);
    }
    table
}

fn totals(plan: &NetworkTransform) -> String {
    let mut table = Table::new(["total", "dense", "transformed"]).words(3);
    let n_active = plan.n_active();
    let active: u64 = n_active.iter().sum();
    let weights: u64 = plan.model.matrices().map(|count| count.weights).sum();
    let before: u64 = plan.dense.matrices().map(|count| count.weights).sum();
    for (name, dense, sparse) in [
        (
            "parameters",
            plan.dense.n_params().to_string(),
            plan.model.n_params().to_string(),
        ),
        (
            "trained values",
            plan.dense.n_params().to_string(),
            plan.model.n_trained(&n_active).to_string(),
        ),
        (
            "active weights",
            before.to_string(),
            format!("{active} of {weights}"),
        ),
        (
            "search space",
            "-".to_owned(),
            format!("{} weights", plan.cardinality()),
        ),
        (
            "forward, all operations",
            flops(plan.dense_flops()),
            format!(
                "{}, {}",
                flops(plan.flops()),
                times_dense(plan.flops(), plan.dense_flops())
            ),
        ),
        (
            "residual",
            "-".to_owned(),
            format!("{} FLOPs per sample", plan.residual()),
        ),
    ] {
        table.row([name.to_owned(), dense, sparse]);
    }
    table.to_string()
}
