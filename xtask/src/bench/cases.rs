//! What is measured: shapes, densities, threads, and who takes part.

use std::fmt;

/// Samples, outputs and inputs of single layers.
const LAYERS: [[usize; 3]; 4] = [
    [128, 1024, 1024],
    [128, 3072, 3072],
    [256, 768, 3072],
    [64, 4096, 4096],
];

const LAYER_DENSITIES: [f64; 5] = [0.5, 0.25, 0.1, 0.05, 0.02];

/// Inputs, units of the hidden layers and classes of the network.
const NETWORK: [usize; 4] = [3072, 4096, 4096, 10];

const NETWORK_DENSITIES: [f64; 5] = [1.0, 0.5, 0.25, 0.1, 0.05];

const INFERENCE_DENSITIES: [f64; 3] = [0.25, 0.1, 0.05];

/// From half of all weights to one in a thousand, for the law of cost.
const SIZE_DENSITIES: [f64; 9] = [0.5, 0.25, 0.1, 0.05, 0.025, 0.01, 0.005, 0.0025, 0.001];

/// Densities at which a training process's memory is looked at.
pub(super) const MEMORY_DENSITIES: [f64; 5] = [0.5, 0.25, 0.1, 0.05, 0.01];

/// The candidate that every other is compared with.
pub(super) const OWN: &str = "tiled";

/// Candidates that multiply all weights.
pub(super) const DENSE: [&str; 2] = ["torch-mm", "own-dense"];

/// Candidates of this project; all others are peers.
const OF_THIS_PROJECT: [&str; 3] = ["tiled", "own-dense", "plain"];

/// How much is spent on each number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effort {
    /// Times that every candidate of a case has its turn.
    pub(super) rounds: usize,
    /// What a candidate's runs in one turn add up to, in seconds; one run may last longer.
    pub(super) turn: f64,
}

impl Effort {
    /// A few short turns, or as many as make the medians steady.
    pub(super) fn new(quick: bool) -> Self {
        if quick {
            Self {
                rounds: 3,
                turn: 0.005,
            }
        } else {
            Self {
                rounds: 9,
                turn: 0.02,
            }
        }
    }
}

/// What kind of thing is measured; the first column of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The three products of one layer.
    Product,
    /// A whole training step.
    Step,
    /// A forward pass alone.
    Inference,
    /// A whole training step of this project alone, over three decades of density.
    Size,
}

impl Part {
    /// The word in the record.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Step => "step",
            Self::Inference => "inference",
            Self::Size => "size",
        }
    }
}

/// One layer or network at one density.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) part: Part,
    pub(super) samples: usize,
    /// Outputs and inputs of a layer; the widths of a network from its inputs on.
    pub(super) sizes: Vec<usize>,
    pub(super) density: f64,
    pub(super) threads: usize,
}

/// One product by one candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) product: &'static str,
    pub(super) candidate: &'static str,
}

impl Entry {
    /// Whether other libraries have to be asked.
    pub(super) fn is_peer(self) -> bool {
        !OF_THIS_PROJECT.contains(&self.candidate)
    }
}

impl Case {
    /// Whether it is about one layer.
    pub(super) fn is_layer(&self) -> bool {
        self.part == Part::Product
    }

    /// Samples and sizes, as `128x1024x1024` or `128x3072-4096-4096-10`.
    pub(super) fn shape(&self) -> String {
        let joint = if self.is_layer() { "x" } else { "-" };
        let sizes: Vec<String> = self.sizes.iter().map(usize::to_string).collect();
        format!("{}x{}", self.samples, sizes.join(joint))
    }

    /// The request that makes a side load it from `folder`.
    pub(super) fn request(&self, folder: &str, seed: u64) -> String {
        let sizes: Vec<String> = self.sizes.iter().map(usize::to_string).collect();
        let (samples, density, sizes) = (self.samples, self.density, sizes.join(" "));
        if self.is_layer() {
            format!("layer {folder} {seed} {samples} {sizes} {density}")
        } else {
            format!("network {folder} {seed} {samples} {density} {sizes}")
        }
    }

