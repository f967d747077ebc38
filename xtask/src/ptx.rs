//! `cargo xtask ptx`: every kernel and every probe through NVIDIA's assembler, for every processor
//! they are meant for.
//!
//! The assembler needs no GPU and no driver. It comes as a Python package, which the command puts
//! into an environment of its own under `target/`. Where that cannot be had, the command says so
//! and passes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use rewire_kernels::probe::Probe;
use rewire_kernels::{Code, Copy, Element, Program};

use crate::cargo::{output, root};

/// The processors: Ampere of the data centre and of the desk, Ada, Hopper.
const PROCESSORS: [&str; 4] = ["sm_80", "sm_86", "sm_89", "sm_90"];

/// The Python package with the assembler.
const PACKAGE: &str = "nvidia-cuda-nvcc";

/// Where the environment lies and where the record does, below the root.
const ENVIRONMENT: &str = "target/ptxas";
const RECORD: &str = "bench/record/ptx/registers.csv";

/// Options of `cargo xtask ptx`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The assembler to use, instead of the one under target/.
    #[arg(long, value_name = "FILE")]
    ptxas: Option<PathBuf>,
    /// Write what was found to bench/record/ptx/registers.csv.
    #[arg(long)]
    record: bool,
}

/// What the assembler says of one text for one processor.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
struct Assembled {
    kernel: &'static str,
    element: &'static str,
    processor: &'static str,
    registers: u32,
    barriers: u32,
    shared_bytes: u32,
    spilled_bytes: u32,
    ptxas: String,
}

/// Assembles everything; `true` if nothing was refused, warned of or spilled.
pub(crate) fn run(arguments: &Arguments) -> Result<bool> {
    let ptxas = match &arguments.ptxas {
        Some(given) => given.clone(),
        None => match installed() {
            Ok(ptxas) => ptxas,
            Err(why) => {
                eprintln!("skipped: no assembler here ({why:#})");
                return Ok(true);
            }
        },
    };
    let version = version_of(&output(Command::new(&ptxas).arg("--version"))?)?;
    println!("ptxas {version}");
    let texts = root().join("target/ptx");
    std::fs::create_dir_all(&texts).with_context(|| format!("{}", texts.display()))?;
    let (mut rows, mut faults) = (Vec::new(), Vec::new());
    let kernels = Program::all().map(Program::code).chain([Copy::CODE]);
    let kernels: Vec<Code> = kernels.collect();
    let probes = Probe::all().iter().map(Probe::code);
    for code in kernels.iter().copied().chain(probes) {
        let text = texts.join(format!("{code}.ptx"));
        std::fs::write(&text, code.text()).with_context(|| format!("{}", text.display()))?;
        for processor in PROCESSORS {
            match assemble(&ptxas, code, &text, processor, &version) {
                Ok(row) => rows.push(row),
                Err(fault) => faults.push(format!("{code} for {processor}: {fault:#}")),
            }
        }
    }
    let assembled = rows.len();
    for row in rows.iter().filter(|row| row.spilled_bytes > 0) {
        faults.push(format!(
            "{} {} for {}: {} bytes spilled",
            row.kernel, row.element, row.processor, row.spilled_bytes
        ));
    }
    // Probes are made of one instruction; what registers they take tells nothing.
    rows.retain(|row| kernels.iter().any(|code| code.name() == row.kernel));
    print!("{}", table(&kernels, &rows));
    for fault in &faults {
        eprintln!("error: {fault}");
    }
    if arguments.record {
        record(&rows)?;
    }
    println!(
        "{assembled} of {} assembled",
        (Program::all().count() + 1 + Probe::all().len()) * PROCESSORS.len()
    );
    Ok(faults.is_empty())
}

/// The assembler under `target/`, installed if it is not there yet.
fn installed() -> Result<PathBuf> {
    let environment = root().join(ENVIRONMENT);
    if let Some(found) = find(&environment) {
        return Ok(found);
    }
    eprintln!("installing {PACKAGE} into {ENVIRONMENT}");
    output(
        Command::new("python3")
            .args(["-m", "venv"])
            .arg(&environment),
    )?;
    let python = environment.join("bin/python");
    output(Command::new(python).args(["-m", "pip", "install", "--quiet", PACKAGE]))?;
    find(&environment).with_context(|| format!("{PACKAGE} brought no ptxas"))
}

/// `lib/python*/site-packages/nvidia/cu*/bin/ptxas`; the names of the folders carry versions.
fn find(environment: &Path) -> Option<PathBuf> {
    let below = |folder: &Path, prefix: &str| -> Option<PathBuf> {
        let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
            .ok()?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| {
                path.file_name()
                    .is_some_and(|name| name.to_string_lossy().starts_with(prefix))
            })
            .collect();
        entries.sort();
        entries.pop()
    };
    let python = below(&environment.join("lib"), "python")?;
    let toolkit = below(&python.join("site-packages/nvidia"), "cu")?;
    let ptxas = toolkit.join("bin/ptxas");
    ptxas.is_file().then_some(ptxas)
}

