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
    for (name, expected) in [
        ("a/metrics.csv", "the rows of epochs 1 to 1"),
        ("a/timing.csv", "rows up to step 6"),
    ] {
        let table = sandbox.read(name);
        let refused = |fragments: &[&str]| {
            let before = sandbox.contents("a");
            sandbox
                .call(&["train", "--resume", "a"])
                .is_refused(65, &[&[name, "put back"], fragments].concat());
            assert_eq!(sandbox.contents("a"), before);
        };
        for bytes in [&table[..table.len() / 2], b"epoch,\xff\n"] {
            sandbox.write(name, bytes);
            refused(&[]);
        }
        sandbox.write(name, b"");
        refused(&["the file is empty", expected]);
        std::fs::remove_file(sandbox.path(name)).unwrap();
        refused(&["there is no such file", expected]);
        // Whoever only looks at the checkpoint needs no records.
        assert_eq!(sandbox.call(&["inspect", "a"]).status, 0);
        sandbox.write(name, table);
    }
    sandbox.train(&["--resume", "a"]);
}

/// Not even its first file: every command that writes says so.
#[test]
#[cfg(unix)]
fn a_limit_on_the_size_of_files_is_an_error_with_a_name() {
    let sandbox = Sandbox::new();
    let line = SMALL.join(" ");
    sandbox
        .shell(&format!(
            "ulimit -f 0; exec \"$REWIRE\" train --quiet {line} --out a"
        ))
        .is_refused(74, &["cannot write a/.config.resolved.toml", "ulimit -f"]);
    sandbox
        .shell("ulimit -f 0; exec \"$REWIRE\" train --dry-run > printed")
        .is_refused(74, &["cannot write to stdout"]);
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

    // Blocks of 512 bytes, fewer than the checkpoint has. The signal that comes with the refused
    // write is deadly unless it is handled or, as in the second shell, was ignored before.
    for prefix in ["", "trap '' XFSZ;"] {
        let resume = "ulimit -f 8; exec \"$REWIRE\" train --quiet --resume a";
        let outcome = sandbox.shell(&format!("{prefix} {resume}"));
        outcome.is_refused(
            74,
            &[
                "cannot write a/.last.safetensors",
                "ulimit -f",
                "continue with: ",
            ],
        );
        assert_eq!(sandbox.read("a/last.safetensors"), saved);
    }
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
