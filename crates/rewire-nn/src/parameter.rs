//! A trained tensor: its positions, values and columns, and the two ways its structure may change.

use std::ops::Range;

use rewire_autograd::Buffer;
use rewire_autograd::mask::{Extent, MatrixShape, NestedSets, Rewiring, Topology, WeightView};

use crate::column::{Column, ColumnSpec, gather_buffer, pick_buffer, spread_buffer};
use crate::error::NnError;
use crate::optim::Optimizer;

/// Which positions a parameter's values belong to.
#[derive(Clone, Debug, PartialEq)]
pub enum Storage {
    /// Every position.
    Dense,
    /// Exactly the active positions.
    Active(Topology),
    /// Every position, behind nested sets: only the forward set reaches a product.
    Latent(NestedSets),
}

impl Storage {
    /// The storage's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Dense => "dense",
            Self::Active(_) => "active",
            Self::Latent(_) => "latent",
        }
    }
}

/// A trained tensor.
///
/// Invariant: the values and every column have exactly as many entries as the storage has
/// positions.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    name: String,
    dims: Vec<usize>,
    storage: Storage,
    values: Buffer,
    columns: Vec<Column>,
    decay: bool,
}

impl Parameter {
    /// A parameter of zeros.
    ///
    /// `dims` are out × in (× kernel) for weights, one length for vectors. `decay` says whether
    /// weight decay applies: to weight matrices, not to biases, scales and shifts.
    ///
    /// # Errors
    /// [`NnError::Shape`] if the storage describes another shape.
    pub fn new(
        name: impl Into<String>,
        dims: &[usize],
        storage: Storage,
        decay: bool,
    ) -> Result<Self, NnError> {
        let mut parameter = Self {
            name: name.into(),
            dims: dims.to_vec(),
            storage: Storage::Dense,
            values: Buffer::default(),
            columns: Vec::new(),
            decay,
        };
        parameter.check_shape(&storage)?;
        parameter.storage = storage;
        parameter.values = Buffer::zeros(parameter.stored());
        Ok(parameter)
    }

    /// Stable name, such as `fc1.weight`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Dimensions of the dense tensor.
    pub fn dims(&self) -> &[usize] {
        &self.dims
    }

    /// The tensor as a matrix, `out × rest`; a vector is one row.
    pub fn shape(&self) -> MatrixShape {
        match self.dims[..] {
            [len] => MatrixShape::new(1, len),
            _ => MatrixShape::from_dims(&self.dims),
        }
    }

    /// How the values are stored.
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// The active positions, where only these are stored.
    pub fn topology(&self) -> Option<&Topology> {
        match &self.storage {
            Storage::Active(topology) => Some(topology),
            Storage::Dense | Storage::Latent(_) => None,
        }
    }

    /// Number of weights that take part in a product.
    pub fn n_active(&self) -> u64 {
        self.view().n_active()
    }

    /// Number of stored values: the length of the values, of every column and of the gradient.
    pub fn stored(&self) -> usize {
        match &self.storage {
            Storage::Active(topology) => topology.n_active(),
            Storage::Dense | Storage::Latent(_) => self.dims.iter().product(),
        }
    }

    /// The stored values in position order.
    pub fn values(&self) -> &[f32] {
        self.values.host()
    }

    /// The stored values in position order, for writing.
    pub fn values_mut(&mut self) -> &mut [f32] {
        self.values.host_mut()
    }

    /// The columns beside the values.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Gives the parameter the columns of an optimizer, all zero.
    pub fn set_columns(&mut self, specs: &[ColumnSpec]) {
        let stored = self.stored();
        self.columns = specs
            .iter()
            .map(|&spec| Column::zeros(spec, stored))
            .collect();
    }

    /// Puts back columns, from a checkpoint.
    ///
    /// # Errors
    /// [`NnError::Length`] if one is not as long as the stored values.
    pub fn restore_columns(&mut self, columns: Vec<Column>) -> Result<(), NnError> {
        for column in &columns {
            self.check_length(column.spec.name, column.len())?;
        }
        self.columns = columns;
        Ok(())
    }

    /// Puts back positions and values, from a checkpoint; columns start at zero.
    ///
    /// # Errors
    /// [`NnError::Shape`] or [`NnError::Length`] if they do not fit.
    pub fn restore(&mut self, storage: Storage, values: Vec<f32>) -> Result<(), NnError> {
        self.check_shape(&storage)?;
        let specs: Vec<ColumnSpec> = self.columns.iter().map(|column| column.spec).collect();
        let previous = std::mem::replace(&mut self.storage, storage);
        if let Err(error) = self.check_length("values", values.len()) {
            self.storage = previous;
            return Err(error);
        }
        self.values = Buffer::from(values);
        self.set_columns(&specs);
        Ok(())
    }

