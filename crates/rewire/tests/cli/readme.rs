//! What the README tells people to type works.

use crate::sandbox::{Sandbox, write_data};

const README: &str = include_str!("../../../../README.md");

/// The arguments of every call of the program in a code block, without comments.
fn commands() -> Vec<Vec<String>> {
    let mut in_block = false;
    let mut commands = Vec::new();
    for line in README.lines() {
        if line.starts_with("```") {
            in_block = !in_block;
        }
        let line = line.trim_start_matches("$ ");
        let call = ["cargo run --release -- ", "rewire "]
            .iter()
            .find_map(|beginning| line.strip_prefix(beginning));
        if let Some(call) = call.filter(|_| in_block) {
            let words = call
                .split_whitespace()
                .take_while(|word| !word.starts_with('#'));
            commands.push(words.map(str::to_owned).collect());
        }
    }
    commands
}

/// Runs them one after the other in one folder, as a reader would; files that they name are there,
/// small.
#[test]
fn every_command_of_the_readme_works() {
    let sandbox = Sandbox::new();
    let commands = commands();
    assert!(
        commands.iter().any(|words| words == &["train"]),
        "{commands:?}"
    );
    for words in &commands {
        for pair in words.windows(2) {
            match (pair[0].as_str(), pair[1].as_str()) {
                (_, "digits") => {}
                ("--data" | "check", folder) => write_data(&sandbox, folder),
                ("--config", file) => sandbox.write(file, "[schedule]\nepochs = 3\n"),
                _ => {}
            }
        }
        let outcome = sandbox.call(words);
        assert_eq!(outcome.status, 0, "{words:?}: {}", outcome.stderr);
    }
}
