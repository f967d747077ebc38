//! Dense products: what the sparse ones are compared with, and the weight gradient.

use crate::{Argument, Call, DenseSize, Element, Kernel, Need, Program, SizeError};

/// C = A·Bᵀ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GemmNt {
    /// Of which numbers.
    pub element: Element,
    /// A, `m × k`.
    pub a: DenseSize,
    /// B, `n × k`.
    pub b: DenseSize,
    /// C, `m × n`.
    pub c: DenseSize,
}

/// C = Aᵀ·B: with A = dY and B = X the gradient of the weights, `out × inner`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GemmTn {
    /// Of which numbers.
    pub element: Element,
    /// A, `k × m`.
    pub a: DenseSize,
    /// B, `k × n`.
    pub b: DenseSize,
    /// C, `m × n`.
    pub c: DenseSize,
}

impl GemmNt {
    /// The call.
    ///
    /// # Errors
    /// [`SizeError::Mismatch`] for matrices that do not fit each other, [`SizeError::Grid`] for
    /// more blocks than there can be.
    pub fn call(&self) -> Result<Call, SizeError> {
        let Self { element, a, b, c } = *self;
        let kernel = Kernel::GemmNt;
        equal(kernel, "columns of a and of b", a.cols(), b.cols())?;
        equal(kernel, "rows of a and of c", a.rows(), c.rows())?;
        equal(kernel, "rows of b and columns of c", b.rows(), c.cols())?;
        call(Program { kernel, element }, a, b, c, a.cols())
    }
}

impl GemmTn {
    /// The call.
    ///
    /// # Errors
    /// As [`GemmNt::call`].
    pub fn call(&self) -> Result<Call, SizeError> {
        let Self { element, a, b, c } = *self;
        let kernel = Kernel::GemmTn;
        equal(kernel, "rows of a and of b", a.rows(), b.rows())?;
        equal(kernel, "columns of a and rows of c", a.cols(), c.rows())?;
        equal(kernel, "columns of b and of c", b.cols(), c.cols())?;
        call(Program { kernel, element }, a, b, c, a.rows())
    }
}

fn equal(kernel: Kernel, what: &'static str, left: u32, right: u32) -> Result<(), SizeError> {
    if left == right {
        return Ok(());
    }
    Err(SizeError::Mismatch {
        kernel: kernel.name(),
        what,
        found: (left, right),
    })
}

fn call(
    program: Program,
    a: DenseSize,
    b: DenseSize,
    c: DenseSize,
    inner: u32,
) -> Result<Call, SizeError> {
    let (side, threads, shared_bytes) = (128u32, 128, 0);
    let blocks = u64::from(c.rows().div_ceil(side)) * u64::from(c.cols().div_ceil(side));
    let arguments = vec![
        Need::read("a", a.bytes(), a.element_bytes()),
        Need::read("b", b.bytes(), b.element_bytes()),
        Need::write("c", c.bytes(), c.element_bytes()),
        Argument::U32(c.rows()),
        Argument::U32(c.cols()),
        Argument::U32(inner),
        Argument::U32(a.pitch()),
        Argument::U32(b.pitch()),
        Argument::U32(c.pitch()),
    ];
    let flops = 2 * u64::from(c.rows()) * u64::from(c.cols()) * u64::from(inner);
    Call::new(
        program.code(),
        blocks,
        threads,
        shared_bytes,
        arguments,
        flops,
    )
}

pub(crate) const fn text_nt(_element: Element) -> &'static str {
    ""
}

pub(crate) const fn text_tn(_element: Element) -> &'static str {
    ""
}

pub(crate) fn print_nt(_element: Element) -> String {
    String::new()
}

pub(crate) fn print_tn(_element: Element) -> String {
    String::new()
}
