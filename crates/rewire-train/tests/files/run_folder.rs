//! Where runs live: numbered folders, refusals that lose nothing, overwriting that is careful.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rewire_train::config::Config;
use rewire_train::environment::Environment;
use rewire_train::error::{ErrorKind, TrainError};
use rewire_train::run_folder::RunFolder;
use serde_json::json;

/// Every file a run writes, as a run would leave it.
fn fill(folder: &RunFolder) -> Vec<PathBuf> {
    let config = Config::default();
    folder.write_config(&config).unwrap();
    folder
        .write_environment(&config, &[("train", "ab".to_owned())])
        .unwrap();
    folder
        .write_summary(&json!({"test_accuracy": 0.97}))
        .unwrap();
    folder.log("epoch 1").unwrap();
    folder.log("epoch 2").unwrap();
    fs::create_dir(folder.plots()).unwrap();
    let own = [
        folder.metrics(),
        folder.timing(),
        folder.last_checkpoint(),
        folder.best_checkpoint(),
        folder.plots().join("loss.svg"),
        folder.plots().join("accuracy.svg"),
        folder.plots().join("coverage.svg"),
        folder.plots().join("density.svg"),
        folder.path().join(".last.safetensors.tmp-12"),
        folder.plots().join(".loss.svg.tmp-12"),
    ];
    for path in &own {
        fs::write(path, b"x").unwrap();
    }
    own.to_vec()
}

fn everything(path: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(path).unwrap() {
        let entry = entry.unwrap();
        // The kind of the entry itself: a link is not followed.
        if entry.file_type().unwrap().is_dir() {
            found.extend(everything(&entry.path()));
        }
        found.insert(entry.path());
    }
    found
}

#[test]
fn what_is_written_is_read_back() {
    let place = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(Some(&place.path().join("a/b/run")), false).unwrap();
    fill(&folder);
    let text = fs::read_to_string(folder.config()).unwrap();
    assert_eq!(
        Config::from_toml(&text, "config").unwrap(),
        Config::default()
    );
    let text = fs::read_to_string(folder.path().join("env.json")).unwrap();
    let environment: Environment = serde_json::from_str(&text).unwrap();
    assert_eq!(environment.data_sha256["train"], "ab");
    assert!(!text.contains("a/b/run"));
    let text = fs::read_to_string(folder.summary()).unwrap();
    assert_eq!(text, "{\n  \"test_accuracy\": 0.97\n}\n");
    let text = fs::read_to_string(folder.path().join("log.txt")).unwrap();
    assert_eq!(text, "epoch 1\nepoch 2\n");
}

#[test]
fn runs_are_numbered_from_one_above_the_highest() {
    let place = tempfile::tempdir().unwrap();
    let runs = place.path().join("deep/runs");
    let next = || {
        let folder = RunFolder::create_numbered(&runs).unwrap();
        assert!(folder.path().is_dir());
        folder
            .path()
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(next(), "0001");
    assert_eq!(next(), "0002");
    fs::create_dir(runs.join("0041")).unwrap();
    // Names that are no numbers of runs, and a file in the way.
    for name in ["7", "abcd", "0099x", "18446744073709551615"] {
        fs::create_dir(runs.join(name)).unwrap();
    }
    fs::write(runs.join("0042"), b"").unwrap();
    assert_eq!(next(), "0043");
    fs::remove_dir_all(runs.join("0002")).unwrap();
    assert_eq!(next(), "0044");
    fs::create_dir(runs.join("9999")).unwrap();
    assert_eq!(next(), "10000");
    assert_eq!(next(), "10001");
}

#[test]
fn two_processes_never_share_a_number() {
    let place = tempfile::tempdir().unwrap();
    let make = || {
        let folders = (0..8).map(|_| RunFolder::create_numbered(place.path()).unwrap());
        folders
            .map(|folder| folder.path().to_path_buf())
            .collect::<Vec<_>>()
    };
    let made: Vec<PathBuf> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(make)).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(made.iter().collect::<BTreeSet<_>>().len(), 32);
}

#[test]
fn an_empty_folder_is_taken_and_a_full_one_refused() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("out");
    fs::create_dir(&out).unwrap();
    let folder = RunFolder::create(Some(&out), false).unwrap();
    assert_eq!(folder.path(), out);
    drop(folder);
    // What is left of a run that was killed before it wrote anything is as good as nothing.
    drop(RunFolder::create(Some(&out), false).unwrap());
    fs::write(out.join("metrics.csv"), b"precious").unwrap();
    let error = RunFolder::create(Some(&out), false).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(
        error
            .to_string()
            .ends_with("out is not empty: it holds metrics.csv"),
        "{error}"
    );
    assert_eq!(fs::read(out.join("metrics.csv")).unwrap(), b"precious");
}

