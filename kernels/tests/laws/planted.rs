//! Faults planted in the texts: each has to be found, or else the tests would not find a real one.

use rewire_kernels::{Element, Kernel, Program, Spmm24Version as Version};
use rewire_ptx::{FaultKind, Schedule};

use crate::gemm::{Case as Dense, Order};
use crate::rig::{Failure, Numbers, SCHEDULES};
use crate::spmm24::Case;

/// What gave a planted fault away.
#[derive(Debug)]
enum Found {
    /// A fault, with the text of its line.
    Fault(FaultKind, String),
    /// Bytes outside of the result, or too few inside.
    Extent,
    /// Numbers that are not the product.
    Numbers,
}

/// The text of a kernel with each occurrence of `from` changed.
fn changed(kernel: Kernel, from: &str, to: &str) -> String {
    let element = Element::Bf16;
    let text = Program { kernel, element }.text();
    assert!(text.contains(from), "{kernel:?} does not say {from}");
    text.replace(from, to)
}

fn found(
    text: &str,
    result: Result<Vec<u16>, Failure>,
    exact: impl Fn(&[u16]) -> Result<(), String>,
) -> Found {
    match result {
        Err(Failure::Fault(fault)) => {
            let line = text.lines().nth(fault.line as usize - 1).unwrap();
            Found::Fault(fault.kind, line.to_owned())
        }
        Err(Failure::Extent(_)) => Found::Extent,
        Ok(numbers) => {
            exact(&numbers).expect_err("nothing was found");
            Found::Numbers
        }
    }
}

/// What becomes of a change of a version. The result has 70 outs and 37 tokens, so that the last
/// tiles are open on both sides; 149 columns are more than two stages and end with a group of one.
fn sparse(version: Version, from: &str, to: &str, schedule: Schedule) -> Found {
    let case = Case::new(Element::Bf16, [70, 37, 149], Numbers::whole);
    let text = changed(Kernel::Spmm24(version), from, to);
    let result = case.run_text(version, &text, schedule);
    found(&text, result, |numbers| case.is_exact(numbers))
}

fn dense(order: Order, from: &str, to: &str, schedule: Schedule) -> Found {
    let kernel = match order {
        Order::Nt => Kernel::GemmNt,
        Order::Tn => Kernel::GemmTn,
    };
    let case = Dense::new(order, Element::Bf16, [37, 70, 149], Numbers::whole);
    let text = changed(kernel, from, to);
    let result = case.run_text(&text, schedule);
    found(&text, result, |numbers| case.is_exact(numbers))
}

/// Whether a fault is one of order: a race, a copy that may be under way or has not even begun.
fn is_disorder(found: &Found) -> bool {
    let Found::Fault(kind, _) = found else {
        return false;
    };
    matches!(
        kind,
        FaultKind::Race { .. } | FaultKind::CopyUnderWay { .. } | FaultKind::Unwritten { .. }
    )
}

#[test]
fn a_missing_wait_is_found() {
    for schedule in SCHEDULES {
        for version in [Version::Pipelined, Version::Wide] {
            for wait in ["", "cp.async.wait_group 2;"] {
                let found = sparse(version, "cp.async.wait_group 1;", wait, schedule);
                assert!(
                    matches!(&found, Found::Fault(FaultKind::CopyUnderWay { .. }, line)
                        if line.contains("ldmatrix")),
                    "{found:?}"
                );
            }
            let found = sparse(version, "cp.async.wait_all;", "", schedule);
            assert!(
                matches!(&found, Found::Fault(FaultKind::CopyUnderWay { .. }, line)
                    if line.contains("st.shared")),
                "{found:?}"
            );
        }
        for order in [Order::Nt, Order::Tn] {
            let found = dense(order, "cp.async.wait_group 2;", "", schedule);
            assert!(is_disorder(&found), "{found:?}");
        }
    }
}

#[test]
fn a_missing_barrier_is_found() {
    for schedule in SCHEDULES {
        let barrier = "cp.async.wait_group 1;\n    bar.sync 0;";
        for version in [Version::Pipelined, Version::Wide] {
            let found = sparse(version, barrier, "cp.async.wait_group 1;", schedule);
            assert!(is_disorder(&found), "{found:?}");
        }
        for version in [Version::Shared, Version::Mma] {
            let found = sparse(version, "bar.sync 0;", "", schedule);
            assert!(is_disorder(&found), "{found:?}");
            // The stage is filled again while others still read it.
            let before = "bar.sync 0;\n    add.u32 %stage";
            let found = sparse(version, before, "add.u32 %stage", schedule);
            assert!(is_disorder(&found), "{found:?}");
        }
        // A lane reads sums that another lane of its warp has staged.
        let found = sparse(
            Version::Pipelined,
            "bar.warp.sync 0xFFFFFFFF;",
            "",
            schedule,
        );
        assert!(is_disorder(&found), "{found:?}");
    }
}

