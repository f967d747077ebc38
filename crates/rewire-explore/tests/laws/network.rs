//! A network of bare weight matrices, and growth candidates found the slow way.

use std::collections::BTreeSet;

use rewire_explore::{Due, ExploreError, Explorer, LayerView};
use rewire_mask::{
    Candidate, Candidates, GrowthRequest, LayerRequest, Mask, MatrixShape, Rewiring, Topology,
    WeightView,
};
use rewire_rng::Streams;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Storage {
    Active,
    Latent,
    Dense,
}

#[derive(Clone, Debug)]
pub(crate) struct Layer {
    pub(crate) name: String,
    pub(crate) storage: Storage,
    pub(crate) topology: Topology,
    /// One value per active weight.
    pub(crate) values: Vec<f32>,
    mask: Mask,
    /// One value per entry; stale where inactive.
    latent: Vec<f32>,
}

impl Layer {
    pub(crate) fn new(name: &str, storage: Storage, topology: Topology, values: Vec<f32>) -> Self {
        let mut layer = Self {
            name: name.to_owned(),
            storage,
            mask: topology.to_mask(),
            latent: vec![1e-9; topology.shape().len() as usize],
            topology,
            values,
        };
        layer.refresh();
        layer
    }

    /// Reads rows separated by `/`, weights by blanks; a dot is an inactive weight.
    pub(crate) fn read(name: &str, text: &str) -> Self {
        let rows: Vec<Vec<&str>> = text
            .split('/')
            .map(|row| row.split_whitespace().collect())
            .collect();
        let shape = MatrixShape::new(rows.len(), rows[0].len());
        let words = rows.concat();
        let active = (0..words.len()).filter(|&i| words[i] != ".");
        let topology = Topology::from_positions(shape, active.clone().map(|i| i as u64)).unwrap();
        let values = active.map(|i| words[i].parse().unwrap()).collect();
        Self::new(name, Storage::Active, topology, values)
    }

    /// Makes the latent copy follow the active values.
    pub(crate) fn refresh(&mut self) {
        self.mask = self.topology.to_mask();
        for (position, &value) in self.topology.positions().zip(&self.values) {
            self.latent[position as usize] = value;
        }
    }

    pub(crate) fn positions(&self) -> BTreeSet<u64> {
        self.topology.positions().collect()
    }

    pub(crate) fn view(&self) -> LayerView<'_> {
        let weights = match self.storage {
            Storage::Active => WeightView::Active {
                topology: &self.topology,
                values: &self.values,
            },
            Storage::Latent => WeightView::Latent {
                values: &self.latent,
                forward: &self.mask,
                gradient: None,
            },
            Storage::Dense => WeightView::Dense {
                shape: self.topology.shape(),
                values: &self.latent,
            },
        };
        LayerView {
            name: &self.name,
            weights,
        }
    }

    pub(crate) fn apply(&mut self, rewiring: &Rewiring) {
        let (after, gather) = self.topology.apply(rewiring).unwrap();
        self.values = gather.gather(&self.values, 0.0);
        self.topology = after;
        self.refresh();
    }

    /// The answer to a request for the best candidates, by sorting every eligible position.
    pub(crate) fn answer(&self, request: &LayerRequest, gradient: &[f32]) -> Candidates {
        let k = match &request.growth {
            GrowthRequest::TopK { k } => *k,
            GrowthRequest::AtPositions(positions) => {
                let at = |&position: &u64| gradient[position as usize];
                return Candidates::AtPositions(positions.iter().map(at).collect());
            }
            _ => panic!("drop and grow asks for the best candidates or for a sample"),
        };
        let readmitted: BTreeSet<u64> = request.readmitted.iter().copied().collect();
        assert!(readmitted.is_subset(&self.positions()));
        let mut eligible: Vec<u64> = (0..self.topology.shape().len())
            .filter(|p| !self.topology.contains(*p) || readmitted.contains(p))
            .collect();
        let magnitude = |position: u64| gradient[position as usize].abs();
        // Stable: equal magnitudes stay in ascending order of position.
        eligible.sort_by(|&a, &b| magnitude(b).total_cmp(&magnitude(a)));
        eligible.truncate(k);
        eligible.sort_unstable();
        let candidate = |position| Candidate {
            position,
            magnitude: magnitude(position),
        };
        Candidates::Best(eligible.into_iter().map(candidate).collect())
    }
}

/// One round of an explorer at an update time; `gradients` holds one dense matrix per layer.
pub(crate) fn round(
    explorer: &mut dyn Explorer,
    step: u64,
    layers: &[Layer],
    gradients: &[Vec<f32>],
    seed: u64,
) -> Result<Vec<Rewiring>, ExploreError> {
    let views: Vec<LayerView<'_>> = layers.iter().map(Layer::view).collect();
    let streams = Streams::new(seed);
    let requests = explorer.request(step, &views, streams)?;
    assert_eq!(requests.is_some(), explorer.due(step) == Due::InsteadOfStep);
    let candidates: Vec<Candidates> = requests
        .iter()
        .flatten()
        .zip(layers)
        .zip(gradients)
        .map(|((request, layer), gradient)| layer.answer(request, gradient))
        .collect();
    explorer.rewire(step, &views, &candidates, streams)
}
