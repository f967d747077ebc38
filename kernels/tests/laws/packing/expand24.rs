//! `expand24` against the expansion on the CPU.

use half::{bf16, f16};
use proptest::prelude::*;
use rewire_kernels::Expand24;
use rewire_mask::Packed24;
use rewire_ptx::Schedule;

use super::matrix::{Fill, Law, Matrix, Number, Packed, any_mask, same};
use super::prune24::{self, prune};
use super::rig::{Before, run};
use crate::rig::SCHEDULES;

/// The dense matrix that the kernel makes of a packed one, of the sides of `like`.
pub(crate) fn expand<T: Number>(
    text: Option<&str>,
    packed: &Packed,
    like: &Matrix,
    more: usize,
    schedule: Schedule,
) -> Result<Vec<u16>, String> {
    let expand = Expand24 {
        element: T::ELEMENT,
        packed: like.packed_size(),
        dense: like.size(more),
    };
    let call = expand.call().unwrap();
    let buffers = [
        Before::Halves(&packed.values),
        Before::Words(&packed.words),
        Before::BlankDense(expand.dense),
    ];
    let text = text.unwrap_or(call.code().text());
    let after = run(&call, text, &buffers, schedule)?;
    Ok(after[2].halves())
}

/// A text in place of the kernel's own.
struct Text<'a>(Option<&'a str>);

impl Law for Text<'_> {
    fn check<T: Number>(
        &self,
        weights: &Matrix,
        more: usize,
        schedule: Schedule,
    ) -> Result<(), String> {
        let Self(text) = *self;
        let (rows, cols) = (weights.rows, weights.cols);
        let mask = any_mask(rows, cols, (rows * 1000 + cols) as u64);
        let packed = Packed24::<T>::pack(&mask, weights.values::<T>().view()).unwrap();
        let found = expand::<T>(text, &Packed::of(&packed), weights, more, schedule)?;
        let expected: Vec<u16> = packed.expand().iter().map(|value| value.bits()).collect();
        let case = format!("{} {rows}×{cols}, {schedule:?}", T::ELEMENT);
        same(&found, &expected, &case)
    }
}

#[test]
fn every_edge_is_expanded_as_on_the_cpu() {
    Text(None).hold_at_every_side(&[Fill::Any]);
}

proptest! {
    #![proptest_config(crate::cases(super::CASES))]

    #[test]
    fn what_was_pruned_expands_to_the_masked_weights(
        (rows, cols, more) in (1usize..=80, 1usize..=300, 0usize..3),
        fill in prop::sample::select(&Fill::ALL[..]),
        schedule in prop::sample::select(&SCHEDULES[..]),
        seed in any::<u64>(),
    ) {
        let weights = Matrix::filled::<f16>(rows, cols, fill, seed);
        let (packed, _) = prune::<f16>(None, &weights, more, schedule).unwrap();
        let found = expand::<f16>(None, &packed, &weights, more, schedule).unwrap();
        let mask = prune24::expected::<f16>(&weights).mask();
        let active = |at: usize| mask.get(at / cols, at % cols);
        let kept = weights.bits.iter().enumerate();
        let kept: Vec<u16> = kept.map(|(at, &bits)| if active(at) { bits } else { 0 }).collect();
        prop_assert_eq!(same(&found, &kept, "weights"), Ok(()));
        prop_assert_eq!(Text(None).check::<bf16>(&weights, more, schedule), Ok(()));
    }
}

#[test]
fn planted_faults_are_found() {
    let weights = Matrix::filled::<bf16>(37, 277, Fill::Any, 3);
    let whole = rewire_kernels::Program {
        kernel: rewire_kernels::Kernel::Expand24,
        element: rewire_kernels::Element::Bf16,
    }
    .text();
    let planted = |from: &str, to: &str| {
        assert!(whole.contains(from), "nothing to change: {from}");
        Text(Some(&whole.replace(from, to)))
            .check::<bf16>(&weights, 1, Schedule::Early)
            .expect_err(from)
    };
    // The pairs of the other row, or of the other eight columns.
    let found = planted("[%words+64]", "[%words]");
    assert!(found.contains("holds"), "{found}");
    planted(
        "selp.b32 %bytes, 0x7531, 0x6420",
        "selp.b32 %bytes, 0x6420, 0x7531",
    );
    // A row below the last is read, or written.
    let found = planted(
        "setp.gt.s32 %used, %rows_left, 1;",
        "setp.ge.s32 %used, %rows_left, 1;",
    );
    assert!(found.contains("global"), "{found}");
    let found = planted(
        "setp.gt.s32 %in, %rows_left, 1;",
        "setp.ge.s32 %in, %rows_left, 1;",
    );
    assert!(found.contains("global"), "{found}");
    // A column too many is written, in the gap between the rows.
    let column = "st.global.b16 [%dense1+10], %h5;";
    let found = planted(&format!("@%in {column}"), column);
    assert!(found.contains("behind row"), "{found}");
}
