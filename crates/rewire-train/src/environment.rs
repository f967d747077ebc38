//! Where a run ran: what is needed to judge its bits and its seconds, and nothing personal.
//!
//! No host name, no user name and no path is recorded.

use std::collections::BTreeMap;
use std::fs;

use serde::{Deserialize, Serialize};

use crate::config::Config;

/// The contents of `env.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// The version of rewire.
    pub version: String,
    /// The operating system.
    pub os: String,
    /// The processor's architecture.
    pub arch: String,
    /// The processor's model, "unknown" where the system does not tell.
    pub cpu: String,
    /// The processor's vector extensions, among those that make a difference here.
    pub cpu_features: Vec<String>,
    /// Threads the system offers.
    pub cores: usize,
    /// Threads the run uses.
    pub threads: usize,
    /// The seed of the run.
    pub seed: u64,
    /// SHA-256 of each part of the data.
    pub data_sha256: BTreeMap<String, String>,
}

impl Environment {
    /// The environment of this process for a run of `config` on data with these hashes by part.
    pub fn detect(config: &Config, data_sha256: &[(&str, String)]) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let parts = data_sha256.iter();
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            os: std::env::consts::OS.to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
            cpu: cpu_model().unwrap_or_else(|| "unknown".to_owned()),
            cpu_features: cpu_features().into_iter().map(str::to_owned).collect(),
            cores,
            threads: match config.threads {
                0 => cores,
                threads => threads,
            },
            seed: config.seed,
            data_sha256: parts
                .map(|(part, hash)| ((*part).to_owned(), hash.clone()))
                .collect(),
        }
    }
}

/// The first `model name` that Linux lists; other systems have no file to ask.
fn cpu_model() -> Option<String> {
    let listing = fs::read_to_string("/proc/cpuinfo").ok()?;
    listing.lines().find_map(|line| {
        let (field, model) = line.split_once(':')?;
        (field.trim() == "model name").then(|| model.trim().to_owned())
    })
}

#[cfg(target_arch = "x86_64")]
fn cpu_features() -> Vec<&'static str> {
    let known = [
        ("sse4.2", std::is_x86_feature_detected!("sse4.2")),
        ("avx", std::is_x86_feature_detected!("avx")),
        ("avx2", std::is_x86_feature_detected!("avx2")),
        ("fma", std::is_x86_feature_detected!("fma")),
        ("f16c", std::is_x86_feature_detected!("f16c")),
        ("avx512f", std::is_x86_feature_detected!("avx512f")),
        ("avx512bw", std::is_x86_feature_detected!("avx512bw")),
        ("avx512vl", std::is_x86_feature_detected!("avx512vl")),
        ("avx512vnni", std::is_x86_feature_detected!("avx512vnni")),
        ("avx512bf16", std::is_x86_feature_detected!("avx512bf16")),
    ];
    let present = known.into_iter().filter(|(_, is_present)| *is_present);
    present.map(|(name, _)| name).collect()
}

#[cfg(target_arch = "aarch64")]
fn cpu_features() -> Vec<&'static str> {
    let known = [
        ("neon", std::arch::is_aarch64_feature_detected!("neon")),
        ("fp16", std::arch::is_aarch64_feature_detected!("fp16")),
        ("sve", std::arch::is_aarch64_feature_detected!("sve")),
        ("bf16", std::arch::is_aarch64_feature_detected!("bf16")),
    ];
    let present = known.into_iter().filter(|(_, is_present)| *is_present);
    present.map(|(name, _)| name).collect()
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn cpu_features() -> Vec<&'static str> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_detected_is_complete_and_impersonal() {
        let mut config = Config::default();
        let parts = [("train", "ab".to_owned()), ("test", "cd".to_owned())];
        let environment = Environment::detect(&config, &parts);
        assert_eq!(environment.threads, environment.cores);
        assert!(environment.cores > 0 && !environment.cpu.is_empty());
        assert_eq!(environment.data_sha256["train"], "ab");
        config.threads = 3;
        config.seed = 7;
        let environment = Environment::detect(&config, &parts);
        assert_eq!((environment.threads, environment.seed), (3, 7));
        let text = serde_json::to_string(&environment).unwrap();
        assert!(!text.contains(std::path::MAIN_SEPARATOR), "{text}");
        assert_eq!(
            serde_json::from_str::<Environment>(&text).unwrap(),
            environment
        );
    }
}
