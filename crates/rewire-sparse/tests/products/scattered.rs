//! Layers of which less than one position in some thousands is active, and the gradient at a few
//! positions of them: against sums over the positions, and with the same bits on any threads.

use ndarray::Array2;
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use rayon::ThreadPoolBuilder;
use rewire_sparse::mask::{
    Candidates, GrowthRequest, LayerRequest, MatrixShape, Topology, WeightView,
};
use rewire_sparse::{Batch, Geometry, Products};

use super::layer::{Pair, implementations, numbers, stale};

/// Those that multiply entry by entry: nobody spreads such a layer.
fn sparse_implementations() -> Vec<(&'static str, Box<dyn Products>)> {
    let mut all = implementations();
    all.retain(|(name, _)| *name != "dense");
    all
}
use super::oracle::Sum;

/// Out, in, active weights and samples: edges of chunks of 512 and of panels of 64, vectors of 4
/// to 16 samples, a row and a column that hold everything, rows without entries.
const CASES: [(usize, usize, u64, usize); 12] = [
    (1, 9000, 2, 1),
    (9000, 1, 2, 3),
    (40, 6000, 58, 5),
    (6000, 40, 58, 17),
    (513, 4100, 500, 63),
    (4100, 513, 500, 64),
    (1030, 2100, 500, 65),
    (1030, 2100, 1, 128),
    (2100, 1030, 0, 70),
    (300, 4096, 300, 130),
    (300, 4096, 299, 200),
    (300, 4096, 300, 0),
];

struct Scattered {
    topology: Topology,
    values: Vec<f32>,
    x: Array2<f32>,
    dy: Array2<f32>,
}

impl Scattered {
    fn new((rows, cols, n_active, samples): (usize, usize, u64, usize), seed: u64) -> Self {
        let shape = MatrixShape::new(rows, cols);
        let is_scattered = n_active << 12 <= shape.len();
        assert!(is_scattered, "{n_active} of {shape} are not scattered");
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let topology =
            Topology::random(shape, n_active, &mut rng).expect("the layer is large enough");
        Self {
            values: numbers(1, n_active as usize, &mut rng)
                .into_raw_vec_and_offset()
                .0,
            x: numbers(samples, cols, &mut rng),
            dy: numbers(samples, rows, &mut rng),
            topology,
        }
    }

    fn geometry(&self) -> Geometry {
        Geometry::linear(self.topology.shape())
    }

    fn view(&self) -> WeightView<'_> {
        WeightView::Active {
            topology: &self.topology,
            values: &self.values,
        }
    }

    /// Row, column and value of every entry.
    fn entries(&self) -> impl Iterator<Item = (usize, usize, f32)> {
        let shape = self.topology.shape();
        let places = self.topology.positions().map(move |p| shape.row_col(p));
        places
            .zip(&self.values)
            .map(|((row, col), &value)| (row, col, value))
    }

    /// Output, input gradient and weight gradient, the last one on top of ½.
    fn products(&self, products: &dyn Products) -> [Vec<f32>; 3] {
        let shape = self.topology.shape();
        let samples = self.x.nrows();
        let (mut y, mut dx) = (stale(samples, shape.rows), stale(samples, shape.cols));
        let mut gradient = vec![0.5; self.values.len()];
        let (geometry, view) = (self.geometry(), self.view());
        let flops = 2 * (self.values.len() * samples) as u64;
        let (x, dy) = (
            Batch::from_rows(self.x.view()),
            Batch::from_rows(self.dy.view()),
        );
        let pair = Pair::new(&self.dy, &self.x);
        let executed = [
            products.forward(geometry, view, &x, &mut y),
            products.input_gradient(geometry, view, &dy, &mut dx),
            products.weight_gradient(geometry, view, pair.as_pair(), &mut gradient),
        ];
        assert_eq!(executed, [flops; 3]);
        let flat = |batch: Batch| batch.to_rows().into_raw_vec_and_offset().0;
        [flat(y), flat(dx), gradient]
    }
}

