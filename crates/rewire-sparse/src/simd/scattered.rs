//! Layers whose entries lie so far apart that tiles do not pay: `kernel.rs` says why.
//!
//! Forward and weight gradient walk the topology itself. The input gradient walks its transpose,
//! which is made when it is first asked for and kept as long as the topology lives.

mod kernel;

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rewire_mask::{Isa, Topology};

use super::tiles::ROWS;
use crate::batch::Panel;
use crate::pool::for_each_chunk;
use crate::{Batch, GradientPair, PANEL};
use kernel::{Dot, Lines, Values, dot, multiply};

/// A layer is scattered if at most one position in so many is active: the samples of so many
/// features, 256 bytes each, fill the cache that is a processor's own.
const POSITIONS_PER_ENTRY: u64 = 1 << 12;

/// The transposes of the topologies that are alive.
#[derive(Debug, Default)]
pub(crate) struct Transposes(Mutex<Vec<Arc<Transposed>>>);

/// The entries of a topology column by column.
///
/// Invariants: offsets ascend and end at the number of entries; rows are those of the topology;
/// sources name its entries, each once.
#[derive(Debug)]
struct Transposed {
    /// The topology's identity.
    topology: Weak<()>,
    offsets: Vec<usize>,
    rows: Vec<u32>,
    /// The topology's entry that each of these is.
    sources: Vec<u32>,
}

impl Transposes {
    fn of(&self, topology: &Topology) -> Arc<Transposed> {
        // A thread that panicked while it held the lock left a list of whole transposes.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let identity = Arc::as_ptr(topology.identity());
        if let Some(found) = known.iter().find(|t| t.topology.as_ptr() == identity) {
            return Arc::clone(found);
        }
        known.retain(|transposed| transposed.topology.strong_count() > 0);
        let transposed = Arc::new(Transposed::new(topology));
        known.push(Arc::clone(&transposed));
        transposed
    }
}

impl Transposed {
    fn new(topology: &Topology) -> Self {
        let (shape, n_active) = (topology.shape(), topology.n_active());
        let mut offsets = vec![0; shape.cols + 1];
        for &column in topology.columns() {
            offsets[column as usize + 1] += 1;
        }
        let mut total = 0;
        for offset in &mut offsets {
            total += *offset;
            *offset = total;
        }
        let mut next = offsets.clone();
        let (mut rows, mut sources) = (vec![0; n_active], vec![0; n_active]);
        for row in 0..shape.rows {
            for (&column, index) in topology.row(row).iter().zip(topology.row_range(row)) {
                let next = &mut next[column as usize];
                rows[*next] = row as u32;
                sources[*next] = index as u32;
                *next += 1;
            }
        }
        Self {
            topology: Arc::downgrade(topology.identity()),
            offsets,
            rows,
            sources,
        }
    }
}

/// Whether tiles do not pay for this topology: a function of its counts alone.
pub(crate) fn is_scattered(topology: &Topology) -> bool {
    let shape = topology.shape();
    let fits = u32::try_from(shape.rows).is_ok();
    fits && (topology.n_active() as u64).saturating_mul(POSITIONS_PER_ENTRY) <= shape.len()
}

/// `output = input · Wᵀ`, in parallel if that is worth it.
pub(crate) fn forward(
    isa: Isa,
    (topology, values): (&Topology, &[f32]),
    input: &Batch,
    output: &mut Batch,
    parallel: bool,
) {
    assert_eq!(input.features(), topology.shape().cols);
    assert_eq!(output.features(), topology.shape().rows);
    let lines = lines(topology);
    for_each_chunk(output, ROWS, parallel, |chunk, mut out| {
        let rows = chunk * ROWS..chunk * ROWS + out.count();
        for (index, x) in input.panels().enumerate() {
            let values = Values::InOrder(values);
            let panel = (x.values, x.width);
            // SAFETY: a topology's offsets and columns are those of its shape, which is that of the
            // batches.
            unsafe { multiply(isa, lines, values, rows.clone(), panel, out.panel(index)) };
        }
    });
}

