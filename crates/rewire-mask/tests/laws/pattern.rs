//! Patterns against definitions that are written down entry by entry.
//!
//! What stands here labels every entry of a small matrix with the group, tile or block it belongs
//! to, and shares no code with the crate. The files below ask one question each.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do, by panicking"
)]

mod answers;
mod broken;
mod defects;
mod edges;
mod extents;
mod gaussian;
mod inputs;
mod invariance;
mod optimal;
mod random;
mod refusals;
mod regrow;
mod release;
mod threads;
mod tiles;
mod tiny;

use std::collections::BTreeMap;

use ndarray::ArrayView2;
use rewire_mask::{BlockNorm, Density, Edges, Lines, Mask, MatrixShape, Nm, Pattern};

const EDGES: [Edges; 3] = [Edges::Reject, Edges::Dense, Edges::Pad];
const NORMS: [BlockNorm; 3] = [BlockNorm::Max, BlockNorm::L1, BlockNorm::L2];

fn nm(keep: u8, of: u8) -> Nm {
    Nm::new(keep, of).unwrap()
}

fn density(value: f64) -> Density {
    Density::new(value).unwrap()
}

/// The line that an entry lies on, and its place there, as the documentation of [`Lines`] says.
fn place(along: Lines, shape: MatrixShape, position: u64) -> ((usize, usize), usize) {
    let (row, col) = shape.row_col(position);
    match along {
        Lines::Inputs => ((row, 0), col),
        Lines::Outputs => ((col, 0), row),
        Lines::Channels { taps } => ((row, col % taps), col / taps),
        Lines::TapsOutputs { taps } => ((col / taps, 0), (col % taps) * shape.rows + row),
    }
}

/// Entries of which a number is active, ascending.
#[derive(Clone, Debug)]
struct Group {
    positions: Vec<u64>,
    keep: usize,
}

/// The groups of a pattern that is decided group by group; none if an edge is refused.
fn groups(pattern: Pattern, shape: MatrixShape) -> Option<Vec<Group>> {
    let all = 0..shape.len();
    match pattern {
        Pattern::Unstructured { density } => Some(vec![Group {
            positions: all.collect(),
            keep: density.count(shape.len()) as usize,
        }]),
        Pattern::FanIn { keep } => {
            let row = |row| (shape.position(row, 0)..shape.position(row + 1, 0)).collect();
            let group = |positions| Group { positions, keep };
            (keep <= shape.cols).then(|| (0..shape.rows).map(row).map(group).collect())
        }
        Pattern::Nm { nm, along, edges } => {
            let (keep, of) = (usize::from(nm.keep), usize::from(nm.of));
            let mut groups: BTreeMap<_, Vec<u64>> = BTreeMap::new();
            for position in all {
                let (line, entry) = place(along, shape, position);
                groups.entry((line, entry / of)).or_default().push(position);
            }
            let group = |positions: Vec<u64>| {
                let keep = match edges {
                    _ if positions.len() == of => keep,
                    Edges::Reject => return None,
                    Edges::Dense => positions.len(),
                    Edges::Pad => keep.min(positions.len()),
                };
                Some(Group { positions, keep })
            };
            groups.into_values().map(group).collect()
        }
        Pattern::TransposableNm { .. } | Pattern::Blocks { .. } => unreachable!("not by groups"),
    }
}

/// Rectangles of at most `rows × cols` that cover a matrix, each with its positions, ascending.
fn rectangles(shape: MatrixShape, rows: usize, cols: usize) -> Vec<Rectangle> {
    let mut found: BTreeMap<_, Vec<u64>> = BTreeMap::new();
    for position in 0..shape.len() {
        let (row, col) = shape.row_col(position);
        found
            .entry((row / rows, col / cols))
            .or_default()
            .push(position);
    }
    let rectangle = |((down, across), positions): ((usize, usize), Vec<u64>)| Rectangle {
        row: down * rows,
        col: across * cols,
        height: rows.min(shape.rows - down * rows),
        width: cols.min(shape.cols - across * cols),
        is_complete: positions.len() == rows * cols,
        positions,
    };
    found.into_iter().map(rectangle).collect()
}