    /// Who takes part, this project's first of each product.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let products: &[(&'static str, &[&'static str])] = match self.part {
            Part::Product => &[
                (
                    "forward",
                    &[
                        OWN,
                        "own-dense",
                        "torch-mm",
                        "torch-csr",
                        "mkl-sparse",
                        "scipy-csr",
                    ],
                ),
                (
                    "input_gradient",
                    &[OWN, "own-dense", "torch-mm", "mkl-sparse"],
                ),
                (
                    "weight_gradient",
                    &[OWN, "own-dense", "torch-mm", "torch-csr"],
                ),
            ],
            // At density 1 this project's weights are stored dense: there is no second way.
            Part::Step if self.density >= 1.0 => &[("step", &[OWN, "torch-masked", "torch-dense"])],
            Part::Step => &[("step", &[OWN, "own-dense", "torch-masked", "torch-dense"])],
            Part::Inference => &[(
                "inference",
                &[OWN, "own-dense", "torch-dense", "onnxruntime"],
            )],
            Part::Size => &[("step", &[OWN])],
        };
        products
            .iter()
            .flat_map(|&(product, candidates)| {
                candidates
                    .iter()
                    .map(move |&candidate| Entry { product, candidate })
            })
            .collect()
    }
}

/// The name that a filter looks into.
impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (part, shape) = (self.part.word(), self.shape());
        let (density, threads) = (self.density, self.threads);
        write!(f, "{part} {shape} density {density} threads {threads}")
    }
}

/// Whether a training process's memory is asked for.
pub(super) fn wants_memory(filter: Option<&str>) -> bool {
    filter.is_none_or(|text| "memory".contains(text))
}

/// The cases whose names contain `filter`.
pub(super) fn all(filter: Option<&str>) -> Vec<Case> {
    let mut cases = Vec::new();
    for [samples, outputs, inputs] in LAYERS {
        for density in LAYER_DENSITIES {
            cases.push(Case {
                part: Part::Product,
                samples,
                sizes: vec![outputs, inputs],
                density,
                threads: 1,
            });
        }
    }
    let network = |part, samples, density, threads| Case {
        part,
        samples,
        sizes: NETWORK.to_vec(),
        density,
        threads,
    };
    cases.extend(NETWORK_DENSITIES.map(|density| network(Part::Step, 128, density, 1)));
    for threads in [1, 2] {
        for samples in [1, 128] {
            let passes = INFERENCE_DENSITIES.map(|d| network(Part::Inference, samples, d, threads));
            cases.extend(passes);
        }
    }
    cases.extend(SIZE_DENSITIES.map(|density| network(Part::Size, 128, density, 1)));
    cases.retain(|case| filter.is_none_or(|text| case.to_string().contains(text)));
    cases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_has_its_own_name_and_begins_each_product_with_this_project() {
        let cases = all(None);
        let mut names: Vec<String> = cases.iter().map(Case::to_string).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), cases.len());
        for case in &cases {
            let entries = case.entries();
            for (index, entry) in entries.iter().enumerate() {
                let is_first = index == 0 || entries[index - 1].product != entry.product;
                assert_eq!(entry.candidate == OWN, is_first, "{case}");
                assert!(!entry.is_peer() || !is_first);
            }
        }
    }

    #[test]
    fn a_filter_keeps_what_contains_it() {
        let cases = all(Some("128x1024x1024 density 0.1"));
        assert_eq!(cases.len(), 1);
        assert_eq!(cases[0].shape(), "128x1024x1024");
        assert_eq!(
            cases[0].request("data", 7),
            "layer data 7 128 1024 1024 0.1"
        );
        let step = all(Some("step 128x3072-4096-4096-10 density 0.25"));
        assert_eq!(
            step[0].request("data", 7),
            "network data 7 128 0.25 3072 4096 4096 10"
        );
        assert!(all(Some("nothing of the kind")).is_empty());
        assert!(wants_memory(None) && wants_memory(Some("memory")) && !wants_memory(Some("step")));
    }
}
