//! Each public crate by itself: the packages of `tests/consumers/`, checked, run and weighed.
//!
//! A consumer depends on one crate of this project and on nothing else of it, in a workspace of its
//! own: what compiles here compiles for a stranger who adds that one crate. They are built together,
//! which builds what they share once instead of once per set of features; a deep run checks each by
//! itself as well, with no feature on that it did not ask for. The number of crates that come along is
//! printed for each, and bounded where the project promises a bound.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cargo::{cargo, metadata, output, root};
use crate::tally::Tally;

/// The workspace of the consumers.
pub(crate) const MANIFEST: &str = "tests/consumers/Cargo.toml";

/// Where the consumers are built: with the tests, whose dependencies are built already.
const TARGET_DIR: &str = "target";

/// Crates that promise how many crates they bring along, themselves included.
const LIMITS: [(&str, usize); 1] = [("rewire-mask", 16)];

/// How many crates one `cargo add` brings along, with default features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Weight {
    /// Crates named in the manifest.
    direct: usize,
    /// All crates, the added one and procedural macros included.
    all: usize,
}

/// Runs every consumer, in a `deep` run after checking it by itself. Each counts as one test; it fails
/// if it does not compile, ends badly, or if the crate under test is heavier than promised.
pub(crate) fn run_all(deep: bool) -> Result<(Tally, bool)> {
    if let Err(error) = output(&mut consumers("build")) {
        eprintln!("error: the consumers do not build together: {error:#}");
        return Ok((Tally::one(false), false));
    }
    let mut tally = Tally::default();
    for package in metadata(MANIFEST)?.packages {
        let own = package.own_dependencies();
        let &[crate_under_test] = own.as_slice() else {
            bail!(
                "the consumer {} has to depend on one crate of this project alone, not on {own:?}",
                package.name
            );
        };
        let passed = match run_one(&package.name, crate_under_test, deep) {
            Ok(line) => {
                println!("{line}");
                true
            }
            Err(error) => {
                eprintln!("error: consumer {}: {error:#}", package.name);
                false
            }
        };
        tally += Tally::one(passed);
    }
    Ok((tally, tally.failed == 0))
}

fn run_one(consumer: &str, crate_under_test: &str, deep: bool) -> Result<String> {
    if deep {
        output(consumers("check").args(["--package", consumer]))?;
    }
    let program = root()
        .join(TARGET_DIR)
        .join("debug")
        .join(format!("{consumer}{}", std::env::consts::EXE_SUFFIX));
    let said = output(Command::new(program).current_dir(root()))?;
    let weight = weigh(crate_under_test)?;
    if let Some(limit) = limit_of(crate_under_test)
        && weight.all > limit
    {
        bail!(
            "{crate_under_test} brings {} crates along, itself included; it promises at most \
             {limit}: drop a dependency or put it behind a feature",
            weight.all
        );
    }
    Ok(format!(
        "consumer {consumer:<14} {crate_under_test:<16} {:>2} direct, {:>3} crates in all: {}",
        weight.direct,
        weight.all,
        said.trim()
    ))
}

/// `cargo WHAT` over the consumers.
fn consumers(what: &str) -> Command {
    let mut command = cargo();
    command.args([what, "--quiet", "--manifest-path", MANIFEST]);
    command.args(["--target-dir", TARGET_DIR]);
    command
}

/// Counts the crates that `name` brings along.
fn weigh(name: &str) -> Result<Weight> {
    let tree = output(cargo().args([
        "tree",
        "--package",
        name,
        "--edges",
        "normal",
        "--prefix",
        "depth",
        "--format",
        " {p}",
        "--no-dedupe",
    ]))?;
    parse_tree(&tree)
}

/// Reads the lines `DEPTH NAME vVERSION …` that `cargo tree` prints.
fn parse_tree(tree: &str) -> Result<Weight> {
    let mut direct = BTreeSet::new();
    let mut all = BTreeSet::new();
    for line in tree.lines().filter(|line| !line.trim().is_empty()) {
        let mut words = line.split_whitespace();
        let (depth, name, version) = words
            .next()
            .and_then(|depth| Some((depth.parse::<u32>().ok()?, words.next()?, words.next()?)))
            .with_context(|| format!("`{line}` is not a line of cargo tree"))?;
        if depth == 1 {
            direct.insert((name, version));
        }
        all.insert((name, version));
    }
    Ok(Weight {
        direct: direct.len(),
        all: all.len(),
    })
}

fn limit_of(name: &str) -> Option<usize> {
    LIMITS
        .iter()
        .find(|(limited, _)| *limited == name)
        .map(|&(_, limit)| limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_weighed_by_distinct_crates() {
        let tree = "\
0 mask v0.1.0 (/somewhere/mask)
1 array v0.17.2
2 complex v0.4.6
3 traits v0.2.19
2 traits v0.2.19
1 traits v0.2.19
1 derive v2.0.0 (proc-macro)
2 traits v0.1.0

";
        let weight = parse_tree(tree).expect("well-formed");
        // Direct: array, traits 0.2, derive. In all: those, mask, complex and traits 0.1.
        assert_eq!(weight, Weight { direct: 3, all: 6 });
    }

    #[test]
    fn a_line_without_depth_is_refused() {
        assert!(parse_tree("mask v0.1.0").is_err());
    }
}
