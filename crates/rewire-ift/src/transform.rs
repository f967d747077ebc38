//! The members of the Sparse-IFT family for one layer: sizes at equal FLOPs.
//!
//! A dense layer z ↦ θᵀz of D_in × D_out multiplies D_in · D_out times per position. Each member
//! replaces it by something larger and sparse that multiplies as often (Thangarasa et al., §2.4):
//!
//! | member | instead of θᵀz | size by the paper, at sparsity s | weights that a mask chooses from |
//! |---|---|---|---|
//! | Wide | θᵀz with k·D_in and k·D_out | k = √(1/(1 − s)) | k²·D_in·D_out |
//! | Parallel | Σⱼ σ(θⱼᵀz), k branches | k = 1/(1 − s) | k·D_in·D_out |
//! | Factorized | Vᵀσ(Uᵀz), d between | d = D_in·D_out/((D_in + D_out)(1 − s)) | d·(D_in + D_out) |
//! | Doped | Vᵀ(Uᵀz) + σ(θᵀz), d between, U and V dense | d = s·D_in·D_out/(D_in + D_out) | D_in·D_out |
//!
//! Sizes are whole numbers here, multiples of what is asked for. Rounding changes what the layer
//! costs; the density is therefore solved again from the sizes, so that as many weights are active
//! as the dense layer has, and what remains is reported as the residual.
//!
//! At s = 0 Wide is the dense layer, Parallel and Doped are it if σ is the identity, and Factorized
//! is a dense pair of factors of inner size D_in·D_out/(D_in + D_out), not the dense layer.

use crate::error::PlanError;
use crate::op::product;

/// The most branches a layer may have: each is a matrix of its own.
const MOST_BRANCHES: u64 = 1 << 12;

/// A member of the Sparse-IFT family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transform {
    /// More features on both sides.
    Wide,
    /// A sum of branches.
    Parallel,
    /// Two factors with a non-linearity between them.
    Factorized,
    /// A dense low-rank part and a sparse part side by side.
    Doped,
}

