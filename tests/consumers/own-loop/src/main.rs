//! A training loop written by hand over `ndarray`, whose positions RigL moves.
//!
//! A sparse linear student learns a sparse linear teacher: Y = X·Aᵀ, where each of 8 outputs looks
//! at 3 of 24 inputs. The student has exactly as many weights as the teacher and starts with them
//! in random places. Wherever it lacks one of the teacher's weights, the gradient is large; so RigL
//! ends with the teacher's positions, and a student whose positions stay cannot follow.

use std::error::Error;

use ndarray::Array2;
use rewire_explore::mask::{
    Candidate, Candidates, GatherList, GrowthRequest, LayerRequest, MatrixShape, TopK, Topology,
    WeightView,
};
use rewire_explore::rng::{Purpose, Stream, Streams, below};
use rewire_explore::{Due, Explorer, LayerView, Window, methods};

const OUTPUTS: usize = 8;
const INPUTS: usize = 24;
const PER_OUTPUT: usize = 3;
const SAMPLES: usize = 256;
const STEPS: u64 = 900;

fn main() -> Result<(), Box<dyn Error>> {
    let streams = Streams::new(5);
    let shape = MatrixShape::new(OUTPUTS, INPUTS);
    let teacher = teacher(&mut streams.stream(Purpose::Init, "teacher", 0));
    let inputs = uniform(SAMPLES, INPUTS, &mut streams.stream(Purpose::Init, "x", 0));
    let outputs = inputs.dot(&teacher.t());
    let start = Topology::random(
        shape,
        (OUTPUTS * PER_OUTPUT) as u64,
        &mut streams.stream(Purpose::Topology, "student", 0),
    )?;

    let mut fixed = Student::at(start.clone());
    let window = Window::never();
    fixed.train(
        &inputs,
        &outputs,
        &mut methods::rigl::rigl(window, methods::rigl::FRACTION).explorer()?,
        streams,
    )?;

    let mut moving = Student::at(start);
    let window = Window::every(30, methods::rigl::end(STEPS))?;
    moving.train(
        &inputs,
        &outputs,
        &mut methods::rigl::rigl(window, methods::rigl::FRACTION).explorer()?,
        streams,
    )?;

    let taught = teacher
        .iter()
        .enumerate()
        .filter(|(_, value)| **value != 0.0);
    let taught: Vec<u64> = taught.map(|(position, _)| position as u64).collect();
    let found: Vec<u64> = moving.topology.positions().collect();
    assert_eq!(found, taught, "RigL ends where the teacher's weights are");
    let (fixed, moving) = (
        fixed.loss(&inputs, &outputs),
        moving.loss(&inputs, &outputs),
    );
    assert!(moving < 1e-6 && fixed > 1e-2, "{moving} {fixed}");
    println!("squared error {fixed:.3} with positions that stay, {moving:.1e} with RigL");
    Ok(())
}

/// `PER_OUTPUT` weights of ±1 per output, the others 0.
fn teacher(stream: &mut Stream) -> Array2<f32> {
    let mut weights = Array2::zeros((OUTPUTS, INPUTS));
    for mut row in weights.rows_mut() {
        let mut missing = PER_OUTPUT;
        while missing > 0 {
            let input = below(INPUTS as u64, stream) as usize;
            if row[input] == 0.0 {
                row[input] = if below(2, stream) == 0 { -1.0 } else { 1.0 };
                missing -= 1;
            }
        }
    }
    weights
}

/// Values between −1 and 1 on a grid of 2001 points.
fn uniform(rows: usize, cols: usize, stream: &mut Stream) -> Array2<f32> {
    Array2::from_shape_simple_fn((rows, cols), || below(2001, stream) as f32 / 1000.0 - 1.0)
}

/// A linear map with few weights, trained by gradient descent with momentum.
struct Student {
    topology: Topology,
    /// One per active position, as is the momentum.
    values: Vec<f32>,
    momentum: Vec<f32>,
}

impl Student {
    fn at(topology: Topology) -> Self {
        let n_active = topology.n_active();
        Self {
            topology,
            values: vec![0.0; n_active],
            momentum: vec![0.0; n_active],
        }
    }

    fn train(
        &mut self,
        inputs: &Array2<f32>,
        outputs: &Array2<f32>,
        explorer: &mut dyn Explorer,
        streams: Streams,
    ) -> Result<(), Box<dyn Error>> {
        for step in 1..=STEPS {
            let gradient = self.gradient(inputs, outputs);
            // RigL rewires in place of a step; other methods do so after it.
            if explorer.due(step) != Due::InsteadOfStep {
                self.descend(&gradient);
            }
            if explorer.due(step) != Due::No {
                let weights = WeightView::Active {
                    topology: &self.topology,
                    values: &self.values,
                };
                let layers = [LayerView {
                    name: "student",
                    weights,
                }];
                let requests = explorer
                    .request(step, &layers, streams)?
                    .unwrap_or_default();
                let candidates = requests
                    .iter()
                    .map(|request| self.candidates(request, &gradient))
                    .collect::<Result<Vec<_>, _>>()?;
                let rewirings = explorer.rewire(step, &layers, &candidates, streams)?;
                let (after, gather) = self.topology.apply(&rewirings[0])?;
                self.move_to(after, &gather);
            }
        }
        Ok(())
    }

    /// Both columns follow the positions; what is grown starts at 0.
    fn move_to(&mut self, topology: Topology, gather: &GatherList) {
        self.values = gather.gather(&self.values, 0.0);
        self.momentum = gather.gather(&self.momentum, 0.0);
        self.topology = topology;
    }

    /// The eligible positions with the largest gradients.
    fn candidates(
        &self,
        request: &LayerRequest,
        gradient: &Array2<f32>,
    ) -> Result<Candidates, Box<dyn Error>> {
        let GrowthRequest::TopK { k } = request.growth else {
            return Err("RigL asks for the best positions of a layer".into());
        };
        let mut best = TopK::new(k);
        for (position, slope) in (0..).zip(gradient) {
            let readmitted = request.readmitted.binary_search(&position).is_ok();
            if readmitted || !self.topology.contains(position) {
                best.offer(slope.abs(), position)?;
            }
        }
        let best = best.into_ascending().into_iter();
        let candidate = |(magnitude, position)| Candidate {
            position,
            magnitude,
        };
        Ok(Candidates::Best(best.map(candidate).collect()))
    }

    fn descend(&mut self, gradient: &Array2<f32>) {
        for (index, position) in self.topology.positions().enumerate() {
            let (row, col) = self.topology.shape().row_col(position);
            self.momentum[index] = 0.9 * self.momentum[index] + gradient[[row, col]];
            self.values[index] -= 0.1 * self.momentum[index];
        }
    }

    /// The weights as a matrix, for the products of `ndarray`.
    fn matrix(&self) -> Array2<f32> {
        let mut matrix = Array2::zeros((OUTPUTS, INPUTS));
        for (position, &value) in self.topology.positions().zip(&self.values) {
            let (row, col) = self.topology.shape().row_col(position);
            matrix[[row, col]] = value;
        }
        matrix
    }

    /// The gradient of half the mean squared error at every position.
    fn gradient(&self, inputs: &Array2<f32>, outputs: &Array2<f32>) -> Array2<f32> {
        let error = inputs.dot(&self.matrix().t()) - outputs;
        error.t().dot(inputs) / SAMPLES as f32
    }

    fn loss(&self, inputs: &Array2<f32>, outputs: &Array2<f32>) -> f32 {
        let error = inputs.dot(&self.matrix().t()) - outputs;
        error.mapv(|e| e * e).mean().unwrap_or(f32::NAN)
    }
}