/// A hint names a way only if it is open.
#[test]
fn a_refusal_advises_what_would_be_accepted() {
    let rows: [(&[&str], &str, bool, bool); 6] = [
        (
            &["config.resolved.toml", "last.safetensors"],
            "config.resolved.toml",
            true,
            true,
        ),
        (&["last.safetensors"], "last.safetensors", false, true),
        (
            &["config.resolved.toml"],
            "config.resolved.toml",
            false,
            true,
        ),
        (
            &[".last.safetensors.tmp-5"],
            ".last.safetensors.tmp-5",
            false,
            true,
        ),
        (
            &["config.resolved.toml", "last.safetensors", "thesis.tex"],
            "thesis.tex",
            true,
            false,
        ),
        (&["thesis.tex"], "thesis.tex", false, false),
    ];
    for (files, named, resumable, replaceable) in rows {
        let place = tempfile::tempdir().unwrap();
        let out = place.path().join("out");
        fs::create_dir(&out).unwrap();
        for file in files {
            fs::write(out.join(file), b"x").unwrap();
        }
        let before = everything(&out);
        let error = RunFolder::create(Some(&out), false).unwrap_err();
        let text = error.to_string();
        assert!(text.ends_with(&format!("it holds {named}")), "{text}");
        let hint = error.hint().unwrap();
        assert_eq!(hint.contains("--resume"), resumable, "{files:?}: {hint}");
        assert_eq!(
            hint.contains("--overwrite"),
            replaceable,
            "{files:?}: {hint}"
        );
        assert_eq!(everything(&out), before, "{files:?}");
        // What is advised works.
        assert_eq!(RunFolder::create(Some(&out), true).is_ok(), replaceable);
    }
}

/// Every row: what is put in the way, the folder asked for, kind and words of the answer.
#[cfg(unix)]
#[test]
fn a_name_that_cannot_become_a_folder_is_refused_with_the_reason() {
    use std::os::unix::fs::symlink;
    let place = tempfile::tempdir().unwrap();
    let path = |name: &str| place.path().join(name);
    fs::write(path("file"), b"precious").unwrap();
    symlink("nowhere", path("link")).unwrap();
    let long = "x".repeat(300);
    let rows = [
        (
            "file",
            ErrorKind::Usage,
            "it is a file",
            "choose another --out",
        ),
        (
            "link",
            ErrorKind::Usage,
            "it is a link to nowhere, which is not there",
            "choose another --out",
        ),
        ("file/a", ErrorKind::Io, "cannot create ", "is a file"),
        (
            "link/a",
            ErrorKind::Io,
            "cannot create ",
            "link that leads nowhere",
        ),
        (&long, ErrorKind::Io, "cannot create ", "a shorter name"),
    ];
    for (name, kind, words, advice) in rows {
        for overwrite in [false, true] {
            let error = RunFolder::create(Some(&path(name)), overwrite).unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.to_string().contains(words), "{error}");
            let hint = error.hint().unwrap();
            assert!(hint.contains(advice), "{error}: {hint}");
        }
    }
    assert_eq!(everything(place.path()).len(), 2);
    assert_eq!(fs::read(path("file")).unwrap(), b"precious");
}

/// Everybody else who would write is refused, whoever reads is not, and nothing is changed.
#[test]
fn a_folder_in_use_is_left_alone_until_its_run_has_ended() {
    type Attempt = fn(&Path) -> Result<RunFolder, TrainError>;
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("out");
    let running = RunFolder::create(Some(&out), false).unwrap();
    let tries: [Attempt; 3] = [
        |out| RunFolder::create(Some(out), false),
        |out| RunFolder::create(Some(out), true),
        RunFolder::open,
    ];
    // Before its first file and after the last.
    for filled in [false, true] {
        if filled {
            fill(&running);
        }
        let before = everything(&out);
        for attempt in tries {
            let error = attempt(&out).unwrap_err();
            assert!(matches!(error, TrainError::InUse { .. }), "{error}");
            assert_eq!(error.kind(), ErrorKind::Usage);
            assert!(error.hint().is_some());
        }
        assert_eq!(RunFolder::checkpoint_in(&out).is_ok(), filled);
        assert_eq!(RunFolder::config_in(&out).is_ok(), filled);
        assert_eq!(everything(&out), before);
    }
    drop(running);
    let resumed = RunFolder::open(&out).unwrap();
    assert!(RunFolder::create(Some(&out), true).is_err());
    drop(resumed);
    assert!(RunFolder::create(Some(&out), true).is_ok());
}

