//! What a configuration asks for in vain: legal settings that change nothing in this run.
//!
//! They are no errors, because a sweep may pass through them; but a run that silently did something
//! else than its settings say would be mistaken for another.

use rewire_autograd::Kernel;
use rewire_autograd::mask::MatrixShape;

use crate::budget::LayerBudget;
use crate::build;
use crate::config::{
    Config, Decay, Method, OptimizerKind, PatternKind, ProductsKind, ScheduleKind, TransformKind,
};
use crate::plan::{Plan, PlannedLayer};

/// One sentence, without an end, for each thing that has no effect.
pub(crate) fn notes(config: &Config, budget: &[LayerBudget], plan: &Plan) -> Vec<String> {
    let mut notes = Vec::new();
    notes.extend(positions(config, budget, plan));
    notes.extend(learning_rate(config, plan.steps));
    let (samples, _, _) = plan.samples;
    if config.data.batch > samples {
        notes.push(format!(
            "`data.batch` is {}, but the training part has {samples} samples: every step takes all",
            config.data.batch
        ));
    }
    notes.extend(budget.iter().filter_map(|layer| edges(config, layer)));
    notes.extend(budget.iter().filter_map(|layer| blocks(config, layer)));
    notes.extend(dense_kernels(config, plan));
    if config.schedule.budget > 0.0 && config.sparsity.method == Method::Dsr {
        notes.push(format!(
            "`schedule.budget` = {} counts the densities of the start; dsr moves weights between \
             layers, which changes what a step costs",
            config.schedule.budget
        ));
    }
    let unused = unused(config).into_iter();
    notes.extend(unused.map(|(key, why)| format!("`{key}` has no effect with {why}")));
    notes
}

/// Why positions never change although the method would change them.
fn positions(config: &Config, budget: &[LayerBudget], plan: &Plan) -> Option<String> {
    let (method, rewire) = (config.sparsity.method, &config.rewire);
    if method == Method::Dense {
        return None;
    }
    let is_full = |layer: &LayerBudget| layer.n_stored() == layer.n_total();
    if budget.iter().all(is_full) {
        let rewirings = match (method, plan.rewirings) {
            (_, 0) => "",
            (Method::Rigl, _) => {
                "; its rewirings move nothing and still take the place of optimizer steps"
            }
            _ => "; its rewirings move nothing",
        };
        return Some(format!(
            "every layer keeps all its weights, so that `{method}` trains a dense network\
             {rewirings}: --method dense does so faster"
        ));
    }
    if method == Method::Static {
        return None;
    }
    let window = build::window(config, plan.steps).ok()?;
    let end = window.end();
    if plan.rewirings == 0 {
        return Some(format!(
            "positions never change: the first rewiring would be at step {} (`rewire.every`), but \
             rewiring ends before step {end}, `rewire.end` = {} of {} steps",
            rewire.every, rewire.end, plan.steps
        ));
    }
    let drops = |layer: &LayerBudget| {
        let n_active = layer.n_active.unwrap_or_default();
        build::fraction(config).count(rewire.every, end, n_active)
    };
    if method != Method::Dsr && budget.iter().all(|layer| drops(layer) == 0) {
        return Some(format!(
            "positions never change: `rewire.fraction` = {} of the active weights of any layer is \
             less than one weight",
            rewire.fraction
        ));
    }
    None
}

/// The weights of a layer that its pattern leaves dense.
fn edges(config: &Config, layer: &LayerBudget) -> Option<String> {
    let pattern = layer.pattern?;
    let shape = MatrixShape::from_dims(&layer.dims);
    let left = pattern.edge_report(shape).ok()?.left_dense;
    (left > 0).then(|| {
        format!(
            "{left} of the {} weights of `{}` fit into no whole unit of {} and stay active",
            layer.n_total(),
            layer.name,
            config.sparsity.pattern
        )
    })
}

/// A layer with fewer blocks than it has rows or columns of blocks: some outputs or inputs are lost.
fn blocks(config: &Config, layer: &LayerBudget) -> Option<String> {
    let PatternKind::Block(block) = config.sparsity.pattern else {
        return None;
    };
    let left = layer
        .pattern?
        .edge_report(MatrixShape::from_dims(&layer.dims));
    let kept = layer.n_stored() - left.ok()?.left_dense;
    let kept = kept / (block.rows * block.cols) as u64;
    let [rows, cols] = [layer.dims[0] / block.rows, layer.dims[1] / block.cols];
    let lost = match (kept < rows as u64, kept < cols as u64) {
        (false, false) => return None,
        (true, false) => "outputs",
        (false, true) => "inputs",
        (true, true) => "outputs and inputs",
    };
    Some(format!(
        "`{}` has {kept} active blocks in {rows} rows and {cols} columns of blocks: some of its \
         {lost} have no weight in any of them",
        layer.name
    ))
}

