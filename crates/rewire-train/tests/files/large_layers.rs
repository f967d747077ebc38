//! Layers of more positions than any memory has bits for: whatever took memory or time in proportion
//! to out × in would not end.

use rewire_train::config::{Config, ConfigBuilder};
use rewire_train::trainer::Trainer;

/// 320 000 × 320 000 is 1.02·10¹¹ positions, of which 102 400 are active.
fn config(more: &[&str]) -> Config {
    let wide = [
        "model.kind=mlp:320000,320000",
        "data.batch=2",
        "layers.fc1.sparsity=0.99",
        "layers.fc2.sparsity=0.999999",
        "layers.fc3.sparsity=0.99",
        "rewire.every=1",
        "schedule.lr=0.000001",
    ];
    let mut builder = ConfigBuilder::new();
    for setting in wide.iter().chain(more) {
        builder = builder.set(setting).unwrap();
    }
    builder.build().unwrap()
}

#[test]
fn a_layer_of_a_hundred_billion_positions_is_built_rewired_and_saved() {
    let recipes: [&[&str]; 2] = [
        &["sparsity.method=set"],
        &["sparsity.method=rigl", "rewire.sample=1"],
    ];
    for recipe in recipes {
        let mut trainer = Trainer::new(&config(recipe)).unwrap();
        let n_active = |trainer: &Trainer| -> Vec<u64> {
            let layers = trainer.cost().layers.iter();
            layers.map(|layer| layer.cost.n_active).collect()
        };
        let start = n_active(&trainer);
        assert_eq!(start, [204_800, 102_400, 32_000]);
        let positions = |trainer: &Trainer| {
            let mut weights = trainer.parameters().iter();
            let weight = weights.find(|weight| weight.name() == "fc2.weight");
            weight.unwrap().topology().unwrap().clone()
        };
        let before = positions(&trainer);
        trainer.step_in_pool().unwrap();
        let after = positions(&trainer);
        let kept = before.positions().filter(|&p| after.contains(p)).count();
        // ⌊0.3 · 102 400⌋ go at the most, and at least one of them does not come back.
        assert!((71_680..102_400).contains(&kept), "{recipe:?}: {kept}");
        assert_eq!(n_active(&trainer), start);
        let flops = trainer.flops();
        assert!(flops.executed <= flops.algorithmic, "{flops:?}");
        let snapshot = trainer.snapshot().unwrap();
        let mut resumed = Trainer::new(&config(recipe)).unwrap();
        resumed
            .restore(&snapshot, "last.safetensors".as_ref())
            .unwrap();
        assert_eq!(positions(&resumed), after);
    }
}
