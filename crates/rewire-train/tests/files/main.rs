//! Everything around the loop: what a run is told, what it writes, and what survives.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod budget;
mod checkpoint;
mod checkpoint_headers;
mod config;
mod config_ranges;
mod config_refusals;
mod config_text;
mod epochs;
mod faulty_disk;
mod hostile_model;
mod large_layers;
mod model_file;
mod plan;
mod plots;
mod power_loss;
mod records;
mod run_folder;
mod timing;

/// The number of cases of a property: PROPTEST_CASES if it is set, else what fits in a second.
fn cases(quick: u32) -> u32 {
    std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(quick)
}
