//! A text with the entry that is launched.

use std::fmt;
use std::hash::{Hash, Hasher};

use crate::Element;

/// What is compiled and launched. Two are equal if they have the same name and element, of which
/// there is one text each.
#[derive(Clone, Copy)]
pub struct Code {
    pub(crate) name: &'static str,
    pub(crate) element: Option<Element>,
    pub(crate) entry: &'static str,
    pub(crate) text: &'static str,
}

impl Code {
    /// The name of the kernel.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// The type of numbers that it is for, if there is one text for each.
    pub const fn element(self) -> Option<Element> {
        self.element
    }

    /// The name of the entry within the text.
    pub const fn entry(self) -> &'static str {
        self.entry
    }

    /// PTX.
    pub const fn text(self) -> &'static str {
        self.text
    }

    fn key(self) -> (&'static str, Option<Element>) {
        (self.name, self.element)
    }
}

impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Code {}

impl Hash for Code {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        match self.element {
            Some(element) => write!(f, "_{element}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({self})")
    }
}
