//! What code may say, and where: unsafe blocks, unfinished work, printing, files, machine paths.

use super::code::{code_only, has_word, test_parts};
use super::{Finding, SourceFile};

/// Folders in which `unsafe` may stand.
const UNSAFE_FOLDERS: [&str; 4] = [
    "crates/rewire-cuda/src/driver/",
    "crates/rewire-mask/src/simd/",
    "crates/rewire-sparse/src/pool/",
    "crates/rewire-sparse/src/simd/",
];

/// Packages that touch files. A consumer is a whole program and may need a place for its files.
const FILE_FOLDERS: [&str; 5] = [
    "crates/rewire-data/",
    "crates/rewire-train/",
    "crates/rewire/",
    "tests/consumers/",
    "xtask/",
];

/// Packages that read the environment.
const ENVIRONMENT_FOLDERS: [&str; 3] = ["crates/rewire/", "tests/consumers/", "xtask/"];

/// Packages that print. The consumers are programs of a few lines that say what they found.
const PRINT_FOLDERS: [&str; 3] = ["crates/rewire/", "tests/consumers/", "xtask/"];

const PRINT_MACROS: [&str; 5] = ["print!", "println!", "eprint!", "eprintln!", "dbg!"];

/// Folders in the root of somebody's machine; a path that begins there helps nobody else.
const MACHINE_FOLDERS: [&str; 3] = ["home", "root", "work"];

/// Checks every text for machine paths and every Rust file for what it may say.
pub(super) fn check(files: &[SourceFile]) -> Vec<Finding> {
    let test_modules = test_modules(files);
    let mut findings = Vec::new();
    for file in files {
        findings.extend(check_machine_paths(file));
        if file.path.ends_with(".rs") {
            let is_test = is_test_path(&file.path)
                || test_modules
                    .iter()
                    .any(|module| belongs_to(&file.path, module));
            findings.extend(check_code(file, is_test));
        }
    }
    findings
}

/// Whether Cargo compiles the file only for tests, benches and examples.
fn is_test_path(path: &str) -> bool {
    let consumer = path.starts_with("tests/consumers/");
    !consumer
        && (path.starts_with("tests/")
            || path.starts_with("bench/")
            || ["/tests/", "/benches/", "/examples/"]
                .iter()
                .any(|folder| path.contains(folder)))
}

/// The modules under `#[cfg(test)]` that have files of their own, as paths without `.rs`.
fn test_modules(files: &[SourceFile]) -> Vec<String> {
    let mut modules = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".rs")) {
        let stem = file.path.trim_end_matches(".rs");
        let (folder, name) = stem.rsplit_once('/').unwrap_or(("", stem));
        let home = if matches!(name, "lib" | "main" | "mod") {
            folder
        } else {
            stem
        };
        let parts = test_parts(&code_only(&file.text));
        modules.extend(
            parts
                .modules
                .iter()
                .map(|module| format!("{home}/{module}")),
        );
    }
    modules
}

/// Whether the file at `path` is the module or lies below it.
fn belongs_to(path: &str, module: &str) -> bool {
    path.strip_prefix(module)
        .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

fn check_code(file: &SourceFile, is_test: bool) -> Vec<Finding> {
    let code = code_only(&file.text);
    let test_lines = test_parts(&code).lines;
    let may = |folders: &[&str]| folders.iter().any(|folder| file.path.starts_with(folder));
    let mut findings = Vec::new();
    let mut report = |line: usize, rule, what: String, fix: &str| {
        findings.push(Finding {
            path: file.path.clone(),
            line,
            rule,
            what,
            fix: fix.into(),
        });
    };
    for (index, text) in code.lines().enumerate() {
        let line = index + 1;
        if has_word(text, "unsafe") && !may(&UNSAFE_FOLDERS) {
            report(
                line,
                "unsafe",
                "`unsafe` outside the folders that may hold it".into(),
                "call a safe kernel, or move the block into one of the driver, simd or pool folders",
            );
        }
        for unfinished in ["todo!", "unimplemented!", "#[ignore"] {
            if text.contains(unfinished) {
                report(
                    line,
                    "unfinished",
                    format!("`{unfinished}` promises work that is not there"),
                    "finish it or leave it out; a long test asks for REWIRE_DEEP instead",
                );
            }
        }
        if is_test || test_lines[index] {
            continue;
        }
        if text.contains(".unwrap()") {
            report(
                line,
                "unwrap",
                "`.unwrap()` outside tests".into(),
                "return an error, or `expect` with the fact that rules it out",
            );
        }
        for print in PRINT_MACROS {
            let name = print.trim_end_matches('!');
            if text.contains(print) && has_word(text, name) && !may(&PRINT_FOLDERS) {
                report(
                    line,
                    "printing",
                    format!("`{print}` in a library"),
                    "return the value; only the binary prints",
                );
            }
        }
    }
    if !is_test {
        for (module, folders) in [("fs", &FILE_FOLDERS[..]), ("env", &ENVIRONMENT_FOLDERS[..])] {
            for line in uses_of_std(&code, module) {
                if !test_lines[line - 1] && !may(folders) {
                    report(
                        line,
                        "outside world",
                        format!("`std::{module}` in a crate that has no business with it"),
                        "take the bytes or the value as an argument",
                    );
                }
            }
        }
    }
    findings
}

/// The lines, from 1, that name `std::module`, by path or in a braced import; `std::env::consts`
/// is about the target and reads nothing.
fn uses_of_std(code: &str, module: &str) -> Vec<usize> {
    let line_of = |at: usize| code[..at].matches('\n').count() + 1;
    let mut lines = Vec::new();
    for (at, prefix) in code.match_indices("std::") {
        let rest = &code[at + prefix.len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let group_start = at + prefix.len() + 1;
            for (offset, item) in items_of_group(group) {
                if first_word(item) == module {
                    lines.push(line_of(group_start + offset));
                }
            }
        } else if first_word(rest) == module && !rest.starts_with("env::consts") {
            lines.push(line_of(at));
        }
    }
    lines
}

/// The items between the commas of a braced import, with their offsets.
fn items_of_group(group: &str) -> Vec<(usize, &str)> {
    let mut items = Vec::new();
    let (mut depth, mut start) = (0usize, 0usize);
    for (at, c) in group.char_indices() {
        let ends = match c {
            ',' if depth == 0 => true,
            '}' if depth == 0 => true,
            '{' => {
                depth += 1;
                false
            }
            '}' => {
                depth -= 1;
                false
            }
            _ => false,
        };
        if ends {
            let item = &group[start..at];
            let blank = item.len() - item.trim_start().len();
            items.push((start + blank, item.trim()));
            start = at + 1;
            if c == '}' {
                break;
            }
        }
    }
    items
}

fn first_word(text: &str) -> &str {
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    &text[..end]
}

fn check_machine_paths(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, text) in file.text.lines().enumerate() {
        for folder in MACHINE_FOLDERS {
            if has_machine_path(text, folder) {
                findings.push(Finding {
                    path: file.path.clone(),
                    line: index + 1,
                    rule: "machine path",
                    what: format!("a path below `/{folder}` of one machine"),
                    fix: "write it relative to the repository, or take it from the user".into(),
                });
            }
        }
    }
    findings
}

