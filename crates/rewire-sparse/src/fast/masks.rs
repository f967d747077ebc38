//! The positions of the masks that latent layers showed lately.

use std::sync::{Arc, Mutex, PoisonError};

use rewire_mask::{Mask, Topology};

/// Lookups, per mask, after which one that nobody asked for is given up.
///
/// A training step asks for each layer's mask three times.
const PATIENCE: u64 = 6;

/// Masks and their positions.
#[derive(Debug, Default)]
pub(super) struct Masks {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    masks: Vec<Listed>,
    /// Lookups so far.
    lookups: u64,
}

#[derive(Debug)]
struct Listed {
    mask: Mask,
    topology: Arc<Topology>,
    /// The lookup that asked for it last.
    last: u64,
}

impl Masks {
    /// The positions of a mask: those listed before for an equal one, or new ones.
    pub(super) fn topology(&self, mask: &Mask) -> Arc<Topology> {
        // A thread that panicked while it held the lock left a list of whole entries.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Known { masks, lookups } = &mut *known;
        *lookups += 1;
        if let Some(listed) = masks.iter_mut().find(|listed| listed.mask == *mask) {
            listed.last = *lookups;
            return Arc::clone(&listed.topology);
        }
        let oldest = lookups.saturating_sub(PATIENCE * masks.len() as u64);
        masks.retain(|listed| listed.last >= oldest);
        let topology = Arc::new(Topology::from_mask(mask));
        masks.push(Listed {
            mask: mask.clone(),
            topology: Arc::clone(&topology),
            last: *lookups,
        });
        topology
    }
}

#[cfg(test)]
mod tests {
    use rewire_mask::MatrixShape;

    use super::*;

    fn every(step: usize) -> Mask {
        Mask::from_fn(MatrixShape::new(9, 9), |row, col| {
            (9 * row + col) % step == 0
        })
    }

    #[test]
    fn equal_masks_share_their_positions() {
        let masks = Masks::default();
        let first = masks.topology(&every(3));
        assert_eq!(*first, Topology::from_mask(&every(3)));
        assert!(Arc::ptr_eq(&first, &masks.topology(&every(3))));
        assert!(!Arc::ptr_eq(&first, &masks.topology(&every(4))));
    }

    #[test]
    fn masks_that_nobody_shows_any_more_are_given_up() {
        let masks = Masks::default();
        let first = Arc::downgrade(&masks.topology(&every(2)));
        for _ in 0..2 * PATIENCE {
            masks.topology(&every(3));
        }
        assert!(first.upgrade().is_some(), "no other mask was new since");
        masks.topology(&every(4));
        assert!(first.upgrade().is_none());
    }
}
