//! Where files lie, what they are called, how long they are and how they begin.

use super::{Finding, SourceFile};

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 12] = [
    "common", "context", "engine", "handler", "helper", "helpers", "manager", "misc", "type",
    "types", "util", "utils",
];

/// The longest a Rust file may be, tests included.
const LONGEST: usize = 450;

/// Checks names, lengths and the opening documentation of Rust files.
pub(super) fn check(files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".rs")) {
        findings.extend(check_name(&file.path));
        findings.extend(check_length(file));
        findings.extend(check_opening(file));
    }
    findings
}

/// A module's name is that of its file, or of its folder for `mod.rs`.
fn check_name(path: &str) -> Option<Finding> {
    let mut parts = path.rsplit('/');
    let stem = parts.next()?.strip_suffix(".rs")?;
    let name = if stem == "mod" { parts.next()? } else { stem };
    EMPTY_NAMES.contains(&name).then(|| Finding {
        path: path.into(),
        line: 1,
        rule: "file name",
        what: format!("`{name}` says nothing about what is inside"),
        fix: "name the file after the noun of the field it holds".into(),
    })
}

fn check_length(file: &SourceFile) -> Option<Finding> {
    let lines = file.text.lines().count();
    (lines > LONGEST).then(|| Finding {
        path: file.path.clone(),
        line: LONGEST + 1,
        rule: "file length",
        what: format!("{lines} lines, {LONGEST} are allowed"),
        fix: "split it by idea".into(),
    })
}

/// Every Rust file of a package opens with what it is about.
fn check_opening(file: &SourceFile) -> Option<Finding> {
    (!file.text.starts_with("//!")).then(|| Finding {
        path: file.path.clone(),
        line: 1,
        rule: "opening",
        what: "the file does not say what it is about".into(),
        fix: "open it with `//!` and the idea".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: String) -> SourceFile {
        SourceFile {
            path: path.into(),
            text,
        }
    }

    #[test]
    fn names_that_say_nothing_are_found() {
        let rows = [
            ("crates/a/src/utils.rs", true),
            ("crates/a/src/common/mod.rs", true),
            ("crates/a/src/engine.rs", true),
            ("crates/a/src/mask.rs", false),
            ("crates/a/src/type_of_mask.rs", false),
            ("crates/types/src/lib.rs", false),
            ("crates/a/src/methods/mod.rs", false),
        ];
        for (path, found) in rows {
            assert_eq!(check_name(path).is_some(), found, "{path}");
        }
    }

    #[test]
    fn length_is_counted() {
        let of = |lines| check_length(&file("a.rs", "//!\n".repeat(lines)));
        assert!(of(LONGEST).is_none());
        assert!(of(LONGEST + 1).is_some());
    }

    #[test]
    fn a_file_opens_with_its_idea() {
        assert!(check_opening(&file("a.rs", "//! Masks.\n".into())).is_none());
        assert!(check_opening(&file("a.rs", "use std::fmt;\n".into())).is_some());
    }
}
