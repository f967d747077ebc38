//! `rewire data check`: what a folder of data holds; `rewire data convert`: images in another form.

use rewire_data::{FileReport, Report};
use rewire_train::error::TrainError;

use crate::args::{CheckArgs, ConvertArgs};
use crate::failure::Failure;
use crate::output::{self, Table};

/// Reads every file of a folder and prints what it holds.
pub(crate) fn check(args: &CheckArgs) -> Result<u8, Failure> {
    let report = rewire_data::check(&args.dir).map_err(TrainError::from)?;
    output::print(&format!(
        "{}\n\n{}\n{}\n{}",
        title(&report),
        files(&report),
        classes(&report),
        pixels(&report)
    ))?;
    Ok(0)
}

/// Converts a folder of JPEG images and prints what was written.
pub(crate) fn convert(args: &ConvertArgs) -> Result<u8, Failure> {
    let converted = rewire_data::convert(&args.from, &args.to).map_err(TrainError::from)?;
    let [train, test] = converted.samples;
    let mut files = Table::new(["file", "SHA-256"]).words(2);
    for (name, sum) in &converted.files {
        files.row([name.clone(), sum.clone()]);
    }
    output::print(&format!(
        "{}: {train} training and {test} test images, decoded by {}\nclasses from 0: {}\n\n{files}",
        args.to.display(),
        rewire_data::DECODER,
        converted.classes.join(", ")
    ))?;
    Ok(0)
}

fn title(report: &Report) -> String {
    let [channels, height, width] = report.shape;
    format!(
        "{}: {} training and {} of {channels} × {height} × {width} pixels in {} classes",
        report.name,
        report.train,
        output::count(report.test as u64, "test sample"),
        report.classes
    )
}

fn files(report: &Report) -> Table {
    let mut table = Table::new([
        "file",
        "known as",
        "MD5",
        "magic",
        "dimensions",
        "bytes",
        "unpacked",
    ])
    .words(3);
    for file in &report.files {
        let dims: Vec<String> = file.dims.iter().map(usize::to_string).collect();
        table.row([
            name(file),
            file.published
                .map_or("-", |published| published.set)
                .to_owned(),
            file.md5.clone(),
            (file.magic).map_or_else(|| "-".to_owned(), |magic| format!("{magic:#010x}")),
            dims.join(" × "),
            file.stored_bytes.to_string(),
            file.unpacked_bytes.to_string(),
        ]);
    }
    table
}

fn name(file: &FileReport) -> String {
    let name = file.file.file_name().unwrap_or(file.file.as_os_str());
    name.to_string_lossy().into_owned()
}

/// A part of one file of labels by its name, of several by those of the files.
fn part_name(report: &Report, file: &FileReport) -> String {
    let labelled = |other: &&FileReport| other.part == file.part && other.class_counts.is_some();
    match report.files.iter().filter(labelled).count() {
        1 => file.part.name().to_owned(),
        _ => name(file),
    }
}

/// Samples of each class, one row per file of labels.
fn classes(report: &Report) -> Table {
    let labels: Vec<String> = (0..report.classes).map(|class| class.to_string()).collect();
    let headings = ["samples of class"]
        .into_iter()
        .chain(labels.iter().map(String::as_str));
    let mut table = Table::new(headings);
    for file in &report.files {
        if let Some(counts) = &file.class_counts {
            let counts = counts.iter().map(u64::to_string);
            table.row([part_name(report, file)].into_iter().chain(counts));
        }
    }
    table
}

fn pixels(report: &Report) -> Table {
    let mut table = Table::new(["pixels of the training part", "mean", "sd"]);
    let constants = report
        .standardize
        .mean()
        .iter()
        .zip(report.standardize.sd());
    for (channel, (mean, sd)) in constants.enumerate() {
        table.row([
            format!("channel {channel}"),
            format!("{mean:.3}"),
            format!("{sd:.3}"),
        ]);
    }
    table
}
