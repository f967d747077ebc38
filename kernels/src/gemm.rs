//! Dense products: what the sparse ones are compared with, and the weight gradient.

mod tiled;

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
        SizeError::unless_equal(kernel.name(), "columns of a and of b", a.cols(), b.cols())?;
        SizeError::unless_equal(kernel.name(), "rows of a and of c", a.rows(), c.rows())?;
        SizeError::unless_equal(
            kernel.name(),
            "rows of b and columns of c",
            b.rows(),
            c.cols(),
        )?;
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
        SizeError::unless_equal(kernel.name(), "rows of a and of b", a.rows(), b.rows())?;
        SizeError::unless_equal(
            kernel.name(),
            "columns of a and rows of c",
            a.cols(),
            c.rows(),
        )?;
        SizeError::unless_equal(kernel.name(), "columns of b and of c", b.cols(), c.cols())?;
        call(Program { kernel, element }, a, b, c, a.rows())
    }
}

fn call(
    program: Program,
    a: DenseSize,
    b: DenseSize,
    c: DenseSize,
    inner: u32,
) -> Result<Call, SizeError> {
    let block = tiled::TILE.block();
    let blocks = block.count(c.rows(), c.cols());
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
    let flops = Call::flops_of([c.rows(), c.cols(), inner]);
    Call::new(
        program.code(),
        blocks,
        block.threads,
        block.shared_bytes,
        arguments,
        flops,
    )
}

pub(crate) const fn text_nt(element: Element) -> &'static str {
    match element {
        Element::Bf16 => include_str!("../ptx/gemm_nt_bf16.ptx"),
        Element::F16 => include_str!("../ptx/gemm_nt_f16.ptx"),
    }
}

pub(crate) const fn text_tn(element: Element) -> &'static str {
    match element {
        Element::Bf16 => include_str!("../ptx/gemm_tn_bf16.ptx"),
        Element::F16 => include_str!("../ptx/gemm_tn_f16.ptx"),
    }
}

pub(crate) fn print_nt(element: Element) -> String {
    tiled::print_nt(element)
}

pub(crate) fn print_tn(element: Element) -> String {
    tiled::print_tn(element)
}
