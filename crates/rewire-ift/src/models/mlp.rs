//! Multilayer perceptrons.

use crate::error::PlanError;
use crate::model::ModelPlan;
use crate::op::{Features, Op, Place};

/// A perceptron `fc1` … `fcN`, every hidden layer normalised if `norm`.
///
/// # Errors
/// A width of 0, or more weights in a layer than 64 bits count.
pub fn mlp(inputs: u64, hidden: &[u64], classes: u64, norm: bool) -> Result<ModelPlan, PlanError> {
    let mut plan = ModelPlan::new("mlp");
    let mut before: Features = plan.fixed("input", inputs).into();
    for (index, &units) in hidden.iter().enumerate() {
        let name = format!("fc{}", index + 1);
        let after: Features = plan.width(name.as_str(), units, 1).into();
        let place = if index == 0 { Place::Stem } else { Place::Body };
        plan.push(&name, place, linear(before, after.clone()))?;
        if norm {
            let op = Op::Norm {
                features: after.clone(),
                positions: 1,
            };
            plan.push(format!("norm{}", index + 1), Place::Body, op)?;
        }
        before = after;
    }
    let classes = plan.fixed("classes", classes);
    let name = format!("fc{}", hidden.len() + 1);
    let place = if hidden.is_empty() {
        Place::Only
    } else {
        Place::Head
    };
    plan.push(name, place, linear(before, classes.into()))?;
    Ok(plan)
}

fn linear(inputs: Features, outputs: Features) -> Op {
    Op::Linear {
        inputs,
        outputs,
        positions: 1,
        bias: true,
    }
}
