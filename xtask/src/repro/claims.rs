//! The ledger: what the paper claims, and what the record says to it.

use std::fmt::Write;

use super::paired::{Interval, differences};
use super::record::Line;
use super::runs::{Case, Table};
use super::sparse_ift::{EXTENDED, MEMBERS, SPARSITIES};

/// The name of the ledger between its markers in the page.
pub(super) const NAME: &str = "claims";

/// What a claim says of a difference in accuracy.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Says {
    /// It is above 0.
    Gain,
    /// It is not above 0.
    NoGain,
    /// It is no larger than so many points either way.
    Within(f64),
}

/// What the record says to a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Reproduced,
    Not,
    Undecided,
}

/// A claim as pairs of cases, of which the first is compared with the second.
struct Claim {
    text: &'static str,
    source: &'static str,
    table: Table,
    pairs: Vec<(Case, Case)>,
    says: Says,
}

/// The ledger as Markdown: one row for each claim that has runs.
pub(super) fn markdown(lines: &[Line]) -> String {
    let mut text = String::from(
        "| claim | source in paper 002 | runs | seeds | difference, points [95 %] | verdict |\n\
         |---|---|---|---|---|---|\n",
    );
    for claim in claims() {
        let values = differences(claim.table, lines, &claim.pairs);
        if values.is_empty() {
            continue;
        }
        let interval = Interval::of(&values);
        let verdict = match claim.says.verdict(interval) {
            Verdict::Reproduced => "*reproduced*",
            Verdict::Not => "*not reproduced*",
            Verdict::Undecided => "*undecided*",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | `{}`, {} | {} | {interval} | {verdict} |",
            claim.text,
            claim.source,
            claim.table,
            pairs(claim.pairs.len()),
            interval.seeds,
        );
    }
    text
}

fn pairs(count: usize) -> String {
    match count {
        1 => "1 pair".to_owned(),
        count => format!("{count} pairs"),
    }
}

impl Says {
    /// Decided where the whole interval lies on one side.
    fn verdict(self, interval: Interval) -> Verdict {
        let (low, high) = (interval.low(), interval.high());
        let (holds, fails) = match self {
            Self::Gain => (low > 0.0, high <= 0.0),
            Self::NoGain => (high <= 0.0, low > 0.0),
            Self::Within(points) => (
                low >= -points && high <= points,
                low > points || high < -points,
            ),
        };
        match (holds, fails) {
            (true, _) => Verdict::Reproduced,
            (_, true) => Verdict::Not,
            (false, false) => Verdict::Undecided,
        }
    }
}

fn claims() -> Vec<Claim> {
    let mut claims = Vec::new();
    let mut claim = |text, source, table, pairs, says| {
        claims.push(Claim {
            text,
            source,
            table,
            pairs,
            says,
        });
    };
    let mnist = Table::SparseIft;
    let against_dense = |network| grid(&[network], &["rigl"], |_| DENSE);
    claim(
        "Wide with RigL > dense",
        "Tables 2, 3",
        mnist,
        against_dense("wide"),
        Says::Gain,
    );
    claim(
        "Parallel with RigL > dense",
        "Table 3",
        mnist,
        against_dense("parallel"),
        Says::Gain,
    );
    claim(
        "Factorized with RigL > dense",
        "Table 3",
        mnist,
        against_dense("factorized"),
        Says::Gain,
    );
    claim(
        "Doped with RigL > dense",
        "Table 3",
        mnist,
        against_dense("doped"),
        Says::Gain,
    );
    let to_static = |case: Case| Case {
        method: "static",
        ..case
    };
    let dynamic = grid(&MEMBERS, &["set", "rigl"], to_static);
    claim(
        "dynamic > static, all members",
        "Table 2",
        mnist,
        dynamic,
        Says::Gain,
    );
    let to_set = |case: Case| Case {
        method: "set",
        ..case
    };
    let gradient = grid(&MEMBERS, &["rigl"], to_set);
    claim(
        "RigL > SET, all members",
        "Table 2",
        mnist,
        gradient,
        Says::Gain,
    );
    let growing = vec![(sparse("wide", "rigl", "0.9"), sparse("wide", "rigl", "0.5"))];
    claim(
        "gains of Wide grow with sparsity: 0.9 > 0.5, RigL",
        "Table 2",
        mnist,
        growing,
        Says::Gain,
    );
    let doped = vec![(sparse("doped", "rigl", "0.9"), DENSE)];
    claim(
        "Doped does not gain at 0.9",
        "Table 3",
        mnist,
        doped,
        Says::NoGain,
    );
    let bends = |member, linear| (sparse(member, "rigl", "0.9"), sparse(linear, "rigl", "0.9"));
    let non_linear = vec![
        bends("parallel", "parallel, linear"),
        bends("factorized", "factorized, linear"),
        bends("doped", "doped, linear"),
    ];
    claim(
        "non-linear > linear members at 0.9",
        "section 3",
        mnist,
        non_linear,
        Says::Gain,
    );
    let dense_wide = [
        ("0.5", "wide of 0.5, dense"),
        ("0.75", "wide of 0.75, dense"),
        ("0.9", "wide of 0.9, dense"),
    ];
    let upper = dense_wide.map(|(sparsity, network)| {
        let bound = Case { network, ..DENSE };
        (sparse("wide", "rigl", sparsity), bound)
    });
    claim(
        "Wide with RigL ≈ the widened network dense (within 0.2)",
        "Table 4",
        mnist,
        upper.to_vec(),
        Says::Within(0.2),
    );
    for (text, network) in [
        (
            "Wide with transposable 2:4 and RigL > dense",
            "wide, transposable 2:4",
        ),
        (
            "Wide with blocks of 4×4 and RigL > dense",
            "wide, blocks 4x4",
        ),
    ] {
        let pair = (sparse(network, "rigl", "0.5"), DENSE);
        claim(text, "Table 5", mnist, vec![pair], Says::Gain);
    }
    let free = sparse("wide, unstructured", "rigl", "0.5");
    let bound = |network| (free, sparse(network, "rigl", "0.5"));
    claim(
        "unstructured > transposable 2:4 and blocks of 4×4, RigL",
        "Table 5",
        mnist,
        vec![bound("wide, transposable 2:4"), bound("wide, blocks 4x4")],
        Says::Gain,
    );
    let to_longer = |case: Case| Case {
        network: EXTENDED,
        ..case
    };
    claim(
        "Wide > original network with steps extended, RigL",
        "appendix B.3.1",
        mnist,
        grid(&["wide"], &["rigl"], to_longer),
        Says::Gain,
    );
    claim(
        "Wide > original network with steps extended, SET",
        "appendix B.3.1",
        mnist,
        grid(&["wide"], &["set"], to_longer),
        Says::Gain,
    );
    let low_rank = Case {
        network: "low rank",
        method: "static",
        sparsity: Some("0"),
    };
    let over_rank = grid(&["factorized"], &["rigl"], |_| low_rank);
    claim(
        "Factorized with RigL > low rank",
        "appendix B.3.3",
        mnist,
        over_rank,
        Says::Gain,
    );
    let cifar = Table::Cifar10;
    claim(
        "CIFAR-10: Wide with RigL > dense",
        "Table 2",
        cifar,
        against_dense("wide"),
        Says::Gain,
    );
    claim(
        "CIFAR-10: Parallel with RigL > dense",
        "Table 3",
        cifar,
        against_dense("parallel"),
        Says::Gain,
    );
    let dynamic = grid(&["wide", "parallel"], &["rigl"], to_static);
    claim(
        "CIFAR-10: RigL > static",
        "Table 2",
        cifar,
        dynamic,
        Says::Gain,
    );
    let growing = vec![(sparse("wide", "rigl", "0.9"), sparse("wide", "rigl", "0.5"))];
    claim(
        "CIFAR-10: gains of Wide grow with sparsity: 0.9 > 0.5, RigL",
        "Table 2",
        cifar,
        growing,
        Says::Gain,
    );
    claims
}

