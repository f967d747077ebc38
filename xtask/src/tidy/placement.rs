//! Where files lie, what they are called, how long they are and how they begin.

use super::{Finding, SourceFile};

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 12] = [
    "common", "context", "engine", "handler", "helper", "helpers", "manager", "misc", "type",
    "types", "util", "utils",
];

/// The longest a Rust file may be, tests included.
const LONGEST: usize = 450;

/// Files that may be longer, each with the reason.
const LONGER: [(&str, &str); 2] = [
    (
        "crates/rewire-train/tests/files/checkpoint.rs",
        "one table of damaged files for one format",
    ),
    (
        "crates/rewire-train/tests/files/config.rs",
        "one row per configuration key and its faults",
    ),
];

/// Checks names, lengths and the opening documentation of Rust files.
pub(super) fn check(files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".rs")) {
        findings.extend(check_name(&file.path));
        findings.extend(check_length(file, &LONGER));
        findings.extend(check_opening(file));
    }
    findings.extend(check_exceptions(files, &LONGER));
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

fn check_length(file: &SourceFile, longer: &[(&str, &str)]) -> Option<Finding> {
    let lines = file.text.lines().count();
    let excepted = longer.iter().any(|(path, _)| *path == file.path);
    (lines > LONGEST && !excepted).then(|| Finding {
        path: file.path.clone(),
        line: LONGEST + 1,
        rule: "file length",
        what: format!("{lines} lines, {LONGEST} are allowed"),
        fix: "split it by idea, or list it with a reason in xtask/src/tidy/placement.rs".into(),
    })
}

/// An exception that no file needs is a leftover.
fn check_exceptions(files: &[SourceFile], longer: &[(&str, &str)]) -> Vec<Finding> {
    longer
        .iter()
        .filter(|(path, _)| {
            !files
                .iter()
                .any(|file| file.path == *path && file.text.lines().count() > LONGEST)
        })
        .map(|(path, _)| Finding {
            path: (*path).into(),
            line: 1,
            rule: "file length",
            what: format!("is listed as longer than {LONGEST} lines and is not"),
            fix: "take it off the list in xtask/src/tidy/placement.rs".into(),
        })
        .collect()
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
    fn length_is_counted_and_exceptions_have_to_be_needed() {
        let longer = [("long.rs", "one table"), ("gone.rs", "one table")];
        let files = [
            file("edge.rs", "//!\n".repeat(LONGEST)),
            file("over.rs", "//!\n".repeat(LONGEST + 1)),
            file("long.rs", "//!\n".repeat(LONGEST + 1)),
        ];
        let over: Vec<_> = files
            .iter()
            .filter_map(|file| check_length(file, &longer))
            .map(|finding| finding.path)
            .collect();
        assert_eq!(over, ["over.rs"]);
        let stale = check_exceptions(&files, &longer);
        assert_eq!(stale.len(), 1);
        assert_eq!(stale[0].path, "gone.rs");
    }

    #[test]
    fn a_file_opens_with_its_idea() {
        assert!(check_opening(&file("a.rs", "//! Masks.\n".into())).is_none());
        assert!(check_opening(&file("a.rs", "use std::fmt;\n".into())).is_some());
    }
}
