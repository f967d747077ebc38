//! One layer: its three products, with active weights and with all of them.
//!
//! Every number is a multiple of a power of two, coarse enough that no partial sum of a product
//! needs more than the 24 bits of an `f32`:
//!
//! ```text
//! weights               multiples of 1/16 in [−1, 1]
//! input, gradient       multiples of 1/256 in [−1, 1]
//! Y, dX   4096 terms    multiples of 2⁻¹² up to 2¹²
//! dW      256 samples   multiples of 2⁻¹⁶ up to 2⁸
//! ```
//!
//! Sums are then exact in any order, and whoever multiplies has to give the same numbers.

use std::fs;
use std::path::Path;

use rand::RngCore;
use rewire_rng::{Purpose, Streams};
use rewire_sparse::mask::{MatrixShape, Topology, WeightView};
use rewire_sparse::{Batch, Fast, Geometry, GradientPair, Plain, Products};

use crate::{Answer, files, unknown};

/// Bits behind the point of a weight, and of an activation or its gradient.
const WEIGHT_BITS: u32 = 4;
const ACTIVATION_BITS: u32 = 8;

/// The longest sum of each kind that stays exact.
const MOST_TERMS: usize = 4096;
const MOST_SAMPLES: usize = 256;

/// A layer with what its products read and write.
pub(crate) struct Layer {
    geometry: Geometry,
    topology: Topology,
    values: Vec<f32>,
    /// The same weights with zeros between them; made when they are asked for.
    dense: Vec<f32>,
    x: Batch,
    dy: Batch,
    y: Batch,
    dx: Batch,
    dw: Vec<f32>,
    tiled: Fast,
}

impl Layer {
    pub(crate) fn new(
        seed: u64,
        [samples, outputs, inputs]: [usize; 3],
        density: f64,
    ) -> Answer<Self> {
        if outputs.max(inputs) > MOST_TERMS || samples > MOST_SAMPLES {
            return Err(format!(
                "sums are exact up to {MOST_TERMS} features and {MOST_SAMPLES} samples"
            ));
        }
        let shape = MatrixShape::new(outputs, inputs);
        let streams = Streams::new(seed);
        let n_active = (density * shape.len() as f64).round() as u64;
        let mut positions = streams.stream(Purpose::Topology, "layer", 0);
        let topology = if n_active == shape.len() {
            Topology::full(shape)
        } else {
            Topology::random(shape, n_active, &mut positions).map_err(|e| e.to_string())?
        };
        let mut stream = streams.stream(Purpose::Init, "layer", 0);
        let mut numbers = |count: usize, bits: u32| -> Vec<f32> {
            let steps = 1i64 << bits;
            (0..count)
                .map(|_| {
                    let word = i64::from(stream.next_u32());
                    (word % (2 * steps + 1) - steps) as f32 / steps as f32
                })
                .collect()
        };
        let mut batch = |features: usize| {
            let mut batch = Batch::zeros(samples, features);
            batch.fill_rows(&numbers(samples * features, ACTIVATION_BITS));
            batch
        };
        let (x, dy) = (batch(inputs), batch(outputs));
        Ok(Self {
            geometry: Geometry::linear(shape),
            values: numbers(topology.n_active(), WEIGHT_BITS),
            dense: Vec::new(),
            y: Batch::zeros(samples, outputs),
            dx: Batch::zeros(samples, inputs),
            dw: Vec::new(),
            topology,
            x,
            dy,
            tiled: Fast::default(),
        })
    }

    pub(crate) fn n_active(&self) -> usize {
        self.topology.n_active()
    }

    /// Writes what the other side needs to multiply the same.
    pub(crate) fn write(&self, folder: &Path) -> Answer<()> {
        fs::create_dir_all(folder).map_err(|error| error.to_string())?;
        files::write_f32(&folder.join("x.f32"), &rows(&self.x))?;
        files::write_f32(&folder.join("dy.f32"), &rows(&self.dy))?;
        files::write_f32(&folder.join("values.f32"), &self.values)?;
        files::write_u32(&folder.join("columns.u32"), self.topology.columns())?;
        files::write_offsets(&folder.join("offsets.u64"), self.topology.row_offsets())
    }

    /// One product, once.
    pub(crate) fn run(&mut self, candidate: &str, product: &str) -> Answer<()> {
        let is_dense = candidate == "own-dense";
        let shape = self.topology.shape();
        if is_dense && self.dense.is_empty() {
            self.dense = vec![0.0; shape.len() as usize];
            for (position, &value) in self.topology.positions().zip(&self.values) {
                self.dense[position as usize] = value;
            }
        }
        let weights = if is_dense {
            WeightView::Dense {
                shape,
                values: &self.dense,
            }
        } else {
            WeightView::Active {
                topology: &self.topology,
                values: &self.values,
            }
        };
        let products: &dyn Products = match candidate {
            "tiled" | "own-dense" => &self.tiled,
            "plain" => &Plain,
            _ => return Err(unknown(candidate, product)),
        };
        match product {
            "forward" => products.forward(self.geometry, weights, &self.x, &mut self.y),
            "input_gradient" => {
                products.input_gradient(self.geometry, weights, &self.dy, &mut self.dx)
            }
            "weight_gradient" => {
                self.dw.resize(weights.values().len(), 0.0);
                let pair = GradientPair {
                    output_gradient: &self.dy,
                    input: &self.x,
                };
                products.weight_gradient(self.geometry, weights, pair, &mut self.dw)
            }
            _ => return Err(unknown(candidate, product)),
        };
        Ok(())
    }

    /// One product's result: a sample a row, or the gradients of the active weights by position.
    pub(crate) fn result(&mut self, candidate: &str, product: &str) -> Answer<Vec<f32>> {
        // Results of another candidate must not pass for this one's.
        self.y.values_mut().fill(f32::NAN);
        self.dx.values_mut().fill(f32::NAN);
        self.dw.clear();
        self.run(candidate, product)?;
        Ok(match product {
            "forward" => rows(&self.y),
            "input_gradient" => rows(&self.dx),
            _ if candidate == "own-dense" => {
                let positions = self.topology.positions();
                positions.map(|at| self.dw[at as usize]).collect()
            }
            _ => self.dw.clone(),
        })
    }
}

/// The values of a batch, a sample a row.
fn rows(batch: &Batch) -> Vec<f32> {
    batch.to_rows().into_raw_vec_and_offset().0
}
