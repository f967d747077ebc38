//! Changing the storage: what is stored before and after keeps its numbers, to the bit.

use std::collections::BTreeMap;

use rewire_nn::{Parameter, Storage};

use crate::by_position::{Entry, active, entries, fresh, latent, latent_within, marked};
use crate::rewiring::OPTIMIZERS;

const ROWS: usize = 3;
const COLS: usize = 5;

/// Two of each kind.
fn storages() -> Vec<Storage> {
    vec![
        Storage::Dense,
        active(ROWS, COLS, &[0, 3, 4, 9, 14]),
        active(ROWS, COLS, &[1, 3, 9, 10]),
        active(ROWS, COLS, &[]),
        latent(ROWS, COLS, &[0, 3, 4, 9, 14]),
        latent_within(
            ROWS,
            COLS,
            &[2, 3],
            Some(&[2, 3, 7]),
            Some(&[1, 2, 3, 7, 8]),
        ),
    ]
}

fn converted(weight: &Parameter, storage: &Storage) -> Parameter {
    let mut weight = weight.clone();
    weight.convert(storage.clone()).expect("one shape");
    assert_eq!(weight.storage(), storage);
    weight
}

#[test]
fn all_directions_carry_what_both_sides_store() {
    for optimizer in OPTIMIZERS {
        let columns = optimizer.columns().len();
        for from in storages() {
            for to in storages() {
                let before = marked(ROWS, COLS, from.clone(), optimizer.columns());
                let after = converted(&before, &to);
                let (old, new) = (entries(&before), entries(&after));
                let keys: Vec<u64> = match &to {
                    Storage::Active(topology) => topology.positions().collect(),
                    Storage::Dense | Storage::Latent(_) => (0..15).collect(),
                };
                let expected: BTreeMap<u64, Entry> = keys
                    .into_iter()
                    .map(|p| (p, old.get(&p).cloned().unwrap_or_else(|| fresh(columns))))
                    .collect();
                assert_eq!(new, expected, "{} to {}", from.name(), to.name());
                assert_eq!(after.name(), before.name());
            }
        }
    }
}

/// There and back through a storage that holds at least as much changes nothing.
#[test]
fn round_trips_through_larger_storages_change_nothing() {
    for optimizer in OPTIMIZERS {
        for from in storages() {
            let before = marked(ROWS, COLS, from.clone(), optimizer.columns());
            for through in storages() {
                let holds_all = !matches!(through, Storage::Active(_));
                if holds_all || through == from {
                    let back = converted(&converted(&before, &through), &from);
                    assert_eq!(back, before, "{} through {}", from.name(), through.name());
                }
            }
        }
    }
}

/// A latent weight outside the forward set is stored, so it survives a way through dense storage,
/// and active storage forgets it for good.
#[test]
fn active_storage_forgets() {
    let [optimizer, _] = OPTIMIZERS;
    let before = marked(ROWS, COLS, Storage::Dense, optimizer.columns());
    let narrow = converted(&before, &active(ROWS, COLS, &[3]));
    let wide = entries(&converted(&narrow, &Storage::Dense));
    assert_eq!(wide[&3], entries(&before)[&3]);
    let fresh = fresh(optimizer.columns().len());
    assert!((0..15).filter(|&p| p != 3).all(|p| wide[&p] == fresh));
}

/// Vectors are one row, weights of any rank are their first dimension times the rest.
#[test]
fn ranks_are_seen_as_matrices() {
    let vector = Parameter::new("fc1.bias", &[7], Storage::Dense, false).unwrap();
    assert_eq!(vector.shape().to_string(), "1×7");
    let kernel = Parameter::new("conv1.weight", &[4, 3, 2, 2], active(4, 12, &[0, 47]), true);
    assert_eq!(kernel.unwrap().stored(), 2);
}
