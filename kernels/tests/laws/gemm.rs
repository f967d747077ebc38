//! Dense products of either order of operands against plain sums.

use rewire_kernels::{Call, DenseSize, Element, GemmNt, GemmTn, SizeError};
use rewire_ptx::{Memory, Schedule};

use crate::rig::{
    Dense, EDGES, Failure, Numbers, SCHEDULES, bits, download, launch, number, reserve, rounding,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// C = A·Bᵀ.
    Nt,
    /// C = Aᵀ·B.
    Tn,
}

pub(crate) struct Case {
    order: Order,
    element: Element,
    sizes: [DenseSize; 3],
    a: Dense,
    b: Dense,
}

impl Case {
    /// C is m × n, k is summed over. Rows are further apart than they need be where k is odd.
    pub(crate) fn new(
        order: Order,
        element: Element,
        [m, n, k]: [u64; 3],
        draw: fn(&mut Numbers) -> f32,
    ) -> Self {
        let mut numbers = Numbers(m << 40 ^ n << 20 ^ k);
        let size = |rows, cols: u64| {
            let pitch = (cols + 8 * (k % 2)).next_multiple_of(8);
            DenseSize::with_pitch(rows, cols, pitch).unwrap()
        };
        let (a, b) = match order {
            Order::Nt => ([m, k], [n, k]),
            Order::Tn => ([k, m], [k, n]),
        };
        Self {
            order,
            element,
            sizes: [size(a[0], a[1]), size(b[0], b[1]), size(m, n)],
            a: Dense::new(element, a[0], a[1], || draw(&mut numbers)),
            b: Dense::new(element, b[0], b[1], || draw(&mut numbers)),
        }
    }

    pub(crate) fn call(&self) -> Call {
        let (element, [a, b, c]) = (self.element, self.sizes);
        match self.order {
            Order::Nt => GemmNt { element, a, b, c }.call(),
            Order::Tn => GemmTn { element, a, b, c }.call(),
        }
        .unwrap()
    }

    pub(crate) fn run_text(&self, text: &str, schedule: Schedule) -> Result<Vec<u16>, Failure> {
        let (call, [a, b, c]) = (self.call(), self.sizes);
        let mut memory = Memory::default();
        let buffers = [
            self.a.upload(&mut memory, self.element, a),
            self.b.upload(&mut memory, self.element, b),
            reserve(&mut memory, &call, "c"),
        ];
        launch(&call, text, schedule, &mut memory, &buffers)?;
        download(&memory, buffers[2], c)
    }

    fn run(&self, schedule: Schedule) -> Vec<u16> {
        self.run_text(self.call().code().text(), schedule)
            .unwrap_or_else(|failure| panic!("{:?}, {schedule:?}: {failure:?}", self.sizes))
    }

    /// Row and column of each number of C, its sum and the sum of magnitudes.
    fn sums(&self) -> impl Iterator<Item = (usize, usize, f64, f64)> + '_ {
        let [a, _, c] = self.sizes;
        let (m, n) = (c.rows() as usize, c.cols() as usize);
        let k = match self.order {
            Order::Nt => a.cols(),
            Order::Tn => a.rows(),
        };
        (0..m * n).map(move |index| {
            let (row, col) = (index / n, index % n);
            let (mut sum, mut magnitude) = (0.0, 0.0f64);
            for k in 0..k as usize {
                let (a, b) = match self.order {
                    Order::Nt => (self.a.row(row)[k], self.b.row(col)[k]),
                    Order::Tn => (self.a.row(k)[row], self.b.row(k)[col]),
                };
                let product = f64::from(a) * f64::from(b);
                sum += product;
                magnitude += product.abs();
            }
            (row, col, sum, magnitude)
        })
    }

    /// Whether a result on whole numbers is the exact sums, rounded once.
    pub(crate) fn is_exact(&self, found: &[u16]) -> Result<(), String> {
        for ((row, col, sum, _), &found) in self.sums().zip(found) {
            let found = number(self.element, found);
            if found != number(self.element, bits(self.element, sum as f32)) {
                let (order, sizes) = (self.order, self.sizes);
                return Err(format!(
                    "{order:?} {sizes:?}: row {row}, column {col}: {found} for {sum}"
                ));
            }
        }
        Ok(())
    }

    pub(crate) fn check(&self, schedule: Schedule) {
        self.is_exact(&self.run(schedule)).unwrap();
    }
}

