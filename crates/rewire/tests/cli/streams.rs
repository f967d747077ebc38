//! Where output goes, and what happens when it cannot go there.

use std::process::{Command, Stdio};

use crate::sandbox::{SMALL, Sandbox, program};

#[test]
fn help_leads_with_examples_and_states_every_default() {
    let sandbox = Sandbox::new();
    let help = sandbox.call(&["train", "--help"]);
    assert_eq!((help.status, help.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(help.stdout);
    for command in [
        &["--help"][..],
        &["eval", "--help"],
        &["inspect", "--help"],
        &["export", "--help"],
        &["tune", "--help"],
        &["data", "check", "--help"],
    ] {
        let help = sandbox.call(command);
        assert_eq!((help.status, help.stderr.as_str()), (0, ""), "{command:?}");
        let examples = help.stdout.find("Examples:\n").expect("examples");
        assert!(
            examples < help.stdout.find("Usage:").unwrap(),
            "{command:?}"
        );
    }
    let version = sandbox.call(&["--version"]);
    assert_eq!(
        version.stdout,
        format!("rewire {}\n", env!("CARGO_PKG_VERSION"))
    );
    // Without a command the help is the answer, but nothing was done.
    assert_eq!(sandbox.call::<&str>(&[]).status, 2);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child = Command::new(program())
        .args(["train", "--help"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
#[cfg(target_os = "linux")]
fn a_result_that_cannot_be_written_is_a_failure() {
    let sandbox = Sandbox::new();
    let line = format!(
        "\"$REWIRE\" train --quiet --json --epochs 1 {} > /dev/full",
        SMALL.join(" ")
    );
    sandbox
        .shell(&line)
        .is_refused(74, &["cannot write to stdout"]);
    // Nobody sees the progress; the run is none the worse.
    let line = format!(
        "\"$REWIRE\" train --epochs 1 {} 2> /dev/full",
        SMALL.join(" ")
    );
    assert_eq!(sandbox.shell(&line).status, 0);
}

/// Each is one word for the shell and no option for the program, in every command that is printed.
#[test]
fn the_commands_that_are_printed_work_for_paths_that_need_care() {
    let sandbox = Sandbox::new();
    for name in ["it's a run", "-x", "--", "-a \"b\" $HOME `c`"] {
        let mut line = vec!["train".to_owned(), "--quiet".to_owned()];
        line.extend(["--epochs", "1"].map(str::to_owned));
        line.extend(SMALL.map(str::to_owned));
        line.push(format!("--out={name}"));
        let outcome = sandbox.call(&line);
        assert_eq!(outcome.status, 0, "{}", outcome.stderr);
        for beginning in ["next: ", "  or: "] {
            let command = outcome
                .stdout
                .lines()
                .find_map(|line| line.strip_prefix(beginning))
                .unwrap();
            let again = sandbox.shell(command);
            assert_eq!(again.status, 0, "{command}: {}", again.stderr);
        }
    }
}
