//! How the tape sees parameters, and where their gradients go.

use rewire_sparse::Buffer;
use rewire_sparse::mask::WeightView;

/// The index of a parameter in its [`ParameterViews`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParameterId(pub usize);

/// Read access to a model's parameters, numbered from 0.
///
/// Vectors (biases, scales) are seen as dense weights of one row.
pub trait ParameterViews {
    /// Number of parameters.
    fn count(&self) -> usize;

    /// The values and positions of one parameter.
    fn view(&self, id: ParameterId) -> WeightView<'_>;
}

/// One gradient per parameter, each exactly as long as the parameter's stored values.
///
/// Kept from step to step so that its memory is reused.
#[derive(Clone, Debug, Default)]
pub struct Gradients {
    slots: Vec<Buffer>,
}

impl Gradients {
    /// No gradients yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The gradient of one parameter, in the order of its stored values.
    ///
    /// # Panics
    /// If no backward pass has filled these gradients for that many parameters.
    pub fn get(&self, id: ParameterId) -> &[f32] {
        self.slots[id.0].host()
    }

    /// Zeros, as long as each parameter's stored values.
    pub(crate) fn reset(&mut self, parameters: &dyn ParameterViews) {
        self.slots.resize_with(parameters.count(), Buffer::default);
        for (index, slot) in self.slots.iter_mut().enumerate() {
            slot.reset(parameters.view(ParameterId(index)).values().len());
        }
    }

    pub(crate) fn slot(&mut self, id: ParameterId) -> &mut [f32] {
        self.slots[id.0].host_mut()
    }
}
