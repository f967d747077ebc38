//! `rewire inspect`: what a checkpoint or model holds, layer by layer.

use rewire_train::inspect::{Inspection, inspect};

use super::report::LEGEND;
use crate::args::InspectArgs;
use crate::failure::Failure;
use crate::output::{self, Table, count, flops, rate, share, times_dense};

/// Reads a checkpoint or model and prints its tables.
pub(crate) fn run(args: &InspectArgs) -> Result<u8, Failure> {
    let inspection = inspect(&args.path)?;
    output::print(&format!(
        "{}\n{}{LEGEND}\n",
        facts(&inspection),
        layers(&inspection)
    ))?;
    Ok(0)
}

fn facts(inspection: &Inspection) -> Table {
    let file = inspection.file.display().to_string();
    let mut table = Table::new([inspection.kind.name(), &file]).words(2);
    let epochs = match inspection.total_epochs {
        Some(total) => format!("{} of {}", inspection.epoch, count(total, "epoch")),
        None => count(inspection.epoch, "epoch"),
    };
    let progress = format!("step {}, {epochs}", inspection.step);
    let budget = format!(
        "{} of {} active, density {}",
        inspection.n_active,
        inspection.n_total,
        share(inspection.n_active, inspection.n_total)
    );
    let cost = format!(
        "{}, {}",
        flops(inspection.train_flops),
        times_dense(inspection.train_flops, inspection.train_flops_dense)
    );
    let executed = format!(
        "{}, {}",
        flops(inspection.train_flops_executed),
        times_dense(
            inspection.train_flops_executed,
            inspection.train_flops_dense_executed
        )
    );
    for (name, value) in [
        ("written by", format!("rewire {}", inspection.version)),
        ("progress", progress),
        ("configuration", inspection.config_hash.clone()),
        ("weights", inspection.weights_sha256.clone()),
        ("trained values", inspection.n_params.to_string()),
        ("budget", budget),
        ("cost so far", cost),
        ("executed so far", executed),
    ] {
        table.row([name.to_owned(), value]);
    }
    table
}

fn layers(inspection: &Inspection) -> Table {
    let mut table = Table::new([
        "layer",
        "storage",
        "columns",
        "out × in",
        "active",
        "density",
        "R_s",
        "lowest",
        "highest",
        "mean |w|",
        "rows without weights",
    ])
    .words(3);
    for layer in &inspection.layers {
        let dims: Vec<String> = layer.dims.iter().map(usize::to_string).collect();
        table.row([
            layer.name.clone(),
            layer.storage.to_owned(),
            match layer.columns.join(",") {
                none if none.is_empty() => "-".to_owned(),
                columns => columns,
            },
            dims.join(" × "),
            layer.n_active.to_string(),
            share(layer.n_active, layer.n_total),
            layer.coverage.map_or_else(|| "-".to_owned(), rate),
            of_weights(layer.n_active, layer.min),
            of_weights(layer.n_active, layer.max),
            of_weights(layer.n_active, layer.mean_magnitude),
            layer.dead_rows.to_string(),
        ]);
    }
    table
}

/// A statistic of active weights, where there are any.
fn of_weights(n_active: u64, value: impl Into<f64>) -> String {
    match n_active {
        0 => "-".to_owned(),
        _ => format!("{:.4}", value.into()),
    }
}
