//! Who may depend on whom.
//!
//! The table is the architecture: what a crate knows decides what it can be used without. An edge
//! that is missing here is a change of design, made here first and with a reason.

use std::path::Path;

use super::{Finding, relative};
use crate::cargo::Package;

/// Each crate with the crates of this project it may depend on. Development dependencies are free.
const EDGES: [(&str, &[&str]); 15] = [
    ("rewire-mask", &[]),
    ("rewire-rng", &[]),
    ("rewire-ptx", &[]),
    ("rewire-kernels", &[]),
    (
        "rewire-cuda",
        &["rewire-kernels", "rewire-mask", "rewire-ptx"],
    ),
    ("rewire-sparse", &["rewire-mask"]),
    ("rewire-autograd", &["rewire-mask", "rewire-sparse"]),
    ("rewire-ift", &["rewire-mask"]),
    (
        "rewire-nn",
        &[
            "rewire-autograd",
            "rewire-ift",
            "rewire-mask",
            "rewire-rng",
            "rewire-sparse",
        ],
    ),
    (
        "rewire-explore",
        &["rewire-ift", "rewire-mask", "rewire-rng"],
    ),
    ("rewire-data", &["rewire-rng"]),
    (
        "rewire-train",
        &[
            "rewire-autograd",
            "rewire-data",
            "rewire-explore",
            "rewire-ift",
            "rewire-mask",
            "rewire-nn",
            "rewire-rng",
            "rewire-sparse",
        ],
    ),
    (
        "rewire",
        &[
            "rewire-autograd",
            "rewire-data",
            "rewire-explore",
            "rewire-ift",
            "rewire-mask",
            "rewire-nn",
            "rewire-rng",
            "rewire-sparse",
            "rewire-train",
        ],
    ),
    ("rewire-laws", &[]),
    ("xtask", &["rewire-kernels"]),
];

/// Where the table lies, for the advice.
const TABLE: &str = "xtask/src/tidy/edges.rs";

/// Finds normal dependencies that are not in the table.
pub(super) fn check(packages: &[Package], root: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages {
        for what in broken_edges(&EDGES, &package.name, &package.own_dependencies()) {
            findings.push(Finding {
                path: relative(&package.manifest_path, root),
                line: 1,
                rule: "dependency edge",
                what,
                fix: format!("do without, or change the design by changing the table in {TABLE}"),
            });
        }
    }
    findings
}

/// What the table says against `package` depending on `dependencies`.
fn broken_edges(table: &[(&str, &[&str])], package: &str, dependencies: &[&str]) -> Vec<String> {
    let Some((_, allowed)) = table.iter().find(|(name, _)| *name == package) else {
        return vec![format!("{package} has no row in the table of edges")];
    };
    dependencies
        .iter()
        .filter(|dependency| !allowed.contains(dependency))
        .map(|dependency| format!("{package} must not know {dependency}"))
        .collect()
}

/// Finds consumers that use more than one crate, and public crates that no consumer uses alone.
pub(super) fn check_consumers(
    consumers: &[Package],
    workspace: &[Package],
    root: &Path,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for consumer in consumers {
        let own = consumer.own_dependencies();
        if own.len() != 1 {
            findings.push(Finding {
                path: relative(&consumer.manifest_path, root),
                line: 1,
                rule: "consumer",
                what: format!("{} depends on {own:?}", consumer.name),
                fix: "depend on one crate of this project alone".into(),
            });
        }
    }
    for package in workspace {
        let path = relative(&package.manifest_path, root);
        let used = consumers
            .iter()
            .any(|consumer| consumer.own_dependencies() == [package.name.as_str()]);
        if path.starts_with("crates/") && !used {
            findings.push(Finding {
                path,
                line: 1,
                rule: "consumer",
                what: format!("no package in tests/consumers/ uses {} alone", package.name),
                fix: "add one with a main that asserts something".into(),
            });
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cargo::Dependency;

    fn package(name: &str, manifest: &str, dependencies: &[(&str, Option<&str>)]) -> Package {
        Package {
            name: name.into(),
            manifest_path: Path::new("/p").join(manifest),
            dependencies: dependencies
                .iter()
                .map(|&(name, kind)| Dependency {
                    name: name.into(),
                    kind: kind.map(Into::into),
                })
                .collect(),
            targets: Vec::new(),
        }
    }

    #[test]
    fn only_edges_of_the_table_pass() {
        let table: [(&str, &[&str]); 2] = [("a", &[]), ("b", &["a"])];
        assert!(broken_edges(&table, "b", &["a"]).is_empty());
        assert_eq!(
            broken_edges(&table, "a", &["b", "c"]),
            ["a must not know b", "a must not know c"]
        );
        assert_eq!(
            broken_edges(&table, "d", &[]),
            ["d has no row in the table of edges"]
        );
    }

    #[test]
    fn development_dependencies_are_free() {
        let packages = [package(
            "rewire-mask",
            "crates/rewire-mask/Cargo.toml",
            &[
                ("rewire-rng", Some("dev")),
                ("rewire-nn", None),
                ("ndarray", None),
            ],
        )];
        let findings = check(&packages, Path::new("/p"));
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].what, "rewire-mask must not know rewire-nn");
        assert_eq!(findings[0].path, "crates/rewire-mask/Cargo.toml");
    }

    /// The table has no cycle: what a crate may know never leads back to it.
    #[test]
    fn the_table_is_a_hierarchy() {
        fn reaches(from: &str, to: &str, depth: usize) -> bool {
            let known = EDGES
                .iter()
                .find(|(name, _)| *name == from)
                .map_or(&[][..], |(_, known)| known);
            depth > 0
                && known
                    .iter()
                    .any(|&next| next == to || reaches(next, to, depth - 1))
        }
        for (name, _) in EDGES {
            assert!(!reaches(name, name, EDGES.len()), "{name} knows itself");
        }
    }

    #[test]
    fn every_crate_has_a_consumer_of_its_own() {
        let workspace = [
            package("rewire-mask", "crates/rewire-mask/Cargo.toml", &[]),
            package("rewire-rng", "crates/rewire-rng/Cargo.toml", &[]),
            package("xtask", "xtask/Cargo.toml", &[]),
        ];
        let consumers = [
            package(
                "masks",
                "tests/consumers/masks/Cargo.toml",
                &[("rewire-mask", None)],
            ),
            package(
                "two",
                "tests/consumers/two/Cargo.toml",
                &[("rewire-mask", None), ("rewire-rng", None)],
            ),
        ];
        let findings = check_consumers(&consumers, &workspace, Path::new("/p"));
        let paths: Vec<&str> = findings.iter().map(|found| found.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "tests/consumers/two/Cargo.toml",
                "crates/rewire-rng/Cargo.toml"
            ]
        );
    }
}
