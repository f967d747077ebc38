//! Products of random sizes, everything else drawn too; `PROPTEST_CASES` draws more of them.

use proptest::prelude::*;
use rewire_kernels::{Activation, Element, Spmm24Version as Version};
use rewire_ptx::Schedule;

use crate::gemm::{Case as Dense, Order};
use crate::rig::Numbers;
use crate::spmm24::Case;

/// Small sizes, and any up to those of two tiles.
fn side() -> impl Strategy<Value = u64> {
    prop_oneof![1..=20u64, 1..=270u64]
}

proptest! {
    #![proptest_config(crate::cases(12))]

    #[test]
    fn sparse_products_are_exact(
        sides in [side(), side(), side()],
        version in prop::sample::select(&Version::ALL[..]),
        half in any::<bool>(),
        rectifies in any::<bool>(),
        has_bias in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let element = Element::ALL[usize::from(half)];
        let mut case = Case::new(element, sides, Numbers::whole);
        if has_bias {
            let mut numbers = Numbers(seed);
            case.bias = Some((0..sides[0]).map(|_| numbers.whole()).collect());
            case.product.has_bias = true;
        }
        if rectifies {
            case.product.activation = Activation::Relu;
        }
        case.check_exact(version, Schedule::Seeded(seed));
    }

    #[test]
    fn dense_products_are_exact(
        sides in [side(), side(), side()],
        crosswise in any::<bool>(),
        half in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let order = if crosswise { Order::Tn } else { Order::Nt };
        let element = Element::ALL[usize::from(half)];
        Dense::new(order, element, sides, Numbers::whole).check(Schedule::Seeded(seed));
    }
}
