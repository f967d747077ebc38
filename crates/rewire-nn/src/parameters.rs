//! All parameters of a model, by number and by name.

use rewire_autograd::mask::WeightView;
use rewire_autograd::{Gradients, ParameterId, ParameterViews};

use crate::optim::Optimizer;
use crate::parameter::Parameter;

/// A model's parameters in a fixed order; the tape refers to them by number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters {
    all: Vec<Parameter>,
}

impl Parameters {
    /// No parameters.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a parameter and returns its number.
    ///
    /// # Panics
    /// If the name is taken: a tied weight is one parameter used twice.
    pub fn add(&mut self, parameter: Parameter) -> ParameterId {
        assert!(
            self.by_name(parameter.name()).is_none(),
            "there are two parameters named {}",
            parameter.name()
        );
        self.all.push(parameter);
        ParameterId(self.all.len() - 1)
    }

    /// One parameter.
    pub fn get(&self, id: ParameterId) -> &Parameter {
        &self.all[id.0]
    }

    /// One parameter, for changing it.
    pub fn get_mut(&mut self, id: ParameterId) -> &mut Parameter {
        &mut self.all[id.0]
    }

    /// The number of the parameter with this name.
    pub fn by_name(&self, name: &str) -> Option<ParameterId> {
        self.all
            .iter()
            .position(|parameter| parameter.name() == name)
            .map(ParameterId)
    }

    /// All parameters in order.
    pub fn iter(&self) -> impl Iterator<Item = &Parameter> {
        self.all.iter()
    }

    /// All parameters in order, for changing them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Parameter> {
        self.all.iter_mut()
    }

    /// One optimizer step of every parameter.
    pub fn step(&mut self, optimizer: &dyn Optimizer, learning_rate: f64, gradients: &Gradients) {
        for (index, parameter) in self.all.iter_mut().enumerate() {
            parameter.step(optimizer, learning_rate, gradients.get(ParameterId(index)));
        }
    }
}

impl ParameterViews for Parameters {
    fn count(&self) -> usize {
        self.all.len()
    }

    fn view(&self, id: ParameterId) -> WeightView<'_> {
        self.all[id.0].view()
    }
}
