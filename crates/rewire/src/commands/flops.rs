//! `rewire flops`: what a network costs, layer by layer and in total.

use rewire_ift::{
    LayerCount, NetworkCost, StepKind, TrainingMethod, descriptive_bits, rigl_published_factor,
};
use serde_json::{Value, json};

use super::network::{Counted, refusal};
use crate::args::network::FlopsArgs;
use crate::failure::Failure;
use crate::output::{self, Table, flops, rate, share, times_dense};

/// Counts a network and prints what it costs.
pub(crate) fn run(args: &FlopsArgs) -> Result<u8, Failure> {
    let counted = Counted::of(args)?;
    let cost = (counted.model.cost(&counted.n_active)).map_err(refusal)?;
    let bill = Bill::of(args, &counted, &cost);
    let text = if args.json {
        format!("{:#}\n", bill.json(args, &counted, &cost))
    } else if args.csv {
        csv(&counted, &cost)
    } else {
        format!("{}\n{}", layers(&counted, &cost), bill.table(args))
    };
    output::print(&text)?;
    Ok(0)
}

/// A count beside what it is divided by.
#[derive(Clone, Copy)]
struct Ratio {
    flops: u128,
    dense: u128,
}

impl Ratio {
    fn shown(self) -> String {
        let Self {
            flops: count,
            dense,
        } = self;
        format!("{}, {}", flops(count), times_dense(count, dense))
    }

    fn json(self) -> Value {
        let ratio = self.flops as f64 / self.dense as f64;
        json!({ "flops": whole(self.flops), "dense": whole(self.dense), "times_dense": ratio })
    }
}

/// The totals of a network.
struct Bill {
    /// With every weight, active or not.
    n_params: u128,
    /// With the active weights alone.
    n_trained: u128,
    weights: u64,
    n_active: u64,
    cardinality: u128,
    bits: u128,
    forward: Ratio,
    pointwise: Ratio,
    /// An ordinary step, a step that rewires, and the mean over a window of steps.
    algorithmic: [Ratio; 3],
    executed: [Ratio; 3],
    /// RigL's cost as its paper counts a window.
    published: Option<f64>,
}

impl Bill {
    fn of(args: &FlopsArgs, counted: &Counted, cost: &NetworkCost) -> Self {
        let matrices: Vec<&LayerCount> = counted.model.matrices().collect();
        let weights = matrices.iter().map(|count| count.weights).sum();
        let n_active = counted.n_active.iter().sum();
        // What is compared with: the network before its transform, or with every weight active.
        let reference = match &counted.transform {
            Some(transform) => &transform.dense,
            None => &counted.model,
        };
        let dense = reference.dense_cost();
        let batch = args.batch;
        let scaled = |count: u128| count * u128::from(batch);
        let method = args.method.counted(0);
        type Count = fn(TrainingMethod, StepKind, &NetworkCost, u64) -> u128;
        let steps = |count: Count| {
            let dense = count(TrainingMethod::Dense, StepKind::Train, &dense, batch);
            let [train, grow] =
                [StepKind::Train, StepKind::Grow].map(|kind| count(method, kind, cost, batch));
            let every = u128::from(args.every);
            let window = train * (every - 1) + grow;
            [
                Ratio {
                    flops: train,
                    dense,
                },
                Ratio { flops: grow, dense },
                Ratio {
                    flops: window / every,
                    dense,
                },
            ]
        };
        let published = (method == TrainingMethod::Rigl).then(|| {
            let mean = rigl_published_factor(cost.f_sparse(), cost.f_dense(), args.every);
            mean / (3.0 * dense.f_dense() as f64)
        });
        Self {
            n_params: counted.model.n_params(),
            n_trained: counted.model.n_trained(&counted.n_active),
            weights,
            n_active,
            cardinality: counted.model.cardinality(&counted.n_active),
            bits: descriptive_bits(weights, n_active),
            forward: Ratio {
                flops: scaled(cost.f_sparse()),
                dense: scaled(dense.f_dense()),
            },
            pointwise: Ratio {
                flops: scaled(counted.model.pointwise()),
                dense: scaled(reference.pointwise()),
            },
            algorithmic: steps(TrainingMethod::step),
            executed: steps(TrainingMethod::executed_step),
            published,
        }
    }

    fn table(&self, args: &FlopsArgs) -> String {
        let mut table = Table::new(["total", ""]).words(2);
        let mut row = |name: &str, value: String| table.row([name.to_owned(), value]);
        row("parameters", self.n_params.to_string());
        row("trained values", self.n_trained.to_string());
        let density = share(self.n_active, self.weights);
        row(
            "active weights",
            format!("{} of {}, density {density}", self.n_active, self.weights),
        );
        row("search space", format!("{} weights", self.cardinality));
        row(
            "length",
            format!("{} bits: 32 per active weight, one per position", self.bits),
        );
        row("forward", self.forward.shown());
        if self.pointwise.flops > 0 {
            row("normalisation, pooling", self.pointwise.shown());
        }
        let [train, grow, mean] = self.algorithmic.map(Ratio::shown);
        row("training step", train);
        row("step that rewires", grow);
        row(&format!("mean over {} steps", args.every), mean);
        let [train, grow, mean] = self.executed.map(Ratio::shown);
        row("executed: training step", train);
        row("executed: step that rewires", grow);
        row(&format!("executed: mean over {} steps", args.every), mean);
        if let Some(published) = self.published {
            row("RigL as published", format!("{} × dense", rate(published)));
        }
        format!(
            "{table}One multiply-add is 2 FLOPs; batch {}. A step is three products per layer, by the papers'\n\
             convention; executed leaves out the gradient of the data and, in a step of RigL that rewires, the weight\n\
             gradients of layers that have nothing to grow.\n",
            args.batch
        )
    }

