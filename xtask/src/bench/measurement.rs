//! A measurement from the start of the sides to the rows they give.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::answers;
use super::cases::{Case, Effort, Entry, MEMORY_DENSITIES, OWN};
use super::machine::processors_to_pin;
use super::record::{MemoryRow, Row, rounded};
use super::rounds::Rounds;
use super::side::{Side, Turn};

/// Where the sides exchange arrays, relative to the root. Requests are cut at blanks; this path has
/// none, wherever the root lies.
const EXCHANGE: &str = "target/peers/data";

/// Runs of one turn are at most this many, however short they are.
const MOST_RUNS: usize = 50;

/// A run that lasts longer than this, in seconds, brings its data into the caches by itself.
const WARM_BELOW: f64 = 0.1;

/// What a measurement needs to know.
pub(super) struct Measurement {
    pub(super) root: PathBuf,
    /// The program of this project's side.
    pub(super) server: PathBuf,
    /// The Python of the peers' side, if they take part.
    pub(super) python: Option<PathBuf>,
    pub(super) seed: u64,
    pub(super) effort: Effort,
    pub(super) pinned: bool,
}

/// What a measurement found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) rows: Vec<Row>,
    pub(super) memory: Vec<MemoryRow>,
    /// Versions of the peers by name.
    pub(super) libraries: BTreeMap<String, String>,
}

/// The processes that take turns.
struct Sides {
    own: Side,
    peers: Option<Side>,
}

impl Measurement {
    /// Measures all cases; `with_memory` asks for the sizes of training processes too.
    ///
    /// # Errors
    /// If a side fails or an answer is wrong: then nothing of the measurement is to be kept.
    pub(super) fn measure(&self, cases: &[Case], with_memory: bool) -> Result<Found> {
        fs::create_dir_all(self.root.join(EXCHANGE)).context("making the folder of arrays")?;
        let mut found = Found::default();
        let mut counts: Vec<usize> = cases.iter().map(|case| case.threads).collect();
        counts.sort_unstable();
        counts.dedup();
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        for threads in counts {
            let Some(mut sides) = self.sides(threads)? else {
                eprintln!("{threads} threads: fewer processors are there, left out");
                continue;
            };
            if let Some(peers) = &mut sides.peers {
                let facts = peers.ask("facts")?;
                found.libraries = serde_json::from_str(&facts).context("versions of the peers")?;
            }
            for case in cases.iter().filter(|case| case.threads == threads) {
                let start = Instant::now();
                let rows = self.case(case, &mut sides, &found.libraries, &mut rng)?;
                eprintln!("{case}: {:.1} s", start.elapsed().as_secs_f64());
                found.rows.extend(rows);
            }
        }
        if with_memory {
            for density in MEMORY_DENSITIES {
                found.memory.push(self.memory(density)?);
            }
        }
        Ok(found)
    }

    /// Starts both sides on the same processors; none if there are not enough of them.
    fn sides(&self, threads: usize) -> Result<Option<Sides>> {
        let available = std::thread::available_parallelism().map_or(1, usize::from);
        if threads > available {
            return Ok(None);
        }
        let processors = match processors_to_pin(threads) {
            Some(list) if self.pinned => {
                let words: Vec<String> = list.iter().map(usize::to_string).collect();
                words.join(",")
            }
            _ => "-".to_owned(),
        };
        let place = [threads.to_string(), processors];
        let mut own = Command::new(&self.server);
        own.current_dir(&self.root).arg("--serve").args(&place);
        let peers = match &self.python {
            None => None,
            Some(python) => {
                let mut command = Command::new(python);
                command
                    .current_dir(&self.root)
                    .arg("bench/peers/server.py")
                    .args(&place);
                Some(Side::start("the peers' side", &mut command)?)
            }
        };
        Ok(Some(Sides {
            own: Side::start("this project's side", &mut own)?,
            peers,
        }))
    }

