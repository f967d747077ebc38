//! Rewiring and stepping: survivors keep everything to the bit, grown weights are new, and a step
//! is a matter of each weight alone.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rewire_nn::autograd::mask::Rewiring;
use rewire_nn::{AdamW, Optimizer, Parameter, Sgd, Storage};

use crate::by_position::{
    Entry, active, entries, fresh, latent, latent_within, marked, step_alone,
};

/// `PROPTEST_CASES`, or as many as run in about a second.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(200)
}

pub(crate) const SGD: Sgd = Sgd {
    momentum: 0.9,
    nesterov: true,
    weight_decay: 1e-2,
};

pub(crate) const ADAMW: AdamW = AdamW {
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weight_decay: 1e-2,
};

pub(crate) const OPTIMIZERS: [&dyn Optimizer; 2] = [&SGD, &ADAMW];

#[test]
fn survivors_keep_everything_and_grown_weights_are_new() {
    for optimizer in OPTIMIZERS {
        let columns = optimizer.columns().len();
        let mut weight = marked(3, 4, active(3, 4, &[0, 2, 3, 7, 11]), optimizer.columns());
        let before = entries(&weight);
        let rewiring = Rewiring::new(vec![0, 3, 11], vec![1, 8]).unwrap();
        weight.rewire(&rewiring).unwrap();
        let expected: BTreeMap<u64, Entry> = [
            (1, fresh(columns)),
            (2, before[&2].clone()),
            (7, before[&7].clone()),
            (8, fresh(columns)),
        ]
        .into();
        assert_eq!(entries(&weight), expected);

        // Growing a dropped position again does not bring anything back.
        weight
            .rewire(&Rewiring::new(vec![], vec![0]).unwrap())
            .unwrap();
        assert_eq!(entries(&weight)[&0], fresh(columns));
        // Down to nothing and up to everything.
        let all: Vec<u64> = entries(&weight).into_keys().collect();
        weight.rewire(&Rewiring::new(all, vec![]).unwrap()).unwrap();
        assert_eq!((weight.stored(), weight.n_active()), (0, 0));
        let every = Rewiring::new(vec![], (0..12).collect()).unwrap();
        weight.rewire(&every).unwrap();
        assert_eq!(
            entries(&weight),
            (0..12).map(|p| (p, fresh(columns))).collect()
        );
    }
}

/// The state of a weight that was grown late is that of a weight that was there from its first
/// step: momentum 0, Adam's moments 0 and its own step count.
#[test]
fn a_grown_weight_trains_as_a_fresh_one() {
    for optimizer in OPTIMIZERS {
        let mut weight = Parameter::new("w", &[2, 3], active(2, 3, &[0, 4]), true).unwrap();
        weight.set_columns(optimizer.columns());
        weight.values_mut().fill(0.7);
        for step in 0..50 {
            weight.step(optimizer, 0.1, &[0.3, -0.2 + step as f32 / 100.0]);
        }
        // Position 4 goes and comes back; 2 is grown for the first time.
        weight
            .rewire(&Rewiring::new(vec![4], vec![2]).unwrap())
            .unwrap();
        weight
            .rewire(&Rewiring::new(vec![], vec![4]).unwrap())
            .unwrap();

        let mut new = Parameter::new("new", &[1, 2], Storage::Dense, true).unwrap();
        new.set_columns(optimizer.columns());
        for step in 0..20 {
            let gradient = (step as f32 * 0.7).sin();
            weight.step(optimizer, 0.1, &[0.3, gradient, -gradient]);
            new.step(optimizer, 0.1, &[gradient, -gradient]);
            let (grown, fresh) = (entries(&weight), entries(&new));
            assert_eq!(
                (&grown[&2], &grown[&4]),
                (&fresh[&0], &fresh[&1]),
                "step {step}"
            );
        }
    }
}

#[test]
fn only_the_update_set_of_latent_weights_is_stepped() {
    let update = [0, 1, 4, 5, 6, 11];
    let stores = [
        latent_within(
            3,
            4,
            &[1, 5],
            Some(&update),
            Some(&(0..12).collect::<Vec<_>>()),
        ),
        latent_within(3, 4, &[1, 5], Some(&update), None),
        latent_within(3, 4, &update, Some(&update), Some(&update)),
    ];
    for optimizer in OPTIMIZERS {
        for storage in &stores {
            let mut weight = marked(3, 4, storage.clone(), optimizer.columns());
            let mut expected = entries(&weight);
            // Gradients are there for all; decay alone would move a weight as well.
            let gradient: Vec<f32> = (0..12).map(|p| p as f32 - 3.0).collect();
            weight.step(optimizer, 0.5, &gradient);
            for position in update {
                let entry = expected.get_mut(&position).unwrap();
                step_alone(optimizer, 0.5, true, entry, gradient[position as usize]);
            }
            assert_eq!(entries(&weight), expected);
        }
        // The full update set steps all.
        let mut weight = marked(3, 4, latent(3, 4, &[1, 5]), optimizer.columns());
        let before = entries(&weight);
        weight.step(optimizer, 0.5, &[1.0; 12]);
        assert!(
            entries(&weight)
                .iter()
                .all(|(p, entry)| *entry != before[p])
        );
    }
}