    fn json(&self, args: &FlopsArgs, counted: &Counted, cost: &NetworkCost) -> Value {
        let steps = |[train, grow, mean]: [Ratio; 3]| json!({ "train": train.json(), "rewire": grow.json(), "mean": mean.json() });
        let layers: Vec<Value> = rows(counted, cost)
            .map(|row| {
                json!({
                    "name": row.count.name,
                    "place": row.count.place.name(),
                    "dims": row.count.dims,
                    "positions": row.count.positions,
                    "weights": row.count.weights,
                    "n_active": row.n_active,
                    "forward_flops_per_sample": whole(row.forward),
                    "dense_flops_per_sample": whole(row.dense),
                    "pointwise": row.count.pointwise,
                    "vectors": row.count.vectors,
                    "treatment": row.reason,
                })
            })
            .collect();
        json!({
            "model": counted.model.name(),
            "batch": args.batch,
            "every": args.every,
            "method": args.method.to_string(),
            "sparsity": args.sparsity,
            "transform": counted.transform.as_ref().map(|transform| json!({
                "kind": transform.transform.name(),
                "match": args.terms.matching.to_string(),
                "edges": args.terms.edges.to_string(),
                "multiple_of": args.terms.multiple_of,
                "linear": args.terms.linear,
                "residual_flops_per_sample": transform.residual() as f64,
            })),
            "parameters": whole(self.n_params),
            "trained_values": whole(self.n_trained),
            "weights": self.weights,
            "n_active": self.n_active,
            "search_space": whole(self.cardinality),
            "descriptive_bits": whole(self.bits),
            "forward": self.forward.json(),
            "pointwise": self.pointwise.json(),
            "algorithmic": steps(self.algorithmic),
            "executed": steps(self.executed),
            "rigl_published_times_dense": self.published,
            "layers": layers,
        })
    }
}

/// A count as a number of JSON: exact below 2⁶⁴, rounded to 53 bits above.
fn whole(count: u128) -> Value {
    u64::try_from(count).map_or_else(|_| json!(count as f64), Value::from)
}

/// One layer as it is shown.
struct Row<'a> {
    count: &'a LayerCount,
    n_active: u64,
    forward: u128,
    dense: u128,
    reason: Option<&'static str>,
}

fn rows<'a>(counted: &'a Counted, cost: &'a NetworkCost) -> impl Iterator<Item = Row<'a>> {
    let counts = counted.model.counts().iter().zip(&counted.n_active);
    counts
        .zip(&cost.layers)
        .enumerate()
        .map(|(index, ((count, &n_active), layer))| Row {
            count,
            n_active,
            forward: layer.cost.forward(1),
            dense: layer.cost.dense().forward(1),
            reason: (counted.treatment(index)).map(rewire_ift::Treatment::reason),
        })
}

/// Layers that multiply; a row for what does not would say nothing.
fn layers(counted: &Counted, cost: &NetworkCost) -> Table {
    let mut headings = vec![
        "layer",
        "place",
        "shape",
        "positions",
        "weights",
        "active",
        "density",
        "FLOPs/sample",
    ];
    let is_transformed = counted.transform.is_some();
    if is_transformed {
        headings.insert(2, "treatment");
    }
    let mut table = Table::new(headings).words(2 + usize::from(is_transformed));
    for row in rows(counted, cost).filter(|row| row.forward > 0 || row.dense > 0) {
        let mut cells = vec![
            row.count.name.clone(),
            row.count.place.name().to_owned(),
            shape(row.count),
            row.count.positions.to_string(),
            row.count.weights.to_string(),
            row.n_active.to_string(),
            share(row.n_active, row.count.weights),
            row.forward.to_string(),
        ];
        if is_transformed {
            cells.insert(2, row.reason.unwrap_or_default().to_owned());
        }
        table.row(cells);
    }
    table
}

/// Out × in, and the kernel of a convolution.
pub(super) fn shape(count: &LayerCount) -> String {
    if count.dims.is_empty() {
        return "-".to_owned();
    }
    let dims: Vec<String> = count.dims.iter().map(u64::to_string).collect();
    dims.join(" × ")
}

fn csv(counted: &Counted, cost: &NetworkCost) -> String {
    let mut text =
        "layer,place,treatment,shape,positions,weights,n_active,forward_flops_per_sample,\
                    dense_flops_per_sample,pointwise,vectors\n"
            .to_owned();
    for row in rows(counted, cost) {
        let dims: Vec<String> = row.count.dims.iter().map(u64::to_string).collect();
        let cells = [
            row.count.name.clone(),
            row.count.place.name().to_owned(),
            row.reason.unwrap_or_default().to_owned(),
            dims.join("x"),
            row.count.positions.to_string(),
            row.count.weights.to_string(),
            row.n_active.to_string(),
            row.forward.to_string(),
            row.dense.to_string(),
            row.count.pointwise.to_string(),
            row.count.vectors.to_string(),
        ];
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    text
}
