//! The joint between training and rewiring.
//!
//! A trainer asks three questions: is this step an update time ([`Explorer::due`]), what does the
//! explorer want to know from the backward pass ([`Explorer::request`]), and which weights go and
//! come ([`Explorer::rewire`]). All layers are shown at once, because some methods move weights
//! between layers. An explorer returns [`Rewiring`]s and touches nothing: weights, optimizer state
//! and coverage belong to its caller.

use rewire_mask::{Candidates, LayerRequest, Rewiring, WeightView};
use rewire_rng::Streams;

use crate::ExploreError;

/// What an explorer sees of one layer.
#[derive(Clone, Copy)]
pub struct LayerView<'a> {
    /// The name of the parameter: random streams and errors use it, so names must be distinct.
    pub name: &'a str,
    /// Its weights and which of them are active. A dense view is exempt from rewiring.
    pub weights: WeightView<'a>,
}

/// Whether and how a step rewires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Due {
    /// An ordinary step.
    No,
    /// Rewire after the optimizer has stepped; the backward pass serves the optimizer alone.
    AfterStep,
    /// Rewire in place of the optimizer step, by the gradients of this step's backward pass.
    InsteadOfStep,
}

/// Decides when and where a network is rewired.
///
/// For one state, one set of layers, one set of candidates and one step the answers are the same
/// at any thread count and on any call; randomness comes from the streams alone.
pub trait Explorer: Send {
    /// Whether `step` is an update time; steps are counted from 1.
    fn due(&self, step: u64) -> Due;

    /// What the backward pass of this step has to report, one request per layer in order.
    ///
    /// `None` where no gradient is needed: the step is not due, or growth ignores gradients.
    /// `streams` are those that [`Explorer::rewire`] gets: what is asked for may be drawn.
    ///
    /// # Errors
    /// As [`Explorer::rewire`].
    fn request(
        &self,
        step: u64,
        layers: &[LayerView<'_>],
        streams: Streams,
    ) -> Result<Option<Vec<LayerRequest>>, ExploreError>;

    /// The rewiring of every layer at an update time, in order.
    ///
    /// `layers` and `streams` are those of [`Explorer::request`], with unchanged weights; `candidates`
    /// are the answers to its requests in order, or empty where it asked for none. The explorer's state
    /// advances by one round, or stays as it was when an error is returned.
    ///
    /// # Errors
    /// [`ExploreError`] if a weight is NaN or infinite or the candidates are not those asked for.
    fn rewire(
        &mut self,
        step: u64,
        layers: &[LayerView<'_>],
        candidates: &[Candidates],
        streams: Streams,
    ) -> Result<Vec<Rewiring>, ExploreError>;

    /// All that a checkpoint must keep beside the recipe.
    fn state(&self) -> serde_json::Value;

    /// Continues from a kept state; the next rewirings are those of the explorer it came from.
    ///
    /// # Errors
    /// [`ExploreError::State`] if the state is damaged or of another recipe; this explorer is then
    /// as it was.
    fn restore(&mut self, state: &serde_json::Value) -> Result<(), ExploreError>;
}