#[test]
fn rows_that_do_not_exist_are_not_touched() {
    let early = Schedule::Early;
    let outside = |found: &Found, what: &str| {
        assert!(
            matches!(found, Found::Fault(FaultKind::OutOfBounds { .. }, line) if line.contains(what)),
            "{found:?}"
        );
    };
    // One token too many, one out too many.
    for version in [Version::Mma, Version::Pipelined, Version::Wide] {
        for operand in ["x", "w"] {
            let from = format!("sub.u32 %{operand}_lines, %{operand}_lines, 1;");
            let copy = if version == Version::Mma {
                "ld.global"
            } else {
                "cp.async"
            };
            outside(&sparse(version, &from, "", early), copy);
        }
    }
    let version = Version::Pipelined;
    let (from, to) = (
        "setp.lt.u32 %row_inside, %row,",
        "setp.le.u32 %row_inside, %row,",
    );
    outside(&sparse(version, from, to, early), "st.global");
    let (from, to) = (
        "setp.ge.u32 %outside, %token,",
        "setp.gt.u32 %outside, %token,",
    );
    outside(&sparse(Version::Scalar, from, to, early), "ld.global");
    let from = "sub.u32 %a_lines, %a_lines, 1;";
    outside(&dense(Order::Nt, from, "", early), "cp.async");
    let (from, to) = ("%inside, %a_lines, 16;", "%inside, %a_lines, 15;");
    let found = dense(Order::Tn, from, to, early);
    assert!(matches!(found, Found::Fault(..)), "{found:?}");
}

#[test]
fn columns_that_do_not_exist_are_not_touched() {
    let early = Schedule::Early;
    // A chunk is read whole where half of it exists: what follows was never written.
    let found = sparse(
        Version::Pipelined,
        "min.s32 %x_bytes, %x_bytes, 8;",
        "setp.gt.s32 %inside, %x_bytes, 0;\n selp.b32 %x_bytes, 8, 0, %inside;",
        early,
    );
    assert!(
        matches!(&found, Found::Fault(FaultKind::Unwritten { .. }, line) if line.contains("cp.async")),
        "{found:?}"
    );
    let found = sparse(
        Version::Pipelined,
        "max.s32 %x_bytes, %x_bytes, 0;",
        "",
        early,
    );
    assert!(
        matches!(found, Found::Fault(FaultKind::CopySize { .. }, _)),
        "{found:?}"
    );
    let found = sparse(
        Version::Scalar,
        "setp.lt.u32 %inside, %col, %inner;",
        "setp.le.u32 %inside, %col, %inner;",
        early,
    );
    assert!(
        matches!(found, Found::Fault(FaultKind::Unwritten { .. }, _)),
        "{found:?}"
    );
    // The gap behind the last column of Y is written.
    for (from, to) in [
        (
            "setp.ge.and.s32 %whole, %cols_left, 8,",
            "setp.ge.and.s32 %whole, %cols_left, 6,",
        ),
        (
            "setp.gt.and.s32 %here, %cols_left, 6, %row_inside",
            "setp.ge.and.s32 %here, %cols_left, 6, %row_inside",
        ),
    ] {
        for version in [Version::Shared, Version::Pipelined] {
            let found = sparse(version, from, to, early);
            assert!(
                matches!(found, Found::Extent | Found::Fault(..)),
                "{found:?}"
            );
        }
    }
}

#[test]
fn wrong_pairs_give_wrong_numbers() {
    let early = Schedule::Early;
    let changes = [
        // The word of the next 64 columns, the rows of another fragment, the other lanes.
        ("[%pairs_at+512]", "[%pairs_at+516]"),
        ("[%pairs_at+512]", "[%pairs_at+1024]"),
        ("%pairs0, 1;", "%pairs0, 0;"),
    ];
    for version in [Version::Mma, Version::Pipelined, Version::Wide] {
        for (from, to) in changes {
            let found = sparse(version, from, to, early);
            assert!(matches!(found, Found::Numbers), "{from}: {found:?}");
        }
        // No two ascending columns.
        let (from, to) = ("%pairs3, 0;", "%zero, 0;");
        let begin = ".reg .b32 %zero;\n mov.b32 %zero, 0;\n .reg .b32 %stage,";
        let text = changed(Kernel::Spmm24(version), from, to);
        let text = text.replace(".reg .b32 %stage,", begin);
        let case = Case::new(Element::Bf16, [70, 37, 149], Numbers::whole);
        let result = case.run_text(version, &text, early);
        let found = found(&text, result, |numbers| case.is_exact(numbers));
        assert!(
            matches!(&found, Found::Fault(FaultKind::Metadata { word: 0, .. }, line) if line.contains("mma.sp")),
            "{found:?}"
        );
    }
}

#[test]
fn fragments_in_another_order_give_wrong_numbers() {
    let early = Schedule::Early;
    let found = dense(Order::Tn, ".x4.trans.", ".x4.", early);
    assert!(matches!(found, Found::Numbers), "{found:?}");
    // A chunk that is not exchanged where it is read.
    let found = sparse(
        Version::Pipelined,
        "xor.b32 %x_at0, %x_stage, 64;",
        "xor.b32 %x_at0, %x_stage, 32;",
        early,
    );
    assert!(matches!(found, Found::Numbers), "{found:?}");
}
