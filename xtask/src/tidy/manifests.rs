//! Every package of the workspace takes its lints, licence and compiler from the workspace.

use std::path::Path;

use super::{Finding, SourceFile, relative};
use crate::cargo::Package;

/// The licence of the workspace; a package may add that of an asset to it.
const LICENCE: &str = "MIT OR Apache-2.0";

/// Checks the manifest of every package.
pub(super) fn check(packages: &[Package], root: &Path, files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages {
        let path = relative(&package.manifest_path, root);
        let text = files
            .iter()
            .find(|file| file.path == path)
            .map_or("", |file| file.text.as_str());
        for (what, fix) in faults(text) {
            findings.push(Finding {
                path: path.clone(),
                line: 1,
                rule: "manifest",
                what: what.into(),
                fix: fix.into(),
            });
        }
    }
    findings
}

/// What a manifest lacks, each with its remedy.
fn faults(text: &str) -> Vec<(&'static str, &'static str)> {
    let Ok(manifest) = text.parse::<toml::Table>() else {
        return vec![("it is not TOML", "mend it")];
    };
    let field = |section: &str, key: &str| manifest.get(section).and_then(|table| table.get(key));
    let inherits = |value: Option<&toml::Value>| {
        value
            .and_then(|value| value.get("workspace"))
            .and_then(toml::Value::as_bool)
            == Some(true)
    };
    let mut faults = Vec::new();
    let lints = field("lints", "workspace").and_then(toml::Value::as_bool);
    if lints != Some(true) {
        faults.push((
            "it does not take the workspace's lints",
            "add `[lints]` with `workspace = true`",
        ));
    }
    let licence = field("package", "license");
    let extended = licence
        .and_then(toml::Value::as_str)
        .is_some_and(|text| text.contains(LICENCE));
    if !inherits(licence) && !extended {
        faults.push((
            "it does not carry the workspace's licence",
            "add `license.workspace = true`",
        ));
    }
    if !inherits(field("package", "rust-version")) {
        faults.push((
            "it does not take the workspace's rust-version",
            "add `rust-version.workspace = true`",
        ));
    }
    if field("package", "description").is_none() {
        faults.push(("it does not say what it is for", "add a `description`"));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "\
[package]
name = \"a\"
description = \"b\"
license.workspace = true
rust-version.workspace = true

[lints]
workspace = true
";

    #[test]
    fn a_whole_manifest_has_no_faults() {
        assert_eq!(faults(WHOLE), []);
        let asset = WHOLE.replace(
            "license.workspace = true",
            "license = \"(MIT OR Apache-2.0) AND CC-BY-4.0\"",
        );
        assert_eq!(faults(&asset), []);
    }

    #[test]
    fn each_missing_line_is_one_fault() {
        for line in [
            "description = \"b\"\n",
            "license.workspace = true\n",
            "rust-version.workspace = true\n",
            "[lints]\nworkspace = true\n",
        ] {
            assert_eq!(faults(&WHOLE.replace(line, "")).len(), 1, "{line}");
        }
        let other = WHOLE.replace("license.workspace = true", "license = \"MIT\"");
        assert_eq!(faults(&other).len(), 1);
        assert_eq!(faults("[package").len(), 1);
    }
}