/// The number after the last `V` of the line that names the release.
fn version_of(said: &str) -> Result<String> {
    let line = said.lines().find(|line| line.contains("release"));
    let version = line.and_then(|line| line.rsplit_once('V'));
    let (_, version) = version.with_context(|| format!("no version in {said:?}"))?;
    Ok(version.trim().to_owned())
}

fn assemble(
    ptxas: &Path,
    code: Code,
    text: &Path,
    processor: &'static str,
    version: &str,
) -> Result<Assembled> {
    let done = Command::new(ptxas)
        .args(["-v", "-arch", processor, "-o", "/dev/null"])
        .arg(text)
        .output()
        .with_context(|| format!("{}", ptxas.display()))?;
    let said = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "{}", said.trim());
    // Everything that is no information is a warning.
    let warning = said
        .lines()
        .find(|line| line.starts_with("ptxas") && !line.starts_with("ptxas info"));
    ensure!(warning.is_none(), "{}", warning.unwrap_or_default());
    let found = resources(&said);
    let registers = found.get("registers").copied();
    Ok(Assembled {
        kernel: code.name(),
        element: element_of(code),
        processor,
        registers: registers.with_context(|| format!("no number of registers in {said:?}"))?,
        barriers: found.get("barriers").copied().unwrap_or(0),
        shared_bytes: found.get("smem").copied().unwrap_or(0),
        spilled_bytes: found.get("spill").copied().unwrap_or(0),
        ptxas: version.to_owned(),
    })
}

/// The name of the type of numbers, empty where there is one text for all.
fn element_of(code: Code) -> &'static str {
    code.element().map_or("", Element::name)
}

/// What `-v` counts: `Used 40 registers, used 1 barriers, 16 bytes smem` and
/// `0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads`. Spills are summed.
fn resources(said: &str) -> BTreeMap<&'static str, u32> {
    let mut found = BTreeMap::new();
    for part in said.lines().flat_map(|line| line.split([',', ':'])) {
        let words: Vec<&str> = part.split_whitespace().collect();
        let count = words.iter().find_map(|word| word.parse::<u32>().ok());
        let what = ["registers", "barriers", "smem", "spill"]
            .into_iter()
            .find(|what| words.contains(what));
        if let (Some(count), Some(what)) = (count, what) {
            *found.entry(what).or_insert(0) += count;
        }
    }
    found
}

/// Registers by kernel and processor.
fn table(kernels: &[Code], rows: &[Assembled]) -> String {
    let mut text = format!("{:<28}{:>6}", "registers", "");
    for processor in PROCESSORS {
        text += &format!("{processor:>8}");
    }
    text.push('\n');
    for code in kernels {
        let (name, element) = (code.name(), element_of(*code));
        let of = |processor: &str| {
            let wanted = (name, element, processor);
            rows.iter()
                .find(|row| (row.kernel, row.element, row.processor) == wanted)
        };
        text += &format!("{name:<28}{element:>6}");
        for processor in PROCESSORS {
            let registers = of(processor).map_or("–".to_owned(), |row| row.registers.to_string());
            text += &format!("{registers:>8}");
        }
        text.push('\n');
    }
    text
}

fn record(rows: &[Assembled]) -> Result<()> {
    let path = root().join(RECORD);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
    }
    let mut file = csv::Writer::from_path(&path).with_context(|| format!("{}", path.display()))?;
    for row in rows {
        file.serialize(row)?;
    }
    file.flush()?;
    println!("written to {RECORD}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As ptxas 13.5 prints it.
    const SAID: &str = "\
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'spmm24' for 'sm_80'
ptxas info    : Function properties for spmm24
    8 bytes stack frame, 12 bytes spill stores, 16 bytes spill loads
ptxas info    : Used 168 registers, used 1 barriers, 1024 bytes smem, 400 bytes cmem[0]
ptxas info    : Compile time = 12.345 ms
";

    #[test]
    fn resources_are_read_and_spills_summed() {
        let found = resources(SAID);
        assert_eq!(found["registers"], 168);
        assert_eq!(found["barriers"], 1);
        assert_eq!(found["smem"], 1024);
        assert_eq!(found["spill"], 28);
    }

    #[test]
    fn the_version_follows_the_last_v() {
        let said = "ptxas: NVIDIA (R) Ptx optimizing assembler\n\
                    Cuda compilation tools, release 13.5, V13.5.37\nBuild cuda_13.5\n";
        assert_eq!(version_of(said).unwrap(), "13.5.37");
        assert!(version_of("nothing").is_err());
    }
}
