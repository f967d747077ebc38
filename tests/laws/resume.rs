//! A resumed run ends with the same bytes as one that was never interrupted.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rewire_train::config::Config;
use rewire_train::run::{Ending, Event, Run};
use rewire_train::run_folder::RunFolder;
use rewire_train::stop::Stop;
use rewire_train::trainer::Trainer;

use crate::{METHODS, config};

/// Drives a run until `stop_at` steps are taken.
fn drive(run: &mut Run, stop_at: Option<u64>) -> Ending {
    let stop = Stop::new();
    let flag = stop.clone();
    let mut watch = |event: Event<'_>| match event {
        Event::Step(report) if Some(report.step) == stop_at => flag.request(),
        Event::Start { step, .. } if Some(step) == stop_at => flag.request(),
        Event::Start { .. } | Event::Step(_) | Event::Epoch(_) => {}
    };
    run.drive(&stop, &mut watch).unwrap()
}

/// The bytes that must not depend on interruptions.
fn results(folder: &Path) -> [Vec<u8>; 2] {
    ["last.safetensors", "metrics.csv"].map(|name| fs::read(folder.join(name)).unwrap())
}

fn start(config: &Config, path: &Path) -> Run {
    let trainer = Trainer::new(config).unwrap();
    Run::start(trainer, RunFolder::create(Some(path), false).unwrap()).unwrap()
}

fn resume(config: &Config, path: &Path) -> Run {
    Run::resume(config, RunFolder::open(path).unwrap()).unwrap()
}

/// Before, on and after the rewiring of step 10, in the middle and at the end of an epoch, before
/// the first and after the last step.
const STOPS: [u64; 8] = [0, 9, 10, 11, 15, 16, 22, 30];

#[test]
fn a_resumed_run_is_bit_equal_for_every_method() {
    for (method, more) in METHODS {
        let dir = tempfile::tempdir().unwrap();
        let whole = dir.path().join("whole");
        let config = config(method, more);
        let ending = drive(&mut start(&config, &whole), None);
        let Ending::Finished(expected) = ending else {
            panic!("nobody stopped {method}");
        };
        let expected_bytes = results(&whole);
        for stop_at in STOPS {
            let part = dir.path().join(format!("stop-{stop_at}"));
            drive(&mut start(&config, &part), Some(stop_at));
            let Ending::Finished(found) = drive(&mut resume(&config, &part), None) else {
                panic!("nobody stopped the resumed {method}");
            };
            assert_eq!(
                results(&part),
                expected_bytes,
                "{method} stopped at {stop_at}"
            );
            let mut found = *found;
            found.seconds = expected.seconds;
            assert_eq!(found, *expected, "{method} stopped at {stop_at}");
        }
    }
}

#[test]
fn many_interruptions_are_as_good_as_none() {
    let dir = tempfile::tempdir().unwrap();
    let config = config("rigl", &[]);
    let whole = dir.path().join("whole");
    drive(&mut start(&config, &whole), None);
    let parts = dir.path().join("parts");
    let mut ending = drive(&mut start(&config, &parts), Some(1));
    let mut step = 1;
    while let Ending::Stopped { step: at } = ending {
        assert_eq!(at, step);
        step += 1;
        ending = drive(&mut resume(&config, &parts), Some(step));
    }
    assert_eq!(step, 30);
    assert_eq!(results(&parts), results(&whole));
    // Every part, of one step each, has its row of times.
    let timing = fs::read_to_string(parts.join("timing.csv")).unwrap();
    let steps = timing
        .lines()
        .skip(1)
        .filter_map(|row| row.split(',').nth(1));
    let expected: Vec<String> = (1..=30).map(|step| step.to_string()).collect();
    assert_eq!(steps.collect::<Vec<_>>(), expected);
}

/// A pause before an interruption within an epoch is part of the time of the run.
#[test]
fn the_time_before_an_interruption_counts() {
    const PAUSE: Duration = Duration::from_millis(300);
    let dir = tempfile::tempdir().unwrap();
    let config = config("rigl", &[]);
    let part = dir.path().join("part");
    let stop = Stop::new();
    let flag = stop.clone();
    let mut run = start(&config, &part);
    let mut watch = |event: Event<'_>| {
        if matches!(event, Event::Step(report) if report.step == 9) {
            std::thread::sleep(PAUSE);
            flag.request();
        }
    };
    assert_eq!(
        run.drive(&stop, &mut watch).unwrap(),
        Ending::Stopped { step: 9 }
    );
    drop(run);
    // A process that does nothing but stop again adds nothing.
    let timing = fs::read(part.join("timing.csv")).unwrap();
    drive(&mut resume(&config, &part), Some(9));
    assert_eq!(fs::read(part.join("timing.csv")).unwrap(), timing);
    let Ending::Finished(summary) = drive(&mut resume(&config, &part), None) else {
        panic!("nobody stopped the resumed run");
    };
    assert!(
        summary.seconds >= PAUSE.as_secs_f64(),
        "{}",
        summary.seconds
    );
}

/// The number of threads may change at a resume, and nothing else.
#[test]
fn threads_may_change_between_the_parts_and_nothing_else_may() {
    let dir = tempfile::tempdir().unwrap();
    let one = config("rigl", &["threads=1"]);
    let two = config("rigl", &["threads=2"]);
    let (whole, part) = (dir.path().join("whole"), dir.path().join("part"));
    drive(&mut start(&one, &whole), None);
    drive(&mut start(&one, &part), Some(12));
    let checkpoint = fs::read(part.join("last.safetensors")).unwrap();

    let changed = [
        ("schedule.epochs", config("rigl", &["schedule.epochs=3"])),
        ("sparsity.method", config("set", &[])),
        ("model.kind", config("rigl", &["model.kind=mlp:20,13"])),
        ("seed", config("rigl", &["seed=1"])),
    ];
    for (key, config) in changed {
        let Err(error) = Run::resume(&config, RunFolder::open(&part).unwrap()) else {
            panic!("a changed {key} was accepted");
        };
        assert!(error.to_string().contains(key), "{error}");
        assert_eq!(fs::read(part.join("last.safetensors")).unwrap(), checkpoint);
    }
    drive(&mut resume(&two, &part), None);
    let hash = |folder: &Path| {
        let text = fs::read_to_string(folder.join("summary.json")).unwrap();
        let summary: rewire_train::summary::Summary = serde_json::from_str(&text).unwrap();
        summary.weights_sha256
    };
    assert_eq!(hash(&part), hash(&whole));
    assert_eq!(results(&part), results(&whole));
}
