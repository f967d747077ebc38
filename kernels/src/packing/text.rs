//! The head of a kernel that packs or unpacks.

use crate::Element;
use crate::text::{Head, Parameter, Text};

/// What the head of a text says.
pub(crate) struct Heading<'a> {
    /// What the kernel computes, and how; lines of a raw string.
    pub(crate) about: &'a str,
    /// In their order.
    pub(crate) parameters: &'a [Parameter],
    /// Grid, block and shared memory, alignment, bytes and operations; lines of raw strings.
    pub(crate) launch: &'a [&'a str],
    /// How many blocks a multiprocessor has registers for, at least.
    pub(crate) blocks_per_processor: u32,
}

/// The text of a kernel of 256 threads up to the brace that opens its body.
pub(crate) fn begin(entry: &str, element: Element, heading: &Heading<'_>) -> Text {
    let mut comment = format!("{entry} of {element}\n\n{}\nLaunch\n", flush(heading.about));
    for lines in heading.launch {
        comment += &flush(lines);
    }
    Text::new(&Head {
        entry,
        comment: &comment,
        parameters: heading.parameters,
        threads: 256,
        resident: heading.blocks_per_processor,
        shared: None,
    })
}

/// Lines of a raw string without the margin that they share.
fn flush(lines: &str) -> String {
    let written = || lines.lines().filter(|line| !line.trim().is_empty());
    let indented = |line: &str| line.len() - line.trim_start().len();
    let margin = written().map(indented).min().unwrap_or(0);
    let lines = lines.lines().skip_while(|line| line.trim().is_empty());
    lines
        .map(|line| format!("{}\n", line.get(margin..).unwrap_or_default().trim_end()))
        .collect()
}
