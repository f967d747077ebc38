//! The printed texts: files and functions agree, and a reader needs nothing else.

use std::path::Path;

use rewire_kernels::{Kernel, Program};
use rewire_ptx::Module;

fn programs() -> impl Iterator<Item = Program> {
    Program::all().filter(|program| {
        matches!(
            program.kernel,
            Kernel::Prune24
                | Kernel::Prune24Transposable
                | Kernel::Expand24
                | Kernel::MaskGradient24
        )
    })
}

/// With `REWIRE_WRITE_KERNELS=1` the files are written instead.
#[test]
fn files_are_what_is_printed() {
    for program in programs() {
        let printed = program.print();
        if std::env::var_os("REWIRE_WRITE_KERNELS").is_some() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("ptx");
            std::fs::write(folder.join(program.file()), printed).unwrap();
        } else {
            assert!(
                program.text() == printed,
                "{} is out of date",
                program.file()
            );
        }
    }
}

#[test]
fn headings_name_every_parameter() {
    for program in programs() {
        let (file, text) = (program.file(), program.text());
        let module = Module::parse(&file, text).unwrap_or_else(|error| panic!("{error}"));
        let entry = module.entry(program.entry()).unwrap();
        let heading = text.split(".version").next().unwrap();
        for parameter in entry.parameters() {
            let name = format!(" {} ", parameter.name);
            assert!(heading.contains(&name), "{file}: {name}");
        }
        assert!(text.lines().all(|line| line.len() <= 110), "{file}");
        assert!(text.contains("\n.version 8.5\n.target sm_80\n.address_size 64\n"));
    }
}

/// One instruction a line, so that faults and listings name it.
#[test]
fn lines_hold_one_instruction() {
    for program in programs() {
        for line in program.text().lines() {
            let code = line.split("//").next().unwrap_or_default();
            assert!(code.matches(';').count() <= 1, "{}: {line}", program.file());
        }
    }
}