    /// The parameter as the products read it.
    pub fn view(&self) -> WeightView<'_> {
        let values = self.values.host();
        match &self.storage {
            Storage::Dense => WeightView::Dense {
                shape: self.shape(),
                values,
            },
            Storage::Active(topology) => WeightView::Active { topology, values },
            Storage::Latent(sets) => WeightView::Latent {
                values,
                forward: sets.forward(),
                gradient: match sets.gradient() {
                    Extent::All => None,
                    Extent::Only(mask) => Some(mask),
                },
            },
        }
    }

    /// Drops and grows positions of active storage. Survivors keep value and columns to the bit;
    /// grown weights start at value 0 with every column 0; dropped ones lose both.
    ///
    /// # Cost
    /// O(n_active) copies per column.
    ///
    /// # Errors
    /// [`NnError::NotActive`] for other storages, [`NnError::Mask`] if the rewiring does not fit
    /// the topology. The parameter is unchanged then.
    pub fn rewire(&mut self, rewiring: &Rewiring) -> Result<(), NnError> {
        let Storage::Active(topology) = &mut self.storage else {
            return Err(NnError::NotActive {
                name: self.name.clone(),
                storage: self.storage.name(),
            });
        };
        let (changed, list) = topology.apply(rewiring).map_err(|source| NnError::Mask {
            name: self.name.clone(),
            source,
        })?;
        *topology = changed;
        self.values = gather_buffer(&list, &self.values);
        for column in &mut self.columns {
            column.gather(&list);
        }
        Ok(())
    }

    /// Changes the storage. A position that is stored before and after keeps its value and columns
    /// to the bit; one that was not stored starts at 0.
    ///
    /// # Errors
    /// [`NnError::Shape`] if the new storage has another shape. The parameter is unchanged then.
    pub fn convert(&mut self, storage: Storage) -> Result<(), NnError> {
        self.check_shape(&storage)?;
        let all = self.dims.iter().product();
        match (&self.storage, &storage) {
            (Storage::Active(old), Storage::Active(new)) => {
                let rewiring = Rewiring::between(old, new).map_err(|source| NnError::Mask {
                    name: self.name.clone(),
                    source,
                })?;
                self.rewire(&rewiring)?;
            }
            (Storage::Active(old), Storage::Dense | Storage::Latent(_)) => {
                self.values = spread_buffer(&self.values, indices(old), all);
                for column in &mut self.columns {
                    column.spread(indices(old), all);
                }
            }
            (Storage::Dense | Storage::Latent(_), Storage::Active(new)) => {
                self.values = pick_buffer(&self.values, indices(new));
                for column in &mut self.columns {
                    column.pick(indices(new));
                }
            }
            (Storage::Dense | Storage::Latent(_), Storage::Dense | Storage::Latent(_)) => {}
        }
        self.storage = storage;
        Ok(())
    }

    /// One optimizer step over all values, or over the update set of latent storage.
    pub fn step(&mut self, optimizer: &dyn Optimizer, learning_rate: f64, gradient: &[f32]) {
        assert_eq!(
            gradient.len(),
            self.values.len(),
            "{}: a gradient is as long as the stored values",
            self.name
        );
        let values = self.values.host_mut();
        let mut step = |span: Range<usize>| {
            optimizer.step(
                learning_rate,
                self.decay,
                &mut values[span.clone()],
                &gradient[span.clone()],
                &mut self.columns,
                span,
            );
        };
        match &self.storage {
            Storage::Latent(sets) => match sets.update() {
                Extent::All => step(0..gradient.len()),
                Extent::Only(mask) => {
                    let mut positions = mask.positions().map(|p| p as usize).peekable();
                    while let Some(first) = positions.next() {
                        let mut end = first + 1;
                        while positions.next_if_eq(&end).is_some() {
                            end += 1;
                        }
                        step(first..end);
                    }
                }
            },
            Storage::Dense | Storage::Active(_) => step(0..gradient.len()),
        }
    }

    fn check_shape(&self, storage: &Storage) -> Result<(), NnError> {
        let found = match storage {
            Storage::Dense => return Ok(()),
            Storage::Active(topology) => topology.shape(),
            Storage::Latent(sets) => sets.forward().shape(),
        };
        if found == self.shape() {
            Ok(())
        } else {
            Err(NnError::Shape {
                name: self.name.clone(),
                expected: self.shape().to_string(),
                found: found.to_string(),
            })
        }
    }

    fn check_length(&self, what: &str, found: usize) -> Result<(), NnError> {
        let expected = self.stored();
        if found == expected {
            Ok(())
        } else {
            Err(NnError::Length {
                name: self.name.clone(),
                what: what.to_owned(),
                found,
                expected,
            })
        }
    }
}

fn indices(topology: &Topology) -> impl Iterator<Item = usize> + '_ {
    topology.positions().map(|position| position as usize)
}
