//! The network that takes the place of the configured one: the shapes of a Sparse-IFT plan as a
//! trainable model.
//!
//! `rewire-ift` plans sizes and counts; here the plan becomes the shape of a perceptron and the
//! budget of its matrices. The two are built apart and compared matrix by matrix, so that what is
//! trained is what was counted.

use rewire_ift::{NetworkCost, NetworkTransform, Role, Transform, Treatment, WidthRule, models};
use rewire_nn::{Member, Members, MlpSpec, Norm};

use crate::budget::LayerBudget;
use crate::config::Config;
use crate::error::TrainError;

/// The plan of the configured transform for this model, if there is one.
///
/// # Errors
/// [`TrainError::Transform`] if there is no such network.
pub(crate) fn plan(
    config: &Config,
    spec: &MlpSpec,
) -> Result<Option<NetworkTransform>, TrainError> {
    let Some(member) = config.transform.member() else {
        return Ok(None);
    };
    let hidden: Vec<u64> = spec.hidden.iter().map(|&units| units as u64).collect();
    let norm = spec.norm != Norm::None;
    let dense = models::mlp(spec.inputs as u64, &hidden, spec.outputs as u64, norm)?;
    let terms = config.transform.terms(norm);
    let sparsity = config.sparsity.sparsity;
    Ok(Some(NetworkTransform::new(
        &dense, member, sparsity, terms,
    )?))
}

/// The shape of the network of a plan.
pub(crate) fn spec(plan: &NetworkTransform, spec: MlpSpec) -> Result<MlpSpec, TrainError> {
    let free = (plan.model.widths().iter()).filter(|width| width.rule != WidthRule::Fixed);
    let hidden = (free.take(spec.hidden.len()))
        .map(|width| whole(&width.name, width.size))
        .collect::<Result<Vec<usize>, _>>()?;
    let sources = plan.dense.counts().iter().enumerate();
    let members = sources
        .filter(|(_, count)| count.weights > 0)
        .map(|(source, _)| member(plan, source))
        .collect::<Result<Vec<Member>, _>>()?;
    Ok(MlpSpec {
        hidden,
        members: Members {
            layers: members,
            linear: !plan.terms.non_linear,
        },
        ..spec
    })
}

/// What took the place of one layer of the dense network.
fn member(plan: &NetworkTransform, source: usize) -> Result<Member, TrainError> {
    let (mut branches, mut inner, mut rank) = (0, None, None);
    let is_doped = plan.transform == Transform::Doped;
    for (layer, count) in plan.layers.iter().zip(plan.model.counts()) {
        if layer.source != source {
            continue;
        }
        let outputs = || count.dims.first().copied().unwrap_or_default();
        match layer.role {
            Some(Role::Branch(_)) => branches += 1,
            Some(Role::Down) => inner = Some(whole(&count.name, outputs())?),
            Some(Role::LowRankDown) => rank = Some(whole(&count.name, outputs())?),
            // At sparsity 0 there is no low rank, but σ all the same.
            Some(Role::Sparse) if is_doped => rank = rank.or(Some(0)),
            Some(Role::Sparse | Role::Up | Role::LowRankUp) | None => {}
        }
    }
    Ok(match (branches, inner, rank) {
        (0, None, None) => Member::Plain,
        (0, Some(inner), _) => Member::Factorized { inner },
        (0, None, Some(rank)) => Member::Doped { rank },
        (branches, _, _) => Member::Parallel { branches },
    })
}

fn whole(name: &str, size: u64) -> Result<usize, TrainError> {
    usize::try_from(size).map_err(|_| {
        TrainError::Transform(rewire_ift::PlanError::TooLarge {
            what: name.to_owned(),
        })
    })
}

/// The budget of every matrix of the network, which is the plan's.
///
/// # Errors
/// [`TrainError::Bug`] if the network has other matrices than the plan.
pub(crate) fn budget(
    plan: &NetworkTransform,
    spec: &MlpSpec,
) -> Result<Vec<LayerBudget>, TrainError> {
    let planned = plan.model.counts().iter().zip(&plan.layers);
    let mut planned = planned.filter(|(count, _)| count.weights > 0);
    let mut budget = Vec::new();
    for (name, dims) in spec.layers() {
        let Some((count, layer)) = planned.next() else {
            return Err(differ(&name, "nothing"));
        };
        if count.name != name || !count.dims.iter().eq(dims.map(|side| side as u64).iter()) {
            return Err(differ(&name, &count.name));
        }
        let is_dense = match layer.treatment {
            Treatment::Transformed => false,
            Treatment::Edge => plan.terms.edges == rewire_ift::Edges::Dense,
            Treatment::LowRank
            | Treatment::KeptHead
            | Treatment::KeptStem
            | Treatment::KeptSmall
            | Treatment::KeptGroups
            | Treatment::Weightless => true,
        };
        budget.push(LayerBudget {
            name,
            dims,
            n_active: (!is_dense).then_some(layer.n_active),
            pattern: None,
        });
    }
    if let Some((count, _)) = planned.next() {
        return Err(differ("nothing", &count.name));
    }
    let vectors: u64 = plan.model.counts().iter().map(|count| count.vectors).sum();
    if vectors != spec.n_vector_values() {
        return Err(differ(
            &format!("{} biases, scales and shifts", spec.n_vector_values()),
            &vectors.to_string(),
        ));
    }
    Ok(budget)
}

/// What the dense network costs that the plan began with.
///
/// # Errors
/// [`TrainError::Bug`] if the trained network does not cost what was planned.
pub(crate) fn dense_cost(
    plan: &NetworkTransform,
    cost: &NetworkCost,
) -> Result<NetworkCost, TrainError> {
    let planned = plan.cost()?;
    let costs = |of: fn(&NetworkCost) -> u128| (of(cost), of(&planned));
    for (found, planned) in [
        costs(NetworkCost::f_sparse),
        costs(NetworkCost::f_dense),
        costs(NetworkCost::f_unneeded),
    ] {
        if found != planned {
            return Err(TrainError::Bug {
                what: format!(
                    "the model costs {found} FLOPs per sample, the plan of its transform {planned}"
                ),
            });
        }
    }
    Ok(plan.dense.dense_cost())
}

fn differ(model: &str, plan: &str) -> TrainError {
    TrainError::Bug {
        what: format!("the model has {model} where the plan of its transform has {plan}"),
    }
}
