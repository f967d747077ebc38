//! What stands above every version: parameters, launch, and what the version adds.

use super::Version;
use crate::Element;
use crate::text::tile::Block;
use crate::text::{Head, Parameter, Text};

/// The parameters of every version, in the order of the arguments of a call.
const PARAMETERS: [Parameter; 11] = [
    Parameter::address(
        "values",
        "W: the kept two of every four columns, rows padded to 64 columns",
    ),
    Parameter::address(
        "metadata",
        "W: which two, as words [out / 64][inner / 256][128 threads][4]",
    ),
    Parameter::address("x", "X, a row every x_pitch numbers"),
    Parameter::address("bias", "out singles to be added, or 0"),
    Parameter::address("y", "Y, a row every y_pitch numbers; written"),
    Parameter::number("out", "rows of W, columns of Y"),
    Parameter::number("tokens", "rows of X and of Y"),
    Parameter::number("inner", "columns of W and of X"),
    Parameter::number("x_pitch", "a multiple of 8, inner or more"),
    Parameter::number("y_pitch", "a multiple of 8, out or more"),
    Parameter::number(
        "activation",
        "0 identity, 1 ReLU, which keeps NaN, 2 GELU with tanh",
    ),
];

/// A text up to the opening brace and the sizes.
///
/// `%rows` and `%cols` are those of Y: tokens and outs.
pub(super) fn begin(
    version: Version,
    element: Element,
    resident: u32,
    shared: Option<&str>,
    adds: &str,
) -> Text {
    let entry = version.name();
    let Block {
        rows,
        cols,
        threads,
        shared_bytes,
    } = version.block();
    let comment = format!(
        "{entry} of {element}: Y = activation(X * W^T + bias) for a 2:4 W.

W is out x inner, X is tokens x inner, Y is tokens x out, row after row. Sums are singles, rounded
to {element} once, to nearest; what is too large becomes infinite.

{adds}

Launch: ceil(tokens / {rows}) * ceil(out / {cols}) blocks along x, {threads} threads along x, {shared_bytes} bytes of
dynamic shared memory. Any out, tokens and inner from 1 to 2^30. Addresses are multiples of 16.
What lies between two rows of X or Y is neither read nor written.
Bytes, each once: out * inner * 9/8 for W, 2 * tokens * inner, 2 * tokens * out, 4 * out.
Operations: 2 * out * tokens * inner of the dense product; half of them are carried out."
    );
    let mut text = Text::new(&Head {
        entry,
        comment: &comment,
        parameters: &PARAMETERS,
        threads,
        resident,
        shared,
    });
    text.add(
        "// Rows of Y are tokens, its columns outs. Rows of W are padded to 64 columns.
        .reg .b32 %rows, %cols, %inner, %w_pitch, %x_pitch;
        ld.param.u32 %rows, [tokens];
        ld.param.u32 %cols, [out];
        ld.param.u32 %inner, [inner];
        ld.param.u32 %x_pitch, [x_pitch];
        add.u32 %w_pitch, %inner, 63;
        shr.u32 %w_pitch, %w_pitch, 6;
        shl.b32 %w_pitch, %w_pitch, 5;",
    );
    if let Some(shared) = shared {
        text.add(format!(
            ".reg .b32 %stages;
            mov.u32 %stages, {shared};"
        ));
    }
    text
}
