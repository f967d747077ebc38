//! `export`: a model that is as good as its run, in a file of its own.

use crate::sandbox::{SMALL, Sandbox};

/// The lines of a table that say how good a model is.
fn measured(text: &str) -> Vec<&str> {
    let is_result = |line: &&str| line.starts_with("accuracy") || line.starts_with("loss");
    text.lines().filter(is_result).collect()
}

#[test]
fn a_model_is_as_good_as_its_run_and_smaller() {
    let sandbox = Sandbox::new();
    let mut line = vec!["--epochs", "2", "--valid", "100", "--out", "a"];
    line.extend(SMALL);
    let summary = sandbox.train(&line);
    let call = |line: &[&str]| {
        let outcome = sandbox.call(line);
        assert_eq!(
            (outcome.status, outcome.stderr.as_str()),
            (0, ""),
            "{line:?}"
        );
        outcome.stdout
    };
    let printed = call(&["export", "a"]);
    assert!(printed.contains("a/model.safetensors"), "{printed}");
    let of_run = call(&["eval", "a"]);
    let of_model = call(&["eval", "a/model.safetensors"]);
    assert_eq!(measured(&of_run).len(), 2, "{of_run}");
    assert_eq!(measured(&of_run), measured(&of_model));
    let shown = call(&["inspect", "a/model.safetensors"]);
    let weights = summary["weights_sha256"].as_str().unwrap();
    assert!(shown.contains(weights), "{shown}");
    let size = |name: &str| sandbox.read(name).len();
    assert!(size("a/model.safetensors") < size("a/last.safetensors"));

    call(&["export", "a/best.safetensors", "--out", "best"]);
    assert_eq!(
        measured(&call(&["eval", "best"])),
        measured(&call(&["eval", "a/best.safetensors"]))
    );
    call(&["export", "a", "--dense"]);
    assert!(size("a/dense.safetensors") > 4 * 64 * 24);
    call(&["export", "a", "--overwrite"]);

    // The run goes on being one, and can be replaced with all that came of it.
    sandbox.train(&["--resume", "a"]);
    sandbox.train(&[&line[..], &["--overwrite"]].concat());
    assert!(!sandbox.path("a/model.safetensors").exists());
}

#[test]
fn what_cannot_be_exported_is_refused_and_nothing_is_changed() {
    let sandbox = Sandbox::new();
    let mut line = vec!["--epochs", "1", "--out", "a"];
    line.extend(SMALL);
    sandbox.train(&line);
    assert_eq!(sandbox.call(&["export", "a"]).status, 0);
    let model = sandbox.read("a/model.safetensors");
    sandbox.write("cut", &model[..model.len() / 2]);
    let before = sandbox.contents("");
    let rows: [(&[&str], i32, &[&str]); 7] = [
        (
            &["a"],
            2,
            &["a/model.safetensors exists already", "--overwrite"],
        ),
        (
            &["a", "--overwrite", "--out", "a/last.safetensors"],
            2,
            &["a/last.safetensors"],
        ),
        (&["a", "--out", "a"], 2, &["a folder"]),
        (&["a", "--out", "nowhere/model"], 74, &["nowhere"]),
        (&["cut", "--out", "whole"], 65, &["cut: cut off"]),
        (&["missing"], 74, &["missing"]),
        (&["a", "--out", "cut/model"], 74, &["cut"]),
    ];
    for (arguments, status, fragments) in rows {
        let line = [&["export"], arguments].concat();
        sandbox.call(&line).is_refused(status, fragments);
        assert_eq!(sandbox.contents(""), before, "{line:?}");
    }
    sandbox.write("a/last.safetensors", &model);
    sandbox
        .call(&["train", "--resume", "a"])
        .is_refused(65, &["a/last.safetensors", "no state to train on"]);
}