const DENSE: Case = Case {
    network: "",
    method: "dense",
    sparsity: None,
};

fn sparse(network: &'static str, method: &'static str, sparsity: &'static str) -> Case {
    Case {
        network,
        method,
        sparsity: Some(sparsity),
    }
}

/// Every member by every method at every sparsity, each beside what it is compared with.
fn grid(
    members: &[&'static str],
    methods: &[&'static str],
    other: impl Fn(Case) -> Case,
) -> Vec<(Case, Case)> {
    let mut pairs = Vec::new();
    for member in members {
        for method in methods {
            for sparsity in SPARSITIES {
                let case = sparse(member, method, sparsity);
                pairs.push((case, other(case)));
            }
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_claim_compares_cases_of_its_table() {
        for claim in claims() {
            let runs = claim.table.runs();
            let known = |case: Case| runs.iter().any(|run| run.case == case);
            assert!(!claim.pairs.is_empty());
            for (first, second) in claim.pairs {
                assert!(known(first), "{}: {first:?}", claim.text);
                assert!(known(second), "{}: {second:?}", claim.text);
                assert_ne!(first, second, "{}", claim.text);
            }
        }
    }

    #[test]
    fn a_verdict_needs_the_whole_interval() {
        let interval = |mean, half| Interval {
            mean,
            half,
            seeds: 5,
        };
        let rows = [
            (Says::Gain, 0.3, 0.2, Verdict::Reproduced),
            (Says::Gain, 0.3, 0.4, Verdict::Undecided),
            (Says::Gain, -0.3, 0.2, Verdict::Not),
            (Says::NoGain, -0.3, 0.2, Verdict::Reproduced),
            (Says::NoGain, 0.3, 0.2, Verdict::Not),
            (Says::NoGain, 0.0, 0.1, Verdict::Undecided),
            (Says::Within(0.2), 0.05, 0.1, Verdict::Reproduced),
            (Says::Within(0.2), 0.15, 0.1, Verdict::Undecided),
            (Says::Within(0.2), 0.5, 0.1, Verdict::Not),
            (Says::Within(0.2), -0.5, 0.1, Verdict::Not),
            (Says::Gain, 0.3, f64::INFINITY, Verdict::Undecided),
        ];
        for (says, mean, half, expected) in rows {
            let found = says.verdict(interval(mean, half));
            assert_eq!(found, expected, "{says:?} {mean} ± {half}");
        }
    }

    #[test]
    fn a_claim_without_runs_has_no_row() {
        assert_eq!(markdown(&[]).lines().count(), 2);
    }
}
