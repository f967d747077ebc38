//! Every mask of matrices so small that all can be listed.

use std::sync::LazyLock;

use rewire_mask::{Block, Edges, Lines, Mask, MatrixShape, Pattern};

use super::{EDGES, NORMS, density, is_legal, nm};

/// A pattern, a shape, and all masks of that pattern: bit p of a number is position p.
pub(super) struct Tiny {
    pub(super) pattern: Pattern,
    pub(super) shape: MatrixShape,
    pub(super) masks: Vec<u32>,
}

/// All pairs of a small pattern and a small shape that fit, with the masks that [`Pattern::check`]
/// admits; another test holds that check against the definition.
pub(super) static ALL: LazyLock<Vec<Tiny>> = LazyLock::new(|| {
    let mut all = Vec::new();
    for (pattern, shape) in pairs(12) {
        if pattern.edge_report(shape).is_ok() {
            let admitted = |bits: &u32| pattern.admits(&mask(shape, *bits));
            let masks = (0..1u32 << shape.len()).filter(admitted).collect();
            all.push(Tiny {
                pattern,
                shape,
                masks,
            });
        }
    }
    all
});

pub(super) fn mask(shape: MatrixShape, bits: u32) -> Mask {
    let words = if shape.is_empty() {
        Vec::new()
    } else {
        vec![u64::from(bits)]
    };
    Mask::from_words(shape, words).unwrap()
}

/// Small patterns of every family.
fn patterns() -> Vec<Pattern> {
    let mut all = Vec::new();
    for value in [0.0, 0.3, 0.5, 1.0] {
        let density = density(value);
        all.push(Pattern::Unstructured { density });
    }
    all.extend((0..=3).map(|keep| Pattern::FanIn { keep }));
    let lines = [
        Lines::Inputs,
        Lines::Outputs,
        Lines::Channels { taps: 2 },
        Lines::TapsOutputs { taps: 2 },
    ];
    for edges in EDGES {
        for (keep, of) in [(1, 1), (1, 2), (2, 3), (2, 4), (3, 4)] {
            let nm = nm(keep, of);
            all.extend(lines.map(|along| Pattern::Nm { nm, along, edges }));
        }
        for (keep, of) in [(1, 2), (2, 2), (1, 3), (2, 3), (1, 4), (2, 4), (3, 4)] {
            let nm = nm(keep, of);
            all.push(Pattern::TransposableNm { nm, edges });
        }
        for (rows, cols) in [(1, 2), (2, 1), (2, 2), (1, 3)] {
            for (value, norm) in [0.0, 0.5, 1.0]
                .into_iter()
                .flat_map(|v| NORMS.map(|n| (v, n)))
            {
                all.push(Pattern::Blocks {
                    block: Block { rows, cols },
                    norm,
                    density: density(value),
                    edges,
                });
            }
        }
    }
    all
}

/// The small patterns beside all shapes of up to `entries` entries, 4×4 for transposable ones;
/// columns are whole kernels where lines want them.
fn pairs(entries: u64) -> Vec<(Pattern, MatrixShape)> {
    let mut all = Vec::new();
    for pattern in patterns() {
        for (rows, cols) in (0..=6).flat_map(|rows| (0..=6).map(move |cols| (rows, cols))) {
            let shape = MatrixShape::new(rows, cols);
            let is_transposable = matches!(pattern, Pattern::TransposableNm { .. });
            let is_small = shape.len() <= entries || (is_transposable && (rows, cols) == (4, 4));
            let has_kernels = match pattern {
                Pattern::Nm {
                    along: Lines::Channels { taps } | Lines::TapsOutputs { taps },
                    ..
                } => cols % taps == 0,
                _ => true,
            };
            if is_small && has_kernels {
                all.push((pattern, shape));
            }
        }
    }
    all
}

/// `check` and the definition agree on every mask of every small matrix, refused shapes included.
#[test]
#[cfg_attr(miri, ignore = "too many masks for an interpreter")]
fn a_mask_is_admitted_exactly_if_it_has_the_pattern() {
    for (pattern, shape) in pairs(9) {
        let mut n_legal = 0;
        for bits in 0..1u32 << shape.len() {
            let mask = mask(shape, bits);
            let is_legal = is_legal(pattern, &mask);
            assert_eq!(
                pattern.admits(&mask),
                is_legal,
                "{pattern:?} {shape} {bits:b}"
            );
            assert_eq!(pattern.check(&mask).is_ok(), is_legal);
            n_legal += u32::from(is_legal);
        }
        // Every shape that is not refused has a mask, and the empty matrix has one.
        let fits = pattern.edge_report(shape).is_ok();
        assert_eq!(n_legal > 0, fits, "{pattern:?} {shape}");
    }
}

/// The formula for the most entries of a cut tile, against all subsets.
#[test]
#[cfg_attr(miri, ignore = "too many masks for an interpreter")]
fn a_cut_tile_holds_as_many_entries_as_any_subset_can() {
    for (height, width) in (1..=4).flat_map(|h| (1..=4).map(move |w| (h, w))) {
        let row = |bits: u32, row: usize| bits >> (row * width) & ((1 << width) - 1);
        for keep in 1..=4 {
            let fits = |bits: u32| {
                let rows = (0..height).all(|r| row(bits, r).count_ones() <= keep);
                let in_col = |c: usize| (0..height).map(|r| row(bits, r) >> c & 1).sum::<u32>();
                rows && (0..width).all(|c| in_col(c) <= keep)
            };
            let all = 0..1u32 << (height * width);
            let counts = all.filter(|&bits| fits(bits)).map(u32::count_ones);
            let expected = super::most(height, width, keep as usize);
            assert_eq!(counts.max(), Some(expected as u32), "{height}×{width}");
        }
    }
}

/// 7343 tiles of 4×4 hold at most two entries per row and column, 90 hold exactly two, and 24 are
/// permutations.
#[test]
#[cfg_attr(miri, ignore = "too many masks for an interpreter")]
fn the_known_numbers_of_patterns_come_out() {
    let count = |keep, of| {
        let (nm, edges) = (nm(keep, of), Edges::Reject);
        let is_it = |tiny: &&Tiny| {
            tiny.pattern == Pattern::TransposableNm { nm, edges }
                && tiny.shape == MatrixShape::new(4, 4)
        };
        ALL.iter().find(is_it).unwrap().masks.len()
    };
    assert_eq!((count(1, 4), count(2, 4), count(3, 4)), (24, 90, 24));
    // Four tiles of 2×2 with one entry per row and column, two ways each.
    assert_eq!(count(1, 2), 16);
}