/// Whether an absolute path that begins with this folder stands in the text; `a/root/b` is none.
fn has_machine_path(text: &str, folder: &str) -> bool {
    let path = format!("/{folder}/");
    text.match_indices(&path).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "._-/}".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, text: &str) -> Vec<(usize, &'static str)> {
        let files = [SourceFile {
            path: path.into(),
            text: text.into(),
        }];
        check(&files)
            .iter()
            .map(|finding| (finding.line, finding.rule))
            .collect()
    }

    #[test]
    fn each_rule_bites_where_it_holds_and_nowhere_else() {
        type Expected = &'static [(usize, &'static str)];
        let rows: [(&str, &str, Expected); 17] = [
            (
                "crates/rewire-nn/src/a.rs",
                "unsafe { x() }",
                &[(1, "unsafe")],
            ),
            ("crates/rewire-mask/src/simd/a.rs", "unsafe { x() }", &[]),
            ("crates/rewire-nn/src/a.rs", "// unsafe", &[]),
            (
                "crates/rewire/tests/a.rs",
                "fn f() {\n    todo!()\n}",
                &[(2, "unfinished")],
            ),
            (
                "tests/laws/a.rs",
                "#[ignore = \"slow\"]",
                &[(1, "unfinished")],
            ),
            ("crates/rewire-nn/src/a.rs", "x.unwrap();", &[(1, "unwrap")]),
            ("crates/rewire-nn/tests/a.rs", "x.unwrap();", &[]),
            (
                "crates/rewire-nn/src/a.rs",
                "#[cfg(test)]\nmod tests {\n    fn f() { x.unwrap(); println!(); }\n}",
                &[],
            ),
            (
                "crates/rewire-nn/src/a.rs",
                "println!(\"a\");",
                &[(1, "printing")],
            ),
            ("crates/rewire/src/a.rs", "println!(\"a\");", &[]),
            ("tests/consumers/a/src/main.rs", "println!(\"a\");", &[]),
            (
                "crates/rewire-mask/src/a.rs",
                "use std::fs;",
                &[(1, "outside world")],
            ),
            (
                "crates/rewire-mask/src/a.rs",
                "use std::{\n    collections::{BTreeMap, fs},\n    env,\n};",
                &[(3, "outside world")],
            ),
            ("crates/rewire-train/src/a.rs", "std::fs::read(p)", &[]),
            (
                "crates/rewire-train/src/a.rs",
                "std::env::var(p)",
                &[(1, "outside world")],
            ),
            ("crates/rewire-mask/src/a.rs", "std::fmt::Debug", &[]),
            ("crates/rewire-mask/src/a.rs", "std::env::consts::OS", &[]),
        ];
        for (path, text, expected) in rows {
            assert_eq!(rules(path, text), expected, "{path}: {text}");
        }
    }

    #[test]
    fn a_module_declared_for_tests_is_test_code_in_its_own_file() {
        let file = |path: &str, text: &str| SourceFile {
            path: path.into(),
            text: text.into(),
        };
        let files = [
            file("crates/rewire-nn/src/lib.rs", "#[cfg(test)]\nmod oracle;"),
            file("crates/rewire-nn/src/oracle.rs", "x.unwrap();"),
            file("crates/rewire-nn/src/oracle/deep.rs", "x.unwrap();"),
            file("crates/rewire-nn/src/oracles.rs", "x.unwrap();"),
        ];
        let findings = check(&files);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].path, "crates/rewire-nn/src/oracles.rs");
    }

    #[test]
    fn machine_paths_are_found_and_relative_ones_left_alone() {
        let absolute = format!("see /{}/me/x", MACHINE_FOLDERS[0]);
        assert_eq!(rules("docs/a.md", &absolute), [(1, "machine path")]);
        for fine in [
            "docs/home/x",
            "../root/x",
            "https://a.org/home/x",
            "homework",
        ] {
            assert_eq!(rules("docs/a.md", fine), [], "{fine}");
        }
    }
}
