//! The layers of a transformed network, before its densities are solved.

use super::{Edges, Terms, TransformedLayer, Treatment};
use crate::error::PlanError;
use crate::model::{Layer, ModelPlan, WidthRule};
use crate::op::{Features, Groups, LayerCount, Op, Place};
use crate::transform::{LayerTransform, Role, Transform, widened as widened_size};
use crate::window::Window;

type Transformed = (ModelPlan, Vec<TransformedLayer>);

/// Every free width k times as wide.
pub(super) fn widened(
    dense: &ModelPlan,
    sparsity: f64,
    terms: Terms,
) -> Result<Transformed, PlanError> {
    let k = Transform::Wide.exact_size([1, 1], sparsity)?;
    let mut sizes = Vec::with_capacity(dense.widths().len());
    for width in dense.widths() {
        sizes.push(match width.rule {
            WidthRule::Fixed => width.size,
            // A width that no multiple of the terms divides at k = 1 stays what it is.
            WidthRule::Free { .. } if sparsity == 0.0 => width.size,
            WidthRule::Free { multiple_of } => {
                let of =
                    common_multiple(multiple_of.max(1), terms.multiple_of).ok_or_else(|| {
                        PlanError::TooLarge {
                            what: format!("a multiple for {}", width.name),
                        }
                    })?;
                widened_size(k, width.size, of)?
            }
        });
    }
    let unchanged = dense.widths().iter().zip(&sizes);
    if sparsity > 0.0 && unchanged.clone().all(|(width, &size)| width.size == size) {
        return Err(PlanError::NoChange {
            transform: Transform::Wide.name(),
            sparsity,
            why: format!("{k:.3} times every width rounds to the width itself"),
        });
    }
    let model = dense.resized(&sizes)?;
    let mut layers = Vec::with_capacity(model.layers().len());
    for (source, layer) in dense.layers().iter().enumerate() {
        let (before, after) = (&dense.counts()[source], &model.counts()[source]);
        let treatment = match layer.op.matrix_features() {
            None => Treatment::Weightless,
            Some((inputs, outputs)) if is_edge(dense, &layer.op, inputs, outputs) => {
                Treatment::Edge
            }
            Some(_) => Treatment::Transformed,
        };
        let n_active = match (treatment, terms.edges) {
            (Treatment::Edge, Edges::Dense) => after.weights,
            (Treatment::Edge, Edges::Uniform) => {
                (after.weights as f64 * (1.0 - sparsity)).round() as u64
            }
            _ => before.weights.min(after.weights),
        };
        layers.push(TransformedLayer {
            source,
            treatment,
            role: (treatment != Treatment::Weightless).then_some(Role::Sparse),
            n_active,
        });
    }
    Ok((model, layers))
}

/// Whether the cost grows with k and not with k²: one side is given, or each channel is by itself.
fn is_edge(plan: &ModelPlan, op: &Op, inputs: &Features, outputs: &Features) -> bool {
    let given = |features: &Features| {
        let is_fixed = |&(width, _)| plan.width_of(width).rule == WidthRule::Fixed;
        features.0.iter().all(is_fixed)
    };
    let depthwise = matches!(
        op,
        Op::Conv2d {
            groups: Groups::Depthwise,
            ..
        }
    );
    depthwise || given(inputs) || given(outputs)
}

/// Every layer between data and logits replaced by a member that keeps its widths.
pub(super) fn replaced(
    dense: &ModelPlan,
    transform: Transform,
    sparsity: f64,
    terms: Terms,
) -> Result<Transformed, PlanError> {
    let mut model = dense.without_layers();
    let mut layers = Vec::new();
    let mut unchanged = None;
    for (source, (layer, count)) in dense.layers().iter().zip(dense.counts()).enumerate() {
        let treatment = match fate(layer, count, transform, sparsity, terms)? {
            Fate::Replaced(plan) => {
                let of_layer = factors(&mut model, (source, layer, count), &plan, terms)?;
                layers.extend(of_layer);
                continue;
            }
            Fate::Unchanged(error) => {
                unchanged = Some(error);
                Treatment::KeptSmall
            }
            Fate::Kept(treatment) => treatment,
        };
        model.insert(layer.clone())?;
        layers.push(TransformedLayer {
            source,
            treatment,
            role: None,
            n_active: count.weights,
        });
    }
    if !layers.iter().any(|layer| layer.treatment.is_sparse()) {
        return Err(unchanged.unwrap_or(PlanError::NoChange {
            transform: transform.name(),
            sparsity,
            why: "no layer is left between those that are kept".into(),
        }));
    }
    Ok((model, layers))
}

/// What is to become of a layer.
enum Fate {
    Replaced(LayerTransform),
    /// Nothing, because the sizes of its transform are rounded to its own.
    Unchanged(PlanError),
    Kept(Treatment),
}

