//! One-instruction kernels: the emulator runs each, and agrees with every machine that was recorded.

use std::collections::BTreeSet;
use std::path::PathBuf;

use rewire_kernels::probe::{Answers, Probe};
use rewire_ptx::{Launch, Memory, Module};

/// What the emulator leaves.
fn emulated(probe: &Probe) -> Vec<u32> {
    let text = probe.text();
    let module =
        Module::parse(probe.name(), text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let entry = module.entry("probe").expect("the entry of every probe");
    let mut memory = Memory::default();
    let input = memory.upload(probe.input());
    let output = memory.reserve(4 * probe.output_words());
    Launch::new([1, 1, 1], [32, 1, 1], vec![input.into(), output.into()])
        .run(entry, &mut memory)
        .unwrap_or_else(|fault| panic!("{fault}\n{text}"));
    let words = memory.download(output, probe.output_words());
    words.expect("every word is written")
}

#[test]
fn every_probe_has_a_name_of_its_own_and_runs() {
    let names: BTreeSet<&str> = Probe::all().iter().map(Probe::name).collect();
    assert_eq!(names.len(), Probe::all().len());
    for probe in Probe::all() {
        let found = emulated(probe);
        assert_eq!(found.len(), probe.output_words(), "{}", probe.name());
        assert_eq!(found, emulated(probe), "{}", probe.name());
        // An instruction that did nothing would leave less.
        let different: BTreeSet<u32> = found.iter().copied().collect();
        assert!(different.len() > 4, "{}", probe.name());
    }
}

#[test]
fn selectors_matter() {
    for element in ["bf16", "f16"] {
        for (k, selectors) in [(16, 4), (32, 2)] {
            let answers: BTreeSet<Vec<u32>> = (0..selectors)
                .map(|selector| {
                    let name = format!("mma_sp_m16n8k{k}_{element}_selector{selector}_whole");
                    let named = Probe::all().iter().find(|probe| probe.name() == name);
                    emulated(named.unwrap())
                })
                .collect();
            assert_eq!(answers.len(), selectors);
        }
    }
}

#[test]
fn the_emulator_answers_as_recorded_machines_did() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    for entry in std::fs::read_dir(&folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let answers = Answers::parse(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        for probe in Probe::all() {
            let checked = answers.check(probe, &emulated(probe));
            checked.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
    }
}

#[test]
fn answers_survive_their_file_and_differences_are_told() {
    let mut answers = Answers::of("a machine, with a comma");
    for probe in Probe::all() {
        answers.push(probe, emulated(probe));
    }
    let read = Answers::parse(&answers.to_string()).unwrap();
    assert_eq!(read, answers);
    assert_eq!(read.len(), Probe::all().len());
    for probe in Probe::all() {
        let mut found = emulated(probe);
        assert!(read.check(probe, &found).is_ok());
        // The sign of a single, or the highest bit of anything else.
        found[3] ^= 1 << 31;
        let error = read.check(probe, &found).unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains(probe.name()) && message.contains("word 3"),
            "{message}"
        );
    }
    let nobody = Answers::of("nobody");
    let first = &Probe::all()[0];
    let message = nobody
        .check(first, &emulated(first))
        .unwrap_err()
        .to_string();
    assert!(message.contains("no answer was recorded"), "{message}");
    for (text, line) in [
        ("", None),
        ("device x", Some(1)),
        ("machine x\nname", Some(2)),
        ("machine x\nname zz", Some(2)),
        ("machine x\nname 0 1g", Some(2)),
    ] {
        let found = Answers::parse(text).err().map(|error| error.to_string());
        assert_eq!(found.is_some(), line.is_some(), "{text}");
        if let (Some(message), Some(line)) = (found, line) {
            assert!(message.starts_with(&format!("line {line}:")), "{message}");
        }
    }
}
