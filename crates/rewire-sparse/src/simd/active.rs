//! The three products of active weights, chunk by chunk.

use std::cell::RefCell;

use rewire_mask::{Isa, Topology};

use super::dot::{Dot, dot};
use super::gather::{add_runs, gather, gather_runs};
use super::layout::Layout;
use super::multiply::{Multiply, multiply};
use super::quads::{self, Quads};
use super::tiles::{ROWS, Tile};
use crate::batch::Panel;
use crate::pool::ChunkRows;
use crate::{Batch, GradientPair, PANEL};

/// Active entries and how to walk them.
///
/// Invariant: the layout is that of the topology.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Active<'a> {
    isa: Isa,
    layout: &'a Layout,
    topology: &'a Topology,
}

thread_local! {
    /// Values of one tile.
    static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Runs `work` with room for `len` values, whatever they are.
fn with_scratch(len: usize, work: impl FnOnce(&mut [f32])) {
    SCRATCH.with_borrow_mut(|scratch| {
        if scratch.len() < len {
            scratch.resize(len, 0.0);
        }
        work(&mut scratch[..len]);
    });
}

impl<'a> Active<'a> {
    /// # Panics
    /// If the layout is that of another topology.
    pub(crate) fn new(isa: Isa, layout: &'a Layout, topology: &'a Topology) -> Self {
        assert!(layout.is_of(topology), "a layout of another topology");
        Self {
            isa,
            layout,
            topology,
        }
    }

    /// Writes one chunk of the outputs for all samples of the input.
    ///
    /// # Panics
    /// If there is not one value per entry, the input does not have as many features as the matrix
    /// has columns, or the rows are not those of the chunk for as many samples.
    pub(crate) fn forward(
        &self,
        chunk: usize,
        values: &[f32],
        input: &Batch,
        mut output: ChunkRows<'_>,
    ) {
        let shape = self.topology.shape();
        assert_eq!(
            values.len(),
            self.topology.n_active(),
            "one value per entry"
        );
        assert_eq!(input.features(), shape.cols);
        assert_eq!(output.count(), rows_of(chunk, shape.rows));
        if self.layout.is_of_quads() {
            for (index, x) in input.panels().enumerate() {
                let quads = self.quads(chunk * ROWS, output.count(), x.width);
                // SAFETY: the layout says that they are quads; the rest has been asserted.
                unsafe { quads::forward(self.isa, quads, values, x.values, output.panel(index)) };
            }
            return;
        }
        for (tile, firsts) in self.layout.forward(chunk) {
            with_scratch(tile.places.len(), |gathered| {
                // SAFETY: segments and their first entries name entries of the topology, of which
                // each has a value; a tile has as many places as its segments have entries.
                unsafe {
                    let segments = tile.segments;
                    gather_runs(self.isa, values, segments, firsts, gathered);
                };
                self.multiply(&tile, gathered, input, &mut output);
            });
        }
    }

    /// Writes one chunk of the inputs' gradients for all samples of the output gradient.
    ///
    /// # Panics
    /// As for [`Active::forward`], for the transposed matrix.
    pub(crate) fn input_gradient(
        &self,
        chunk: usize,
        values: &[f32],
        output_gradient: &Batch,
        mut input_gradient: ChunkRows<'_>,
    ) {
        let shape = self.topology.shape();
        assert_eq!(
            values.len(),
            self.topology.n_active(),
            "one value per entry"
        );
        assert_eq!(output_gradient.features(), shape.rows);
        assert_eq!(input_gradient.count(), rows_of(chunk, shape.cols));
        if self.layout.is_of_quads() {
            let columns = chunk * ROWS..chunk * ROWS + input_gradient.count();
            for (index, dy) in output_gradient.panels().enumerate() {
                let quads = self.quads(0, shape.rows, dy.width);
                let dx = input_gradient.panel(index);
                let columns = columns.clone();
                // SAFETY: as for the forward product.
                unsafe {
                    quads::input_gradient(self.isa, quads, values, columns, dy.values, dx);
                }
            }
            return;
        }
        for (tile, sources) in self.layout.transposed(chunk) {
            with_scratch(tile.places.len(), |gathered| {
                // SAFETY: sources name entries of the topology, of which each has a value.
                unsafe { gather(self.isa, values, sources, gathered) };
                self.multiply(&tile, gathered, output_gradient, &mut input_gradient);
            });
        }
    }

    /// Adds the products of a tile for all panels. The tile's columns are features of the input and
    /// its rows those of the chunk, as the callers have asserted.
    fn multiply(&self, tile: &Tile<'_>, values: &[f32], input: &Batch, output: &mut ChunkRows<'_>) {
        for (index, panel) in input.panels().enumerate() {
            let work = Multiply {
                segments: tile.segments,
                places: tile.places,
                values,
                input: from_feature(panel, tile.first_column),
                width: panel.width,
                fresh: tile.first_column == 0,
            };
            // SAFETY: a tile has as many places, and here values, as its segments have entries;
            // places are features of the input from the block's first one on, rows those of the
            // chunk.
            unsafe { multiply(self.isa, &work, output.panel(index)) };
        }
    }

    fn quads(&self, first: usize, count: usize, width: usize) -> Quads<'_> {
        Quads {
            topology: self.topology,
            first,
            count,
            width,
        }
    }

    /// The entries of a chunk of rows: where they begin, and where those of the next one do.
    pub(crate) fn first_entry(&self, chunk: usize) -> usize {
        let row = (chunk * ROWS).min(self.topology.shape().rows);
        self.topology.row_offsets()[row]
    }

    /// Adds the gradient at the entries of one chunk of rows to `gradient`, which is for these
    /// alone.
    ///
    /// # Panics
    /// If it does not have a place for each, or the batches do not have as many features as the
    /// matrix has columns and rows.
    pub(crate) fn weight_gradient(
        &self,
        chunk: usize,
        pair: GradientPair<'_>,
        gradient: &mut [f32],
    ) {
        let shape = self.topology.shape();
        assert_eq!(pair.input.features(), shape.cols);
        assert_eq!(pair.output_gradient.features(), shape.rows);
        assert_eq!(pair.input.samples(), pair.output_gradient.samples());
        if pair.input.samples() == 0 {
            return;
        }
        let start = self.first_entry(chunk);
        assert_eq!(gradient.len(), self.first_entry(chunk + 1) - start);
        if self.layout.is_of_quads() {
            let rows = rows_of(chunk, shape.rows);
            for (x, dy) in pair.input.panels().zip(pair.output_gradient.panels()) {
                let quads = self.quads(chunk * ROWS, rows, x.width);
                // SAFETY: as for the forward product.
                unsafe {
                    quads::weight_gradient(self.isa, quads, x.values, dy.values, gradient);
                }
            }
            return;
        }
        for (tile, firsts) in self.layout.forward(chunk) {
            with_scratch(tile.places.len(), |sums| {
                let panels = pair.input.panels().zip(pair.output_gradient.panels());
                let mut panels = panels.peekable();
                let mut fresh = true;
                while let Some(first) = panels.next() {
                    let is_full = |panel: &(Panel<'_>, Panel<'_>)| panel.0.width == PANEL;
                    match panels.next_if(|next| is_full(next)) {
                        Some(second) => self.dot([first, second], chunk, &tile, fresh, sums),
                        None => self.dot([first], chunk, &tile, fresh, sums),
                    }
                    fresh = false;
                }
                // SAFETY: as for the forward product; the gradient has a place for each entry.
                unsafe {
                    let segments = tile.segments;
                    add_runs(self.isa, sums, segments, firsts, start, gradient);
                };
            });
        }
    }

    /// The dot products of a tile's entries over some panels of the same width.
    fn dot<const PANELS: usize>(
        &self,
        panels: [(Panel<'_>, Panel<'_>); PANELS],
        chunk: usize,
        tile: &Tile<'_>,
        fresh: bool,
        sums: &mut [f32],
    ) {
        let work = Dot {
            segments: tile.segments,
            places: tile.places,
            inputs: panels.map(|(x, _)| from_feature(x, tile.first_column)),
            output_gradients: panels.map(|(_, dy)| from_feature(dy, chunk * ROWS)),
            width: panels[0].0.width,
            fresh,
        };
        // SAFETY: a tile has as many places as its segments have entries, and so many sums; places
        // are features of the inputs from the block's first one on, rows those of the output
        // gradients from the chunk's first one on, as the caller has asserted.
        unsafe { dot(self.isa, &work, sums) };
    }
}

/// Rows of a chunk.
fn rows_of(chunk: usize, rows: usize) -> usize {
    ROWS.min(rows - chunk * ROWS)
}

/// The values of a panel from one feature on.
fn from_feature(panel: Panel<'_>, feature: usize) -> &[f32] {
    &panel.values[feature * panel.width..]
}