#[derive(Clone, Debug)]
struct Rectangle {
    row: usize,
    col: usize,
    height: usize,
    width: usize,
    is_complete: bool,
    positions: Vec<u64>,
}

impl Rectangle {
    /// Active entries of each row and of each column.
    fn counts(&self, mask: &Mask) -> (Vec<usize>, Vec<usize>) {
        let (mut rows, mut cols) = (vec![0; self.height], vec![0; self.width]);
        for &position in self.positions.iter().filter(|&&p| mask.contains(p)) {
            let (row, col) = mask.shape().row_col(position);
            rows[row - self.row] += 1;
            cols[col - self.col] += 1;
        }
        (rows, cols)
    }
}

/// The most entries of a `height × width` tile with at most `keep` in a row and in a column.
fn most(height: usize, width: usize, keep: usize) -> usize {
    (height * keep.min(width)).min(width * keep.min(height))
}

/// Whether the mask has the pattern, by counting.
fn is_legal(pattern: Pattern, mask: &Mask) -> bool {
    let shape = mask.shape();
    let active = |positions: &[u64]| positions.iter().filter(|&&p| mask.contains(p)).count();
    match pattern {
        Pattern::Unstructured { .. } | Pattern::FanIn { .. } | Pattern::Nm { .. } => {
            let is_kept = |group: &Group| active(&group.positions) == group.keep;
            groups(pattern, shape).is_some_and(|groups| groups.iter().all(is_kept))
        }
        Pattern::TransposableNm { nm, edges } => {
            let (keep, of) = (usize::from(nm.keep), usize::from(nm.of));
            rectangles(shape, of, of).iter().all(|tile| {
                let (rows, cols) = tile.counts(mask);
                let within = rows.iter().chain(&cols).all(|&count| count <= keep);
                match edges {
                    _ if tile.is_complete => rows.iter().chain(&cols).all(|&count| count == keep),
                    Edges::Reject => false,
                    Edges::Dense => active(&tile.positions) == tile.positions.len(),
                    Edges::Pad => {
                        within && active(&tile.positions) == most(tile.height, tile.width, keep)
                    }
                }
            })
        }
        Pattern::Blocks {
            block,
            density,
            edges,
            ..
        } => {
            let (mut blocks, mut chosen) = (0, 0);
            for unit in rectangles(shape, block.rows, block.cols) {
                let (found, all) = (active(&unit.positions), unit.positions.len());
                match edges {
                    Edges::Reject if !unit.is_complete => return false,
                    Edges::Dense if !unit.is_complete => {
                        if found < all {
                            return false;
                        }
                    }
                    Edges::Reject | Edges::Dense | Edges::Pad => {
                        if found != 0 && found != all {
                            return false;
                        }
                        blocks += 1;
                        chosen += u64::from(found > 0);
                    }
                }
            }
            chosen == density.count(blocks)
        }
    }
}

/// What the pattern maximises: the sum of active scores, for blocks the sum of their norms.
fn worth(pattern: Pattern, scores: ArrayView2<'_, f32>, mask: &Mask) -> f64 {
    let shape = mask.shape();
    let score = |position: u64| f64::from(scores[shape.row_col(position)]);
    let Pattern::Blocks { block, norm, .. } = pattern else {
        return mask.positions().map(score).sum();
    };
    let units = rectangles(shape, block.rows, block.cols).into_iter();
    let chosen = units.filter(|unit| mask.contains(unit.positions[0]));
    let norm = |unit: Rectangle| {
        let magnitudes = unit.positions.iter().map(|&p| score(p).abs());
        match norm {
            BlockNorm::Max => magnitudes.fold(0.0, f64::max),
            BlockNorm::L1 => magnitudes.sum(),
            BlockNorm::L2 => magnitudes.map(|m| m * m).sum::<f64>().sqrt(),
        }
    };
    chosen.map(norm).sum()
}

fn positions(mask: &Mask) -> Vec<u64> {
    mask.positions().collect()
}
