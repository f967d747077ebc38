//! `cargo xtask tidy`: the shape of the project, checked.
//!
//! A rule is here if it can be broken without a compiler or a test noticing: who may depend on
//! whom, where things lie, what the documents claim to exist. Each finding names the file, the line,
//! the rule and what to do. The rules work on texts that were read before, so that their own tests
//! need no files.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::cargo::{metadata, root};
use crate::consumers;

mod architecture;
mod code;
mod edges;
mod links;
mod manifests;
mod placement;
mod source;

/// Folders that hold nothing the project wrote; `runs` only in the root.
const SKIPPED: [&str; 3] = ["target", "runs", ".git"];

/// A text file of the project.
#[derive(Debug)]
struct SourceFile {
    /// Relative to the root, with `/` between its parts.
    path: String,
    /// Its contents.
    text: String,
}

/// One broken rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    /// The file, relative to the root.
    path: String,
    /// The line, from 1.
    line: usize,
    /// A word for the rule.
    rule: &'static str,
    /// What is wrong.
    what: String,
    /// What to do about it.
    fix: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            line,
            rule,
            what,
            fix,
        } = self;
        write!(f, "{path}:{line}: {rule}: {what}\n    fix: {fix}")
    }
}

/// Checks every rule and prints what is broken; `true` if nothing is.
pub(crate) fn run() -> Result<bool> {
    let root = root();
    let mut files = Vec::new();
    read_texts(&root, "", &mut files)?;
    let workspace = metadata("Cargo.toml")?.packages;
    let consumers = metadata(consumers::MANIFEST)?.packages;

    let mut findings = Vec::new();
    findings.extend(edges::check(&workspace, &root));
    findings.extend(edges::check_consumers(&consumers, &workspace, &root));
    findings.extend(placement::check(&files));
    findings.extend(source::check(&files));
    findings.extend(architecture::check(&files, &|path| exists(&root, path)));
    findings.extend(links::check(&files, &|path| exists(&root, path)));
    findings.extend(manifests::check(&workspace, &root, &files));
    findings.sort();

    for finding in &findings {
        println!("{finding}");
    }
    println!(
        "tidy: {} files read, {} findings",
        files.len(),
        findings.len()
    );
    Ok(findings.is_empty())
}

/// Whether something lies at `path` below the root; a path that ends in `/` has to be a folder.
fn exists(root: &Path, path: &str) -> bool {
    let full = root.join(path);
    if path.ends_with('/') {
        full.is_dir()
    } else {
        full.exists()
    }
}

/// A path as the findings write it.
fn relative(path: &Path, root: &Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .to_string_lossy()
        .replace('\\', "/")
}

/// Reads every text below `folder` (relative to the root, empty or ending in `/`), in order of
/// path; what is not UTF-8 is no text and is left out.
fn read_texts(root: &Path, folder: &str, files: &mut Vec<SourceFile>) -> Result<()> {
    let mut names = Vec::new();
    let full = root.join(folder);
    for entry in fs::read_dir(&full).with_context(|| format!("reading {}", full.display()))? {
        let entry = entry?;
        names.push((
            entry.file_name().to_string_lossy().into_owned(),
            entry.file_type()?,
        ));
    }
    names.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, kind) in names {
        let path = format!("{folder}{name}");
        let skipped = SKIPPED.contains(&name.as_str()) && (name != "runs" || folder.is_empty());
        if skipped {
            continue;
        }
        if kind.is_dir() {
            read_texts(root, &format!("{path}/"), files)?;
        } else if kind.is_file() {
            let bytes = fs::read(root.join(&path)).with_context(|| format!("reading {path}"))?;
            if let Ok(text) = String::from_utf8(bytes) {
                files.push(SourceFile { path, text });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_says_where_what_and_how_to_mend_it() {
        let finding = Finding {
            path: "crates/a/src/lib.rs".into(),
            line: 3,
            rule: "unsafe",
            what: "an unsafe block".into(),
            fix: "move it".into(),
        };
        assert_eq!(
            finding.to_string(),
            "crates/a/src/lib.rs:3: unsafe: an unsafe block\n    fix: move it"
        );
    }
}