/// A budget counts products on active weights; a dense kernel multiplies the others too.
fn dense_kernels(config: &Config, plan: &Plan) -> Option<String> {
    let is_sparse = |layer: &&PlannedLayer| layer.n_active < layer.n_total;
    let takes_dense = |layer: &&PlannedLayer| {
        layer
            .kernels
            .is_some_and(|kernels| kernels.contains(&Kernel::Dense))
    };
    let layer = plan.layers.iter().filter(is_sparse).find(takes_dense)?;
    (config.schedule.budget > 0.0).then(|| {
        format!(
            "`schedule.budget` = {} counts products on active weights, but the kernels of `{}` are \
             {}, so that more is executed; `crossover` = [[1,1,1,1,1]] keeps to active weights",
            config.schedule.budget,
            layer.name,
            layer.kernels()
        )
    })
}

/// Why the learning rate never is what the schedule says.
fn learning_rate(config: &Config, steps: u64) -> Option<String> {
    let schedule = &config.schedule;
    if schedule.warmup > steps {
        let highest = schedule.lr * steps as f64 / schedule.warmup as f64;
        return Some(format!(
            "`schedule.warmup` is {} steps, but the run has {steps}: the learning rate only rises, \
             to {highest:.3e} instead of `schedule.lr` = {}",
            schedule.warmup, schedule.lr
        ));
    }
    match schedule.kind {
        ScheduleKind::Cosine | ScheduleKind::Linear if schedule.warmup == steps => Some(format!(
            "`schedule.warmup` takes all {steps} steps of the run: the learning rate never falls"
        )),
        ScheduleKind::Step if schedule.step_every >= steps => Some(format!(
            "`schedule.step_every` is {} steps, but the run has {steps}: the learning rate never \
             falls",
            schedule.step_every
        )),
        _ => None,
    }
}

/// Keys that have a value of their own and mean nothing beside another, with that other.
///
/// A default says nothing wrong where it is not used, so that the complete text of a configuration
/// says no more than a short one.
fn unused(config: &Config) -> Vec<(String, String)> {
    let method = config.sparsity.method;
    let mut base = Config::default();
    base.rewire.decay = Decay::of(method);
    let sgd = config.optimizer.kind == OptimizerKind::Sgd;
    let drops_a_fraction = matches!(method, Method::Set | Method::Rigl);
    let rewires = drops_a_fraction || method == Method::Dsr;
    let by_method = |used: bool| (used, format!("method {method}"));
    let by_optimizer = |used: bool| (used, format!("optimizer {}", config.optimizer.kind));
    let by_schedule = |used: bool| (used, format!("schedule {}", config.schedule.kind));
    let no_transform = || format!("transform {}", config.transform.kind);
    let mut unused = Vec::new();
    for (key, _, _) in config.difference(&base) {
        let (used, why) = match key.as_str() {
            "crossover" => {
                let used = config.products == ProductsKind::Auto;
                (used, format!("products {}", config.products))
            }
            "transform.multiple_of" if config.transform.kind == TransformKind::Parallel => {
                (false, format!("transform {}", config.transform.kind))
            }
            "transform.match"
            | "transform.edges"
            | "transform.multiple_of"
            | "transform.linear" => (config.transform.kind != TransformKind::None, no_transform()),
            "sparsity.allocation" | "sparsity.dense" => by_method(method != Method::Dense),
            "rewire.every" | "rewire.end" => by_method(rewires),
            "rewire.fraction" | "rewire.decay" => by_method(drops_a_fraction),
            "rewire.two_sided" => by_method(method == Method::Set),
            "rewire.sample" => by_method(method == Method::Rigl),
            "rewire.target" | "rewire.threshold" => by_method(method == Method::Dsr),
            "optimizer.momentum" | "optimizer.nesterov" => by_optimizer(sgd),
            "optimizer.beta1" | "optimizer.beta2" | "optimizer.epsilon" => by_optimizer(!sgd),
            "schedule.step_every" | "schedule.step_factor" => {
                by_schedule(config.schedule.kind == ScheduleKind::Step)
            }
            _ => continue,
        };
        if !used {
            unused.push((key, why));
        }
    }
    unused
}
