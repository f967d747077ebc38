//! Damaged checkpoints and full disks: refused, reported, and nothing lost.

use crate::sandbox::{SMALL, Sandbox};

/// How many places of the file are cut and flipped, besides every byte of its beginning.
const PLACES: usize = 40;

fn finished_run() -> Sandbox {
    let sandbox = Sandbox::new();
    let mut line = vec!["--epochs", "1", "--out", "a"];
    line.extend(SMALL);
    sandbox.train(&line);
    sandbox
}

#[test]
fn a_checkpoint_that_is_cut_anywhere_is_refused() {
    let sandbox = finished_run();
    let whole = sandbox.read("a/last.safetensors");
    let spread = (0..PLACES).map(|place| place * (whole.len() - 1) / (PLACES - 1));
    for length in (0..16).chain(spread) {
        sandbox.write("cut.safetensors", &whole[..length.min(whole.len() - 1)]);
        sandbox
            .call(&["inspect", "cut.safetensors"])
            .is_refused(65, &["cut.safetensors"]);
    }
}

#[test]
fn a_flipped_bit_anywhere_is_noticed() {
    let sandbox = finished_run();
    let whole = sandbox.read("a/last.safetensors");
    let spread = (0..PLACES).map(|place| place * (whole.len() - 1) / (PLACES - 1));
    for (row, place) in (0..16).chain(spread).enumerate() {
        let mut damaged = whole.clone();
        damaged[place] ^= 1 << (row % 8);
        sandbox.write("flipped.safetensors", &damaged);
        sandbox
            .call(&["inspect", "flipped.safetensors"])
            .is_refused(65, &["flipped.safetensors"]);
    }
}

#[test]
fn nothing_is_changed_by_a_resume_that_cannot_begin() {
    let sandbox = finished_run();
    let whole = sandbox.read("a/last.safetensors");
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 4;
    for bytes in [&whole[..whole.len() / 2], &flipped, b""] {
        sandbox.write("a/last.safetensors", bytes);
        let before = sandbox.contents("a");
        sandbox
            .call(&["train", "--resume", "a"])
            .is_refused(65, &["a/last.safetensors"]);
        assert_eq!(sandbox.contents("a"), before);
    }
    sandbox.write("a/last.safetensors", &whole);
    sandbox.train(&["--resume", "a"]);

    // Records that the checkpoint counts must be there.
    let metrics = sandbox.read("a/metrics.csv");
    for bytes in [&metrics[..metrics.len() / 2], b"", b"epoch,\xff\n"] {
        sandbox.write("a/metrics.csv", bytes);
        let before = sandbox.contents("a");
        sandbox
            .call(&["train", "--resume", "a"])
            .is_refused(65, &["a/metrics.csv"]);
        assert_eq!(sandbox.contents("a"), before);
    }
}

/// A limit on the size of files fails writes as a full disk does, for this process alone.
#[test]
#[cfg(unix)]
fn a_disk_that_is_full_costs_nothing_that_was_saved() {
    let sandbox = Sandbox::new();
    let mut line = vec!["--epochs", "300"];
    line.extend(SMALL);
    let whole = sandbox.train(&[&line[..], &["--out", "whole"]].concat());

    let mut process = sandbox.start(&[&["train"], &line[..], &["--out", "a"]].concat());
    process.wait_for("epoch 1/");
    process.signal("USR1");
    let (status, lines) = process.wait();
    assert!(status.success(), "{status}: {lines:?}");
    let saved = sandbox.read("a/last.safetensors");

    // Blocks of 512 bytes, fewer than the checkpoint has. The signal that would end the process
    // is ignored in the shell, and therefore in what it becomes.
    let resume = "trap '' XFSZ; ulimit -f 8; exec \"$REWIRE\" train --quiet --resume a";
    let outcome = sandbox.shell(resume);
    outcome.is_refused(74, &["cannot write a/.last.safetensors", "continue with: "]);
    assert_eq!(sandbox.read("a/last.safetensors"), saved);
    let names: Vec<_> = sandbox
        .contents("a")
        .into_iter()
        .map(|file| file.0)
        .collect();
    assert!(
        !names
            .iter()
            .any(|name| name.to_string_lossy().contains(".tmp-")),
        "{names:?}"
    );

    // With space again the run ends as if nothing had been.
    let continued = sandbox.train(&["--resume", "a"]);
    assert_eq!(continued["weights_sha256"], whole["weights_sha256"]);
    assert_eq!(
        sandbox.read("a/metrics.csv"),
        sandbox.read("whole/metrics.csv")
    );
}
