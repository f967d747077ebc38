//! Masks that keep to a pattern through a real run.

use rewire_mask::{Block, BlockNorm, Density, Edges, Lines, MatrixShape, Nm, Pattern};
use rewire_train::plan::plan;
use rewire_train::trainer::Trainer;

use crate::config;

const TWO_OF_FOUR: Nm = Nm { keep: 2, of: 4 };

fn blocks(rows: usize, cols: usize) -> Pattern {
    Pattern::Blocks {
        block: Block { rows, cols },
        norm: BlockNorm::L1,
        density: Density::from_sparsity(0.7).unwrap(),
        edges: Edges::Dense,
    }
}

fn patterns() -> [(&'static str, Pattern); 4] {
    [
        (
            "nm:2:4",
            Pattern::Nm {
                nm: TWO_OF_FOUR,
                along: Lines::Inputs,
                edges: Edges::Dense,
            },
        ),
        (
            "transposable:2:4",
            Pattern::TransposableNm {
                nm: TWO_OF_FOUR,
                edges: Edges::Dense,
            },
        ),
        ("block:4x4", blocks(4, 4)),
        ("block:2x1", blocks(2, 1)),
    ]
}

/// 64-20-12-10: the last layer has two rows that no tile of four holds.
#[test]
fn every_layer_keeps_its_pattern_after_every_step_and_any_resume() {
    for products in ["plain", "tiled"] {
        for (word, pattern) in patterns() {
            for method in ["static", "set", "rigl"] {
                let case = format!("{products} {word} {method}");
                let sparsity = match word {
                    "block:4x4" | "block:2x1" => "sparsity.sparsity=0.7",
                    _ => "sparsity.sparsity=0.5",
                };
                let pattern_setting = format!("sparsity.pattern={word}");
                let products_setting = format!("products={products}");
                let settings = [&pattern_setting, sparsity, &products_setting];
                let config = config(method, &settings);
                let counts: Vec<u64> = (plan(&config).unwrap().layers.iter())
                    .map(|layer| layer.n_active)
                    .collect();
                let mut trainer = Trainer::new(&config).unwrap();
                let mut moves = 0;
                let mut last = Vec::new();
                let mut half = None;
                while trainer.steps_done() < trainer.total_steps() {
                    trainer.step_in_pool().unwrap();
                    let weights = trainer.parameters().iter();
                    let masks: Vec<_> = weights
                        .filter_map(|parameter| Some(parameter.topology()?.to_mask()))
                        .collect();
                    let active: Vec<u64> = masks.iter().map(|mask| mask.n_active()).collect();
                    assert_eq!(active, counts, "{case}");
                    for mask in &masks {
                        let checked = pattern.check(mask);
                        checked.unwrap_or_else(|error| panic!("{case}: {error}"));
                    }
                    moves += usize::from(!last.is_empty() && last != masks);
                    last = masks;
                    if trainer.steps_done() == 12 {
                        half = Some(trainer.snapshot().unwrap());
                    }
                }
                assert_eq!(moves > 0, method != "static", "{case}: {moves} moves");
                let mut resumed = Trainer::new(&config).unwrap();
                let half = half.unwrap();
                resumed.restore(&half, "last.safetensors".as_ref()).unwrap();
                while resumed.steps_done() < resumed.total_steps() {
                    resumed.step_in_pool().unwrap();
                }
                let values = |trainer: &Trainer| -> Vec<u32> {
                    let all = trainer.parameters().iter();
                    all.flat_map(|parameter| parameter.values().iter().map(|v| v.to_bits()))
                        .collect()
                };
                assert_eq!(values(&resumed), values(&trainer), "{case}");
            }
        }
    }
}

/// By hand for 64-20-12-10 with tiles of 2:4: half of 20 × 64 and 12 × 20, and of 10 × 12 half of
/// eight rows and all of two.
#[test]
fn what_fits_into_no_tile_stays_dense_and_is_counted() {
    let config = config("rigl", &["sparsity.pattern=transposable:2:4"]);
    let plan = plan(&config).unwrap();
    let counts: Vec<u64> = plan.layers.iter().map(|layer| layer.n_active).collect();
    assert_eq!(counts, [640, 120, 48 + 24]);
    let pattern = Pattern::TransposableNm {
        nm: TWO_OF_FOUR,
        edges: Edges::Dense,
    };
    let last = MatrixShape::new(10, 12);
    assert_eq!(pattern.edge_report(last).unwrap().left_dense, 24);
}
