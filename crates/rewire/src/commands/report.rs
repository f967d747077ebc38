//! The tables of `rewire train`: what will be trained, what came out.

use std::fmt::Write as _;
use std::path::Path;

use rewire_train::config::{Config, Method, PatternKind, TransformKind};
use rewire_train::inspect::Inspection;
use rewire_train::plan::Plan;
use rewire_train::summary::Summary;

use crate::output::{Table, count, flops, own_command, percent, rate, share, times_dense};

/// What the letters in the head of a table of layers stand for.
pub(super) const LEGEND: &str = "R_s: share of the positions that were ever active";

/// The resolved configuration and what it comes to.
///
/// The first part is the text of a configuration file and the second is in comments of one, so
/// that the whole can be saved and used as one.
pub(crate) fn plan(config: &Config, plan: &Plan) -> String {
    let mut table = Table::new([
        "layer",
        "out × in",
        "weights",
        "active",
        "density",
        "FLOPs/sample",
    ]);
    for layer in &plan.layers {
        table.row([
            layer.name.clone(),
            format!("{} × {}", layer.dims[0], layer.dims[1]),
            layer.n_total.to_string(),
            layer.n_active.to_string(),
            share(layer.n_active, layer.n_total),
            layer.flops_forward.to_string(),
        ]);
    }
    let (train, valid, test) = plan.samples;
    let mut facts = Table::new(["", ""]).words(2);
    facts.row(["kernels".to_owned(), kernels(plan)]);
    facts.row([
        "samples".to_owned(),
        format!("{train} training, {valid} held out, {test} test"),
    ]);
    facts.row([
        "parameters".to_owned(),
        format!(
            "{} trained values; budget {} of {} weights",
            plan.n_params, plan.n_active, plan.n_total
        ),
    ]);
    facts.row([
        "length".to_owned(),
        format!(
            "{} in {}, {}",
            count(plan.steps, "step"),
            count(plan.epochs, "epoch"),
            count(plan.rewirings, "rewiring")
        ),
    ]);
    facts.row([
        "cost".to_owned(),
        format!(
            "{}, {}",
            flops(plan.train_flops),
            times_dense(plan.train_flops, plan.train_flops_dense)
        ),
    ]);
    if config.schedule.budget > 0.0 {
        facts.row([
            "budget".to_owned(),
            format!(
                "{} to execute, {} × dense training of {}",
                flops(plan.train_flops_executed),
                config.schedule.budget,
                count(config.schedule.epochs, "epoch")
            ),
        ]);
    }
    facts.row([
        "memory".to_owned(),
        format!(
            "at least {} for weights, positions, gradients, optimizer state, activations",
            plan.memory
        ),
    ]);
    let mut text = config.to_toml();
    text.push('\n');
    for line in format!("{table}{facts}").lines() {
        let _ = writeln!(text, "{}", format!("# {line}").trim_end());
    }
    for note in &plan.notes {
        let _ = writeln!(text, "# note: {note}");
    }
    text
}

/// What multiplies each layer.
pub(crate) fn kernels(plan: &Plan) -> String {
    let layers = plan.layers.iter();
    let choices: Vec<String> = layers
        .map(|layer| format!("{} {}", layer.name, layer.kernels()))
        .collect();
    choices.join("; ")
}

/// What a finished run came to.
pub(crate) fn result(
    config: &Config,
    summary: &Summary,
    inspection: &Inspection,
    folder: &Path,
) -> String {
    let valid = summary.valid_accuracy.zip(summary.valid_loss);
    let mut headings = vec!["after the last epoch", "test"];
    headings.extend(valid.map(|_| "held out"));
    headings.push("training");
    let mut quality = Table::new(headings);
    let row = |name: &str, test: String, valid: Option<String>, train: String| {
        let mut cells = vec![name.to_owned(), test];
        cells.extend(valid);
        cells.push(train);
        cells
    };
    let loss = |loss: f64| format!("{loss:.4}");
    quality.row(row(
        "accuracy",
        percent(summary.test_accuracy),
        valid.map(|(accuracy, _)| percent(accuracy)),
        percent(summary.train_accuracy),
    ));
    quality.row(row(
        "loss",
        loss(summary.test_loss),
        valid.map(|(_, value)| loss(value)),
        loss(summary.train_loss),
    ));

    let mut layers = Table::new(["layer", "weights", "active", "density", "R_s"]);
    for layer in &inspection.layers {
        layers.row([
            layer.name.clone(),
            layer.n_total.to_string(),
            layer.n_active.to_string(),
            share(layer.n_active, layer.n_total),
            layer.coverage.map_or_else(|| "-".to_owned(), rate),
        ]);
    }
    layers.row([
        "all of the budget".to_owned(),
        summary.n_total.to_string(),
        summary.n_active.to_string(),
        share(summary.n_active, summary.n_total),
        rate(summary.coverage),
    ]);

    let mut facts = Table::new(["cost of training", ""]).words(2);
    facts.row([
        "counted as in papers".to_owned(),
        format!(
            "{}, {}",
            flops(summary.train_flops),
            times_dense(summary.train_flops, summary.train_flops_dense)
        ),
    ]);
    facts.row([
        "executed".to_owned(),
        format!(
            "{}, {}",
            flops(summary.train_flops_executed),
            times_dense(
                summary.train_flops_executed,
                summary.train_flops_dense_executed
            )
        ),
    ]);
    facts.row(["time".to_owned(), format!("{:.1} s", summary.seconds)]);

    let next = own_command("eval", folder);
    let inspect = own_command("inspect", folder);
    format!(
        "{}\n\n{quality}\n{layers}{LEGEND}\n\n{facts}\n\
         run folder: {}\nnext: {next}\n  or: {inspect}\n",
        title(config, summary),
        folder.display(),
    )
}

/// What was trained how, for how long, from which seed.
fn title(config: &Config, summary: &Summary) -> String {
    let pattern = match config.sparsity.pattern {
        PatternKind::Unstructured => String::new(),
        pattern => format!(" in {pattern}"),
    };
    let sparsity = match config.sparsity.method {
        Method::Dense => String::new(),
        _ => format!(
            " at sparsity {}{pattern}{}",
            config.sparsity.sparsity,
            others(config)
        ),
    };
    let transform = match config.transform.kind {
        TransformKind::None => String::new(),
        kind => format!(" made {kind}"),
    };
    // Under a budget the last epoch may have been cut.
    let length = match config.schedule.budget {
        0.0 => count(summary.epochs, "epoch"),
        budget => format!("{} for budget {budget}", count(summary.steps, "step")),
    };
    format!(
        "{}{sparsity}: {}{transform} on {}, {length}, seed {}",
        summary.method, config.model.kind, config.data.source, summary.seed
    )
}

/// The layers for which the shared sparsity does not hold: ` (fc1 0.98, fc3 dense)`.
fn others(config: &Config) -> String {
    let own = config.layers.iter();
    let own = own.map(|(name, layer)| format!("{name} {}", layer.sparsity));
    let dense = config.sparsity.dense.iter();
    let dense = dense.map(|name| format!("{name} dense"));
    let all: Vec<String> = own.chain(dense).collect();
    if all.is_empty() {
        return String::new();
    }
    format!(" ({})", all.join(", "))
}
