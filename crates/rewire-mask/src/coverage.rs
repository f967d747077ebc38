//! How much of a matrix has been tried: in-time over-parameterization.
//!
//! R_s = |∪ₜ mₜ| / n is the fraction of positions that have been active at least once, starting
//! with the initial topology. A position that is grown and dropped by the very next rewiring was
//! hardly tried, so the positions that have outlived at least one rewiring are counted beside it.
//! Both only ever grow. Rates are per layer; a network's rate is Σ explored / Σ n.
//!
//! The sets are stored as bits or as sorted positions, whichever takes less memory, so a layer too
//! large for a bitmap can be followed as well.

use crate::mask::fraction;
use crate::{Mask, MaskError, MatrixShape, Rewiring, Topology};

/// Matrices of up to this many entries are kept as bits: 8 KiB.
const SMALL: u64 = 1 << 16;

/// Bits that a position takes in a [`Topology`].
const BITS_PER_POSITION: u64 = 32;

/// A set of positions that can only grow, in the smaller of two representations.
///
/// Which one is a function of the shape and the number of positions, so equal sets compare equal.
///
/// # Examples
/// ```
/// use rewire_mask::{MatrixShape, PositionSet};
///
/// let mut set = PositionSet::empty(MatrixShape::new(300_000, 300_000));
/// set.insert_all(&[3, 89_999_999_999])?;
/// assert!(set.contains(3) && matches!(set, PositionSet::Sorted(_)));
/// # Ok::<(), rewire_mask::MaskError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PositionSet {
    /// One bit per entry: small matrices, and sets of more than 1/32 of the entries.
    Bits(Mask),
    /// 32 bits per position.
    Sorted(Topology),
}

impl PositionSet {
    /// The set without positions.
    ///
    /// # Panics
    /// If the number of columns does not fit in 32 bits.
    pub fn empty(shape: MatrixShape) -> Self {
        Self::of(Topology::empty(shape))
    }

    /// The matrix the positions belong to.
    pub const fn shape(&self) -> MatrixShape {
        match self {
            Self::Bits(mask) => mask.shape(),
            Self::Sorted(topology) => topology.shape(),
        }
    }

    /// Number of positions in the set. Cost: one pass over the words if stored as bits.
    pub fn count(&self) -> u64 {
        match self {
            Self::Bits(mask) => mask.n_active(),
            Self::Sorted(topology) => topology.n_active() as u64,
        }
    }

    /// Whether the set holds the position.
    pub fn contains(&self, position: u64) -> bool {
        match self {
            Self::Bits(mask) => mask.contains(position),
            Self::Sorted(topology) => topology.contains(position),
        }
    }

    /// The positions in the set, ascending.
    pub fn positions(&self) -> Vec<u64> {
        match self {
            Self::Bits(mask) => mask.positions().collect(),
            Self::Sorted(topology) => topology.positions().collect(),
        }
    }

    /// Adds strictly ascending positions, of which any may be in the set already.
    ///
    /// Cost: O(positions) if stored as bits, O(set + rows + positions) otherwise.
    ///
    /// # Errors
    /// [`MaskError::NotAscending`] or [`MaskError::OutOfRange`] if the list is not as stated; the
    /// set then stays as it was.
    pub fn insert_all(&mut self, positions: &[u64]) -> Result<(), MaskError> {
        let shape = self.shape();
        if let Some(pair) = positions.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Err(MaskError::NotAscending {
                previous: pair[0],
                position: pair[1],
            });
        }
        if let Some(&position) = positions.last().filter(|&&last| last >= shape.len()) {
            return Err(MaskError::OutOfRange { position, shape });
        }
        match self {
            Self::Bits(mask) => positions.iter().for_each(|&position| mask.insert(position)),
            Self::Sorted(topology) => {
                let is_missing = |position: &u64| !topology.contains(*position);
                let missing = positions.iter().copied().filter(is_missing).collect();
                let growth = Rewiring::new(Vec::new(), missing)?;
                let (union, _) = topology.apply(&growth)?;
                *self = Self::of(union);
            }
        }
        Ok(())
    }

    /// The set of a topology's positions in the representation that befits it.
    fn of(topology: Topology) -> Self {
        let len = topology.shape().len();
        let sorted_bits = topology.n_active() as u64 * BITS_PER_POSITION;
        if len <= SMALL || sorted_bits >= len {
            Self::Bits(topology.to_mask())
        } else {
            Self::Sorted(topology)
        }
    }
}

