//! The printed files: that they are what the functions print, and what holds for all of them.

use std::path::Path;

use rewire_kernels::{
    Activation, Argument, Call, DenseSize, Element, GemmNt, GemmTn, PackedSize, Program, Spmm24,
    Spmm24Version as Version,
};
use rewire_ptx::Module;

#[test]
fn files_are_what_is_printed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("ptx");
    for program in Program::all() {
        let text = program.print();
        if std::env::var_os("REWIRE_WRITE_KERNELS").is_some() {
            std::fs::write(folder.join(program.file()), text).unwrap();
            continue;
        }
        let differs = program
            .text()
            .lines()
            .zip(text.lines())
            .position(|(file, printed)| file != printed);
        assert!(
            program.text() == text,
            "ptx/{} is not what is printed, from line {} on; REWIRE_WRITE_KERNELS=1 writes it",
            program.file(),
            differs.map_or(0, |line| line + 1)
        );
    }
}

/// Calls of every kernel of these products.
fn calls() -> Vec<Call> {
    let size = |rows, cols| DenseSize::new(rows, cols).unwrap();
    let mut calls = Vec::new();
    for element in Element::ALL {
        for version in Version::ALL {
            let product = Spmm24 {
                element,
                weights: PackedSize::new(300, 100).unwrap(),
                x: size(200, 100),
                y: size(200, 300),
                has_bias: true,
                activation: Activation::Gelu,
            };
            calls.push(product.call_of(version).unwrap());
        }
        let [a, b, c] = [size(200, 100), size(300, 100), size(200, 300)];
        calls.push(GemmNt { element, a, b, c }.call().unwrap());
        let [a, b] = [size(100, 200), size(100, 300)];
        calls.push(GemmTn { element, a, b, c }.call().unwrap());
    }
    calls
}

#[test]
fn parameters_are_the_arguments_of_the_calls() {
    for call in calls() {
        let program = call.code();
        let module = Module::parse(&program.to_string(), program.text()).unwrap();
        let parameters = module.entry(program.entry()).unwrap().parameters();
        assert_eq!(parameters.len(), call.arguments().len(), "{program:?}");
        for (parameter, argument) in parameters.iter().zip(call.arguments()) {
            let (bytes, name) = match argument {
                Argument::Buffer(need) => (8, Some(need.name)),
                Argument::Absent => (8, None),
                Argument::U32(_) => (4, None),
            };
            assert_eq!(parameter.bytes(), bytes, "{program:?} {}", parameter.name);
            assert!(
                name.is_none_or(|name| name == parameter.name),
                "{program:?} {}",
                parameter.name
            );
        }
    }
}

#[test]
fn heads_say_what_the_calls_do() {
    for call in calls() {
        let program = call.code();
        let text = program.text();
        // Assemblers refuse anything but ASCII, comments included.
        assert!(text.is_ascii(), "{program:?}");
        let threads = call.threads();
        assert!(
            text.contains(&format!(".maxntid {threads}, 1, 1")),
            "{program:?}"
        );
        let head: String = text
            .lines()
            .take_while(|line| line.starts_with("//"))
            .collect();
        for number in [threads, call.shared_bytes()] {
            assert!(
                head.contains(&format!(" {number} ")),
                "{program:?}: {number}"
            );
        }
        let declares = text.contains(".extern .shared");
        assert_eq!(declares, call.shared_bytes() > 0, "{program:?}");
    }
}

#[test]
fn places_in_matrices_have_64_bits() {
    // A row times the elements from row to row exceeds 32 bits for sizes that a call takes.
    for call in calls() {
        let pitches = call.code().text().lines().filter(|line| {
            let reads = line.trim().starts_with("ld.param") || line.trim().starts_with('.');
            line.contains("pitch") && !line.starts_with("//") && !reads
        });
        for line in pitches.map(str::trim) {
            // The pitch of W is what its row is padded to.
            let padding =
                line.contains("%w_pitch, %inner, 63;") || line.contains("%w_pitch, %w_pitch,");
            let wide = line.starts_with("mul.wide.u32") || line.starts_with("mad.wide.u32");
            assert!(wide || padding, "{:?}: {line}", call.code());
        }
    }
}

#[test]
fn sparse_products_promise_ordered_pairs() {
    for call in calls() {
        let lines = || {
            let text = call.code().text().lines().map(str::trim);
            text.filter(|line| line.starts_with("mma.sp"))
        };
        assert!(lines().all(|line| line.starts_with("mma.sp::ordered_metadata.sync")));
        let selectors =
            [", 0;", ", 1;"].map(|end| lines().filter(|line| line.ends_with(end)).count());
        assert_eq!(selectors, [lines().count() / 2; 2]);
    }
}

#[test]
fn traffic_is_what_lies_in_the_matrices() {
    let calls = calls();
    let spmm = &calls[Version::Pipelined as usize];
    // 300 rows of 64 values, 5 × 1 blocks of pairs, X, the bias, Y.
    let bytes = 300 * 128 + 5 * 2048 + 200 * 100 * 2 + 300 * 4 + 200 * 300 * 2;
    assert_eq!((spmm.bytes(), spmm.flops()), (bytes, 2 * 300 * 200 * 100));
    let gemm = &calls[Version::ALL.len()];
    assert_eq!(gemm.bytes(), 2 * (200 * 100 + 300 * 100 + 200 * 300));
    assert_eq!((gemm.blocks(), gemm.flops()), (6, 2 * 300 * 200 * 100));
}