#[test]
fn products_of_scattered_layers_are_sums_over_their_entries() {
    for (seed, case) in (0..).zip(CASES) {
        let layer = Scattered::new(case, seed);
        let (rows, cols, n_active, samples) = case;
        let mut sums = [
            vec![Sum::default(); samples * rows],
            vec![Sum::default(); samples * cols],
            vec![Sum::default(); n_active as usize],
        ];
        for (index, (row, col, value)) in layer.entries().enumerate() {
            sums[2][index].add(0.5, 1.0);
            for sample in 0..samples {
                let (x, dy) = (layer.x[[sample, col]], layer.dy[[sample, row]]);
                sums[0][sample * rows + row].add(x, value);
                sums[1][sample * cols + col].add(dy, value);
                sums[2][index].add(dy, x);
            }
        }
        for (name, products) in sparse_implementations() {
            let found = layer.products(&*products);
            for (which, (found, sums)) in found.iter().zip(&sums).enumerate() {
                assert_eq!(found.len(), sums.len());
                for (index, (&found, sum)) in found.iter().zip(sums).enumerate() {
                    sum.assert_is(found, format_args!("{name} {case:?} {which} {index}"));
                }
            }
        }
    }
}

/// In no order and with repetitions; positions are few though the layer itself may be full.
#[test]
fn the_gradient_at_few_positions_is_a_sum_over_samples() {
    for (seed, case) in (0..).zip(CASES) {
        let layer = Scattered::new(case, seed);
        let shape = layer.topology.shape();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut asked: Vec<u64> = (0..100).map(|_| rng.next_u64() % shape.len()).collect();
        asked.extend([0, shape.len() - 1, 0]);
        let growth = GrowthRequest::AtPositions(asked.clone());
        let readmitted = Vec::new();
        let request = LayerRequest { growth, readmitted };
        let pair = Pair::new(&layer.dy, &layer.x);
        let pairs = [pair.as_pair(), pair.as_pair()];
        for (name, products) in sparse_implementations() {
            let (found, executed) = products
                .growth(layer.geometry(), layer.view(), &pairs, &request)
                .unwrap();
            let Candidates::AtPositions(found) = found else {
                panic!("{found:?} does not answer a request by position");
            };
            let mut distinct = asked.clone();
            distinct.sort_unstable();
            distinct.dedup();
            let samples = 2 * layer.x.nrows();
            assert_eq!(executed, 2 * (distinct.len() * samples) as u64, "{name}");
            assert_eq!(found.len(), asked.len());
            for (&position, &found) in asked.iter().zip(&found) {
                let (row, col) = shape.row_col(position);
                let mut sum = Sum::default();
                for (dy, x) in layer.dy.column(row).iter().zip(layer.x.column(col)) {
                    sum.add(*dy, *x);
                    sum.add(*dy, *x);
                }
                sum.assert_is(found, format_args!("{name} {case:?} {position}"));
            }
        }
    }
}

/// 5.2·10⁶ multiply-adds: above the size from which products run in parallel.
#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let layer = Scattered::new((20_000, 20_000, 40_000, 130), 7);
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let sample = layer.topology.sample_inactive(40_000, &[], &mut rng);
    let request = LayerRequest {
        growth: GrowthRequest::AtPositions(sample.unwrap()),
        readmitted: Vec::new(),
    };
    let pair = Pair::new(&layer.dy, &layer.x);
    for (name, products) in sparse_implementations() {
        let run = |threads| {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap().install(|| {
                let (geometry, view) = (layer.geometry(), layer.view());
                let grown = products.growth(geometry, view, &[pair.as_pair()], &request);
                (layer.products(&*products), grown.unwrap())
            })
        };
        let one = run(1);
        for threads in [2, 4] {
            assert!(one == run(threads), "{name} with {threads} threads");
        }
    }
}