impl Transform {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Wide, Self::Parallel, Self::Factorized, Self::Doped];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wide => "wide",
            Self::Parallel => "parallel",
            Self::Factorized => "factorized",
            Self::Doped => "doped",
        }
    }

    /// The size that the paper's formula gives for this sparsity: k, or d for a layer of these sides.
    ///
    /// # Errors
    /// [`PlanError::Sparsity`] outside [0, 1).
    pub fn exact_size(self, [inputs, outputs]: [u64; 2], sparsity: f64) -> Result<f64, PlanError> {
        if !(0.0..1.0).contains(&sparsity) {
            return Err(PlanError::Sparsity { sparsity });
        }
        let (inputs, outputs) = (inputs as f64, outputs as f64);
        let balanced = inputs * outputs / (inputs + outputs);
        Ok(match self {
            Self::Wide => (1.0 / (1.0 - sparsity)).sqrt(),
            Self::Parallel => 1.0 / (1.0 - sparsity),
            Self::Factorized => balanced / (1.0 - sparsity),
            Self::Doped => balanced * sparsity,
        })
    }

    /// Replaces a dense layer of D_in × D_out by this member; its own sizes are multiples of
    /// `multiple_of` where there is a choice: both sides of Wide, the inner size of Factorized and
    /// Doped.
    ///
    /// # Errors
    /// [`PlanError::Sparsity`] outside [0, 1), [`PlanError::Empty`] for a side or a multiple of 0,
    /// [`PlanError::NoChange`] if a sparsity above 0 is rounded away, [`PlanError::TooLarge`] beyond
    /// 64 bits.
    ///
    /// # Source
    /// Thangarasa et al., Sparse-IFT, §2.4 and table 1.
    ///
    /// # Examples
    /// ```
    /// use rewire_ift::Transform;
    ///
    /// let plan = Transform::Factorized.plan([784, 300], 0.9, 8)?;
    /// // 784 · 300 / 1084 / 0.1 = 2169.7, the next multiple of 8 is 2176.
    /// assert_eq!(plan.size, 2176);
    /// assert_eq!(plan.n_active(), 784 * 300);
    /// assert_eq!(plan.cardinality(), 2176 * 1084);
    /// # Ok::<(), rewire_ift::PlanError>(())
    /// ```
    pub fn plan(
        self,
        [inputs, outputs]: [u64; 2],
        sparsity: f64,
        multiple_of: u64,
    ) -> Result<LayerTransform, PlanError> {
        for (what, size) in [
            ("D_in", inputs),
            ("D_out", outputs),
            ("the multiple that sizes are rounded to", multiple_of),
        ] {
            if size == 0 {
                return Err(PlanError::Empty { what: what.into() });
            }
        }
        let dense = product("a layer", &[inputs, outputs])?;
        let exact = self.exact_size([inputs, outputs], sparsity)?;
        let no_change = |why: String| PlanError::NoChange {
            transform: self.name(),
            sparsity,
            why,
        };
        let matrix = |role, inputs, outputs| -> Result<Factor, PlanError> {
            Ok(Factor {
                role,
                inputs,
                outputs,
                n_active: product("a factor", &[inputs, outputs])?,
            })
        };
        let (size, mut factors) = match self {
            Self::Wide => {
                let wide = [
                    widened(exact, inputs, multiple_of)?,
                    widened(exact, outputs, multiple_of)?,
                ];
                if sparsity > 0.0 && wide == [inputs, outputs] {
                    return Err(no_change(format!(
                        "{exact:.3} times {inputs} and {outputs} features rounds to as many"
                    )));
                }
                (wide[1], vec![matrix(Role::Sparse, wide[0], wide[1])?])
            }
            Self::Parallel => {
                let branches = nearest(exact, 1)?;
                if sparsity > 0.0 && branches == 1 {
                    return Err(no_change(format!("{exact:.3} branches round to one")));
                }
                if branches > MOST_BRANCHES {
                    return Err(PlanError::Branches {
                        branches,
                        most: MOST_BRANCHES,
                    });
                }
                let branch = |index| matrix(Role::Branch(index), inputs, outputs);
                (
                    branches,
                    (0..branches).map(branch).collect::<Result<_, _>>()?,
                )
            }
            Self::Factorized => {
                // Up, so that the factors have room for as many weights as the layer has.
                let inner = multiple((exact / multiple_of as f64).ceil(), multiple_of)?;
                let factors = vec![
                    matrix(Role::Down, inputs, inner)?,
                    matrix(Role::Up, inner, outputs)?,
                ];
                (inner, factors)
            }
            Self::Doped => {
                // Rounded to nothing there would be no low rank at all.
                let rank = match (exact / multiple_of as f64).round() {
                    0.0 => 0,
                    steps => multiple(steps, multiple_of)?,
                };
                if sparsity > 0.0 && rank == 0 {
                    return Err(no_change(format!("a rank of {exact:.3} rounds to 0")));
                }
                let mut factors = vec![matrix(Role::Sparse, inputs, outputs)?];
                if rank > 0 {
                    factors.push(matrix(Role::LowRankDown, inputs, rank)?);
                    factors.push(matrix(Role::LowRankUp, rank, outputs)?);
                }
                (rank, factors)
            }
        };
        share(&mut factors, dense)?;
        Ok(LayerTransform {
            transform: self,
            sides: [inputs, outputs],
            sparsity,
            exact,
            size,
            factors,
        })
    }
}

/// The multiple of `of` next to k times a side, but never less than the side itself.
pub(crate) fn widened(k: f64, side: u64, of: u64) -> Result<u64, PlanError> {
    let size = nearest(k * side as f64, of)?;
    match size < side {
        true => multiple(side.div_ceil(of) as f64, of),
        false => Ok(size),
    }
}

/// The multiple of `of` next to `exact`, at least one of them; ties go up.
fn nearest(exact: f64, of: u64) -> Result<u64, PlanError> {
    multiple((exact / of as f64).round(), of)
}

/// `steps` times `of`, at least once.
fn multiple(steps: f64, of: u64) -> Result<u64, PlanError> {
    // A conversion that is out of range gives the largest number, whose multiple is refused.
    product("a size", &[(steps as u64).max(1), of])
}