/// Which positions of one layer have ever been active, and which of them have lasted.
///
/// # Examples
/// ```
/// use rewire_mask::{Coverage, MatrixShape, Rewiring, Topology};
///
/// let start = Topology::from_positions(MatrixShape::new(1, 10), [0, 1])?;
/// let mut coverage = Coverage::start(&start);
/// let rewiring = Rewiring::new(vec![1], vec![5])?;
/// let (after, _) = start.apply(&rewiring)?;
/// coverage.record(&after, &rewiring)?;
/// assert_eq!(coverage.explored_positions(), [0, 1, 5]);
/// assert_eq!(coverage.survived_positions(), [0]);
/// assert_eq!((coverage.rate(), coverage.survivor_rate()), (0.3, 0.1));
/// # Ok::<(), rewire_mask::MaskError>(())
/// ```
///
/// # Source
/// Liu et al. 2021, *Do We Actually Need Dense Over-Parameterization? In-Time
/// Over-Parameterization in Sparse Training*, section 3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    explored: PositionSet,
    survived: PositionSet,
}

impl Coverage {
    /// The coverage of a run that starts with this topology: all of it explored, none of it has
    /// outlived a rewiring.
    pub fn start(topology: &Topology) -> Self {
        Self {
            explored: PositionSet::of(topology.clone()),
            survived: PositionSet::empty(topology.shape()),
        }
    }

    /// The coverage with these explored and surviving positions, both strictly ascending.
    ///
    /// # Errors
    /// As [`Topology::from_positions`], and [`MaskError::NotNested`] if a survivor was not
    /// explored.
    pub fn from_positions(
        shape: MatrixShape,
        explored: Vec<u64>,
        survived: Vec<u64>,
    ) -> Result<Self, MaskError> {
        let explored = PositionSet::of(Topology::from_positions(shape, explored)?);
        if !survived.iter().all(|&position| explored.contains(position)) {
            return Err(MaskError::NotNested {
                inner: "survived",
                outer: "explored",
            });
        }
        let survived = PositionSet::of(Topology::from_positions(shape, survived)?);
        Ok(Self { explored, survived })
    }

    /// Counts the topology `after` a rewiring: what it grew is explored, what it left in place has
    /// survived.
    ///
    /// An empty rewiring counts as one: every active position has outlived it.
    ///
    /// # Cost
    /// O(n_active + rows) if stored as bits, plus the size of the sets otherwise.
    ///
    /// # Errors
    /// [`MaskError::ShapeMismatch`] for a topology of another shape, [`MaskError::NotActive`] if a
    /// grown position is not active after the rewiring, [`MaskError::AlreadyActive`] if a dropped
    /// one still is. The coverage then stays as it was.
    pub fn record(&mut self, after: &Topology, rewiring: &Rewiring) -> Result<(), MaskError> {
        if after.shape() != self.shape() {
            return Err(MaskError::ShapeMismatch {
                left: self.shape(),
                right: after.shape(),
            });
        }
        let survivors = survivors(after, rewiring)?;
        self.explored.insert_all(rewiring.grown())?;
        self.survived.insert_all(&survivors)
    }

    /// The matrix that is followed.
    pub const fn shape(&self) -> MatrixShape {
        self.explored.shape()
    }

    /// Number of positions that have been active at least once.
    pub fn explored(&self) -> u64 {
        self.explored.count()
    }

    /// Number of positions that have been active through at least one rewiring.
    pub fn survived(&self) -> u64 {
        self.survived.count()
    }

    /// R_s: the explored fraction of all positions; 0 for a matrix without entries.
    pub fn rate(&self) -> f64 {
        fraction(self.explored(), self.shape())
    }

    /// The fraction of positions that have outlived a rewiring; never above [`Coverage::rate`].
    pub fn survivor_rate(&self) -> f64 {
        fraction(self.survived(), self.shape())
    }

    /// The explored positions, ascending.
    pub fn explored_positions(&self) -> Vec<u64> {
        self.explored.positions()
    }

    /// The positions that have outlived a rewiring, ascending.
    pub fn survived_positions(&self) -> Vec<u64> {
        self.survived.positions()
    }
}

/// The positions that a rewiring left in place, ascending: one walk beside its two lists.
fn survivors(after: &Topology, rewiring: &Rewiring) -> Result<Vec<u64>, MaskError> {
    let mut dropped = rewiring.dropped().iter().copied().peekable();
    let mut grown = rewiring.grown().iter().copied().peekable();
    let mut survivors = Vec::with_capacity(after.n_active());
    for position in after.positions() {
        while dropped.next_if(|&dropped| dropped < position).is_some() {}
        if dropped.next_if_eq(&position).is_some() {
            return Err(MaskError::AlreadyActive { position });
        }
        if let Some(position) = grown.next_if(|&grown| grown < position) {
            return Err(MaskError::NotActive { position });
        }
        if grown.next_if_eq(&position).is_none() {
            survivors.push(position);
        }
    }
    match grown.next() {
        Some(position) => Err(MaskError::NotActive { position }),
        None => Ok(survivors),
    }
}
