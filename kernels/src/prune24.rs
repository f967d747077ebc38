//! From dense weights to packed 2:4 ones: along rows, or transposable and packed both ways.

mod along_rows;
mod tile;
mod transposable;

use crate::packing::strip;
use crate::text::{Parameter, Text};
use crate::{Argument, Call, DenseSize, Element, Kernel, Need, PackedSize, Program, SizeError};

/// Keeps the two of every four columns with the largest magnitudes; of equal ones the lower column.
///
/// `status` is one 32-bit word to which the number of NaN and infinite weights is added. With any
/// of them the result is a legal packed matrix, but which entries of their groups it keeps is not
/// said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prune24 {
    /// Of which numbers.
    pub element: Element,
    /// The weights.
    pub weights: DenseSize,
}

/// Keeps the best of the 90 patterns of every 4 × 4 tile that have two entries in every row and
/// column, and packs the matrix and its transpose.
///
/// The choice, ties included, is that of `rewire_mask::Pattern` for a transposable 2:4 mask of the
/// magnitudes, the matrix filled up to whole tiles with zeros that are not kept. `status` is as in
/// [`Prune24`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prune24Transposable {
    /// Of which numbers.
    pub element: Element,
    /// The weights.
    pub weights: DenseSize,
}

impl Prune24 {
    /// The size of the result.
    pub const fn packed(&self) -> PackedSize {
        PackedSize::of(self.weights)
    }

    /// The call: weights, values, metadata, status.
    ///
    /// # Errors
    /// [`SizeError::Grid`] for more blocks than there can be.
    pub fn call(&self) -> Result<Call, SizeError> {
        let program = Program {
            kernel: Kernel::Prune24,
            element: self.element,
        };
        let blocks = strip::blocks(self.weights.rows(), self.weights.cols());
        let packed = written(self.packed(), ["values", "metadata"]);
        call(program, blocks, self.weights, &[packed])
    }
}

impl Prune24Transposable {
    /// The size of the result; its transpose has the size of [`PackedSize::transposed`].
    pub const fn packed(&self) -> PackedSize {
        PackedSize::of(self.weights)
    }

    /// The call: weights, values, metadata, values of the transpose, its metadata, status.
    ///
    /// # Errors
    /// [`SizeError::Grid`] for more blocks than there can be.
    pub fn call(&self) -> Result<Call, SizeError> {
        let program = Program {
            kernel: Kernel::Prune24Transposable,
            element: self.element,
        };
        let blocks = transposable::blocks(self.weights.rows(), self.weights.cols());
        let packed = self.packed();
        let packed = [
            written(packed, ["values", "metadata"]),
            written(packed.transposed(), ["values_t", "metadata_t"]),
        ];
        call(program, blocks, self.weights, &packed)
    }
}

fn written(packed: PackedSize, [values, metadata]: [&'static str; 2]) -> [Argument; 2] {
    let (value_bytes, metadata_bytes) = (packed.value_bytes(), packed.metadata_bytes());
    [
        Need::write(values, value_bytes, value_bytes),
        Need::write(metadata, metadata_bytes, metadata_bytes),
    ]
}

/// Weights, what is written, status, and the size of the weights.
fn call(
    program: Program,
    blocks: u64,
    weights: DenseSize,
    written: &[[Argument; 2]],
) -> Result<Call, SizeError> {
    let weight_bytes = (weights.bytes(), weights.element_bytes());
    let mut arguments = vec![Need::read("weights", weight_bytes.0, weight_bytes.1)];
    arguments.extend(written.iter().flatten());
    arguments.extend([
        // One word, touched only if something is wrong.
        Need::update("status", 4, 0),
        Argument::U32(weights.rows()),
        Argument::U32(weights.cols()),
        Argument::U32(weights.pitch()),
    ]);
    Call::new(program.code(), blocks, 256, 0, arguments, 0)
}

pub(crate) const fn text(element: Element) -> &'static str {
    match element {
        Element::Bf16 => include_str!("../ptx/prune24_bf16.ptx"),
        Element::F16 => include_str!("../ptx/prune24_f16.ptx"),
    }
}

pub(crate) const fn text_transposable(element: Element) -> &'static str {
    match element {
        Element::Bf16 => include_str!("../ptx/prune24_transposable_bf16.ptx"),
        Element::F16 => include_str!("../ptx/prune24_transposable_f16.ptx"),
    }
}

pub(crate) fn print(element: Element) -> String {
    along_rows::print(element)
}

pub(crate) fn print_transposable(element: Element) -> String {
    transposable::print(element)
}

/// The parameter that faults are counted in.
const STATUS: Parameter = Parameter::address(
    "status",
    "one word, to which the number of NaN and infinite weights is added;\n\
     with any the result is legal, but which entries of their groups it\n\
     keeps is not said",
);

/// The bits of infinity: magnitudes from here on are not finite.
const fn not_finite(element: Element) -> u32 {
    match element {
        Element::Bf16 => 0x7F80,
        Element::F16 => 0x7C00,
    }
}

/// Adds to `%count` how many of the two weights in a register are not finite.
fn count_not_finite(text: &mut Text, element: Element, register: &str) {
    // The sum of a magnitude and this has its highest bit set from infinity on.
    let rest = 0x8000 - not_finite(element);
    text.lines(format!(
        "and.b32 %bits, %{register}, 0x7FFF7FFF;
         add.u32 %bits, %bits, 0x{rest:04X}{rest:04X};
         and.b32 %bits, %bits, 0x80008000;
         popc.b32 %bits, %bits;
         add.u32 %count, %count, %bits;"
    ));
}

/// Adds the `%count`s of a warp to the status.
fn report(text: &mut Text) {
    text.lines(
        "
        .reg .b64 %status;
        .reg .pred %leader;
        redux.sync.add.u32 %count, %count, 0xFFFFFFFF;
        ld.param.u64 %status, [status];
        setp.eq.u32 %leader, %lane, 0;
        @%leader red.global.add.u32 [%status], %count;",
    );
}