fn fate(
    layer: &Layer,
    count: &LayerCount,
    transform: Transform,
    sparsity: f64,
    terms: Terms,
) -> Result<Fate, PlanError> {
    if let Some(treatment) = kept(layer, count, terms) {
        return Ok(Fate::Kept(treatment));
    }
    let sides = count.sides().unwrap_or_default();
    match transform.plan(sides, sparsity, terms.multiple_of) {
        Ok(plan) => Ok(Fate::Replaced(plan)),
        Err(error @ PlanError::NoChange { .. }) => Ok(Fate::Unchanged(error)),
        Err(error @ PlanError::Sparsity { .. }) => Err(error),
        Err(source) => Err(PlanError::Layer {
            layer: layer.name.clone(),
            source: Box::new(source),
        }),
    }
}

/// Adds the factors of a layer to the model, each with its normalisation.
fn factors(
    model: &mut ModelPlan,
    (source, layer, count): (usize, &Layer, &LayerCount),
    plan: &LayerTransform,
    terms: Terms,
) -> Result<Vec<TransformedLayer>, PlanError> {
    let mut layers = Vec::new();
    let mut inner = None;
    for factor in &plan.factors {
        let sparse = factor.role.is_sparse();
        // U makes what V reads: one width for both, and never the data.
        let (between, place) = match factor.role {
            Role::Down | Role::LowRankDown => {
                let name = format!("{}.inner", layer.name);
                inner = Some(model.width(name, factor.outputs, terms.multiple_of));
                (inner, layer.place)
            }
            Role::Up | Role::LowRankUp => (inner, Place::Body),
            Role::Sparse | Role::Branch(_) => (None, layer.place),
        };
        let bends = sparse && terms.non_linear && factor.role != Role::Up;
        let name = factor.role.name(&layer.name);
        let op = factor_op(&layer.op, factor.role, between.map(Features::from), bends)?;
        let features = op.matrix_features().map(|(_, outputs)| outputs.clone());
        model.push(&name, place, op)?;
        layers.push(TransformedLayer {
            source,
            treatment: match sparse {
                true => Treatment::Transformed,
                false => Treatment::LowRank,
            },
            role: Some(factor.role),
            n_active: factor.n_active,
        });
        if let Some(features) = features.filter(|_| bends && terms.norm) {
            let positions = count.positions;
            let norm = Op::Norm {
                features,
                positions,
            };
            model.push(format!("{name}.norm"), Place::Body, norm)?;
            layers.push(TransformedLayer {
                source,
                treatment: Treatment::Weightless,
                role: None,
                n_active: 0,
            });
        }
    }
    Ok(layers)
}

/// Why a layer is not replaced, or `None`.
fn kept(layer: &Layer, count: &LayerCount, terms: Terms) -> Option<Treatment> {
    if count.weights == 0 {
        return Some(Treatment::Weightless);
    }
    if let Op::Conv2d { groups, .. } = layer.op
        && groups != Groups::Count(1)
    {
        return Some(Treatment::KeptGroups);
    }
    match layer.place {
        Place::Head | Place::Only => Some(Treatment::KeptHead),
        Place::Stem if terms.edges == Edges::Dense => Some(Treatment::KeptStem),
        Place::Stem | Place::Body => None,
    }
}

/// The op of one factor. U of a convolution has its kernel, V is 1 × 1 over the pixels that come out.
fn factor_op(op: &Op, role: Role, inner: Option<Features>, bias: bool) -> Result<Op, PlanError> {
    let up = matches!(role, Role::Up | Role::LowRankUp);
    // The bias of the layer itself is added once.
    let carries_bias = matches!(role, Role::Sparse | Role::Up | Role::Branch(0));
    let mut factor = op.clone();
    match &mut factor {
        Op::Linear {
            inputs,
            outputs,
            bias: own,
            ..
        } => {
            *own = bias || (*own && carries_bias);
            if let Some(inner) = inner {
                *(if up { inputs } else { outputs }) = inner;
            }
        }
        Op::Conv2d {
            inputs,
            outputs,
            window,
            bias: own,
            ..
        } => {
            *own = bias || (*own && carries_bias);
            if let Some(inner) = inner {
                *(if up { inputs } else { outputs }) = inner;
            }
            if up {
                *window = Window::new(window.output()?, [1, 1]);
            }
        }
        Op::Attention { .. } | Op::Embedding { .. } | Op::Norm { .. } | Op::Pool { .. } => {}
    }
    Ok(factor)
}

fn common_multiple(a: u64, b: u64) -> Option<u64> {
    let (mut x, mut y) = (a, b);
    while y > 0 {
        (x, y) = (y, x % y);
    }
    (a / x).checked_mul(b)
}
