//! The text of a kernel while it is printed.

use crate::Element;

/// A parameter: its type, its name and what it means.
pub(crate) type Parameter = (&'static str, &'static str, &'static str);

/// What the head of a text says.
pub(crate) struct Heading<'a> {
    /// What the kernel computes, and how; lines.
    pub(crate) about: &'a str,
    /// In their order.
    pub(crate) parameters: &'a [Parameter],
    /// Grid, block and shared memory, alignment, bytes and operations; lines.
    pub(crate) launch: &'a [&'a str],
    /// How many blocks a multiprocessor has registers for, at least.
    pub(crate) blocks_per_processor: u32,
}

/// Lines of PTX, one instruction each.
pub(crate) struct Text(String);

impl Text {
    /// The head of a kernel of 256 threads, up to the brace that opens its body.
    pub(crate) fn new(entry: &str, element: Element, heading: &Heading<'_>) -> Self {
        let mut text = Self(format!("// {entry} of {element}\n//\n"));
        text.remarks(heading.about);
        text.0 += "//\n// Parameters\n";
        for (kind, name, meaning) in heading.parameters {
            let mut meaning = meaning.lines();
            let first = meaning.next().unwrap_or_default();
            text.0 += &format!("//   {kind} {name:<10} {first}\n");
            for line in meaning {
                text.0 += &format!("//   {:<14} {}\n", "", line.trim_start());
            }
        }
        text.0 += "//\n// Launch\n";
        for lines in heading.launch {
            text.remarks(lines);
        }
        text.0 += "\n.version 8.5\n.target sm_80\n.address_size 64\n\n";
        text.0 += &format!(".visible .entry {entry}(\n");
        let last = heading.parameters.len() - 1;
        for (index, (kind, name, _)) in heading.parameters.iter().enumerate() {
            let end = if index == last { "" } else { "," };
            text.0 += &format!("    .param .{kind} {name}{end}\n");
        }
        text.0 += ")\n.maxntid 256, 1, 1\n";
        text.0 += &format!(".minnctapersm {}\n{{\n", heading.blocks_per_processor);
        text
    }

    /// Comments, indented against each other as in the raw string.
    fn remarks(&mut self, lines: &str) {
        let lines = || lines.lines().skip_while(|line| line.trim().is_empty());
        let indented = |line: &str| line.len() - line.trim_start().len();
        let written = lines().filter(|line| !line.trim().is_empty());
        let margin = written.map(indented).min().unwrap_or(0);
        for line in lines() {
            let line = line.get(margin..).unwrap_or_default();
            self.0 += format!("// {line}").trim_end();
            self.0 += "\n";
        }
    }

    /// Lines as they stand in a raw string, indented anew: labels at the margin, all else by four.
    pub(crate) fn lines(&mut self, lines: impl AsRef<str>) {
        for line in lines.as_ref().trim().lines() {
            let line = line.trim();
            let indent = if line.is_empty() || line.ends_with(':') {
                ""
            } else {
                "    "
            };
            self.0 += &format!("{indent}{line}\n");
        }
    }

    /// A comment that takes a paragraph's place.
    pub(crate) fn section(&mut self, words: impl AsRef<str>) {
        self.0 += "\n";
        for line in words.as_ref().lines() {
            self.0 += &format!("    // {}\n", line.trim());
        }
    }

    /// The text, its body closed.
    pub(crate) fn end(mut self) -> String {
        self.0 += "    ret;\n}\n";
        self.0
    }
}