#[test]
fn products_are_exact_at_every_edge() {
    for order in [Order::Nt, Order::Tn] {
        for index in 0..EDGES.len() {
            let edge = |factor: usize, shift: usize| EDGES[(factor * index + shift) % EDGES.len()];
            let shape = [edge(1, 0), edge(5, 7), edge(7, 12)];
            let case = Case::new(order, Element::ALL[index % 2], shape, Numbers::whole);
            case.check(SCHEDULES[index % SCHEDULES.len()]);
        }
    }
}

#[test]
fn copies_may_happen_when_they_like() {
    for order in [Order::Nt, Order::Tn] {
        let shapes = [[1, 1, 1], [129, 65, 161], [10, 140, 70]];
        for (index, shape) in shapes.into_iter().enumerate() {
            let case = Case::new(order, Element::ALL[index % 2], shape, Numbers::whole);
            for schedule in SCHEDULES {
                case.check(schedule);
            }
        }
    }
}

#[test]
fn blocks_cover_results_of_several_groups() {
    for order in [Order::Nt, Order::Tn] {
        Case::new(order, Element::F16, [129, 2200, 1], Numbers::whole).check(Schedule::Early);
    }
}

#[test]
fn every_depth_is_exact() {
    for k in 1..=130 {
        // Three and eight have no common factor, so each order meets every tail.
        let order = [Order::Nt, Order::Nt, Order::Tn][k as usize % 3];
        let element = Element::ALL[k as usize % 2];
        Case::new(order, element, [3, 9, k], Numbers::whole).check(Schedule::Late);
    }
}

#[test]
fn reals_are_near() {
    for order in [Order::Nt, Order::Tn] {
        for element in Element::ALL {
            let case = Case::new(order, element, [40, 70, 300], Numbers::real);
            let (relative, least) = rounding(element);
            for ((row, col, sum, magnitude), found) in case.sums().zip(case.run(Schedule::Early)) {
                // As for the sparse product.
                let slack = 300.0 * 2f64.powi(-23) * magnitude;
                let slack = slack + (sum.abs() + slack) * relative + least;
                let found = f64::from(number(element, found));
                assert!(
                    (found - sum).abs() <= slack,
                    "{order:?} {element} row {row} column {col}: {found} for {sum}"
                );
            }
        }
    }
}

#[test]
fn what_is_not_finite_stays_in_its_row() {
    for element in Element::ALL {
        let mut case = Case::new(Order::Nt, element, [20, 30, 50], Numbers::whole);
        case.a.values[7 * 50 + 49] = f32::NAN;
        let found = case.run(Schedule::Early);
        for (index, &found) in found.iter().enumerate() {
            assert_eq!(number(element, found).is_nan(), index / 30 == 7, "{index}");
        }
    }
}

#[test]
fn sizes_that_do_not_fit_have_no_call() {
    let size = |rows, cols| DenseSize::new(rows, cols).unwrap();
    let element = Element::F16;
    let mismatch = |call: Result<Call, SizeError>| {
        assert!(matches!(call, Err(SizeError::Mismatch { .. })), "{call:?}");
    };
    let nt = |a, b, c| GemmNt { element, a, b, c }.call();
    assert!(nt(size(3, 5), size(4, 5), size(3, 4)).is_ok());
    mismatch(nt(size(3, 5), size(4, 6), size(3, 4)));
    mismatch(nt(size(3, 5), size(4, 5), size(2, 4)));
    mismatch(nt(size(3, 5), size(4, 5), size(3, 5)));
    let tn = |a, b, c| GemmTn { element, a, b, c }.call();
    assert!(tn(size(5, 3), size(5, 4), size(3, 4)).is_ok());
    mismatch(tn(size(5, 3), size(6, 4), size(3, 4)));
    mismatch(tn(size(5, 3), size(5, 4), size(4, 4)));
    mismatch(tn(size(5, 3), size(5, 4), size(3, 3)));
}
