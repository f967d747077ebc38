//! `rewire eval`: how good a checkpoint or model is.

use rewire_train::inspect::evaluate;

use crate::args::EvalArgs;
use crate::failure::Failure;
use crate::output::{self, Interval, Table, count, percent};

/// Measures a checkpoint or model and prints accuracy and loss.
pub(crate) fn run(args: &EvalArgs) -> Result<u8, Failure> {
    let report = evaluate(&args.path, args.data.as_deref(), usize::from(args.threads))?;
    let Interval { low, high } = Interval::wilson(report.accuracy, report.samples);
    let correct = (report.accuracy * report.samples as f64).round();
    let mut table = Table::new([report.kind.name(), &report.file.display().to_string()]).words(2);
    let samples = count(report.samples as u64, "sample");
    let data = format!("{}, test part of {samples}", report.data);
    let accuracy = format!(
        "{} ({correct} correct; 95 % interval {} to {})",
        percent(report.accuracy),
        percent(low),
        percent(high)
    );
    for (name, value) in [
        ("saved after step", report.step.to_string()),
        ("data", data),
        ("accuracy", accuracy),
        ("loss", format!("{:.4}", report.loss)),
    ] {
        table.row([name.to_owned(), value]);
    }
    output::print(&table.to_string())?;
    Ok(0)
}