/// `input_gradient = output_gradient · W`, in parallel if that is worth it.
pub(crate) fn input_gradient(
    isa: Isa,
    transposes: &Transposes,
    (topology, values): (&Topology, &[f32]),
    output_gradient: &Batch,
    input_gradient: &mut Batch,
    parallel: bool,
) {
    assert_eq!(input_gradient.features(), topology.shape().cols);
    assert_eq!(output_gradient.features(), topology.shape().rows);
    assert_eq!(values.len(), topology.n_active(), "one value per entry");
    let transposed = transposes.of(topology);
    let lines = Lines {
        offsets: &transposed.offsets,
        columns: &transposed.rows,
    };
    for_each_chunk(input_gradient, ROWS, parallel, |chunk, mut out| {
        let columns = chunk * ROWS..chunk * ROWS + out.count();
        for (index, dy) in output_gradient.panels().enumerate() {
            let values = Values::At(values, &transposed.sources);
            let panel = (dy.values, dy.width);
            // SAFETY: the transpose has an offset for every column; its rows are features of the
            // output gradient, its sources entries of the topology, each of which has a value.
            unsafe { multiply(isa, lines, values, columns.clone(), panel, out.panel(index)) };
        }
    });
}

/// Adds the gradient at the entries of a topology to `gradient`, in parallel if that is worth it.
pub(crate) fn weight_gradient(
    isa: Isa,
    topology: &Topology,
    pair: GradientPair<'_>,
    gradient: &mut [f32],
    parallel: bool,
) {
    assert_eq!(pair.input.features(), topology.shape().cols);
    assert_eq!(pair.output_gradient.features(), topology.shape().rows);
    assert_eq!(pair.input.samples(), pair.output_gradient.samples());
    let chunks = 0..topology.shape().rows.div_ceil(ROWS);
    gradient_of_chunks(isa, topology, chunks, pair, gradient, parallel);
}

/// The two halves of the chunks side by side if `parallel`.
fn gradient_of_chunks(
    isa: Isa,
    topology: &Topology,
    chunks: Range<usize>,
    pair: GradientPair<'_>,
    gradient: &mut [f32],
    parallel: bool,
) {
    let rows = topology.shape().rows;
    let first_row = |chunk: usize| (chunk * ROWS).min(rows);
    let first_entry = |chunk: usize| topology.row_offsets()[first_row(chunk)];
    let start = first_entry(chunks.start);
    if parallel && chunks.len() > 1 {
        let middle = chunks.start + chunks.len() / 2;
        let (first, second) = gradient.split_at_mut(first_entry(middle) - start);
        rayon::join(
            || gradient_of_chunks(isa, topology, chunks.start..middle, pair, first, true),
            || gradient_of_chunks(isa, topology, middle..chunks.end, pair, second, true),
        );
        return;
    }
    for chunk in chunks {
        let own = first_entry(chunk) - start..first_entry(chunk + 1) - start;
        let rows = first_row(chunk)..first_row(chunk + 1);
        gradient_of_rows(isa, topology, rows, pair, &mut gradient[own]);
    }
}

/// Full panels meet two by two, so that a row's entries are walked half as often.
fn gradient_of_rows(
    isa: Isa,
    topology: &Topology,
    rows: Range<usize>,
    pair: GradientPair<'_>,
    gradient: &mut [f32],
) {
    let mut panels = (pair.input.panels().zip(pair.output_gradient.panels())).peekable();
    while let Some(first) = panels.next() {
        let is_full = |panel: &(Panel<'_>, Panel<'_>)| panel.0.width == PANEL;
        let second = panels.next_if(|next| is_full(next));
        match second {
            Some(second) => add([first, second], isa, topology, rows.clone(), gradient),
            None => add([first], isa, topology, rows.clone(), gradient),
        }
    }
}

fn add<const PANELS: usize>(
    panels: [(Panel<'_>, Panel<'_>); PANELS],
    isa: Isa,
    topology: &Topology,
    rows: Range<usize>,
    gradient: &mut [f32],
) {
    let work = Dot {
        lines: lines(topology),
        rows,
        inputs: panels.map(|(x, _)| x.values),
        output_gradients: panels.map(|(_, dy)| dy.values),
        width: panels[0].0.width,
    };
    // SAFETY: a topology's offsets and columns are those of its shape, which is that of the batches,
    // as `weight_gradient` has asserted.
    unsafe { dot(isa, &work, gradient) };
}

fn lines(topology: &Topology) -> Lines<'_> {
    Lines {
        offsets: topology.row_offsets(),
        columns: topology.columns(),
    }
}
