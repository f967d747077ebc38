//! Masks of a 4096 × 4096 matrix against a pure read of it.
//!
//! Every mask is checked to have its pattern, and 2:4 tiles against all 90 patterns, before anything
//! is timed. First comes what each pattern keeps of the magnitude, then the table of ratios, then
//! criterion times the same functions on one thread.

#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]

mod ratio;

use std::hint::black_box;

use criterion::{Criterion, criterion_group};
use ndarray::{Array2, ArrayView2};
use ratio::{Row, normal, pool};
use rewire_mask::{
    Block, BlockNorm, Density, Edges, KeptMagnitude, Lines, Mask, Nm, Pattern, greedy_transposable,
};

const SIDE: usize = 4096;
const TWO_FOUR: Nm = Nm { keep: 2, of: 4 };
const FOUR_EIGHT: Nm = Nm { keep: 4, of: 8 };

fn main() {
    let weights = Array2::from_shape_vec((SIDE, SIDE), normal(SIDE * SIDE, 1)).expect("as many");
    let magnitudes = weights.mapv(f32::abs);
    kept(weights.view(), magnitudes.view());
    ratio::print(&rows(&weights, &magnitudes));
    benches();
    Criterion::default().configure_from_args().final_summary();
}

/// The patterns of the tables, with the names they have there.
fn patterns() -> [(&'static str, Pattern); 9] {
    let edges = Edges::Reject;
    let nm = |nm, along| Pattern::Nm { nm, along, edges };
    let tiles = |nm| Pattern::TransposableNm { nm, edges };
    let density = Density::new(0.5).expect("a density");
    let blocks = |side| Pattern::Blocks {
        block: Block {
            rows: side,
            cols: side,
        },
        norm: BlockNorm::L1,
        density,
        edges,
    };
    [
        ("unstructured, half", Pattern::Unstructured { density }),
        ("2:4 along rows", nm(TWO_FOUR, Lines::Inputs)),
        ("2:4 along columns", nm(TWO_FOUR, Lines::Outputs)),
        ("4:8 along rows", nm(FOUR_EIGHT, Lines::Inputs)),
        ("transposable 2:4", tiles(TWO_FOUR)),
        ("transposable 4:8, optimal", tiles(FOUR_EIGHT)),
        ("constant fan-in, half", Pattern::FanIn { keep: SIDE / 2 }),
        (
            "row groups 4×1, half",
            Pattern::row_groups(4, density, edges),
        ),
        ("blocks 4×4, half", blocks(4)),
    ]
}

/// Prints and checks what the best masks keep of the magnitude.
fn kept(weights: ArrayView2<'_, f32>, magnitudes: ArrayView2<'_, f32>) {
    println!("{:34} {:>9} {:>16}", "", "kept |w|", "÷ unstructured");
    let print = |name: &str, mask: &Mask| {
        let kept = KeptMagnitude::of(mask, weights).expect("finite weights");
        println!("{name:34} {:>9.4} {:>16.4}", kept.fraction(), kept.ratio());
    };
    for (name, pattern) in patterns() {
        let mask = pattern.project_magnitude(weights).expect("sides that fit");
        pattern.check(&mask).expect("a mask of its pattern");
        if name == "transposable 2:4" {
            check_tiles(&mask, magnitudes);
        }
        print(name, &mask);
    }
    for (name, nm) in [
        ("transposable 2:4, greedy", TWO_FOUR),
        ("transposable 4:8, greedy", FOUR_EIGHT),
    ] {
        let mask = greedy_transposable(magnitudes, nm, Edges::Reject).expect("sides that fit");
        let pattern = Pattern::TransposableNm {
            nm,
            edges: Edges::Reject,
        };
        pattern.check(&mask).expect("a mask of its pattern");
        print(name, &mask);
    }
    println!();
}

/// Compares a sample of tiles with the best of all patterns, within the rounding of their sums.
fn check_tiles(mask: &Mask, magnitudes: ArrayView2<'_, f32>) {
    const PAIRS: [[usize; 2]; 6] = [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]];
    for tile in (0..SIDE / 4).map(|index| (4 * index, 4 * (index * 37 % (SIDE / 4)))) {
        let score = |row: usize, col: usize| f64::from(magnitudes[[tile.0 + row, tile.1 + col]]);
        let mut best = 0.0f64;
        for code in 0..6usize.pow(4) {
            let pair = |row: u32| PAIRS[code / 6usize.pow(row) % 6];
            let holds = |row: u32, col: usize| pair(row).contains(&col);
            if (0..4).all(|col| (0..4).filter(|&row| holds(row, col)).count() == 2) {
                let row_sum = |row: u32| {
                    pair(row)
                        .map(|col| score(row as usize, col))
                        .iter()
                        .sum::<f64>()
                };
                best = best.max((0..4).map(row_sum).sum());
            }
        }
        let entries = (0..4).flat_map(|row| (0..4).map(move |col| (row, col)));
        let active = entries.filter(|&(row, col)| mask.get(tile.0 + row, tile.1 + col));
        let found: f64 = active.map(|(row, col)| score(row, col)).sum();
        // Twelve roundings of sums that are at most twice the optimum.
        assert!(
            found >= best * (1.0 - 24.0 * f64::from(f32::EPSILON)),
            "tile {tile:?}"
        );
    }
}

fn rows<'a>(weights: &'a Array2<f32>, magnitudes: &'a Array2<f32>) -> Vec<Row<'a>> {
    let read = weights.as_slice().expect("row-major weights");
    let mut rows: Vec<Row<'a>> = patterns()
        .map(|(name, pattern)| Row {
            name,
            read,
            run: Box::new(move || {
                black_box(pattern.project_magnitude(weights.view()).ok());
            }),
        })
        .into();
    for (name, nm) in [
        ("transposable 2:4, greedy", TWO_FOUR),
        ("transposable 4:8, greedy", FOUR_EIGHT),
    ] {
        rows.push(Row {
            name,
            read,
            run: Box::new(move || {
                black_box(greedy_transposable(magnitudes.view(), nm, Edges::Reject).ok());
            }),
        });
    }
    rows
}

fn criterion_rows(criterion: &mut Criterion) {
    let weights = Array2::from_shape_vec((SIDE, SIDE), normal(SIDE * SIDE, 1)).expect("as many");
    let magnitudes = weights.mapv(f32::abs);
    let pool = pool(1);
    let mut group = criterion.benchmark_group("patterns");
    group.sample_size(10);
    for row in rows(&weights, &magnitudes) {
        group.bench_function(row.name, |bencher| {
            pool.install(|| bencher.iter(|| (row.run)()))
        });
    }
    group.finish();
}

criterion_group!(benches, criterion_rows);
