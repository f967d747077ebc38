//! What a reader has to know of the machine to judge its numbers, and nothing personal.
//!
//! No host name, no user name, no path and no date is kept.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::cargo::{output, root};

/// The file of a record that holds it.
const FILE: &str = "machine.json";

/// Vector extensions that make a difference to products.
const EXTENSIONS: [&str; 7] = [
    "avx2",
    "fma",
    "avx512f",
    "avx512bw",
    "avx512_vnni",
    "avx512_bf16",
    "amx_bf16",
];

/// The contents of `machine.json`.
#[derive(Debug, Serialize)]
pub(super) struct Machine {
    /// The processor's model, "unknown" where the system does not tell.
    cpu: String,
    architecture: &'static str,
    system: &'static str,
    /// Processors that the system offers.
    processors: usize,
    /// Caches of the first processor, with their sizes.
    caches: Vec<String>,
    /// Those of [`EXTENSIONS`] that it has.
    extensions: Vec<&'static str>,
    compiler: String,
    rewire: &'static str,
    /// Versions of the peers.
    pub(super) libraries: BTreeMap<String, String>,
    /// Whether threads were kept on processors of their own.
    pub(super) pins: bool,
}

impl Machine {
    /// The machine this runs on.
    pub(super) fn detect() -> Self {
        let listing = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let flags = field(&listing, "flags").unwrap_or_default();
        let flags: Vec<&str> = flags.split_whitespace().collect();
        let mut compiler = Command::new("rustc");
        Self {
            cpu: field(&listing, "model name").unwrap_or_else(|| "unknown".to_owned()),
            architecture: std::env::consts::ARCH,
            system: std::env::consts::OS,
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            caches: caches(Path::new("/sys/devices/system/cpu/cpu0/cache")),
            extensions: EXTENSIONS
                .into_iter()
                .filter(|name| flags.contains(name))
                .collect(),
            compiler: output(compiler.current_dir(root()).arg("--version"))
                .map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned()),
            rewire: env!("CARGO_PKG_VERSION"),
            libraries: BTreeMap::new(),
            pins: processors_to_pin(1).is_some(),
        }
    }

    /// A folder name for it: words of the processor's model and the number of processors.
    pub(super) fn name(&self) -> String {
        let plain: String = self
            .cpu
            .replace("(R)", "")
            .replace("(TM)", "")
            .to_lowercase()
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || c == '.' {
                    c
                } else {
                    ' '
                }
            })
            .collect();
        let mut words: Vec<&str> = plain.split_whitespace().collect();
        words.retain(|word| !matches!(*word, "cpu" | "processor"));
        format!("{}-x{}", words.join("-"), self.processors)
    }

    /// Writes it into a record.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(folder.join(FILE), text).with_context(|| format!("writing {FILE}"))
    }
}

/// The first value under a name in a listing such as `/proc/cpuinfo`.
fn field(listing: &str, name: &str) -> Option<String> {
    listing.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    })
}

/// The caches that Linux lists, as `L2 Unified 2048K`.
fn caches(folder: &Path) -> Vec<String> {
    let read = |index: usize, name: &str| {
        let path = folder.join(format!("index{index}")).join(name);
        Some(fs::read_to_string(path).ok()?.trim().to_owned())
    };
    (0..)
        .map_while(|index| {
            Some(format!(
                "L{} {} {}",
                read(index, "level")?,
                read(index, "type")?,
                read(index, "size")?
            ))
        })
        .collect()
}

/// The last `threads` processors that this process may use, if threads can be kept on them: the
/// first ones serve most interrupts.
pub(super) fn processors_to_pin(threads: usize) -> Option<Vec<usize>> {
    let has_taskset = Command::new("taskset").arg("--version").output().is_ok();
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let allowed = listed(&field(&status, "Cpus_allowed_list")?)?;
    let first = allowed.len().checked_sub(threads)?;
    has_taskset.then(|| allowed[first..].to_vec())
}

/// The numbers of a list such as `0-2,5`.
fn listed(text: &str) -> Option<Vec<usize>> {
    let mut numbers: Vec<usize> = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (usize, usize) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        numbers.extend(first..=last);
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_a_folder_and_the_facts_are_impersonal() {
        let mut machine = Machine::detect();
        machine.cpu = "Intel(R) Xeon(R) Processor @ 2.50GHz".to_owned();
        machine.processors = 2;
        assert_eq!(machine.name(), "intel-xeon-2.50ghz-x2");
        let text = serde_json::to_string(&machine).unwrap();
        assert!(!text.contains(std::path::MAIN_SEPARATOR), "{text}");
    }

    #[test]
    fn lists_of_processors_are_read() {
        assert_eq!(listed("0-2,5"), Some(vec![0, 1, 2, 5]));
        assert_eq!(listed("3"), Some(vec![3]));
        assert_eq!(listed("a"), None);
    }
}