/// One step of a random run.
#[derive(Clone, Debug)]
enum Change {
    /// Active positions to drop and inactive ones to grow, by rank.
    Rewire(Vec<u16>, Vec<u16>),
    /// An optimizer step with gradients that depend on position and this number.
    Step(u16),
    Densify,
    Mask,
    /// To active storage, of the positions whose hash with this number is even.
    Sparsify(u16),
}

fn change() -> impl Strategy<Value = Change> {
    let ranks = || prop::collection::vec(any::<u16>(), 0..6);
    prop_oneof![
        4 => (ranks(), ranks()).prop_map(|(drop, grow)| Change::Rewire(drop, grow)),
        4 => any::<u16>().prop_map(Change::Step),
        1 => Just(Change::Densify),
        1 => Just(Change::Mask),
        2 => any::<u16>().prop_map(Change::Sparsify),
    ]
}

fn picked(from: &[u64], ranks: &[u16]) -> Vec<u64> {
    if from.is_empty() {
        return Vec::new();
    }
    let mut picked: Vec<u64> = ranks
        .iter()
        .map(|&r| from[usize::from(r) % from.len()])
        .collect();
    picked.sort_unstable();
    picked.dedup();
    picked
}

fn hash(position: u64, number: u16) -> u64 {
    (position + 1).wrapping_mul(u64::from(number) * 2 + 0x9E37_79B9_7F4A_7C15) >> 33
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    /// Whatever happens, in whatever order: the parameter is the map from positions to numbers.
    #[test]
    fn a_parameter_is_a_map_from_positions_to_numbers(
        rows in 1usize..6, cols in 1usize..9, use_adam: bool, decay: bool,
        changes in prop::collection::vec(change(), 1..25),
    ) {
        let optimizer = OPTIMIZERS[usize::from(use_adam)];
        let columns = optimizer.columns().len();
        let n = (rows * cols) as u64;
        let mut weight = Parameter::new("w", &[rows, cols], Storage::Dense, decay).unwrap();
        weight.set_columns(optimizer.columns());
        let mut map: BTreeMap<u64, Entry> = (0..n).map(|p| (p, fresh(columns))).collect();
        let complete = |map: &mut BTreeMap<u64, Entry>| {
            (0..n).for_each(|p| { map.entry(p).or_insert_with(|| fresh(columns)); });
        };
        for change in changes {
            match change {
                Change::Rewire(drop, grow) => {
                    let inside: Vec<u64> = map.keys().copied().collect();
                    let outside: Vec<u64> = (0..n).filter(|p| !map.contains_key(p)).collect();
                    let (drop, grow) = (picked(&inside, &drop), picked(&outside, &grow));
                    let rewiring = Rewiring::new(drop.clone(), grow.clone()).unwrap();
                    if weight.topology().is_some() {
                        weight.rewire(&rewiring).unwrap();
                        drop.iter().for_each(|p| { map.remove(p); });
                        map.extend(grow.into_iter().map(|p| (p, fresh(columns))));
                    } else {
                        prop_assert!(weight.rewire(&rewiring).is_err());
                    }
                }
                Change::Step(number) => {
                    let gradient = |p: u64| hash(p, number) as f32 / 2e9 - 0.5;
                    let all: Vec<f32> = map.keys().map(|&p| gradient(p)).collect();
                    weight.step(optimizer, 0.05, &all);
                    for (&p, entry) in &mut map {
                        step_alone(optimizer, 0.05, decay, entry, gradient(p));
                    }
                }
                Change::Densify => {
                    weight.convert(Storage::Dense).unwrap();
                    complete(&mut map);
                }
                Change::Mask => {
                    weight.convert(latent(rows, cols, &[0])).unwrap();
                    complete(&mut map);
                }
                Change::Sparsify(number) => {
                    let kept: Vec<u64> = (0..n).filter(|&p| hash(p, number).is_multiple_of(2)).collect();
                    weight.convert(active(rows, cols, &kept)).unwrap();
                    map.retain(|p, _| kept.contains(p));
                    for p in kept {
                        map.entry(p).or_insert_with(|| fresh(columns));
                    }
                }
            }
            prop_assert_eq!(entries(&weight), map.clone());
        }
    }
}
