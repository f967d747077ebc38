//! Trains on the embedded digits with the loop alone, stops in mid-epoch and continues.

use std::path::Path;

use rewire_train::config::{Config, ConfigBuilder};
use rewire_train::run::{Ending, Event, Run};
use rewire_train::run_folder::RunFolder;
use rewire_train::stop::Stop;
use rewire_train::summary::Summary;
use rewire_train::trainer::Trainer;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = ConfigBuilder::new()
        .set("sparsity.method=rigl")?
        .set("rewire.every=20")?
        .set("schedule.epochs=2")?
        .build()?;
    let dir = std::env::temp_dir().join(format!("rewire-train-only-{}", std::process::id()));
    let whole = start(&config, &dir.join("whole"))?;
    let whole = finish(whole)?;

    let mut part = start(&config, &dir.join("part"))?;
    let stop = Stop::new();
    let asked = stop.clone();
    let ending = part.drive(&stop, &mut |event| {
        if matches!(event, Event::Step(report) if report.step == 30) {
            asked.request();
        }
    })?;
    assert_eq!(ending, Ending::Stopped { step: 30 });
    // A run that is not dropped keeps its folder.
    drop(part);
    let part = Run::resume(&config, RunFolder::open(&dir.join("part"))?)?;
    let part = finish(part)?;

    assert_eq!(part.weights_sha256, whole.weights_sha256);
    assert!(whole.n_active == 5020 && whole.test_accuracy > 0.8);
    std::fs::remove_dir_all(&dir)?;
    println!(
        "train: {:.1} % after two epochs, with and without a stop",
        100.0 * whole.test_accuracy
    );
    Ok(())
}

fn start(config: &Config, path: &Path) -> Result<Run, Box<dyn std::error::Error>> {
    let folder = RunFolder::create(Some(path), false)?;
    Ok(Run::start(Trainer::new(config)?, folder)?)
}

fn finish(mut run: Run) -> Result<Summary, Box<dyn std::error::Error>> {
    match run.drive(&Stop::new(), &mut |_| {})? {
        Ending::Finished(summary) => Ok(*summary),
        Ending::Stopped { step } => Err(format!("stopped after step {step}").into()),
    }
}
