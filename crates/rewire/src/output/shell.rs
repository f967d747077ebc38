//! Commands that a user can copy into a shell.

use std::path::Path;

/// The text as one word of a POSIX shell.
pub(crate) fn quoted(text: &str) -> String {
    // No `=`: at the beginning of a command it would make an assignment.
    let plain = |c: char| c.is_alphanumeric() || "/._-+:,@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A path as one word that a shell does not split and a program does not take for an option.
fn operand(path: &Path) -> String {
    let text = path.display().to_string();
    match text.strip_prefix('-') {
        Some(_) => quoted(&format!("./{text}")),
        None => quoted(&text),
    }
}

/// This program as it was called, with a subcommand and a path.
///
/// Built from source it lies in no search path, so its name alone would not run.
pub(crate) fn own_command(subcommand: &str, path: &Path) -> String {
    let program = std::env::args_os().next().map_or_else(
        || "rewire".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    );
    format!("{} {subcommand} {}", quoted(&program), operand(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_that_a_shell_would_split_or_expand_are_quoted() {
        for (text, word) in [
            ("runs/0001", "runs/0001"),
            ("mlp:300,100", "mlp:300,100"),
            ("my runs/1", "'my runs/1'"),
            ("$HOME", "'$HOME'"),
            ("it's", r"'it'\''s'"),
            ("a=b/rewire", "'a=b/rewire'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(text), word);
        }
    }

    #[test]
    fn a_path_is_never_an_option() {
        for (path, word) in [
            ("runs/-1", "runs/-1"),
            ("-x", "./-x"),
            ("--", "./--"),
            ("-x y", "'./-x y'"),
        ] {
            assert_eq!(operand(Path::new(path)), word);
        }
    }
}