    /// Loads one case, checks all answers, then plays its rounds.
    fn case(
        &self,
        case: &Case,
        sides: &mut Sides,
        libraries: &BTreeMap<String, String>,
        rng: &mut ChaCha8Rng,
    ) -> Result<Vec<Row>> {
        let request = case.request(EXCHANGE, self.seed);
        let n_active = sides.own.ask(&request)?;
        let mut entries = case.entries();
        entries.retain(|entry| sides.peers.is_some() || !entry.is_peer());
        // Not every Python has a wheel of ONNX Runtime.
        entries.retain(|e| e.candidate != "onnxruntime" || libraries.contains_key("onnxruntime"));
        if let Some(peers) = &mut sides.peers
            && entries.iter().any(|entry| entry.is_peer())
        {
            let loaded = peers.ask(&request)?;
            ensure!(
                loaded == n_active,
                "{case}: {loaded} weights, not {n_active}"
            );
        }
        self.check(case, sides, &entries)?;
        let mut lengths = Vec::with_capacity(entries.len());
        for entry in &entries {
            let first = sides.side(*entry)?.time(&words(*entry), 1, 1)?;
            let warm = usize::from(first.seconds < WARM_BELOW);
            let runs = (self.effort.turn / first.seconds).ceil() as usize;
            lengths.push((warm, runs.clamp(1, MOST_RUNS)));
        }
        let rounds = Rounds::play(entries, self.effort.rounds, rng, |index, entry| {
            let (warm, runs) = lengths[index];
            let turn = sides.side(entry)?.time(&words(entry), warm, runs)?;
            // Waiting adds up over the runs of a turn, seconds are those of one.
            Ok(Turn {
                waited: turn.waited / runs as f64,
                ..turn
            })
        })?;
        let n_active = n_active.parse().context("a number of active weights")?;
        Ok(self.rows(case, n_active, &rounds))
    }

    /// Compares the answer of every entry with that of the plain products of a layer, and with that
    /// of this project's fast ones for a network.
    fn check(&self, case: &Case, sides: &mut Sides, entries: &[Entry]) -> Result<()> {
        let reference = if case.is_layer() { "plain" } else { OWN };
        let file = format!("{EXCHANGE}/answer.f32");
        let path = self.root.join(&file);
        let mut expected: Option<(&str, Vec<f32>)> = None;
        for &entry in entries {
            let known = expected
                .as_ref()
                .is_some_and(|(product, _)| *product == entry.product);
            if !known {
                let product = entry.product;
                sides
                    .own
                    .ask(&format!("answer {reference} {product} {file}"))?;
                expected = Some((product, answers::read(&path)?));
            }
            sides
                .side(entry)?
                .ask(&format!("answer {} {file}", words(entry)))?;
            if let Some((_, expected)) = &expected {
                answers::check(case, entry, expected, &answers::read(&path)?)?;
            }
        }
        Ok(())
    }

    fn rows(&self, case: &Case, n_active: u64, rounds: &Rounds) -> Vec<Row> {
        let findings = rounds.findings().into_iter();
        findings
            .map(|found| Row {
                part: case.part.word().to_owned(),
                shape: case.shape(),
                density: case.density,
                n_active,
                threads: case.threads,
                product: found.product.to_owned(),
                candidate: found.candidate.to_owned(),
                rounds: self.effort.rounds,
                seconds: rounded(found.seconds.median),
                seconds_low: rounded(found.seconds.low),
                seconds_high: rounded(found.seconds.high),
                ratio: rounded(found.ratio.median),
                ratio_low: rounded(found.ratio.low),
                ratio_high: rounded(found.ratio.high),
                waited: rounded(found.waited),
            })
            .collect()
    }

    /// The largest size of a training process at this density.
    fn memory(&self, density: f64) -> Result<MemoryRow> {
        let mut command = Command::new(&self.server);
        command
            .current_dir(&self.root)
            .args(["--memory", "target/peers/images"])
            .arg(density.to_string());
        let answer = crate::cargo::output(&mut command)?;
        let numbers = answer.trim().strip_prefix("ok ").map(|text| {
            text.split(' ')
                .map(str::parse)
                .collect::<Result<Vec<u64>, _>>()
        });
        let Some(Ok(numbers)) = numbers else {
            bail!("memory of a training process: {}", answer.trim());
        };
        let [n_active, peak_bytes, activation_bytes, data_bytes] = numbers[..] else {
            bail!("memory of a training process: four numbers, not {numbers:?}");
        };
        Ok(MemoryRow {
            density,
            n_active,
            peak_bytes,
            activation_bytes,
            data_bytes,
        })
    }
}

impl Sides {
    fn side(&mut self, entry: Entry) -> Result<&mut Side> {
        match &mut self.peers {
            Some(peers) if entry.is_peer() => Ok(peers),
            None if entry.is_peer() => bail!("{} is a peer, and none takes part", entry.candidate),
            _ => Ok(&mut self.own),
        }
    }
}

/// An entry as requests name it.
fn words(entry: Entry) -> String {
    format!("{} {}", entry.candidate, entry.product)
}
