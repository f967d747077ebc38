//! The version that shows what the numbers mean: one thread per number of Y.

use super::{Version, head};
use crate::Element;
use crate::text::number::{activate, choose_activation, widen};
use crate::text::tile::Block;

/// 32 outs, one for each lane, by 8 tokens, one for each warp.
pub(super) const BLOCK: Block = Block {
    rows: 8,
    cols: 32,
    threads: 256,
    shared_bytes: 0,
};

const ADDS: &str = "The first of five versions, and the plainest: one thread per number of Y. It reads everything from
global memory, the metadata too, and shows how they lie: 16 columns of row r are half a word,
four bits for each group of four columns, the lower of the two kept columns in the lower two bits.
The word is word (k div 64) mod 4 of thread 32 (r mod 64 div 16) + 4 (r mod 8) + k div 16 mod 4 in
block [r div 64][k div 256]; rows with r div 8 odd have the upper half.";

/// Prints the version.
pub(super) fn print(element: Element) -> String {
    let mut text = head::begin(Version::Scalar, element, 1, None, ADDS);
    text.add(PLACE);
    text.add(OPERANDS);
    text.add(
        "// The sum, 16 columns at a time.
        .reg .pred %inside, %more;
        .reg .b32 %sixteen, %sixteens, %group, %pairs, %first, %col, %word;
        .reg .b16 %low, %high;
        .reg .f32 %sum, %w0, %w1, %x0, %x1;
        mov.f32 %sum, 0f00000000;
        mov.b32 %first, 0;
        mov.b32 %sixteen, 0;
        add.u32 %sixteens, %inner, 15;
        shr.u32 %sixteens, %sixteens, 4;",
    );
    text.add(PAIRS);
    let (w, x) = (
        widen(element, "%word", "%w0", "%w1"),
        widen(element, "%word", "%x0", "%x1"),
    );
    text.add(format!(
        "// Two values of W, then the two numbers of X that they meet: 0 beyond the last column.
        GROUP:
        ld.global.nc.u32 %word, [%w_from];
        add.u64 %w_from, %w_from, 4;
        {w}
        and.b32 %col, %pairs, 3;
        add.u32 %col, %col, %first;
        setp.lt.u32 %inside, %col, %inner;
        mad.wide.u32 %at, %col, 2, %x_from;
        mov.u16 %low, 0;
        @%inside ld.global.nc.u16 %low, [%at];
        bfe.u32 %col, %pairs, 2, 2;
        add.u32 %col, %col, %first;
        setp.lt.u32 %inside, %col, %inner;
        mad.wide.u32 %at, %col, 2, %x_from;
        mov.u16 %high, 0;
        @%inside ld.global.nc.u16 %high, [%at];
        mov.b32 %word, {{%low, %high}};
        {x}
        fma.rn.f32 %sum, %w0, %x0, %sum;
        fma.rn.f32 %sum, %w1, %x1, %sum;
        shr.u32 %pairs, %pairs, 4;
        add.u32 %first, %first, 4;
        add.u32 %group, %group, 1;
        setp.lt.u32 %more, %group, 4;
        @%more bra GROUP;
        setp.lt.u32 %more, %sixteen, %sixteens;
        @%more bra SIXTEEN;"
    ));
    text.add(choose_activation());
    text.add(
        "// Bias, activation, rounding.
        .reg .b64 %bias_at;
        .reg .f32 %bias;
        ld.param.u64 %bias_at, [bias];
        setp.ne.u64 %inside, %bias_at, 0;
        mad.wide.u32 %bias_at, %out, 4, %bias_at;
        mov.f32 %bias, 0f00000000;
        @%inside ld.global.nc.f32 %bias, [%bias_at];
        add.f32 %sum, %sum, %bias;",
    );
    text.add(activate(&["%sum".to_owned()], ""));
    text.add(format!(
        ".reg .b32 %y_pitch;
        ld.param.u32 %y_pitch, [y_pitch];
        ld.param.u64 %at, [y];
        mul.wide.u32 %offset, %token, %y_pitch;
        shl.b64 %offset, %offset, 1;
        add.u64 %at, %at, %offset;
        mad.wide.u32 %at, %out, 2, %at;
        cvt.rn.{element}.f32 %low, %sum;
        st.global.b16 [%at], %low;
        OUTSIDE:"
    ));
    text.end()
}

const PLACE: &str = "// A block computes 32 outs by 8 tokens: lanes are outs, warps are tokens.
    .reg .pred %outside;
    .reg .b32 %out, %token, %tiles, %number, %done;
    add.u32 %tiles, %cols, 31;
    shr.u32 %tiles, %tiles, 5;
    mov.u32 %number, %ctaid.x;
    div.u32 %token, %number, %tiles;
    mul.lo.u32 %done, %token, %tiles;
    sub.u32 %out, %number, %done;
    mov.u32 %number, %tid.x;
    and.b32 %done, %number, 31;
    mad.lo.u32 %out, %out, 32, %done;
    shr.u32 %number, %number, 5;
    mad.lo.u32 %token, %token, 8, %number;
    setp.ge.u32 %outside, %out, %cols;
    @%outside bra OUTSIDE;
    setp.ge.u32 %outside, %token, %rows;
    @%outside bra OUTSIDE;";

const OPERANDS: &str = "// Rows of W and X, and the lane's pairs in the first block of 64 by 256.
    .reg .b32 %row;
    .reg .b64 %w_from, %x_from, %pairs_from, %at, %offset;
    ld.param.u64 %w_from, [values];
    mul.wide.u32 %offset, %out, %w_pitch;
    shl.b64 %offset, %offset, 1;
    add.u64 %w_from, %w_from, %offset;
    ld.param.u64 %x_from, [x];
    mul.wide.u32 %offset, %token, %x_pitch;
    shl.b64 %offset, %offset, 1;
    add.u64 %x_from, %x_from, %offset;
    ld.param.u64 %pairs_from, [metadata];
    shr.u32 %row, %out, 6;
    add.u32 %done, %inner, 255;
    shr.u32 %done, %done, 8;
    mul.wide.u32 %offset, %row, %done;
    mul.lo.u64 %offset, %offset, 2048;
    add.u64 %pairs_from, %pairs_from, %offset;
    bfe.u32 %row, %out, 4, 2;
    mad.wide.u32 %pairs_from, %row, 512, %pairs_from;
    and.b32 %row, %out, 7;
    mad.wide.u32 %pairs_from, %row, 64, %pairs_from;
    bfe.u32 %row, %out, 3, 1;
    mad.wide.u32 %pairs_from, %row, 2, %pairs_from;";

const PAIRS: &str =
    "// The pairs of 16 columns: block k div 256, thread k div 16 mod 4, word k div 64 mod 4.
    SIXTEEN:
    shr.u32 %group, %sixteen, 4;
    mad.wide.u32 %at, %group, 2048, %pairs_from;
    and.b32 %group, %sixteen, 3;
    mad.wide.u32 %at, %group, 16, %at;
    bfe.u32 %group, %sixteen, 2, 2;
    mad.wide.u32 %at, %group, 4, %at;
    ld.global.nc.u16 %pairs, [%at];
    add.u32 %sixteen, %sixteen, 1;
    mov.b32 %group, 0;";
