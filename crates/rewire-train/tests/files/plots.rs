//! The charts: drawn for every length of run, legible in their text, equal for equal records.

use std::fs;

use rewire_train::plots::draw;
use rewire_train::records::{EpochRecord, Evaluation, LayerRecord};
use rewire_train::run_folder::RunFolder;

/// A run as the eye expects it; `constant` is one in which nothing ever changes.
fn records(epochs: u64, n_layers: u64, has_valid: bool, constant: bool) -> Vec<EpochRecord> {
    (1..=epochs)
        .map(|epoch| {
            let t = if constant { 1.0 } else { epoch as f64 };
            EpochRecord {
                epoch,
                step: 45 * epoch,
                learning_rate: 0.05,
                train_loss: 2.3 / t,
                train_accuracy: 1.0 - 0.8 / t,
                valid: has_valid.then_some(Evaluation {
                    loss: 2.4 / t,
                    accuracy: 1.0 - 0.82 / t,
                }),
                test_loss: 2.5 / t,
                test_accuracy: 1.0 - 0.85 / t,
                n_active: 30,
                dropped: 0,
                grown: 0,
                coverage: 1.0 - 0.9 / t.sqrt(),
                survivor_coverage: 0.1,
                train_flops: 1,
                train_flops_executed: 1,
                train_flops_dense: 2,
                train_flops_dense_executed: 2,
                layers: (1..=n_layers)
                    .map(|layer| LayerRecord {
                        name: format!("fc{layer}.weight"),
                        n_active: 30 * layer + if constant { 0 } else { epoch },
                        n_total: 300 * n_layers,
                        dropped: 0,
                        grown: 0,
                        coverage: 1.0 - 0.9 / (t * layer as f64).sqrt(),
                    })
                    .collect(),
            }
        })
        .collect()
}

const CHARTS: [&str; 4] = ["loss", "accuracy", "coverage", "density"];

fn charts(records: &[EpochRecord]) -> Vec<String> {
    let place = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(Some(&place.path().join("run")), false).unwrap();
    draw(&folder, records).unwrap();
    CHARTS
        .iter()
        .map(|name| fs::read_to_string(folder.plots().join(format!("{name}.svg"))).unwrap())
        .collect()
}

/// The texts of a chart, in the order they are drawn.
fn texts(svg: &str) -> Vec<String> {
    svg.split("<text")
        .skip(1)
        .map(|text| {
            text.split_once('>')
                .unwrap()
                .1
                .split_once("</text>")
                .unwrap()
                .0
                .trim()
                .to_owned()
        })
        .collect()
}

#[test]
fn every_chart_has_title_axes_ticks_and_a_legend() {
    let svgs = charts(&records(30, 3, true, false));
    let expected: [&[&str]; 4] = [
        &[
            "Loss",
            "epoch",
            "cross-entropy (nats)",
            "train",
            "valid",
            "test",
        ],
        &["Accuracy", "epoch", "correct (%)", "train", "valid", "test"],
        &[
            "Explored weights",
            "epoch",
            "R_s (share ever active)",
            "fc1.weight",
            "fc3.weight",
            "all layers",
        ],
        &[
            "Density",
            "epoch",
            "active share of weights",
            "fc1.weight",
            "fc2.weight",
            "fc3.weight",
        ],
    ];
    for (svg, expected) in svgs.iter().zip(expected) {
        let texts = texts(svg);
        for text in expected {
            assert!(texts.iter().any(|found| found == text), "{text}: {texts:?}");
        }
        let numbers = texts.iter().filter(|text| text.parse::<f64>().is_ok());
        assert!(numbers.count() >= 8, "{texts:?}");
    }
    let without_valid = charts(&records(30, 3, false, false));
    assert!(!texts(&without_valid[0]).contains(&"valid".to_owned()));
}

/// Ticks of one axis differ from each other, whatever the range.
#[test]
fn short_long_and_constant_runs_are_drawn() {
    for (epochs, constant) in [
        (1, false),
        (2, false),
        (3, true),
        (50, false),
        (51, true),
        (2000, false),
    ] {
        for n_layers in [0, 1, 3, 40] {
            let records = records(epochs, n_layers, epochs % 2 == 0, constant);
            for svg in charts(&records) {
                assert!(
                    svg.ends_with("</svg>\n") || svg.ends_with("</svg>"),
                    "{}",
                    &svg[svg.len() - 20..]
                );
                assert!(!svg.contains("NaN") && !svg.contains("inf"));
                let texts = texts(&svg);
                let mut ticks: Vec<&String> = texts
                    .iter()
                    .filter(|text| text.contains('.') && text.parse::<f64>().is_ok())
                    .collect();
                let n = ticks.len();
                ticks.sort();
                ticks.dedup();
                assert_eq!(ticks.len(), n, "{texts:?}");
            }
        }
    }
}

#[test]
fn many_layers_are_counted_and_long_names_shortened() {
    let mut many = records(3, 40, false, false);
    let svgs = charts(&many);
    assert!(texts(&svgs[3]).contains(&"and 23 more".to_owned()));
    for record in &mut many {
        record.layers.truncate(1);
        record.layers[0].name = "encoder.layers.11.attention.output.weight".to_owned();
    }
    let svgs = charts(&many);
    assert!(
        texts(&svgs[3]).contains(&"….11.attention.output.weight".to_owned()),
        "{:?}",
        texts(&svgs[3])
    );
}

#[test]
fn equal_records_give_equal_files_and_no_record_gives_none() {
    assert_eq!(
        charts(&records(7, 3, true, false)),
        charts(&records(7, 3, true, false))
    );
    let place = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(Some(&place.path().join("run")), false).unwrap();
    draw(&folder, &[]).unwrap();
    assert!(!folder.plots().exists());
}
