//! The Python in which the peers run.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cargo::passes;

/// Makes the virtual environment of the peers if it is not there; returns its interpreter.
///
/// # Errors
/// If there is no Python or something cannot be installed; nothing has been measured then.
pub(super) fn environment(root: &Path) -> Result<PathBuf> {
    let folder = root.join("target/peers/venv");
    let interpreter = folder.join("bin/python");
    if folder.join("ready").exists() {
        return Ok(interpreter);
    }
    let script = root.join("bench/peers/environment.py");
    let mut command = Command::new("python3");
    command.arg(script).arg(&folder);
    let made = passes(&mut command)
        .context("the peers need Python 3.10 or later; `--python PATH` names one that has them")?;
    if !made {
        bail!(
            "the peers could not be installed, see above; `--python PATH` names a Python that has \
             torch, numpy, scipy, mkl, onnx and onnxruntime"
        );
    }
    Ok(interpreter)
}
