//! How the commands call cargo: from the repository root, with output passed through as it comes.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// The repository root: the folder above this package.
///
/// Cargo names the package's folder when it runs us; the folder of the build is used only when the
/// binary is started by hand.
pub(crate) fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package
        .parent()
        .map_or_else(|| package.clone(), Path::to_path_buf)
}

/// A cargo command that runs in the repository root.
pub(crate) fn cargo() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// Runs a command with its output passed through; `true` if it ended well.
pub(crate) fn passes(command: &mut Command) -> Result<bool> {
    eprintln!("$ {}", shown(command));
    let status = command
        .status()
        .with_context(|| format!("could not start `{}`", shown(command)))?;
    Ok(status.success())
}

/// Runs a command, prints each line of its standard output and hands it to `line`; `true` if the
/// command ended well.
pub(crate) fn streams(command: &mut Command, mut line: impl FnMut(&str)) -> Result<bool> {
    eprintln!("$ {}", shown(command));
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("could not start `{}`", shown(command)))?;
    if let Some(output) = child.stdout.take() {
        let mut reader = BufReader::new(output);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes)? > 0 {
            let text = String::from_utf8_lossy(&bytes);
            print!("{text}");
            line(text.trim_end());
            bytes.clear();
        }
    }
    Ok(child.wait()?.success())
}

/// Runs a command silently and returns its standard output.
///
/// # Errors
/// If it cannot be started or fails; the message holds what it wrote on standard error.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("could not start `{}`", shown(command)))?;
    if !output.status.success() {
        bail!(
            "`{}` failed:\n{}",
            shown(command),
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A command as a person would type it.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut words = vec![program.file_name().map_or_else(
        || program.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    )];
    words.extend(
        command
            .get_args()
            .map(|word| word.to_string_lossy().into_owned()),
    );
    words.join(" ")
}

/// What cargo says about the packages of a workspace, dependencies not resolved.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    /// The members of the workspace.
    pub(crate) packages: Vec<Package>,
}

/// One package of a workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    /// Where its Cargo.toml lies, absolute.
    pub(crate) manifest_path: PathBuf,
    /// What its manifest declares, of every kind.
    pub(crate) dependencies: Vec<Dependency>,
    /// Its libraries, binaries, tests and benches.
    pub(crate) targets: Vec<Target>,
}

/// One declared dependency.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    /// The package that is depended on.
    pub(crate) name: String,
    /// `None` for a normal dependency, else `dev` or `build`.
    pub(crate) kind: Option<String>,
}

/// One thing that cargo builds of a package.
#[derive(Debug, Deserialize)]
pub(crate) struct Target {
    /// Its name.
    pub(crate) name: String,
    /// `lib`, `bin`, `test`, `bench`, `proc-macro`, …
    pub(crate) kind: Vec<String>,
}

impl Package {
    /// The names of the normal dependencies that belong to this project.
    pub(crate) fn own_dependencies(&self) -> Vec<&str> {
        self.dependencies
            .iter()
            .filter(|dependency| dependency.kind.is_none() && is_own(&dependency.name))
            .map(|dependency| dependency.name.as_str())
            .collect()
    }
}

/// Whether a package of this name belongs to this project.
pub(crate) fn is_own(name: &str) -> bool {
    name == "rewire" || name.starts_with("rewire-")
}

/// The members of the workspace whose manifest is `manifest`, relative to the root.
pub(crate) fn metadata(manifest: &str) -> Result<Metadata> {
    let text = output(cargo().args([
        "metadata",
        "--no-deps",
        "--format-version=1",
        "--manifest-path",
        manifest,
    ]))?;
    serde_json::from_str(&text).with_context(|| format!("what cargo says about {manifest}"))
}
