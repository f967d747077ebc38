//! A change of active positions: the one structural message of the workspace.
//!
//! A rewiring is the *net* difference between two topologies: the positions that stop being active
//! and those that start. A weight that is dropped and picked again in the same rewiring is in
//! neither list and keeps its value and its optimizer state. The two lists are sorted and
//! disjoint, whoever made them.

use crate::positions::{common, remove, sorted};
use crate::{Mask, MaskError, Topology};

/// The positions a rewiring drops and grows: both sorted, each without repetition, disjoint.
///
/// # Examples
/// ```
/// use rewire_mask::Rewiring;
///
/// let rewiring = Rewiring::net(vec![9, 4], vec![9, 2])?;
/// assert_eq!(rewiring.dropped(), [4]);
/// assert_eq!(rewiring.grown(), [2]);
/// assert_eq!(rewiring.inverse().grown(), [4]);
/// # Ok::<(), rewire_mask::MaskError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rewiring {
    dropped: Vec<u64>,
    grown: Vec<u64>,
}

impl Rewiring {
    /// The rewiring that drops and grows these positions, given in any order.
    ///
    /// # Errors
    /// [`MaskError::Duplicate`] for a position that a list holds twice,
    /// [`MaskError::DroppedAndGrown`] for one that is in both.
    pub fn new(dropped: Vec<u64>, grown: Vec<u64>) -> Result<Self, MaskError> {
        let (dropped, grown) = (sorted(dropped)?, sorted(grown)?);
        match common(&dropped, &grown).first() {
            Some(&(index, _)) => Err(MaskError::DroppedAndGrown {
                position: dropped[index],
            }),
            None => Ok(Self { dropped, grown }),
        }
    }

    /// The net effect of dropping these positions and then growing those, in any order: positions
    /// in both lists stay active and appear in neither.
    ///
    /// Cost: one walk through both lists, and a sort of each that does not ascend.
    ///
    /// # Errors
    /// [`MaskError::Duplicate`] for a position that a list holds twice.
    pub fn net(dropped: Vec<u64>, grown: Vec<u64>) -> Result<Self, MaskError> {
        let (mut dropped, mut grown) = (sorted(dropped)?, sorted(grown)?);
        let stays = common(&dropped, &grown);
        remove(&mut dropped, stays.iter().map(|pair| pair.0));
        remove(&mut grown, stays.iter().map(|pair| pair.1));
        Ok(Self { dropped, grown })
    }

    /// The rewiring that changes nothing.
    pub const fn none() -> Self {
        Self {
            dropped: Vec::new(),
            grown: Vec::new(),
        }
    }

    /// The rewiring that leads from one topology to the other. Cost: O(rows + active entries).
    ///
    /// # Errors
    /// [`MaskError::ShapeMismatch`] for topologies of different shapes.
    pub fn between(before: &Topology, after: &Topology) -> Result<Self, MaskError> {
        if before.shape() != after.shape() {
            return Err(MaskError::ShapeMismatch {
                left: before.shape(),
                right: after.shape(),
            });
        }
        let mut rewiring = Self::none();
        let (mut old, mut new) = (before.positions().peekable(), after.positions().peekable());
        loop {
            match (old.peek().copied(), new.peek().copied()) {
                (None, None) => return Ok(rewiring),
                (Some(dropped), None) => {
                    rewiring.dropped.push(dropped);
                    old.next();
                }
                (None, Some(grown)) => {
                    rewiring.grown.push(grown);
                    new.next();
                }
                (Some(dropped), Some(grown)) => {
                    if dropped < grown {
                        rewiring.dropped.push(dropped);
                    }
                    if grown < dropped {
                        rewiring.grown.push(grown);
                    }
                    old.next_if(|&position| position <= grown);
                    new.next_if(|&position| position <= dropped);
                }
            }
        }
    }

    /// The rewiring that leads from one mask to the other. Cost: one pass over the words.
    ///
    /// # Errors
    /// [`MaskError::ShapeMismatch`] for masks of different shapes.
    pub fn between_masks(before: &Mask, after: &Mask) -> Result<Self, MaskError> {
        Ok(Self {
            dropped: before.difference(after)?.positions().collect(),
            grown: after.difference(before)?.positions().collect(),
        })
    }

    /// Positions that stop being active, ascending.
    pub fn dropped(&self) -> &[u64] {
        &self.dropped
    }

    /// Positions that start being active, ascending.
    pub fn grown(&self) -> &[u64] {
        &self.grown
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.dropped.is_empty() && self.grown.is_empty()
    }

    /// The rewiring that undoes this one.
    pub fn inverse(&self) -> Self {
        Self {
            dropped: self.grown.clone(),
            grown: self.dropped.clone(),
        }
    }

    /// All changed positions in ascending order, each with whether it is grown.
    pub(crate) fn changes(&self) -> impl Iterator<Item = (u64, bool)> + '_ {
        let mut dropped = self.dropped.iter().copied().peekable();
        let mut grown = self.grown.iter().copied().peekable();
        std::iter::from_fn(move || match (dropped.peek(), grown.peek()) {
            (Some(drop), Some(grow)) if drop > grow => grown.next().map(|p| (p, true)),
            (Some(_), _) => dropped.next().map(|p| (p, false)),
            (None, _) => grown.next().map(|p| (p, true)),
        })
    }
}
