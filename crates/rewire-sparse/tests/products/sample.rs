//! A sample of the gradient saves time in choosing the best of it, and changes nothing.

use rewire_sparse::mask::{GrowthRequest, LayerRequest};
use rewire_sparse::{Fast, Plain, Products};

use super::growth::{expected, stored_gradient};
use super::layer::{Fill, Layer, Pair};

/// Layers of many rows are sampled first: the choice is the same where the sample tells the truth,
/// and where it shows the only rows with large gradients or none of them.
#[test]
fn a_sample_of_the_gradient_changes_no_choice() {
    for (rows, cols) in [(1024, 12), (1100, 7)] {
        for scale in [1.0, 1e6, 1e-6] {
            let mut layer = Layer::new((rows, cols, 5, Fill::Density(0.2)), 8);
            for (row, mut gradients) in layer.dy.columns_mut().into_iter().enumerate() {
                // The stripes that are sampled: 8 rows from every eighth of them.
                if row % (rows / 8) < 8 {
                    gradients *= scale;
                }
            }
            let pair = Pair::new(&layer.dy, &layer.x);
            let pairs = [pair.as_pair()];
            let all: [(&str, &dyn Products); 2] = [("plain", &Plain), ("fast", &Fast::default())];
            for (name, products) in all {
                let gradient = stored_gradient(products, &layer, &pairs);
                for k in [1, 100, 3000, rows * cols] {
                    let request = LayerRequest {
                        growth: GrowthRequest::TopK { k },
                        readmitted: layer.active.positions().step_by(4).collect(),
                    };
                    let view = layer.active();
                    let (found, executed) = products
                        .growth(layer.geometry(), view, &pairs, &request)
                        .unwrap();
                    let what = format!("{rows}×{cols}, {scale}, {name}, best {k}");
                    assert!(
                        found == expected(&layer, view, &gradient, &request),
                        "{what}"
                    );
                    let once = 2 * (rows * cols * 5) as u64;
                    let sample = 2 * (64 * cols * 5) as u64;
                    // At most once in vain, and then nothing but the sample in addition.
                    let counts = [once, once + sample, 2 * once + sample];
                    assert!(counts.contains(&executed), "{what}: {executed}");
                    if scale == 1e6 && k == 3000 {
                        assert_eq!(executed, counts[2], "{what}");
                    }
                }
            }
        }
    }
}
