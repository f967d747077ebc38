//! A network that is counted and not trained: its plan, and how many of its weights are active.

use rewire_ift::{ModelPlan, NetworkTransform, PlanError, Transform, Treatment, models};
use rewire_mask::{Density, LayerDims, MaskError, allocate};
use rewire_train::config::{Allocation, Method};
use rewire_train::error::ErrorKind;

use crate::args::network::{FlopsArgs, NetworkArgs, TransformArgs};
use crate::failure::Failure;

/// A network with a count of active weights for each layer.
pub(super) struct Counted {
    pub(super) model: ModelPlan,
    /// One entry per layer of the model; 0 where there are no weights.
    pub(super) n_active: Vec<u64>,
    /// The transform it comes from, if it does.
    pub(super) transform: Option<NetworkTransform>,
}

impl Counted {
    /// The network of these arguments, transformed or allocated.
    pub(super) fn of(args: &FlopsArgs) -> Result<Self, Failure> {
        if args.method == Method::Dense && args.sparsity > 0.0 {
            return Err(Failure::new(
                ErrorKind::Usage,
                format!("--sparsity is {}, but the method is dense", args.sparsity),
            )
            .hint("leave the sparsity out, or choose a method other than dense"));
        }
        let dense = plan(&args.network)?;
        if let Some(member) = args.transform {
            let transform = transformed(&dense, member, args.sparsity, &args.terms)?;
            return Ok(Self {
                model: transform.model.clone(),
                n_active: transform.n_active(),
                transform: Some(transform),
            });
        }
        let n_active = allocated(&dense, args)?;
        Ok(Self {
            model: dense,
            n_active,
            transform: None,
        })
    }

    /// What became of a layer of the model.
    pub(super) fn treatment(&self, layer: usize) -> Option<Treatment> {
        let transform = self.transform.as_ref()?;
        transform.layers.get(layer).map(|layer| layer.treatment)
    }
}

/// The network of a name.
pub(super) fn plan(args: &NetworkArgs) -> Result<ModelPlan, Failure> {
    models::named(&args.model, args.sizes()).map_err(refusal)
}

/// A network at equal FLOPs.
pub(super) fn transformed(
    dense: &ModelPlan,
    transform: Transform,
    sparsity: f64,
    args: &TransformArgs,
) -> Result<NetworkTransform, Failure> {
    let is_normalised = (dense.counts().iter()).any(|count| count.pointwise > 0);
    let terms = args.settings().terms(is_normalised);
    NetworkTransform::new(dense, transform, sparsity, terms).map_err(refusal)
}

/// Active weights of every layer under an allocation rule.
fn allocated(model: &ModelPlan, args: &FlopsArgs) -> Result<Vec<u64>, Failure> {
    let names: Vec<&str> = model.matrices().map(|count| count.name.as_str()).collect();
    for name in &args.dense {
        if !names.contains(&name.as_str()) {
            return Err(Failure::new(
                ErrorKind::Usage,
                format!(
                    "--dense: {} has no layer `{name}` with weights",
                    model.name()
                ),
            )
            .hint(format!("it has {}", names.join(", "))));
        }
    }
    let is_shared = |name: &str| !args.dense.iter().any(|dense| dense == name);
    let dims: Vec<(&str, Vec<usize>)> = model
        .matrices()
        .filter(|count| is_shared(&count.name))
        .map(|count| {
            // A side beyond the machine's words is beyond what a mask can index.
            let dims = count.dims.iter().map(|&side| usize::try_from(side));
            let dims: Result<Vec<usize>, _> = dims.collect();
            dims.map(|dims| (count.name.as_str(), dims))
                .map_err(|_| Failure::new(ErrorKind::Usage, format!("{} is too large", count.name)))
        })
        .collect::<Result<_, _>>()?;
    let layers: Vec<LayerDims<'_>> = (dims.iter())
        .map(|(name, dims)| LayerDims { name, dims })
        .collect();
    let rule = args.allocation.unwrap_or(Allocation::Erk).rule();
    let density = Density::from_sparsity(args.sparsity).map_err(|error| of_mask(&error))?;
    let counts = allocate(&layers, density, rule).map_err(|error| of_mask(&error))?;
    let mut counts = counts.into_iter();
    let of = |count: &rewire_ift::LayerCount| match count.weights {
        0 => 0,
        weights if !is_shared(&count.name) => weights,
        weights => counts.next().unwrap_or(weights),
    };
    Ok(model.counts().iter().map(of).collect())
}

fn of_mask(error: &MaskError) -> Failure {
    let hint = match error {
        MaskError::EmptyLayer { .. } => "lower the sparsity, or name the layer under --dense",
        _ => "--sparsity takes a share in [0, 1), such as 0.9",
    };
    Failure::new(ErrorKind::Usage, error.to_string()).hint(hint)
}

/// A plan that cannot be made, with what can be done about it.
pub(super) fn refusal(error: PlanError) -> Failure {
    let hint = match &error {
        PlanError::Unknown { .. } => {
            "perceptrons are written as mlp:INPUTS,HIDDEN,..,CLASSES".to_owned()
        }
        PlanError::Infeasible { .. } => {
            "--edges matched keeps the cost of the edges, --match layer leaves the difference"
                .into()
        }
        PlanError::NoChange { .. } => "ask for a higher sparsity or smaller multiples".to_owned(),
        PlanError::Sparsity { .. } => "--sparsity takes a share in [0, 1), such as 0.75".to_owned(),
        PlanError::Layer { .. }
        | PlanError::LowRank { .. }
        | PlanError::Branches { .. }
        | PlanError::NoWeights { .. } => "ask for a lower sparsity or smaller multiples".to_owned(),
        PlanError::Widths { .. }
        | PlanError::Empty { .. }
        | PlanError::TooLarge { .. }
        | PlanError::Window { .. }
        | PlanError::Indivisible { .. }
        | PlanError::Counts { .. }
        | PlanError::Active { .. }
        | PlanError::Unused { .. } => "--help states what options take".to_owned(),
    };
    Failure::new(ErrorKind::Usage, error.to_string()).hint(hint)
}
