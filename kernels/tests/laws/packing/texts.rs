//! The printed texts: what a reader needs is in them.

use rewire_kernels::{
    Argument, Call, DenseSize, Element, Expand24, Kernel, MaskGradient24, PackedSize, Program,
    Prune24, Prune24Transposable,
};
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
        assert!(text.is_ascii(), "{file}");
        assert!(text.lines().all(|line| line.len() <= 100), "{file}");
        assert!(text.contains("\n.version 8.5\n.target sm_80\n.address_size 64\n"));
    }
}

/// A call for a matrix of this size, of every kernel.
fn calls(rows: u64, cols: u64) -> Vec<Call> {
    let dense = DenseSize::new(rows, cols).unwrap();
    let packed = PackedSize::new(rows, cols).unwrap();
    let of_element = |element| {
        let (gradient, weights) = (dense, dense);
        [
            Prune24 { element, weights }.call(),
            Prune24Transposable { element, weights }.call(),
            Expand24 {
                element,
                packed,
                dense,
            }
            .call(),
            MaskGradient24 {
                element,
                packed,
                gradient,
            }
            .call(),
        ]
    };
    let calls = Element::ALL.into_iter().flat_map(of_element);
    calls.map(Result::unwrap).collect()
}

#[test]
fn calls_give_the_parameters_of_the_texts() {
    for call in calls(5, 70) {
        let file = call.code().to_string();
        let module = Module::parse(&file, call.code().text()).unwrap();
        let parameters = module.entry(call.code().entry()).unwrap().parameters();
        assert_eq!(parameters.len(), call.arguments().len(), "{file}");
        for (parameter, argument) in parameters.iter().zip(call.arguments()) {
            match argument {
                Argument::Buffer(need) => {
                    assert_eq!((parameter.name.as_str(), parameter.bytes()), (need.name, 8));
                }
                Argument::U32(_) => assert_eq!(parameter.bytes(), 4, "{file}"),
                Argument::Absent => panic!("{file} has no optional buffer"),
            }
        }
    }
}

/// Bytes per weight of large matrices: 2 to read and 1 + 1/8 to write, twice for both directions.
#[test]
fn traffic_is_what_the_formulas_say() {
    let weights = 8192u64 * 8192;
    for call in calls(8192, 8192) {
        let eighths = match call.code().name() {
            "prune24_transposable" => 34,
            _ => 25,
        };
        assert_eq!(8 * call.bytes(), eighths * weights, "{:?}", call.code());
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
