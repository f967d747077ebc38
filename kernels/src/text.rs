//! What every text begins with, and the pieces that several kernels share.
//!
//! A piece is a function that returns lines of PTX. Indentation is put in once, by
//! [`Text::add`], so that a piece can be written where it is read best.

pub(crate) mod number;
pub(crate) mod pipeline;
pub(crate) mod product;
pub(crate) mod raster;
pub(crate) mod store;
pub(crate) mod strip;
pub(crate) mod tile;

/// A parameter of a kernel: its type, its name and what it means.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameter {
    pub(crate) scalar: &'static str,
    pub(crate) name: &'static str,
    pub(crate) meaning: &'static str,
}

impl Parameter {
    /// The address of a buffer.
    pub(crate) const fn address(name: &'static str, meaning: &'static str) -> Self {
        Self {
            scalar: "u64",
            name,
            meaning,
        }
    }

    /// A whole number.
    pub(crate) const fn number(name: &'static str, meaning: &'static str) -> Self {
        Self {
            scalar: "u32",
            name,
            meaning,
        }
    }
}

/// What stands above the body of a kernel.
pub(crate) struct Head<'a> {
    /// The name of the entry.
    pub(crate) entry: &'a str,
    /// What it computes, how it is launched, what it adds to the version before; plain ASCII,
    /// because assemblers take nothing else.
    pub(crate) comment: &'a str,
    pub(crate) parameters: &'a [Parameter],
    /// Threads of a block.
    pub(crate) threads: u32,
    /// Blocks for which one multiprocessor has enough registers.
    pub(crate) resident: u32,
    /// The name of the dynamic shared memory, if there is any.
    pub(crate) shared: Option<&'a str>,
}

/// A text in the making.
pub(crate) struct Text {
    written: String,
    depth: usize,
}

impl Text {
    /// A text that ends behind the opening brace of its kernel.
    pub(crate) fn new(head: &Head<'_>) -> Self {
        let &Head {
            entry,
            comment,
            parameters,
            threads,
            resident,
            shared,
        } = head;
        let mut lines = String::new();
        for line in comment.trim().lines() {
            lines += format!("// {}", line.trim_end()).trim_end();
            lines.push('\n');
        }
        lines += "//\n// Parameters, in this order:\n";
        for parameter in parameters {
            let Parameter {
                scalar,
                name,
                meaning,
            } = parameter;
            let mut meaning = meaning.lines();
            let first = meaning.next().unwrap_or_default();
            lines += &format!("//   .{scalar} {name:<10} {first}\n");
            for line in meaning {
                lines += &format!("//   {:<15} {}\n", "", line.trim_start());
            }
        }
        lines += "\n.version 8.5\n.target sm_80\n.address_size 64\n\n";
        if let Some(name) = shared {
            lines += &format!(".extern .shared .align 128 .b8 {name}[];\n\n");
        }
        lines += &format!(".visible .entry {entry}(\n");
        for (index, Parameter { scalar, name, .. }) in parameters.iter().enumerate() {
            let end = if index + 1 == parameters.len() {
                ')'
            } else {
                ','
            };
            lines += &format!("    .param .{scalar} {name}{end}\n");
        }
        lines += &format!(".maxntid {threads}, 1, 1\n.minnctapersm {resident}\n{{\n");
        Self {
            written: lines,
            depth: 1,
        }
    }

    /// Appends lines of a body. Labels stand at the margin, scopes are indented, and an empty line
    /// stands before a block that begins with a comment.
    pub(crate) fn add(&mut self, block: impl AsRef<str>) {
        let mut first = true;
        for line in block.as_ref().lines().map(str::trim) {
            if line.is_empty() {
                continue;
            }
            if line == "}" {
                self.depth -= 1;
            }
            if first && line.starts_with("//") && !self.written.ends_with("{\n") {
                self.written.push('\n');
            }
            first = false;
            if !line.ends_with(':') {
                self.written.push_str(&"    ".repeat(self.depth));
            }
            self.written += line;
            self.written.push('\n');
            if line == "{" {
                self.depth += 1;
            }
        }
    }

    /// Appends lines as they stand in a raw string, empty ones between them too.
    pub(crate) fn lines(&mut self, block: impl AsRef<str>) {
        for line in block.as_ref().trim().lines().map(str::trim) {
            if !line.is_empty() && !line.ends_with(':') {
                self.written.push_str(&"    ".repeat(self.depth));
            }
            self.written += line;
            self.written.push('\n');
        }
    }

    /// Appends a comment that takes a paragraph's place.
    pub(crate) fn section(&mut self, words: impl AsRef<str>) {
        self.written.push('\n');
        for line in words.as_ref().lines() {
            self.lines(format!("// {}", line.trim()));
        }
    }

    /// The whole text.
    pub(crate) fn end(mut self) -> String {
        self.add("ret;");
        self.written + "}\n"
    }
}

/// An address as operand: a register and an offset, if there is one.
pub(crate) fn address(register: &str, offset: u32) -> String {
    match offset {
        0 => format!("[{register}]"),
        _ => format!("[{register}+{offset}]"),
    }
}
