//! `cargo xtask bench`: the criterion benches of every package that has some.

use anyhow::Result;

use crate::cargo::{Package, cargo, metadata, passes};

/// Options of `cargo xtask bench`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only the benches whose identifier contains this.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
}

/// Runs the benches one target after another; `true` if all ended well.
///
/// Each target is named on the command line, because the test binaries, which `cargo bench
/// --workspace` would start too, do not understand criterion's options.
pub(crate) fn run(arguments: &Arguments) -> Result<bool> {
    let metadata = metadata("Cargo.toml")?;
    let mut benches = bench_targets(&metadata.packages);
    benches.sort_unstable();
    if benches.is_empty() {
        println!("no package has benches");
    }
    let mut passed = true;
    for (package, bench) in benches {
        let mut command = cargo();
        command.args(["bench", "--package", package, "--bench", bench, "--"]);
        command.args(&arguments.filter);
        passed &= passes(&mut command)?;
    }
    Ok(passed)
}

/// Package and name of every bench target.
fn bench_targets(packages: &[Package]) -> Vec<(&str, &str)> {
    packages
        .iter()
        .flat_map(|package| {
            package
                .targets
                .iter()
                .filter(|target| target.kind.iter().any(|kind| kind == "bench"))
                .map(|target| (package.name.as_str(), target.name.as_str()))
        })
        .collect()
}