#[test]
fn overwriting_removes_what_a_run_wrote() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("out");
    let folder = RunFolder::create(Some(&out), true).unwrap();
    fill(&folder);
    drop(folder);
    let again = RunFolder::create(Some(&out), true).unwrap();
    assert_eq!(again.path(), out);
    assert_eq!(everything(&out), BTreeSet::from([out.join(".lock")]));
}

/// One foreign thing anywhere, and every file stays as it is.
#[test]
fn overwriting_refuses_a_folder_that_holds_anything_else() {
    type Plant = fn(&Path);
    let plants: [(Plant, &str); 9] = [
        (
            |out| fs::write(out.join("thesis.tex"), b"x").unwrap(),
            "thesis.tex",
        ),
        (
            |out| fs::write(out.join("config.toml"), b"x").unwrap(),
            "config.toml",
        ),
        (
            |out| fs::write(out.join(".notes.tmp-3"), b"x").unwrap(),
            ".notes.tmp-3",
        ),
        (
            |out| fs::write(out.join("plots/mine.svg"), b"x").unwrap(),
            "plots/mine.svg",
        ),
        (|out| fs::create_dir(out.join("empty")).unwrap(), "empty"),
        (
            |out| fs::create_dir(out.join("plots/loss")).unwrap(),
            "plots/loss",
        ),
        (
            |out| {
                swap(&out.join("metrics.csv"), |path| {
                    fs::create_dir(path).unwrap()
                })
            },
            "metrics.csv",
        ),
        (|out| swap(&out.join("timing.csv"), link), "timing.csv"),
        (|out| swap(&out.join(".lock"), link), ".lock"),
    ];
    for (plant, name) in plants {
        let place = tempfile::tempdir().unwrap();
        let out = place.path().join("out");
        fill(&RunFolder::create(Some(&out), false).unwrap());
        plant(&out);
        let before = everything(&out);
        let error = RunFolder::create(Some(&out), true).unwrap_err();
        let TrainError::ForeignFile { entry, .. } = &error else {
            panic!("{name}: {error}");
        };
        assert_eq!(entry, name);
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert_eq!(everything(&out), before, "{name}");
    }
}

fn swap(path: &Path, put: impl FnOnce(&Path)) {
    fs::remove_file(path).unwrap();
    put(path);
}

/// A run writes no links; where there are none, a folder is as foreign.
fn link(path: &Path) {
    #[cfg(unix)]
    std::os::unix::fs::symlink("/dev/null", path).unwrap();
    #[cfg(not(unix))]
    fs::create_dir(path).unwrap();
}

#[cfg(unix)]
#[test]
fn linked_plots_are_foreign() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("out");
    let elsewhere = place.path().join("elsewhere");
    RunFolder::create(Some(&out), false).unwrap();
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join("loss.svg"), b"precious").unwrap();
    std::os::unix::fs::symlink(&elsewhere, out.join("plots")).unwrap();
    let error = RunFolder::create(Some(&out), true).unwrap_err();
    assert!(matches!(error, TrainError::ForeignFile { .. }), "{error}");
    assert!(elsewhere.join("loss.svg").exists());
}

#[test]
fn only_the_folder_of_a_run_is_opened_and_litter_is_removed() {
    let place = tempfile::tempdir().unwrap();
    let missing = place.path().join("missing");
    let readers: [fn(&Path) -> Option<TrainError>; 3] = [
        |path| RunFolder::open(path).err(),
        |path| RunFolder::checkpoint_in(path).err(),
        |path| RunFolder::config_in(path).err(),
    ];
    let file = place.path().join("file");
    fs::write(&file, b"").unwrap();
    let before = everything(place.path());
    let rows = [
        (&missing, ErrorKind::Io, "cannot read "),
        (&file, ErrorKind::Usage, ": it is a file"),
        (
            &place.path().to_path_buf(),
            ErrorKind::Usage,
            ": it holds no last.safetensors",
        ),
    ];
    for (path, kind, what) in rows {
        for reader in readers {
            let error = reader(path).unwrap();
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.to_string().contains(what), "{error}");
        }
    }
    assert_eq!(everything(place.path()), before);

    fill(&RunFolder::create(Some(&missing), false).unwrap());
    let litter = [".last.safetensors.tmp-12", "plots/.loss.svg.tmp-12"];
    let checkpoint = RunFolder::checkpoint_in(&missing).unwrap();
    // Who reads removes nothing: a run that is running may be about to rename it.
    assert!(litter.iter().all(|name| missing.join(name).exists()));
    let opened = RunFolder::open(&missing).unwrap();
    assert_eq!(opened.path(), missing);
    assert_eq!(opened.last_checkpoint(), checkpoint);
    assert!(!litter.iter().any(|name| missing.join(name).exists()));
    assert!(checkpoint.exists());
}
