//! One instruction at a time: answers compared with those of recorded machines, or recorded.

use std::path::Path;

use anyhow::{Context, Result};
use rewire_cuda::Gpu;
use rewire_cuda::kernels::probe::{Answers, Probe};

use super::host::launch;
use super::{file_name, root};

/// Where recorded answers lie, a file per kind of machine.
const FIXTURES: &str = "kernels/fixtures";

/// Asks every probe. With `record` the answers are written; without it they are compared with every
/// file of answers; `true` if all agree.
pub(super) fn run(gpu: &Gpu, record: bool, out: Option<&Path>) -> Result<bool> {
    let facts = gpu.facts();
    let (major, minor) = facts.driver;
    let mut answers = Answers::of(format!("{}, driver CUDA {major}.{minor}", facts.name));
    let mut agrees = true;
    let recorded = recorded()?;
    for probe in Probe::all() {
        let input: &[u8] = bytemuck::cast_slice(probe.input());
        let outputs = match launch(gpu, &probe.call()?, &[input]) {
            Ok(outputs) => outputs,
            // The others may still answer.
            Err(error) => {
                eprintln!("error: probe {}: {error:#}", probe.name());
                agrees = false;
                continue;
            }
        };
        let words: Vec<u32> = outputs[0]
            .as_chunks()
            .0
            .iter()
            .map(|bytes| u32::from_ne_bytes(*bytes))
            .collect();
        for known in &recorded {
            if let Err(error) = known.check(probe, &words) {
                eprintln!("error: unlike {}: {error}", known.machine);
                agrees = false;
            }
        }
        answers.push(probe, words);
    }
    println!(
        "{} probes, compared with {} machines",
        answers.len(),
        recorded.len()
    );
    if record {
        let folder = out.map_or_else(|| root().join(FIXTURES), Path::to_path_buf);
        std::fs::create_dir_all(&folder).with_context(|| format!("{}", folder.display()))?;
        let path = folder.join(format!("{}.txt", file_name(&facts.name)));
        std::fs::write(&path, answers.to_string())
            .with_context(|| format!("{}", path.display()))?;
        println!("recorded in {}", path.display());
    }
    Ok(agrees)
}

/// The answers of every machine that was recorded; none where the folder is not.
fn recorded() -> Result<Vec<Answers>> {
    let folder = root().join(FIXTURES);
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut paths = Vec::new();
    let entries = std::fs::read_dir(&folder).with_context(|| format!("{}", folder.display()))?;
    for entry in entries {
        paths.push(entry?.path());
    }
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let context = || format!("{}", path.display());
            let text = std::fs::read_to_string(path).with_context(context)?;
            Answers::parse(&text).with_context(context)
        })
        .collect()
}