/// Makes `budget` weights active: all of the dense factors, the rest shared among the sparse ones in
/// proportion to their sizes, the first taking what does not divide.
fn share(factors: &mut [Factor], budget: u64) -> Result<(), PlanError> {
    let (mut low_rank, mut sparse) = (0u128, 0u128);
    for factor in factors.iter() {
        match factor.role.is_sparse() {
            true => sparse += u128::from(factor.n_active),
            false => low_rank += u128::from(factor.n_active),
        }
    }
    let budget = u128::from(budget);
    let Some(left) = budget.checked_sub(low_rank) else {
        return Err(PlanError::LowRank {
            dense: budget,
            low_rank,
        });
    };
    let left = left.min(sparse);
    let mut given = 0;
    for factor in factors.iter_mut().filter(|factor| factor.role.is_sparse()) {
        let share = left * u128::from(factor.n_active) / sparse;
        given += share;
        // A share is at most the factor's size.
        factor.n_active = share as u64;
    }
    for factor in factors.iter_mut().filter(|factor| factor.role.is_sparse()) {
        let room = u128::from(factor.inputs) * u128::from(factor.outputs);
        let more = (left - given).min(room - u128::from(factor.n_active));
        factor.n_active += more as u64;
        given += more;
    }
    Ok(())
}

/// What a factor of a transformed layer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// θ: a mask chooses among its weights.
    Sparse,
    /// θⱼ, the branch of this index.
    Branch(u64),
    /// U of Factorized: into the inner features.
    Down,
    /// V of Factorized: out of them.
    Up,
    /// U of Doped, dense.
    LowRankDown,
    /// V of Doped, dense.
    LowRankUp,
}

impl Role {
    /// Whether a mask chooses among its weights.
    pub fn is_sparse(self) -> bool {
        !matches!(self, Self::LowRankDown | Self::LowRankUp)
    }

    /// What the factor of a layer called `layer` is called.
    pub fn name(self, layer: &str) -> String {
        match self {
            Self::Sparse => layer.to_owned(),
            Self::Branch(index) => format!("{layer}.{}", index + 1),
            Self::Down => format!("{layer}.u"),
            Self::Up => format!("{layer}.v"),
            Self::LowRankDown => format!("{layer}.low_u"),
            Self::LowRankUp => format!("{layer}.low_v"),
        }
    }
}

/// One matrix of a transformed layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Factor {
    /// What it is for.
    pub role: Role,
    /// Features it reads.
    pub inputs: u64,
    /// Features it makes.
    pub outputs: u64,
    /// Active weights.
    pub n_active: u64,
}

impl Factor {
    /// Weights, active or not.
    pub fn weights(&self) -> u64 {
        self.inputs * self.outputs
    }
}

/// A layer after its transform.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerTransform {
    /// The member.
    pub transform: Transform,
    /// D_in and D_out of the dense layer.
    pub sides: [u64; 2],
    /// The sparsity asked for.
    pub sparsity: f64,
    /// k or d by the paper's formula.
    pub exact: f64,
    /// The whole number taken for it: output features of Wide, branches, inner size, rank.
    pub size: u64,
    /// The matrices it consists of.
    pub factors: Vec<Factor>,
}

impl LayerTransform {
    /// Active weights of all factors.
    pub fn n_active(&self) -> u64 {
        self.factors.iter().map(|factor| factor.n_active).sum()
    }

    /// Weights that a mask chooses from: the cardinality of the search space, table 1 of the paper.
    pub fn cardinality(&self) -> u128 {
        let sparse = self.factors.iter().filter(|factor| factor.role.is_sparse());
        sparse.map(|factor| u128::from(factor.weights())).sum()
    }

    /// Share of inactive weights among those that a mask chooses from.
    pub fn solved_sparsity(&self) -> f64 {
        let sparse = self.factors.iter().filter(|factor| factor.role.is_sparse());
        let n_active: u128 = sparse.map(|factor| u128::from(factor.n_active)).sum();
        1.0 - n_active as f64 / self.cardinality() as f64
    }

    /// Multiply–adds per position above (or below) those of the dense layer.
    ///
    /// 0, because every member has room for as many weights as the dense layer has.
    pub fn residual(&self) -> i128 {
        let [inputs, outputs] = self.sides;
        i128::from(self.n_active()) - i128::from(inputs) * i128::from(outputs)
    }
}
