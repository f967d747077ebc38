//! The products of a warp: 64 columns of the result, which are the rows of `mma`, by 64 rows.
//!
//! A step multiplies four fragments of W, 16 columns each, by units of X. A unit is what one
//! `ldmatrix.x4` brings: beside a sparse W 8 rows by 32 summed columns, beside a dense one 16 rows
//! by 16.

use super::strip::Fragment;
use crate::Element;

/// Fragments of W that a warp takes for a step.
pub(crate) const W_FRAGMENTS: u32 = 4;

/// Eights of rows of the result that a warp computes.
const ROW_TILES: u32 = 8;

/// Which product.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Product {
    /// W holds two of every four summed columns.
    Sparse,
    Dense,
}

impl Product {
    /// Units of X in a step.
    pub(crate) const fn units(self) -> u32 {
        match self {
            Self::Sparse => 8,
            Self::Dense => 4,
        }
    }

    /// The fragment of X that goes with it.
    pub(crate) const fn right(self) -> Fragment {
        match self {
            Self::Sparse => Fragment::RightSparse,
            Self::Dense => Fragment::RightDense,
        }
    }

    /// The sums, at 0, and the fragments: those of W for so many steps, those of X for one.
    pub(crate) fn registers(self, w: &str, x: &str, steps: u32) -> String {
        let mut lines = String::from(
            "// The sums: %sum<m><n>_ of columns 16m and rows 8n of the warp, then the fragments.\n",
        );
        for m in 0..W_FRAGMENTS {
            let names: Vec<String> = (0..ROW_TILES).map(|n| format!("%sum{m}{n}_<4>")).collect();
            lines += &format!(".reg .f32 {};\n", names.join(", "));
        }
        let w = (0..steps).map(|step| (left(w, step), W_FRAGMENTS));
        for (prefix, count) in w.chain([(format!("%{x}"), self.units())]) {
            let names: Vec<String> = (0..count)
                .map(|index| format!("{prefix}{index}_<4>"))
                .collect();
            lines += &format!(".reg .b32 {};\n", names.join(", "));
        }
        for m in 0..W_FRAGMENTS {
            for n in 0..ROW_TILES {
                for register in 0..4 {
                    lines += &format!("mov.f32 %sum{m}{n}_{register}, 0f00000000;\n");
                }
            }
        }
        lines
    }

    /// Multiplies the fragments of W for a step by a unit of X. Beside a sparse W the step is also
    /// the sparsity selector: which lanes supply the pairs of these 32 columns.
    pub(crate) fn multiply(
        self,
        element: Element,
        (w, x): (&str, &str),
        unit: u32,
        (set, step): (u32, u32),
    ) -> String {
        let types = format!("row.col.f32.{element}.{element}.f32");
        let right = quad(&format!("%{x}{unit}"));
        let mut lines = String::new();
        for m in 0..W_FRAGMENTS {
            let left = quad(&format!("{}{m}", left(w, set)));
            match self {
                Self::Sparse => {
                    let sum = quad(&format!("%sum{m}{unit}"));
                    lines += &format!(
                        "mma.sp::ordered_metadata.sync.aligned.m16n8k32.{types} {sum}, {left}, {right}, {sum}, %pairs{m}, {step};\n"
                    );
                }
                Self::Dense => {
                    for (n, low, high) in [(2 * unit, 0, 1), (2 * unit + 1, 2, 3)] {
                        let sum = quad(&format!("%sum{m}{n}"));
                        lines += &format!(
                            "mma.sync.aligned.m16n8k16.{types} {sum}, {left}, {{%{x}{unit}_{low}, %{x}{unit}_{high}}}, {sum};\n"
                        );
                    }
                }
            }
        }
        lines
    }
}

/// How the fragments of W for a step are called, but for their number.
pub(crate) fn left(w: &str, step: u32) -> String {
    format!("%{w}_{}", ["even", "odd"][step as usize % 2])
}

/// The four registers of a fragment or of a sum.
pub(crate) fn quad(name: &str) -> String {
    format!("{{{name}_0, {name}_1, {name}_2, {name}_3}}")
}
