//! Layouts of the topologies that are alive.

use std::sync::{Arc, Mutex, PoisonError};

use rewire_mask::Topology;

use crate::simd::Layout;

/// What is known of each topology, as long as somebody holds it.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    layouts: Mutex<Vec<Arc<Layout>>>,
}

impl Cache {
    /// The layout of a topology: the one made before, or a new one. Layouts of topologies that no
    /// longer exist are dropped whenever one is made.
    pub(crate) fn layout(&self, topology: &Topology) -> Arc<Layout> {
        // A thread that panicked while it held the lock left a list of whole layouts.
        let mut layouts = self.layouts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(layout) = layouts.iter().find(|layout| layout.is_of(topology)) {
            return Arc::clone(layout);
        }
        layouts.retain(|layout| layout.is_needed());
        let layout = Arc::new(Layout::new(topology, block_width(topology)));
        layouts.push(Arc::clone(&layout));
        layout
    }
}

/// Columns of a tile for the forward product, or rows of one for the input gradient: so many that a
/// row has about a dozen entries there, which is worth the way to its sums and back; at least as
/// many as keep their samples in the nearest cache, at most as many as keep them in the next one.
/// Where even those leave a tile almost empty, so many that it has one entry for each of its rows.
fn block_width(topology: &Topology) -> usize {
    const ENTRIES: f64 = 12.8;
    let density = topology.density();
    let most = (1.0 / density).max(1024.0);
    let width = (ENTRIES / density).clamp(128.0, most).min(65_472.0);
    (width as usize).next_multiple_of(64)
}

#[cfg(test)]
mod tests {
    use rewire_mask::MatrixShape;

    use super::*;

    fn every(step: usize) -> Topology {
        let shape = MatrixShape::new(100, 100);
        Topology::from_positions(shape, (0..shape.len()).step_by(step)).unwrap()
    }

    #[test]
    fn a_layout_lives_as_long_as_its_topology() {
        let cache = Cache::default();
        let (first, second) = (every(7), every(11));
        let layout = cache.layout(&first);
        assert!(Arc::ptr_eq(&layout, &cache.layout(&first.clone())));
        assert!(!Arc::ptr_eq(&layout, &cache.layout(&second)));
        let again = Arc::downgrade(&layout);
        drop((layout, first));
        assert!(again.upgrade().is_some(), "nothing was made since");
        // An equal topology is another one.
        cache.layout(&every(7));
        assert!(again.upgrade().is_none());
    }

    #[test]
    fn blocks_widen_as_rows_thin_out() {
        let widths = [1, 4, 10, 20, 50, 100, 1000, 5000].map(|step| block_width(&every(step)));
        assert_eq!(widths, [128, 128, 128, 256, 640, 1024, 1024, 5056]);
        let nothing = Topology::empty(MatrixShape::new(3, 4));
        assert_eq!(block_width(&nothing), 65_472);
    }
}
